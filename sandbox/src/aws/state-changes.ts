/**
 * What has changed in the world since the last look, as AWS would tell EventBridge: training jobs and SageMaker's
 * other kinds of work, Greengrass deployments and components, alarms and, where it is wished for, compilations.
 */
import type { EpochMs } from '../time.ts';
import { batchEvent } from './batch-events.ts';
import type { EventFacts } from './event.ts';
import type { CoreDeviceSeed } from './fleet.ts';
import { kindChanges } from './kinds/changes.ts';
import { inMilliseconds } from './kinds/milliseconds.ts';
import type { Place } from './stores.ts';

export interface StateChange extends EventFacts {
  /** The same at every start of the same world: what chance does to the event depends on it. */
  key: string;
}

/** Its detail is made only of what is told: of what was there before, making them all takes longer than the rest of a start. */
interface News extends Omit<StateChange, 'detail'> {
  detail: () => StateChange['detail'];
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
    this.#news(now, true);
  }

  /** Oldest first. */
  since(now: EpochMs, { compilations }: { compilations: boolean }): StateChange[] {
    return this.#news(now, compilations)
      .sort((a, b) => a.at - b.at)
      .map((one) => ({ ...one, detail: one.detail() }));
  }

  #news(now: EpochMs, compilations: boolean): News[] {
    return [...this.#places()].flatMap((place) => [
      ...this.#trainingJobs(place, now),
      ...this.#kinds(place, now),
      ...this.#deployments(place, now),
      ...this.#alarms(place, now),
      ...(compilations ? this.#compilations(place, now) : []),
    ]);
  }

  *#trainingJobs({ account, region, jobs }: Place, now: EpochMs): Generator<News> {
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
          detail: () => ({
            ...inMilliseconds(jobs.description(job, transition.at)),
            Tags: { ...job.tags },
          }),
        };
        const batch = batchEvent(job, index, { account, region, trainingArn: jobs.arn(job.name) });
        if (batch) yield { account, region, ...batch, detail: () => batch.detail };
      }
    }
  }

  *#kinds({ account, region, kinds }: Place, now: EpochMs): Generator<News> {
    for (const store of Object.values(kinds)) {
      for (const { mark, ...change } of kindChanges(store, now, (one) => this.#told.has(one))) {
        this.#told.add(mark);
        yield { account, region, source: 'aws.sagemaker', ...change };
      }
    }
  }

  *#compilations({ account, region, compilations }: Place, now: EpochMs): Generator<News> {
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
        detail: () => ({
          CompilationJobName: job.name,
          CompilationJobArn: arn,
          // Nobody documents these events: those that were seen write the status in other ways than the API.
          CompilationJobStatus: oddCase(status),
          ...(description.FailureReason === undefined ? {} : { FailureReason: description.FailureReason }),
        }),
      };
    }
  }

  *#deployments({ account, region, fleet }: Place, now: EpochMs): Generator<News> {
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
          detail: () => ({
            deploymentId: deployment.id,
            coreDeviceExecutionStatus: status === 'SUCCEEDED' && ofThing ? 'COMPLETED' : status,
            ...(errorStack === undefined ? {} : { statusDetails: { errorStack, errorTypes } }),
            reason: reason ?? (status === 'SUCCEEDED' ? 'SUCCESSFUL' : status),
          }),
        };
        if (!errorStack?.includes('COMPONENT_BROKEN')) continue;
        const { code, exitCode } = broken ?? { code: 'RUN_ERROR', exitCode: 1 };
        yield {
          ...about,
          key: `${device.name}/${deployment.name}/components`,
          detailType: 'Greengrass V2 Installed Component Status Change',
          resources,
          detail: () => ({
            components: Object.entries(deployment.components).map(([componentName, componentVersion]) => ({
              componentName,
              componentVersion,
              root: true,
              lifecycleState: 'BROKEN',
              lifecycleStatusCodes: [code],
              lifecycleStateDetails: componentDetails(code, exitCode),
            })),
          }),
        };
      }
    }
  }

  *#alarms({ account, region, alarms }: Place, now: EpochMs): Generator<News> {
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
          detail: () => alarms.detail(alarm, index),
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

const oddCase = (status: string) => status.charAt(0) + status.slice(1).toLowerCase();
