/** What is known of a training job after one more look at it: looks come late, twice and out of order. */
import type { EpochMs } from '../ground/time.ts';
import type { JobRecord } from './job-records.ts';
import { isFinished, type JobState, sameState, type TrainingJob } from './jobs.ts';
import { PROVIDERS } from './providers.ts';

const END = 4;

/** Position on the way; an unknown state has none: it is shown until a known one comes. */
const RANK: Readonly<Record<JobState, number | undefined>> = {
  pending: 1,
  running: 2,
  stopping: 3,
  completed: END,
  failed: END,
  stopped: END,
  unknown: undefined,
};

/**
 * The record after a look, or the same object if there is nothing new. A state only moves forward, and the first final
 * one stays. A fact that a look leaves out (lists say less than descriptions) is kept. What only an unconfirmed event
 * has said gives way to what the service itself says. Services that stay (endpoints) may begin again after an end.
 * @param at when the job was looked at
 * @param described the service itself was asked for this one job
 */
export function applyJobObservation(
  record: JobRecord,
  seen: TrainingJob,
  at: EpochMs,
  described = false,
): JobRecord {
  if (record.unconfirmed !== undefined && described) {
    const { unconfirmed: _, failedCheck: __, ...known } = record;
    return { ...known, job: seen, seenAt: Math.max(at, record.seenAt) };
  }
  const { job } = record;
  const newer = at > record.seenAt;
  // A service began again: what was known of its end is over.
  if (PROVIDERS[job.provider].stays && newer && isFinished(job) && !isFinished(seen)) {
    const { failedCheck: _, described: __, ...known } = record;
    return { ...known, job: seen, seenAt: at };
  }
  const from = RANK[job.state];
  const to = RANK[seen.state];
  const same = sameState(job, seen);
  const moves =
    !isFinished(job) && !same && (from !== undefined && to !== undefined ? to > from : to === END || newer);
  const told = Object.fromEntries(
    Object.entries(seen).filter(([, value]) => value !== undefined),
  ) as Partial<TrainingJob>;

  // A look that moves the state on, or sees the same state later, is right about the rest; others only fill gaps.
  const overrides = moves || (same && newer && !isFinished(job));
  const known = Object.fromEntries(
    Object.entries(job).filter(([, value]) => value !== undefined),
  ) as unknown as TrainingJob;
  const next: TrainingJob = overrides
    ? { ...job, ...told, createdAt: job.createdAt || seen.createdAt }
    : { ...told, ...known };
  // A phase that is over is simply left out where the rest of the state is given.
  if (overrides && (moves || seen.secondaryStatus !== undefined)) next.phase = seen.phase;

  const changes: Partial<JobRecord> = {};
  if (!sameFacts(job, next)) changes.job = next;
  if (newer) changes.seenAt = at;
  if (record.failedCheck && at >= record.failedCheck.at) changes.failedCheck = undefined;
  return Object.keys(changes).length === 0 ? record : { ...record, ...changes };
}

/** The record after a look that got no answer: says nothing about the job. */
export function applyFailedCheck(record: JobRecord, failed: { at: EpochMs; message: string }): JobRecord {
  const known = Math.max(record.seenAt, record.failedCheck?.at ?? 0);
  return failed.at > known ? { ...record, failedCheck: failed } : record;
}

/** Whether two looks at one job say the same. */
export function sameFacts(a: TrainingJob, b: TrainingJob): boolean {
  const text = (job: TrainingJob): string =>
    JSON.stringify(
      Object.entries(job)
        .filter(([, value]) => value !== undefined)
        .sort(([x], [y]) => (x < y ? -1 : 1)),
    );
  return text(a) === text(b);
}
