/** Events as AWS sends them, and an ingest that counts what it was given. */
import type { UseCase } from '../../src/domain/use-cases.ts';
import type { IngestLog } from '../../src/events/handling.ts';
import { Ingest, type IngestOptions } from '../../src/events/ingest.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import type { StoreHealth } from '../../src/ports/store.ts';

const ACCOUNT = '123456789012';
const REGION = 'eu-west-1';
export const AT = Date.UTC(2026, 0, 31, 14, 0);

export const USE_CASE: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: ACCOUNT, region: REGION },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};

export const SILENT: IngestLog = { warn: () => {}, error: () => {}, debug: () => {} };

let ids = 0;

export function envelope(
  type: string,
  detail: Record<string, unknown>,
  changes: Record<string, unknown> = {},
) {
  ids += 1;
  const source = type.startsWith('SageMaker')
    ? 'aws.sagemaker'
    : type.startsWith('Green')
      ? 'aws.greengrass'
      : type.startsWith('Batch')
        ? 'aws.batch'
        : 'aws.cloudwatch';
  return {
    version: '0' as const,
    id: `event-${ids}`,
    'detail-type': type,
    source,
    account: ACCOUNT,
    time: new Date(AT).toISOString(),
    region: REGION,
    resources: [] as string[],
    detail,
    ...changes,
  };
}

export function trainingEvent(
  job: string,
  status: string,
  detail: Record<string, unknown> = {},
  changes: Record<string, unknown> = {},
) {
  const arn = `arn:aws:sagemaker:${REGION}:${ACCOUNT}:training-job/${job}`;
  return envelope(
    'SageMaker Training Job State Change',
    {
      TrainingJobName: job,
      TrainingJobArn: arn,
      TrainingJobStatus: status,
      SecondaryStatus: status,
      CreationTime: AT - 60_000,
      ...detail,
    },
    { resources: [arn], ...changes },
  );
}

export const body = (event: object): string => JSON.stringify(event);

/** @returns an ingest, and what its handler of training events was given */
export function ingestOn(store: EventStore & StoreHealth, options: Partial<IngestOptions> = {}) {
  const handled: string[] = [];
  const ingest = new Ingest({
    store,
    clock: { now: () => AT },
    useCases: [USE_CASE],
    log: SILENT,
    backoff: [0, 0],
    ...options,
  });
  ingest.on('training', async ({ job, status }) => void handled.push(`${job} ${status}`));
  return { ingest, handled };
}
