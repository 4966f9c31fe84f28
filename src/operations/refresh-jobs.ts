/**
 * Keeps jobs, compilations and components in step with AWS: one schedule for everything live in all use cases. Every
 * tick reads from the store what to ask, so a restart simply continues.
 */

import { setMaxListeners } from 'node:events';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished } from '../domain/jobs.ts';
import { PROVIDER_NAMES } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import { CancelledError } from '../ground/errors.ts';
import { AccountChecks, type Check, type OnError } from './account-checks.ts';
import { AutoReactions } from './auto-reactions.ts';
import { CHECK_EVERY, checksOfJob, compilationCheck, componentCheck, trainingCheck } from './job-checks.ts';
import type { JobDeps } from './job-deps.ts';
import { ListChecks } from './list-checks.ts';
import { steadyTicker, type Ticker } from './ticker.ts';

export type { Ticker } from './ticker.ts';

export interface RefreshDeps extends JobDeps {
  useCases: readonly UseCase[];
  /** Slack team: the background's role sessions carry it. */
  team: string;
  /** Left out: every two seconds. */
  ticker?: Ticker | undefined;
  onError: OnError;
}

/** Milliseconds between listings of a use case's jobs. */
const LIST_EVERY = 60_000;
/** Known jobs searched for running ones. */
const JOBS_LIMIT = 1_000;

export class JobRefresher {
  readonly #deps: RefreshDeps;
  readonly #auto: AutoReactions;
  readonly #lists: ListChecks;
  readonly #accounts: AccountChecks;
  /** Key → when to ask next, in elapsed time; unknown: now. */
  readonly #next = new Map<string, number>();
  /** Automatic steps in progress, for `stop`. */
  readonly #work = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #unsubscribe: () => void;
  #recalled: Promise<void> | undefined;
  #ticking: Promise<void> | undefined;
  #ticker: ReturnType<Ticker> | undefined;

  constructor(deps: RefreshDeps) {
    this.#deps = deps;
    const { useCases, team, onError, clock } = deps;
    // All concurrent requests listen to it.
    setMaxListeners(0, this.#stopping.signal);
    this.#auto = new AutoReactions(deps, {
      useCases,
      team,
      onError: (error, useCase, subject) =>
        onError(error, { useCase, subject, doing: 'doing what happens by itself' }),
    });
    this.#accounts = new AccountChecks({
      ...deps,
      signal: this.#stopping.signal,
      done: ({ key, job }, wait) => {
        const usual = job === undefined ? LIST_EVERY : CHECK_EVERY;
        this.#next.set(key, elapsed(clock) + (wait ?? usual));
      },
    });
    this.#lists = new ListChecks(deps, {
      useCases,
      team,
      found: (key, wait) => this.#next.set(key, elapsed(clock) + wait),
      report: (error, check) => this.#accounts.report(error, check),
    });
    this.#unsubscribe = deps.changes.subscribe((change) => this.#auto.notice(change));
  }

  /** Begins the schedule; what was live before a restart continues. */
  start(): void {
    this.#ticker ??= (this.#deps.ticker ?? steadyTicker)(() => {
      this.tick().catch((error: unknown) => this.#deps.onError(error, { doing: 'refreshing' }));
    });
  }

  /** One round: everything that is due and not in progress. Safe to call at any time. */
  async tick(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    // Two concurrent readings of what is due would find the same things.
    this.#ticking ??= this.#begin().finally(() => {
      this.#ticking = undefined;
    });
    await this.#ticking;
    // Before and after, so that a slow account does not delay the others.
    await this.#track(this.#auto.act(this.#stopping.signal));
    await this.#accounts.idle();
    await this.#track(this.#auto.act(this.#stopping.signal));
  }

  /**
   * Asks AWS about all of one job now: the training, its live compilations, its unsettled components. Concurrent calls
   * share one check. A request without an answer is recorded as a failed check and does not throw.
   */
  async refreshNow(useCase: string, job: string): Promise<void> {
    const found = this.#deps.useCases.find(({ id }) => id === useCase);
    if (!found || this.#stopping.signal.aborted) return;
    const checks = await checksOfJob(this.#deps, found, job, () => this.#lists.described(useCase, job));
    await this.#accounts.now(found, checks);
    await this.#track(this.#auto.act(this.#stopping.signal));
  }

  /** Sends no new requests; resolves when those in progress are answered or given up, and recorded. */
  async stop(): Promise<void> {
    await this.#ticker?.stop();
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    this.#unsubscribe();
    await Promise.allSettled([this.#ticking, this.#accounts.idle(), ...this.#work]);
  }

  /** Begins what is due, as far as each account's pace allows. */
  async #begin(): Promise<void> {
    this.#recalled ??= this.#recall();
    try {
      await this.#recalled;
    } catch (error) {
      this.#recalled = undefined;
      throw error;
    }
    const checks = await this.#checks();
    const now = elapsed(this.#deps.clock);
    const present = new Set(checks.map(({ key }) => key));
    for (const key of this.#next.keys()) if (!present.has(key)) this.#next.delete(key);
    this.#accounts.begin(
      checks
        .filter(
          (check) =>
            (this.#next.get(check.key) ?? Number.NEGATIVE_INFINITY) <= now &&
            !this.#accounts.isUnderWay(check),
        )
        // Longest waiting first, so that with hundreds everybody still gets a turn, just less often.
        .sort((a, b) => (this.#next.get(a.key) ?? -1) - (this.#next.get(b.key) ?? -1)),
    );
  }

  /** Continues what the last process left undone. */
  async #recall(): Promise<void> {
    await this.#auto.recall();
    await this.#lists.recall();
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
    return tracked;
  }

  /** Everything to check, due or not. */
  async #checks(): Promise<Check[]> {
    const { store, useCases } = this.#deps;
    const [attempts, components] = await Promise.all([
      store.listAttempts({ live: true }),
      store.listComponents({ settled: false }),
    ]);
    const jobs = await Promise.all(
      useCases.map(async ({ id }) => {
        // The newest of each: a search of hundreds hides no training that has run for weeks.
        const of = PROVIDER_NAMES.map((provider) =>
          store.listJobs({ useCase: id, provider, limit: JOBS_LIMIT }),
        );
        return (await Promise.all(of)).flat();
      }),
    );
    const known = new Map(useCases.map((useCase) => [useCase.id, useCase]));
    const of = <T extends { useCase: string }>(
      list: readonly T[],
      check: (useCase: UseCase, one: T) => Check,
    ) =>
      // A use case that was removed from the configuration stays as it was.
      list.flatMap((one) => {
        const useCase = known.get(one.useCase);
        return useCase ? [check(useCase, one)] : [];
      });
    return [
      ...useCases.flatMap((useCase) => this.#lists.of(useCase)),
      ...of(attempts, (useCase, attempt) => compilationCheck(this.#deps, useCase, attempt)),
      ...of(components, (useCase, component) => componentCheck(this.#deps, useCase, component)),
      ...jobs.flatMap((records, index) =>
        records
          .filter(({ job }) => !isFinished(job) || this.#lists.isUndescribed(job.useCase, jobKey(job)))
          .map(({ job }) => this.#training(useCases[index]!, jobKey(job))),
      ),
    ];
  }

  #training(useCase: UseCase, job: string): Check {
    return trainingCheck(this.#deps, useCase, job, () => this.#lists.described(useCase.id, job));
  }
}
