/** The checks of an account's lists: jobs and compilations that Signalbox does not know yet. */
import { jobKey } from '../domain/job-keys.ts';
import { PROVIDERS, type ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { toAppError } from '../ground/errors.ts';
import type { Check } from './account-checks.ts';
import { ForeignCompilations, type Found } from './adopt-compilations.ts';
import { askedAs, trainingKey } from './job-checks.ts';
import type { JobDeps } from './job-deps.ts';
import { isRefusedKind, providerNamed } from './job-places.ts';
import { notingRefusals } from './kind-refusals.ts';
import { watchJobs } from './watch-jobs.ts';

/** Milliseconds until a list is requested again that the role, made for an earlier version, does not allow. */
const REFUSED_FOR = 15 * 60_000;
/** Known jobs looked through. */
const JOBS_LIMIT = 1_000;

export interface ListChecksOptions {
  useCases: readonly UseCase[];
  team: string;
  /** Schedules a request for a single job from a list. @param wait milliseconds until then */
  found: (key: string, wait: number) => void;
  report: (error: unknown, check: Check) => void;
}

export class ListChecks {
  readonly #deps: JobDeps;
  readonly #options: ListChecksOptions;
  /** Lists that this process has seen, by their check's key. */
  readonly #listed = new Set<string>();
  /** Ended jobs known only from a list so far, by their check's key. */
  readonly #undescribed = new Set<string>();
  /** By use case; only those with compile settings, since other roles need not allow it. */
  readonly #foreign: ReadonlyMap<string, ForeignCompilations>;

  constructor(deps: JobDeps, options: ListChecksOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#foreign = new Map(
      options.useCases
        .filter(({ compile }) => compile !== undefined)
        .map((useCase) => [useCase.id, new ForeignCompilations({ ...deps, team: options.team }, useCase)]),
    );
  }

  /** Ended jobs that an earlier process knew only from a list. */
  async recall(): Promise<void> {
    for (const useCase of this.#options.useCases)
      for (const { job, described, news } of await this.#deps.store.listJobs({
        useCase: useCase.id,
        limit: JOBS_LIMIT,
      })) {
        if (PROVIDERS[job.provider].isKind && !news) continue;
        const { state } = job;
        const tells = state === 'failed' ? job.failureReason : state === 'completed' ? job.modelArtifact : '';
        if (tells === undefined && !described) this.#undescribed.add(trainingKey(useCase.id, jobKey(job)));
      }
  }

  isUndescribed(useCase: string, job: string): boolean {
    return this.#undescribed.has(trainingKey(useCase, job));
  }

  described(useCase: string, job: string): void {
    this.#undescribed.delete(trainingKey(useCase, job));
  }

  of(useCase: UseCase): Check[] {
    const providers = this.#deps.gateway.trainsOn(useCase);
    return [...providers.map((provider) => this.#jobs(useCase, provider)), ...this.#compilations(useCase)];
  }

  #jobs(useCase: UseCase, provider: ProviderName): Check {
    const list = JSON.stringify(['list', useCase.id, provider]);
    const check: Check = {
      key: list,
      useCase,
      provider,
      operation: askedAs(provider),
      doing: `looking for new ${PROVIDERS[provider].thing}s`,
      ask: async (session, _, signal) => {
        const first = !this.#listed.has(list);
        const { name, jobs, getStatus } = providerNamed(session, provider);
        const lists = { useCase, provider, what: 'list' } as const;
        const catalog: typeof jobs = {
          ...jobs,
          list: (...query) => notingRefusals(this.#deps, lists, () => jobs.list(...query)),
        };
        const place = { name, jobs: catalog, getStatus };
        const changed = await watchJobs(this.#deps, useCase, place, { first, signal }).catch(
          (error: unknown) => {
            if (!isRefusedKind(provider, error)) throw error;
            this.#options.report(error, check);
            return undefined;
          },
        );
        if (!changed) return REFUSED_FOR;
        this.#listed.add(list);
        // A list has no reasons, models or times, so the job itself is described.
        for (const job of changed) {
          const key = trainingKey(useCase.id, job);
          this.#undescribed.add(key);
          this.#options.found(key, 0);
        }
        return PROVIDERS[provider].listEvery;
      },
      fail: async () => undefined,
    };
    return check;
  }

  /** Lists compilations, and schedules descriptions of the unknown ones. */
  #compilations(useCase: UseCase): Check[] {
    const foreign = this.#foreign.get(useCase.id);
    if (!foreign) return [];
    const { report, found } = this.#options;
    const common = { useCase, operation: 'comp' as const, fail: async () => undefined };
    const look: Check = {
      ...common,
      key: JSON.stringify(['compilations', useCase.id]),
      doing: 'looking for compilations that were started elsewhere',
      ask: async (session, _, signal) => {
        try {
          for (const one of await foreign.look(session, signal)) found(foreignKey(useCase.id, one), one.wait);
          return undefined;
        } catch (error) {
          if (toAppError(error).code !== 'permission_denied') throw error;
          report(error, look);
          return REFUSED_FOR;
        }
      },
    };
    const adopt = (one: Found): Check => ({
      ...common,
      key: foreignKey(useCase.id, one),
      doing: `looking at the compilation ${one.compilationJob}`,
      ask: async (session, _, signal) => {
        await foreign.adopt(session, one, signal);
        return undefined;
      },
    });
    return [look, ...[...foreign.waiting].map(adopt)];
  }
}

const foreignKey = (useCase: string, { key }: Found): string =>
  JSON.stringify(['compilation elsewhere', useCase, key]);
