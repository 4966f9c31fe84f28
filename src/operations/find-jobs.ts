/** Finding training jobs by part of a name. */
import { givenName, type JobWord, jobKey, mayBeGiven, readJobWord } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import type { ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { jobsMeant, listJobs, refuseUnasked } from './job-places.ts';

/** How many jobs are looked at for near names: the newest, and those that share a part of the name. */
const LOOK_AT = 100;

/** Jobs with names like the one given, nearest first. */
export async function nearestJobs(
  session: Pick<UseCaseSession, 'providers'>,
  name: string,
  limit: number,
  signal?: AbortSignal,
): Promise<TrainingJob[]> {
  // The longest part of the name finds similar names of any age; the newest jobs catch every other typo.
  const part = name
    .split(/[-._]/)
    .reduce((longest, next) => (next.length > longest.length ? next : longest), '');
  const [newest, related] = await Promise.all([
    listJobs(session, { limit: LOOK_AT }, { signal }),
    part.length >= 3 ? listJobs(session, { nameContains: part, limit: LOOK_AT }, { signal }) : { jobs: [] },
  ]);
  const jobs = new Map([...related.jobs, ...newest.jobs].map((job) => [jobKey(job), job]));
  const names = [...new Set([...jobs.values()].map((job) => job.name))];
  return nearestNames(name, names, limit)
    .flatMap((near) => [...jobs.values()].filter((job) => job.name === near))
    .slice(0, limit);
}

/**
 * The first use case that has a job with exactly this name, and its jobs with that name: more than one if several of its
 * providers have one. A use case that gives no answer counts as not having it.
 */
export async function findOwner(
  gateway: UseCaseGateway,
  actor: Actor,
  useCases: readonly UseCase[],
  word: string,
  signal?: AbortSignal,
): Promise<{ useCase: UseCase; jobs: readonly [TrainingJob, ...TrainingJob[]] } | undefined> {
  const found = await Promise.allSettled(
    useCases.map(async (useCase) => {
      const session = await gateway.open(useCase, actor, 'logs');
      const { jobs } = await jobsMeant(session, readJobWord(word), { signal });
      return { useCase, jobs };
    }),
  );
  for (const result of found) {
    if (result.status === 'rejected') continue;
    const { useCase, jobs } = result.value;
    const [job, ...others] = jobs;
    if (job) return { useCase, jobs: [job, ...others] };
  }
  return undefined;
}

/**
 * The keys of the jobs that somebody may mean by a word in one use case. If only one provider is possible, it is asked
 * only where the word may be a part of a job's name, and the job need not exist.
 * @returns several: on several providers; none: no provider has it
 * @throws AppError if it was not found and a provider gave no answer
 */
export async function keysMeant(
  gateway: UseCaseGateway,
  actor: Actor,
  useCase: UseCase,
  word: JobWord,
  signal?: AbortSignal,
): Promise<string[]> {
  const trainsOn = gateway.trainsOn(useCase);
  const { provider = trainsOn.length === 1 ? trainsOn[0] : undefined, name } = word;
  const only = trainsOn.length === 0 || (provider !== undefined && trainsOn.includes(provider));
  const asTyped = only ? [jobKey({ provider, name })] : [];
  if (only && !(provider && mayBeGiven(provider, name))) return asTyped;
  const session = await gateway.open(useCase, actor, 'logs');
  const { jobs, unasked } = await jobsMeant(session, { provider, name }, { signal });
  if (jobs.length === 0) refuseUnasked(unasked);
  return jobs.length === 0 ? asTyped : jobs.map(jobKey);
}

/** Jobs on record that are looked through for a name that people gave. */
const ON_RECORD = 1_000;

/** The newest job on record that has another name than people gave it, by that; nobody is asked. @returns its key */
export async function keyGiven(
  store: Pick<JobStore, 'listJobs'>,
  useCase: string,
  word: string,
  trainsOn: readonly ProviderName[],
): Promise<string | undefined> {
  const { provider, name } = readJobWord(word);
  const among = (provider ? [provider] : trainsOn).filter((one) => mayBeGiven(one, name));
  if (among.length === 0) return undefined;
  const records = await store.listJobs({ useCase, limit: ON_RECORD });
  const found = records.find(
    ({ job }) => among.includes(job.provider) && givenName(job.provider, job.name) === name,
  );
  return found && jobKey(found.job);
}
