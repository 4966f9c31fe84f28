/** What is known of a training job after one more look at it: looks come late, twice and out of order. */
import type { EpochMs } from '../ground/time.ts';
import type { JobRecord } from './job-records.ts';
import { isFinished, type TrainingJob } from './jobs.ts';

/** Position on the way; an unknown status has none: it is shown until a known one comes. */
const RANK: Readonly<Record<string, number>> = {
  inprogress: 1,
  stopping: 2,
  completed: 3,
  failed: 3,
  stopped: 3,
};

/**
 * The record after a look; the very same object when it says nothing new. A status only moves forward and the
 * first final one stays. A fact that a look does not tell (lists tell less than descriptions) is kept.
 * What only an unconfirmed event has said gives way to whatever the service says itself.
 * @param at when the job was looked at
 * @param described the service itself was asked for this one job
 */
export function applySighting(
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
  const from = rank(job.status);
  const to = rank(seen.status);
  const moves =
    !isFinished(job) &&
    job.status.toLowerCase() !== seen.status.toLowerCase() &&
    (from !== undefined && to !== undefined ? to > from : to === 3 || newer);
  const same = job.status.toLowerCase() === seen.status.toLowerCase();
  const told = Object.fromEntries(
    Object.entries(seen).filter(([, value]) => value !== undefined),
  ) as Partial<TrainingJob>;

  // Who moves the status on, or looks later at the same one, is right about the rest; others fill gaps only.
  const overrides = moves || (same && newer && !isFinished(job));
  const known = Object.fromEntries(
    Object.entries(job).filter(([, value]) => value !== undefined),
  ) as unknown as TrainingJob;
  const next: TrainingJob = overrides
    ? { ...job, ...told, createdAt: job.createdAt || seen.createdAt }
    : { ...told, ...known };
  if (!moves) next.status = job.status;

  const changes: Partial<JobRecord> = {};
  if (!sameFacts(job, next)) changes.job = next;
  if (newer) changes.seenAt = at;
  if (record.failedCheck && at >= record.failedCheck.at) changes.failedCheck = undefined;
  return Object.keys(changes).length === 0 ? record : { ...record, ...changes };
}

/** The record after a look that got no answer: says nothing about the job. */
export function applyFailedLook(record: JobRecord, failed: { at: EpochMs; message: string }): JobRecord {
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

function rank(status: string): number | undefined {
  const word = status.toLowerCase();
  return Object.hasOwn(RANK, word) ? RANK[word] : undefined;
}
