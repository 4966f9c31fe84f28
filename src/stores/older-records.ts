/** Records of earlier versions, as this one would have written them. */
import { subjectKey } from '../domain/aws-events.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { sageMakerState } from '../domain/sagemaker-states.ts';
import type { EventRecord } from '../ports/event-store.ts';
import type { DeadChannel } from '../ports/outbox-store.ts';

/** @param kind as in the journal */
export function currentRecord<T>(kind: string, record: T): T {
  if (kind === 'job') return currentJob(record as JobRecord) as T;
  if (kind === 'dead') return currentDeadChannel(record as DeadChannel) as T;
  return record;
}

/** When no other provider was there, a training job had SageMaker's words alone, and nothing said whose it was. */
function currentJob(record: JobRecord): JobRecord {
  const { job } = record as { job: Partial<JobRecord['job']> };
  if (job.state !== undefined && job.provider !== undefined) return record;
  const standing =
    job.state === undefined ? sageMakerState(String(job.status ?? 'Unknown'), job.secondaryStatus) : {};
  return { ...record, job: { ...record.job, ...standing, provider: job.provider ?? 'sagemaker' } };
}

/** The next check of a channel had other names. */
function currentDeadChannel(record: DeadChannel): DeadChannel {
  const { nextLookAt, looks, ...rest } = record as DeadChannel & { nextLookAt?: number; looks?: number };
  return nextLookAt === undefined ? record : { ...rest, nextCheckAt: nextLookAt, checks: looks ?? 0 };
}

/** What keeps an event in order with others: earlier versions did not store it. */
export const subjectOf = ({ subject, event, id }: EventRecord): string =>
  subject ?? (event ? subjectKey(event) : id);
