/**
 * A storm of events: many training jobs from beginning to end, devices that report, alarms that go on and off; everything
 * twice, late and out of order, some of it rubbish. For the test beside it and for `bench/`.
 */
import { randomUUID } from 'node:crypto';

export const REGION = 'eu-west-1';

/** mulberry32: the same storm for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type End = 'Completed' | 'Failed' | 'Stopped';

export interface StormJob {
  name: string;
  place: Place;
  end: End;
}

/** A use case: an account, a channel with its jobs' cards, one for its alerts. */
export interface Place {
  id: string;
  account: string;
  channel: string;
  alerts: string;
}

/** What devices and alarms report: what people shall see of it. */
export interface StormReport {
  kind: 'deployment' | 'component' | 'alarm';
  place: Place;
  /** Words of its announcement that no other has. */
  said: readonly string[];
  /** A later report of the same thing is there: when that one comes first, this one is not told. */
  overtaken: boolean;
  /** Its failure in an alert: the alert's title, and its name there. */
  alert?: { title: string; name: string } | undefined;
}

export interface Storm {
  jobs: StormJob[];
  reports: StormReport[];
  /** In the order in which they are sent. */
  bodies: string[];
  counts: { changes: number; duplicates: number; malformed: number };
}

const RUBBISH: readonly ((number: number, good: string) => string)[] = [
  (number) => `not json ${number}`,
  (number, good) => `${good.slice(0, 200)}${number}`,
  (number) => JSON.stringify({ hello: number }),
  (number, good) =>
    JSON.stringify({ ...JSON.parse(good), id: `u${number}`, 'detail-type': `Unknown ${number}` }),
  (number, good) => JSON.stringify({ ...JSON.parse(good), id: `m${number}`, detail: { number } }),
  (number, good) => JSON.stringify({ ...JSON.parse(good), id: `a${number}`, account: '999999999999' }),
];

/** @param own every channel a use case of its own; otherwise the alerts of each have a second channel */
export function places(channels: number, own = false): Place[] {
  const count = own ? channels : Math.max(1, Math.floor(channels / 2));
  return Array.from({ length: count }, (_, index) => ({
    id: `storm-${index}`,
    account: String(400_000_000_000 + index),
    channel: `C0STORM${index}`,
    alerts: own ? `C0STORM${index}` : `C0ALARM${index}`,
  }));
}

export function makeStorm(options: {
  events: number;
  jobs: number;
  /** Events of devices and alarms among them. */
  reports: number;
  seed: number;
  places: Place[];
}): Storm {
  const random = randomFrom(options.seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const jobs = Array.from({ length: options.jobs }, (_, number): StormJob => {
    const dice = random();
    const end = dice < 0.7 ? 'Completed' : dice < 0.9 ? 'Failed' : 'Stopped';
    return { name: `press-n${number}-run`, place: options.places[number % options.places.length]!, end };
  });
  const malformed = Math.round(options.events * 0.01);
  const duplicates = Math.round(options.events * 0.2);
  const changes = options.events - malformed - duplicates;
  const steps = changes - options.reports;
  if (steps < jobs.length) throw new Error(`${steps} changes are too few for ${jobs.length} jobs`);

  const begin = Date.now() - 3_600_000;
  const made: { at: number; body: string }[] = [];
  for (const [number, job] of jobs.entries()) {
    const own = Math.floor(steps / jobs.length) + (number < steps % jobs.length ? 1 : 0);
    for (let step = 0; step < own; step += 1) {
      // Jobs begin and end at different times; within one its changes follow each other.
      const place = (number / jobs.length) * 0.5 + ((step + 1) / own) * 0.5;
      made.push({
        at: place,
        body: JSON.stringify(trainingEvent(job, step, own, begin + place * 3_500_000)),
      });
    }
  }
  const reports: StormReport[] = [];
  for (let number = 0; number < options.reports; number += 1) {
    const at = random();
    const { event, report } = reported(number, options.places, begin + at * 3_500_000);
    reports.push(report);
    made.push({ at, body: JSON.stringify(event) });
  }
  const first = made.length;
  for (let more = 0; more < duplicates; more += 1) {
    const { at, body } = made[Math.floor(random() * first)]!;
    // One event delivered again, or one change sent under another id.
    const again = random() < 0.5 ? body : JSON.stringify({ ...JSON.parse(body), id: randomUUID() });
    made.push({ at: at + random() * 0.3, body: again });
  }
  for (let number = 0; number < malformed; number += 1)
    made.push({ at: random(), body: pick(RUBBISH)(number, pick(made.slice(0, first)).body) });
  // Out of order: each a little, some a lot.
  const order = made
    .map(({ at, body }) => ({ at: at + (random() - 0.5) * (random() < 0.05 ? 0.6 : 0.04), body }))
    .sort((a, b) => a.at - b.at);
  return { jobs, reports, bodies: order.map(({ body }) => body), counts: { changes, duplicates, malformed } };
}

/** As SageMaker sends it; the last step is the end. */
export function trainingEvent(job: StormJob, step: number, steps: number, at: number): object {
  const last = step === steps - 1;
  const secondary = ['Starting', 'Downloading', 'Training', 'Uploading'];
  const position = Math.min(3, Math.floor((step / Math.max(1, steps - 1)) * 4));
  const arn = `arn:aws:sagemaker:${REGION}:${job.place.account}:training-job/${job.name}`;
  const number = Number(/\d+/.exec(job.name)?.[0] ?? 0);
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'SageMaker Training Job State Change',
    source: 'aws.sagemaker',
    account: job.place.account,
    time: new Date(at).toISOString(),
    region: REGION,
    resources: [arn],
    detail: {
      TrainingJobName: job.name,
      TrainingJobArn: arn,
      TrainingJobStatus: last ? job.end : 'InProgress',
      SecondaryStatus: last ? job.end : secondary[position],
      CreationTime: at - step * 1000,
      LastModifiedTime: Math.floor(at),
      ...(last ? { TrainingEndTime: Math.floor(at) } : {}),
      ...(last && job.end === 'Failed'
        ? {
            // Every third has a cause that others share: one alert for them.
            FailureReason:
              number % 3 === 0
                ? 'CapacityError: Unable to provision requested ML compute capacity.'
                : `AlgorithmError: <!channel> batch of press ${number} cannot be read, exit code: 1`,
          }
        : {}),
    },
  };
}

/** Cells of one line that a deployment is made for, and its devices that report a component broken, are so many. */
const TOGETHER = 4;

/** Deployments, components on devices and alarms by turns, as Greengrass and CloudWatch send them. */
function reported(number: number, places: Place[], at: number): { event: object; report: StormReport } {
  const kinds = ['deployment', 'component', 'alarm'] as const;
  const kind = kinds[number % kinds.length]!;
  const nth = Math.floor(number / kinds.length);
  // Those that share a cause are in one place.
  const place = places[Math.floor(nth / TOGETHER) % places.length]!;
  const lot = Math.floor(nth / TOGETHER);
  const device = `${kind}-cell-n${nth}`;
  const envelope = {
    version: '0',
    id: randomUUID(),
    account: place.account,
    time: new Date(at).toISOString(),
    region: REGION,
    resources: [`arn:aws:greengrass:${REGION}:${place.account}:coreDevices:${device}`],
  };
  if (kind === 'deployment') {
    const failed = lot % 2 === 0;
    return {
      event: {
        ...envelope,
        'detail-type': 'Greengrass V2 Effective Deployment Status Change',
        source: 'aws.greengrass',
        detail: {
          deploymentId: `deployment-n${lot}`,
          coreDeviceExecutionStatus: failed ? 'FAILED' : 'SUCCEEDED',
          ...(failed
            ? { statusDetails: { errorStack: ['DEPLOYMENT_FAILURE', 'S3_ACCESS_DENIED'], errorTypes: [] } }
            : {}),
        },
      },
      report: {
        kind,
        place,
        said: [`*Deployment ${failed ? 'failed' : 'succeeded'}*`, `\`${device}\``],
        overtaken: false,
        alert: failed ? { title: 'Deployment failed', name: device } : undefined,
      },
    };
  }
  if (kind === 'component') {
    const broken = lot % 2 === 1;
    const [name, version] = [`vision-n${lot}`, '1.0.0'];
    return {
      event: {
        ...envelope,
        'detail-type': 'Greengrass V2 Installed Component Status Change',
        source: 'aws.greengrass',
        detail: {
          components: [
            {
              componentName: name,
              componentVersion: version,
              root: true,
              lifecycleState: broken ? 'BROKEN' : 'RUNNING',
              lifecycleStatusCodes: broken ? ['RUN_ERROR'] : [],
              lifecycleStateDetails: broken ? 'The run script exited with code 1 three times.' : '',
            },
          ],
        },
      },
      report: {
        kind,
        place,
        said: ['*Components on ', `\`${device}\``, broken ? 'broken' : 'running'],
        overtaken: false,
        alert: broken
          ? { title: 'Component broken on a device', name: `${name} ${version} on ${device}` }
          : undefined,
      },
    };
  }
  // Every alarm goes off and is over, or is over and goes off: two events, the second of which nothing overtakes.
  const alarm = `loss-n${Math.floor(nth / 2)}`;
  const states = Math.floor(nth / 2) % 2 === 0 ? ['ALARM', 'OK'] : ['OK', 'ALARM'];
  const state = states[nth % 2]!;
  const home = places[Math.floor(nth / 2) % places.length]!;
  const second = nth % 2 === 1;
  const timestamp = new Date(Date.now() - (second ? 1_800_000 : 3_600_000)).toISOString();
  return {
    event: {
      ...envelope,
      account: home.account,
      'detail-type': 'CloudWatch Alarm State Change',
      source: 'aws.cloudwatch',
      resources: [`arn:aws:cloudwatch:${REGION}:${home.account}:alarm:${alarm}`],
      detail: {
        alarmName: alarm,
        state: { value: state, reason: `Threshold crossed: loss of ${alarm}`, timestamp },
      },
    },
    report: {
      kind,
      place: home,
      said: [state === 'ALARM' ? '*CloudWatch alarm*' : `*Alarm ${state}*`, `\`${alarm}\``],
      overtaken: !second,
      alert: state === 'ALARM' ? { title: 'CloudWatch alarm', name: alarm } : undefined,
    },
  };
}
