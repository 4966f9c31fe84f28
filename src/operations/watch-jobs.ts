/** Finds a use case's new training jobs in one provider's list of jobs, without announcing old ones as news. */

import { isToldWithAnother, mayBeTuned } from '../domain/job-families.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { isFinished, sameState, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import type { TrainingProvider } from '../ports/training-provider.ts';
import type { JobDeps } from './job-deps.ts';
import { type Observed, observeJob } from './observe-jobs.ts';

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
  { name: provider, jobs: catalog, getStatus }: Pick<TrainingProvider, 'name' | 'jobs' | 'getStatus'>,
  options: { first: boolean; signal?: AbortSignal },
): Promise<string[]> {
  const at = deps.clock.now();
  const listed = await catalog.list({ limit: NEWEST }, options.signal);
  const records = await deps.store.listJobs({ useCase: useCase.id, provider, limit: KNOWN });
  const known = new Map(records.map((record) => [jobKey(record.job), record]));
  const watched = records.filter((record) => record.listed).map(({ job }) => job.createdAt);
  const first = options.first && watched.length === 0;
  const newest = first ? newestOf(listed) : Math.max(0, ...watched);

  // Before anybody is told of it: a list does not say that a training job is one of many, nor why one failed.
  const seen = async (job: TrainingJob, announce: boolean, record?: JobRecord): Promise<Observed> => {
    const fails = job.state === 'failed' && job.failureReason === undefined && record?.job.state !== 'failed';
    const tells = (announce || record !== undefined) && !isToldWithAnother(useCase, record?.job ?? job);
    let found: TrainingJob | undefined;
    if (announce && mayBeTuned(useCase, job)) found = await getStatus(job.name, options.signal);
    else if (tells && fails)
      // Those who may only list are told what the list says.
      found = await getStatus(job.name, options.signal).catch(() => undefined);
    return { job: found ?? job, at, listed: true, announce, described: found !== undefined };
  };

  const changed: string[] = [];
  for (const job of [...listed].sort((a, b) => a.createdAt - b.createdAt)) {
    const key = jobKey(job);
    const record = known.get(key);
    if (record) {
      if (differs(record, job)) changed.push(key);
      if (!record.listed) await observeJob(deps, useCase, await seen(job, false, record));
    } else if (first || job.createdAt > newest - OUT_OF_ORDER)
      await observeJob(deps, useCase, await seen(job, !first && isRecent(job, at)));
    else continue;
    // Of what was over before anybody looked, a list says enough until somebody opens it.
    const isOld = first && isFinished(job) && PROVIDERS[provider].isKind;
    if (!record && !isOld) changed.push(key);
  }
  return changed;
}

const newestOf = (jobs: readonly TrainingJob[]): EpochMs =>
  jobs.reduce((newest, { createdAt }) => Math.max(newest, createdAt), 0);

function isRecent(job: TrainingJob, now: EpochMs): boolean {
  return !isFinished(job) || now - (job.endedAt ?? job.createdAt) < RECENT;
}

/** What has ended stays so, but for a service that may begin again. */
function differs({ job }: JobRecord, seen: TrainingJob): boolean {
  const isOver = isFinished(job) && !PROVIDERS[job.provider].stays;
  return !isOver && !sameState(job, seen);
}
