/** Finding training jobs by what somebody remembers of a name. */
import type { TrainingJob } from '../domain/jobs.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { Clock } from '../ground/time.ts';
import type { JobCatalog } from '../ports/training-provider.ts';
import type { UseCaseGateway } from '../ports/use-case-session.ts';

/** How many jobs are looked at for near names: the newest, and those that share a part of the name. */
const LOOK_AT = 100;

/** Names like the one given, nearest first. */
export async function nearestJobs(
  catalog: JobCatalog,
  name: string,
  limit: number,
  signal?: AbortSignal,
): Promise<string[]> {
  // The longest part of the name finds its relatives however old they are; the newest catch every other slip.
  const part = name
    .split(/[-._]/)
    .reduce((longest, next) => (next.length > longest.length ? next : longest), '');
  const [newest, related] = await Promise.all([
    catalog.list({ limit: LOOK_AT }, signal),
    part.length >= 3 ? catalog.list({ nameContains: part, limit: LOOK_AT }, signal) : [],
  ]);
  const names = [...new Set([...related, ...newest].map((job) => job.name))];
  return nearestNames(name, names, limit);
}

/** The first use case that has a job of exactly this name. One that cannot be asked counts as not having it. */
export async function findOwner(
  gateway: UseCaseGateway,
  actor: Actor,
  useCases: readonly UseCase[],
  name: string,
  signal?: AbortSignal,
): Promise<UseCase | undefined> {
  const found = await Promise.allSettled(
    useCases.map(async (useCase) => {
      const session = await gateway.open(useCase, actor, 'logs');
      return session.provider.jobs.find(name, signal);
    }),
  );
  return useCases.find((_, index) => {
    const result = found[index]!;
    return result.status === 'fulfilled' && result.value !== undefined;
  });
}

export interface SuggestedJob {
  job: TrainingJob;
  useCase: UseCase;
}

/**
 * Suggestions while somebody types. Lists are kept for a short while, because every letter asks again and
 * SageMaker answers about two lists a second.
 */
export class JobSuggestions {
  #lists = new Map<string, { at: number; jobs: Promise<TrainingJob[]> }>();
  readonly #gateway: UseCaseGateway;
  readonly #clock: Clock;
  /** Milliseconds. */
  readonly #keep: number;

  constructor(gateway: UseCaseGateway, clock: Clock, keep = 20_000) {
    this.#gateway = gateway;
    this.#clock = clock;
    this.#keep = keep;
  }

  /** Newest first within a use case; a use case that cannot be asked now has no suggestions. */
  async suggest(
    actor: Actor,
    useCases: readonly UseCase[],
    typed: string,
    limit: number,
  ): Promise<SuggestedJob[]> {
    const lists = await Promise.allSettled(
      useCases.map(async (useCase) => {
        const jobs = await this.#list(actor, useCase, typed.trim());
        return jobs.map((job) => ({ job, useCase }));
      }),
    );
    const needle = typed.trim().toLowerCase();
    return lists
      .flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      .filter(({ job }) => job.name.toLowerCase().includes(needle))
      .slice(0, limit);
  }

  async #list(actor: Actor, useCase: UseCase, typed: string): Promise<TrainingJob[]> {
    const newest = await this.#cached(actor, useCase, '');
    if (typed === '' || newest.length < LOOK_AT) return newest;
    // Fewer than asked for are all there are; otherwise older ones may match too.
    return this.#cached(actor, useCase, typed.toLowerCase());
  }

  #cached(actor: Actor, useCase: UseCase, nameContains: string): Promise<TrainingJob[]> {
    const now = this.#clock.now();
    for (const [key, { at }] of this.#lists) if (now - at > this.#keep) this.#lists.delete(key);
    const key = JSON.stringify([useCase.id, nameContains]);
    const known = this.#lists.get(key);
    if (known) return known.jobs;
    const jobs = this.#gateway
      .open(useCase, actor, 'logs')
      .then((session) =>
        session.provider.jobs.list({ limit: LOOK_AT, ...(nameContains === '' ? {} : { nameContains }) }),
      );
    this.#lists.set(key, { at: now, jobs });
    jobs.catch(() => this.#lists.delete(key));
    return jobs;
  }
}
