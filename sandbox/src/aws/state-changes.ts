/**
 * What has changed in the world since the last look, as AWS would tell EventBridge: training jobs, Greengrass
 * deployments and components, alarms and, where it is wished for, compilations.
 */
import type { EpochMs } from '../time.ts';
import type { EventFacts } from './event.ts';
import type { CoreDeviceSeed } from './fleet.ts';
import type { Place } from './stores.ts';

export interface StateChange extends EventFacts {
  /** The same at every start of the same world: what chance does to the event depends on it. */
  key: string;
}

/** The states of a deployment on a device that Greengrass tells of. */
const TOLD = ['SUCCEEDED', 'FAILED', 'CANCELED'];

export class StateChanges {
  /** Transitions and alarm states that were told, or were there before. */
  readonly #told = new WeakSet<object>();
  /** `account/region/device/deployment` and compilation ARN → status. */
  readonly #statuses = new Map<string, string>();
  readonly #places: () => Iterable<Place>;

  /** What is there at `now` is old. */
  constructor(places: () => Iterable<Place>, now: EpochMs) {
    this.#places = places;
    this.since(now, { compilations: true });
  }

  /** Oldest first. */
  since(now: EpochMs, { compilations }: { compilations: boolean }): StateChange[] {
    const changes: StateChange[] = [];
    for (const place of this.#places()) {
      changes.push(...this.#trainingJobs(place, now));
      changes.push(...this.#deployments(place, now));
      changes.push(...this.#alarms(place, now));
      if (compilations) changes.push(...this.#compilations(place, now));
    }
    return changes.sort((a, b) => a.at - b.at);
  }

  *#trainingJobs({ account, region, jobs }: Place, now: EpochMs): Generator<StateChange> {
    for (const job of jobs.all(now)) {
      if (job.untold) continue;
      for (const [index, transition] of job.transitions.entries()) {
        if (transition.at > now) break;
        if (this.#told.has(transition)) continue;
        this.#told.add(transition);
        yield {
          key: `${job.name}/${index}`,
          account,
          region,
          source: 'aws.sagemaker',
          detailType: 'SageMaker Training Job State Change',
          at: transition.at,
          resources: [jobs.arn(job.name)],
          detail: { ...inMilliseconds(jobs.description(job, transition.at)), Tags: { ...job.tags } },
        };
      }
    }
  }

  *#compilations({ account, region, compilations }: Place, now: EpochMs): Generator<StateChange> {
    for (const job of compilations.all(now)) {
      const description = compilations.description(job, now);
      const status = String(description.CompilationJobStatus);
      const arn = compilations.arn(job.name);
      if (this.#statuses.get(arn) === status) continue;
      this.#statuses.set(arn, status);
      yield {
        key: `${job.name}/${status}`,
        account,
        region,
        source: 'aws.sagemaker',
        detailType: 'SageMaker Compilation Job State Change',
        at: now,
        resources: [arn],
        detail: {
          CompilationJobName: job.name,
          CompilationJobArn: arn,
          // Nobody documents these events: those that were seen write the status in other ways than the API.
          CompilationJobStatus: oddCase(status),
          ...(description.FailureReason === undefined ? {} : { FailureReason: description.FailureReason }),
        },
      };
    }
  }

  *#deployments({ account, region, fleet }: Place, now: EpochMs): Generator<StateChange> {
    for (const device of fleet.devices({})) {
      for (const { deployment, execution } of fleet.effective(device, now)) {
        const { status, changedAt, reason, errorStack, errorTypes, broken } = execution;
        const key = `${account}/${region}/${device.name}/${deployment.id}`;
        const before = this.#statuses.get(key);
        this.#statuses.set(key, status);
        if (before === status || !TOLD.includes(status)) continue;
        const about = { account, region, source: 'aws.greengrass', at: changedAt };
        const resources = [coreDeviceArn(account, region, device)];
        const ofThing = deployment.target.startsWith('thing/');
        yield {
          ...about,
          key: `${device.name}/${deployment.name}/${status}`,
          detailType: 'Greengrass V2 Effective Deployment Status Change',
          resources,
          detail: {
            deploymentId: deployment.id,
            coreDeviceExecutionStatus: status === 'SUCCEEDED' && ofThing ? 'COMPLETED' : status,
            ...(errorStack === undefined ? {} : { statusDetails: { errorStack, errorTypes } }),
            reason: reason ?? (status === 'SUCCEEDED' ? 'SUCCESSFUL' : status),
          },
        };
        if (!errorStack?.includes('COMPONENT_BROKEN')) continue;
        const { code, exitCode } = broken ?? { code: 'RUN_ERROR', exitCode: 1 };
        yield {
          ...about,
          key: `${device.name}/${deployment.name}/components`,
          detailType: 'Greengrass V2 Installed Component Status Change',
          resources,
          detail: {
            components: Object.entries(deployment.components).map(([componentName, componentVersion]) => ({
              componentName,
              componentVersion,
              root: true,
              lifecycleState: 'BROKEN',
              lifecycleStatusCodes: [code],
              lifecycleStateDetails: componentDetails(code, exitCode),
            })),
          },
        };
      }
    }
  }

  *#alarms({ account, region, alarms }: Place, now: EpochMs): Generator<StateChange> {
    for (const alarm of alarms.all()) {
      for (const [index, state] of alarm.states.entries()) {
        if (state.at > now || this.#told.has(state)) continue;
        this.#told.add(state);
        yield {
          key: `${alarm.name}/${index}`,
          account,
          region,
          source: 'aws.cloudwatch',
          detailType: 'CloudWatch Alarm State Change',
          at: state.at,
          resources: [alarms.arn(alarm.name)],
          detail: alarms.detail(alarm, index),
        };
      }
    }
  }
}

/** What the nucleus says of a script that failed: ComponentStatusCode.java of aws-greengrass-nucleus. */
const SCRIPTS: Readonly<Record<string, readonly [happened: string, script: string]>> = {
  INSTALL_ERROR: ['An error occurred during installation.', 'install'],
  STARTUP_ERROR: ['An error occurred during startup.', 'startup'],
  RUN_ERROR: ['An error occurred while running the component.', 'run'],
};

function componentDetails(code: string, exitCode: number): string {
  const [happened, script] = SCRIPTS[code] ?? SCRIPTS.RUN_ERROR!;
  return `${happened} The ${script} script exited with code ${exitCode}.`;
}

/** Resources of Greengrass's events have the device after a colon, its API after one as well. */
const coreDeviceArn = (account: string, region: string, { name }: CoreDeviceSeed) =>
  `arn:aws:greengrass:${region}:${account}:coreDevices:${name}`;

const TIMES = /(Time|Timestamp)$/;

/** Answers of the API have times in seconds; events have them in milliseconds. */
function inMilliseconds(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (TIMES.test(name) && typeof member === 'number') return [name, Math.round(member * 1000)];
      if (Array.isArray(member)) {
        return [name, member.map((one) => (isRecord(one) ? inMilliseconds(one) : one))];
      }
      return [name, isRecord(member) ? inMilliseconds(member) : member];
    }),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const oddCase = (status: string) => status.charAt(0) + status.slice(1).toLowerCase();
