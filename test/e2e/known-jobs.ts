/** Events are believed of jobs that SageMaker knows: those that tests send are about jobs made for them here. */
import type { AwsSandbox } from '#sandbox';
import type { TrainingJobSeed } from '#sandbox/seeds';

type Status = TrainingJobSeed['transitions'][number]['status'];
const STATUSES: readonly string[] = [
  'InProgress',
  'Stopping',
  'Completed',
  'Failed',
  'Stopped',
] satisfies Status[];

interface Told {
  account: string;
  region: string;
  detail: Record<string, unknown>;
}

/** Of the job's events the one that ends it counts, in whatever order they come. */
export class KnownJobs {
  readonly #ended = new Set<string>();

  /** @param bodies whatever is sent; only what reads as an event of a training job makes one */
  know(aws: Pick<AwsSandbox, 'putTrainingJob'>, bodies: readonly string[]): void {
    for (const body of bodies) {
      const told = readTold(body);
      if (!told) continue;
      const { account, region, detail } = told;
      const name = String(detail.TrainingJobName);
      const status = detail.TrainingJobStatus as Status;
      const key = `${account} ${region} ${name}`;
      if (this.#ended.has(key)) continue;
      if (['Completed', 'Failed', 'Stopped'].includes(status)) this.#ended.add(key);
      aws.putTrainingJob(account, region, seedOf(name, status, detail));
    }
  }
}

function readTold(body: string): Told | undefined {
  try {
    const event = JSON.parse(body) as Told & { 'detail-type'?: string; source?: string };
    const isTraining =
      event['detail-type'] === 'SageMaker Training Job State Change' &&
      event.source === 'aws.sagemaker' &&
      /^\d{12}$/.test(event.account) &&
      typeof event.detail.TrainingJobName === 'string' &&
      STATUSES.includes(String(event.detail.TrainingJobStatus));
    return isTraining ? event : undefined;
  } catch {
    return undefined;
  }
}

function seedOf(name: string, status: Status, detail: Record<string, unknown>): TrainingJobSeed {
  const secondary = String(detail.SecondaryStatus ?? status);
  const seconds = (value: unknown): number | undefined =>
    typeof value === 'number' ? value / 1000 : undefined;
  const times = Object.fromEntries(
    ['CreationTime', 'TrainingStartTime', 'TrainingEndTime', 'LastModifiedTime'].flatMap((field) => {
      const at = seconds(detail[field]);
      return at === undefined ? [] : [[field, at]];
    }),
  );
  const reason = detail.FailureReason;
  return {
    name,
    // The test's clock may be ahead of the sandbox's: its times stand in the details.
    transitions: [
      { at: Date.now() - 60_000, status: 'InProgress', secondary: 'Starting' },
      { at: Date.now() - 1_000, status, secondary },
    ],
    ...(typeof reason === 'string' ? { failureReason: reason } : {}),
    image: 'image',
    roleArn: 'arn:aws:iam::123456789012:role/TrainingExecution',
    instanceType: 'ml.g5.xlarge',
    instanceCount: 1,
    volumeGB: 30,
    maxRuntimeSeconds: 86_400,
    hyperParameters: {},
    channels: {},
    outputPath: 's3://line-3-models/trained',
    streams: [],
    untold: true,
    details: times,
  };
}
