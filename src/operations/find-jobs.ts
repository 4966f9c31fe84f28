/** Finding training jobs by part of a name. */
import { type JobWord, jobKey, readJobWord } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { Clock } from '../ground/time.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { jobsMeant, listJobs, refuseUnasked } from './job-places.ts';

/** Milliseconds that a suggestion waits for a provider: Slack waits three seconds for all of it. */
const SUGGEST_WITHIN = 2_000;
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
 * The keys of the jobs that somebody may mean by a word in one use case. If only one provider is possible, it is not
 * asked, and the job need not exist.
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
  if (word.provider === undefined && trainsOn.length <= 1)
    return [jobKey({ provider: trainsOn[0], name: word.name })];
  if (word.provider !== undefined && trainsOn.includes(word.provider)) return [jobKey(word)];
  const session = await gateway.open(useCase, actor, 'logs');
  const { jobs, unasked } = await jobsMeant(session, word, { signal });
  if (jobs.length === 0) refuseUnasked(unasked);
  return jobs.map(jobKey);
}

export interface SuggestedJob {
  job: TrainingJob;
  useCase: UseCase;
}

/**
 * Suggestions while somebody types. Lists are cached briefly, because every letter asks again and SageMaker answers
 * about two lists a second.
 */
export class JobSuggestions {
  #lists = new Map<string, { at: number; jobs: Promise<TrainingJob[]> }>();
  readonly #gateway: UseCaseGateway;
  readonly #clock: Clock;
  /** Milliseconds. */
  readonly #keep: number;
  /** Milliseconds. */
  readonly #within: number;

  constructor(gateway: UseCaseGateway, clock: Clock, keep = 20_000, within = SUGGEST_WITHIN) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#keep = keep;
    this.#within = within;
  }

  /**
   * Newest first within a use case; one that gives no answer has no suggestions.
   * @param typed a part of the name, also behind its provider: `local:pre`
   */
  async suggest(
    actor: Actor,
    useCases: readonly UseCase[],
    typed: string,
    limit: number,
  ): Promise<SuggestedJob[]> {
    const { provider, name } = readJobWord(typed.trim());
    const lists = await Promise.allSettled(
      useCases.map(async (useCase) => {
        const jobs = await this.#list(actor, useCase, name);
        return jobs.map((job) => ({ job, useCase }));
      }),
    );
    const needle = name.toLowerCase();
    return lists
      .flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      .filter(({ job }) => provider === undefined || job.provider === provider)
      .filter(({ job }) => job.name.toLowerCase().includes(needle))
      .slice(0, limit);
  }

  async #list(actor: Actor, useCase: UseCase, typed: string): Promise<TrainingJob[]> {
    const newest = await this.#cached(actor, useCase, '');
    if (typed === '' || newest.length < LOOK_AT) return newest;
    // Fewer than requested means all of them; otherwise older ones may match too.
    return this.#cached(actor, useCase, typed.toLowerCase());
  }

  #cached(actor: Actor, useCase: UseCase, nameContains: string): Promise<TrainingJob[]> {
    const now = this.#clock.now();
    for (const [key, { at }] of this.#lists) if (now - at > this.#keep) this.#lists.delete(key);
    const key = JSON.stringify([useCase.id, nameContains]);
    const known = this.#lists.get(key);
    if (known) return known.jobs;
    const jobs = this.#gateway.open(useCase, actor, 'logs').then(async (session) => {
      const query = { limit: LOOK_AT, ...(nameContains === '' ? {} : { nameContains }) };
      const listed = await listJobs(session, query, { within: this.#within });
      // A provider that gave no answer is asked again at the next letter.
      if (listed.unasked.length > 0) this.#lists.delete(key);
      return listed.jobs;
    });
    this.#lists.set(key, { at: now, jobs });
    jobs.catch(() => this.#lists.delete(key));
    return jobs;
  }
}
