/** Finds a use case's new training jobs in one provider's list of jobs, without announcing old ones as news. */

import { jobKey } from '../domain/job-keys.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { isFinished, sameState, type TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import type { TrainingProvider } from '../ports/training-provider.ts';
import type { JobDeps } from './job-deps.ts';
import { observeJob } from './observe-jobs.ts';

/** One page of ListTrainingJobs. */
const NEWEST = 100;
/** Known jobs to compare a page with. */
const KNOWN = 1_000;
/** An ended job seen for the first time is of interest if it ended within so many milliseconds. */
const RECENT = 24 * 3600_000;
/** Milliseconds by which an older job may appear in the list after a newer one. */
const OUT_OF_ORDER = 3600_000;

/**
 * Lists the newest jobs. The very first time nothing is news: the whole page becomes known, and jobs created after its
 * newest are news from then on.
 * @param options.first whether this process lists for the first time
 * @returns keys of known jobs whose state differs in the list: to be described, since a list does not tell everything
 */
export async function watchJobs(
  deps: Pick<JobDeps, 'store' | 'changes' | 'clock'>,
  useCase: UseCase,
  { name: provider, jobs: catalog }: Pick<TrainingProvider, 'name' | 'jobs'>,
  options: { first: boolean; signal?: AbortSignal },
): Promise<string[]> {
  const at = deps.clock.now();
  const listed = await catalog.list({ limit: NEWEST }, options.signal);
  const all = await deps.store.listJobs({ useCase: useCase.id, limit: KNOWN });
  const records = all.filter(({ job }) => job.provider === provider);
  const known = new Map(records.map((record) => [jobKey(record.job), record]));
  const watched = records.filter((record) => record.listed).map(({ job }) => job.createdAt);
  const first = options.first && watched.length === 0;
  const newest = first ? newestOf(listed) : Math.max(0, ...watched);

  const changed: string[] = [];
  for (const job of [...listed].sort((a, b) => a.createdAt - b.createdAt)) {
    const key = jobKey(job);
    const record = known.get(key);
    if (record) {
      if (differs(record, job)) changed.push(key);
      if (!record.listed) await observeJob(deps, useCase, { job, at, listed: true });
    } else if (first || job.createdAt > newest - OUT_OF_ORDER)
      await observeJob(deps, useCase, { job, at, listed: true, announce: !first && isRecent(job, at) });
    else continue;
    if (!record) changed.push(key);
  }
  return changed;
}

const newestOf = (jobs: readonly TrainingJob[]): EpochMs =>
  jobs.reduce((newest, { createdAt }) => Math.max(newest, createdAt), 0);

function isRecent(job: TrainingJob, now: EpochMs): boolean {
  return !isFinished(job) || now - (job.endedAt ?? job.createdAt) < RECENT;
}

function differs({ job }: JobRecord, seen: TrainingJob): boolean {
  return !isFinished(job) && !sameState(job, seen);
}
