/**
 * Keeps what is known of jobs, compilations and components in step with AWS: one schedule for all that live,
 * of all use cases. What to ask is read from the store at every beat, so a restart simply goes on.
 */
import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import { backgroundActor } from '../domain/background-actor.ts';
import { type CompilationAttempt, currentStatus } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import { isFinished } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import { CancelledError, toAppError } from '../ground/errors.ts';
import { SingleFlight } from '../ground/key-queue.ts';
import type { EpochMs } from '../ground/time.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import { ForeignCompilations, type Found } from './adopt-compilations.ts';
import { AutoReactions } from './auto-reactions.ts';
import type { JobDeps } from './job-deps.ts';
import { observeAttempt, observeComponent, observeFailedLook, observeJob } from './observe-jobs.ts';
import { PollPace } from './poll-pace.ts';
import { resumePublishing } from './publish-component.ts';
import { type Beat, steadyBeat } from './refresh-beat.ts';
import { watchJobs } from './watch-jobs.ts';

export type { Beat } from './refresh-beat.ts';

export interface RefreshDeps extends JobDeps {
  useCases: readonly UseCase[];
  /** Slack team: the background's role sessions carry it. */
  team: string;
  /** Left out: every two seconds. */
  beat?: Beat | undefined;
  /** What goes wrong in the background; for the log. */
  onError: (error: unknown, context: { useCase?: string; subject?: string; doing: string }) => void;
}

/** Milliseconds between two looks at what lives; with a beat and the pace, at most 30 s pass for 80 of them. */
const EVERY = 20_000;
/** Milliseconds between two looks at a use case's list of jobs. */
const LIST_EVERY = 60_000;
/** Milliseconds before the next try where the account does not let us in, or a job is gone. */
const CLOSED_FOR = 60_000;
const GONE_FOR = 600_000;
/** Milliseconds until a list is asked for again that the role does not allow: it was made for an earlier version. */
const REFUSED_FOR = 15 * 60_000;
/** Milliseconds after which what AWS does not know of was never taken: a start waits two minutes at most. */
const GRACE = 5 * 60_000;
/** Questions at the same time in one account. */
const AT_ONCE = 4;
/** Known jobs looked through for running ones. */
const JOBS_LIMIT = 1_000;

/** Something to ask AWS about. */
interface Item {
  key: string;
  useCase: UseCase;
  /** The training job that it belongs to; none: the list of jobs. */
  job?: string;
  operation: 'comp' | 'pkg';
  doing: string;
  /** @returns milliseconds until the next look; undefined: as usual */
  ask: (session: UseCaseSession, at: EpochMs, signal: AbortSignal) => Promise<number | undefined>;
  /** The question got no answer. */
  fail: (failed: { at: EpochMs; message: string }) => Promise<unknown>;
}

interface Account {
  pace: PollPace;
  queue: PQueue;
}

export class JobRefresher {
  readonly #deps: RefreshDeps;
  readonly #auto: AutoReactions;
  readonly #accounts = new Map<string, Account>();
  /** Key → when to ask next, by the time that passes; unknown: now. */
  readonly #next = new Map<string, number>();
  /** Ended jobs that only a list has shown yet, by the key of their item. */
  readonly #undescribed = new Set<string>();
  /** Use cases whose list this process has seen. */
  readonly #listed = new Set<string>();
  /** By use case; only those with compile settings: other roles need not allow it. */
  readonly #foreign: ReadonlyMap<string, ForeignCompilations>;
  readonly #busy = new SingleFlight<string>();
  /** Everything under way, for `stop`. */
  readonly #work = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #unsubscribe: () => void;
  #recalled: Promise<void> | undefined;
  #ticking: Promise<void> | undefined;
  #beat: ReturnType<Beat> | undefined;

  constructor(deps: RefreshDeps) {
    this.#deps = deps;
    // Whatever is asked at the same time listens to it.
    setMaxListeners(0, this.#stopping.signal);
    this.#auto = new AutoReactions(deps, {
      useCases: deps.useCases,
      team: deps.team,
      onError: (error, useCase, subject) =>
        deps.onError(error, { useCase, subject, doing: 'doing what happens by itself' }),
    });
    this.#foreign = new Map(
      deps.useCases
        .filter(({ compile }) => compile !== undefined)
        .map((useCase) => [useCase.id, new ForeignCompilations(deps, useCase)]),
    );
    this.#unsubscribe = deps.changes.subscribe((change) => this.#auto.notice(change));
  }

  /** Begins the schedule; what was live before a restart goes on. */
  start(): void {
    this.#beat ??= (this.#deps.beat ?? steadyBeat)(() => {
      this.tick().catch((error: unknown) => this.#deps.onError(error, { doing: 'refreshing' }));
    });
  }

  /** One round: everything that is due and not under way. Safe to call at any time. */
  async tick(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    // Reading what there is to do twice at the same time would find the same twice.
    this.#ticking ??= this.#begin().finally(() => {
      this.#ticking = undefined;
    });
    await this.#ticking;
    // Before and after: what one account takes its time for must not delay the others.
    await this.#track(this.#auto.act(this.#stopping.signal));
    await this.#busy.idle();
    await this.#track(this.#auto.act(this.#stopping.signal));
  }

  /**
   * Asks AWS about all of one job now: the training, its live compilations, its unsettled components. Calls at
   * the same time share one look. What could not be asked is recorded as a failed check, and does not throw.
   */
  async refreshNow(useCase: string, job: string): Promise<void> {
    const found = this.#deps.useCases.find(({ id }) => id === useCase);
    if (!found || this.#stopping.signal.aborted) return;
    const [attempts, components] = await Promise.all([
      this.#deps.store.listAttempts({ useCase, job, live: true }),
      this.#deps.store.listComponents({ useCase, job, settled: false }),
    ]);
    const items = [
      this.#training(found, job),
      ...attempts.map((attempt) => this.#compilation(found, attempt)),
      ...components.map((component) => this.#component(found, component)),
    ];
    const sessions = new Sessions(this.#deps, found);
    const { pace } = this.#account(found);
    await Promise.all(
      items.map((item) => {
        if (!this.#busy.has(item.key)) pace.spend(elapsed(this.#deps.clock));
        return this.#once(item, sessions);
      }),
    );
    await this.#track(this.#auto.act(this.#stopping.signal));
  }

  /** No new questions; resolves when those under way are answered or given up, and recorded. */
  async stop(): Promise<void> {
    await this.#beat?.stop();
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    this.#unsubscribe();
    await Promise.allSettled([this.#ticking, this.#busy.idle(), ...this.#work]);
  }

  /** Starts to ask what is due, as far as each account's pace allows. */
  async #begin(): Promise<void> {
    this.#recalled ??= this.#recall();
    try {
      await this.#recalled;
    } catch (error) {
      this.#recalled = undefined;
      throw error;
    }
    const items = await this.#items();
    const now = elapsed(this.#deps.clock);
    const present = new Set(items.map(({ key }) => key));
    for (const key of this.#next.keys()) if (!present.has(key)) this.#next.delete(key);

    const due = items
      .filter(({ key }) => (this.#next.get(key) ?? Number.NEGATIVE_INFINITY) <= now && !this.#busy.has(key))
      // Who has waited longest comes first: with hundreds of them everybody gets a turn, less often.
      .sort((a, b) => (this.#next.get(a.key) ?? -1) - (this.#next.get(b.key) ?? -1));
    const sessions = new Map<string, Sessions>();
    const byAccount = new Map<Account, Item[]>();
    for (const item of due) {
      const account = this.#account(item.useCase);
      byAccount.set(account, [...(byAccount.get(account) ?? []), item]);
    }
    for (const [account, waiting] of byAccount) {
      const free = account.queue.size === 0 ? account.pace.take(waiting.length, now) : 0;
      for (const item of waiting.slice(0, free)) {
        const { id } = item.useCase;
        if (!sessions.has(id)) sessions.set(id, new Sessions(this.#deps, item.useCase));
        void this.#once(item, sessions.get(id)!);
      }
    }
  }

  /** What the last process left undone. */
  async #recall(): Promise<void> {
    await this.#auto.recall();
    for (const useCase of this.#deps.useCases)
      for (const { job, described } of await this.#deps.store.listJobs({
        useCase: useCase.id,
        limit: JOBS_LIMIT,
      })) {
        const status = job.status.toLowerCase();
        const tells =
          status === 'failed' ? job.failureReason : status === 'completed' ? job.modelArtifact : '';
        if (tells === undefined && !described) this.#undescribed.add(trainingKey(useCase.id, job.name));
      }
  }

  #account({ account, region }: UseCase): Account {
    const key = `${account}/${region}`;
    let known = this.#accounts.get(key);
    if (!known) {
      known = {
        pace: new PollPace(elapsed(this.#deps.clock)),
        queue: new PQueue({ concurrency: AT_ONCE }),
      };
      this.#accounts.set(key, known);
    }
    return known;
  }

  /** Asks, unless it is being asked already; records what comes of it; does not throw. */
  #once(item: Item, sessions: Sessions): Promise<void> {
    const account = this.#account(item.useCase);
    return this.#busy.run(item.key, () => account.queue.add(() => this.#ask(item, sessions, account)));
  }

  async #ask(item: Item, sessions: Sessions, { pace }: Account): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const at = this.#deps.clock.now();
    let wait: number | undefined = CLOSED_FOR;
    try {
      const session = await sessions.open(item.operation);
      wait = undefined;
      wait = await item.ask(session, at, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toAppError(thrown);
      if (error.code === 'rate_limited') pace.refused(elapsed(this.#deps.clock));
      this.#report(error, item);
      // It says that it was asked in vain, never more.
      await item
        .fail({ at, message: error.message })
        .catch((failure: unknown) => this.#report(failure, item));
    } finally {
      const usual = item.job === undefined ? LIST_EVERY : EVERY;
      this.#next.set(item.key, elapsed(this.#deps.clock) + (wait ?? usual));
    }
  }

  #report(error: unknown, { useCase, job, doing }: Item): void {
    const subject = job === undefined ? {} : { subject: job };
    this.#deps.onError(error, { useCase: useCase.id, ...subject, doing });
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
    return tracked;
  }

  // --- What there is to ask ---------------------------------------------------------------------------

  async #items(): Promise<Item[]> {
    const { store, useCases } = this.#deps;
    const [attempts, components] = await Promise.all([
      store.listAttempts({ live: true }),
      store.listComponents({ settled: false }),
    ]);
    const jobs = await Promise.all(
      useCases.map((useCase) => store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT })),
    );
    const known = new Map(useCases.map((useCase) => [useCase.id, useCase]));
    const of = <T extends { useCase: string }>(
      list: readonly T[],
      item: (useCase: UseCase, one: T) => Item,
    ) =>
      // A use case that was taken out of the configuration is left as it was.
      list.flatMap((one) => {
        const useCase = known.get(one.useCase);
        return useCase ? [item(useCase, one)] : [];
      });
    return [
      ...useCases.map((useCase) => this.#list(useCase)),
      ...useCases.flatMap((useCase) => this.#elsewhere(useCase)),
      ...of(attempts, (useCase, attempt) => this.#compilation(useCase, attempt)),
      ...of(components, (useCase, component) => this.#component(useCase, component)),
      ...jobs.flatMap((records, index) =>
        records
          .filter(({ job }) => !isFinished(job) || this.#undescribed.has(trainingKey(job.useCase, job.name)))
          .map(({ job }) => this.#training(useCases[index]!, job.name)),
      ),
    ];
  }

  #list(useCase: UseCase): Item {
    return {
      key: JSON.stringify(['list', useCase.id]),
      useCase,
      operation: 'comp',
      doing: 'looking for new jobs',
      ask: async (session, _, signal) => {
        const first = !this.#listed.has(useCase.id);
        const changed = await watchJobs(this.#deps, useCase, session.jobs, { first, signal });
        this.#listed.add(useCase.id);
        // A list leaves out reasons, models and times: the job itself tells.
        for (const job of changed) {
          const key = trainingKey(useCase.id, job);
          this.#undescribed.add(key);
          this.#next.delete(key);
        }
        return undefined;
      },
      fail: async () => undefined,
    };
  }

  /** The list of compilations, and what of it is to be described. */
  #elsewhere(useCase: UseCase): Item[] {
    const foreign = this.#foreign.get(useCase.id);
    if (!foreign) return [];
    const common = { useCase, operation: 'comp' as const, fail: async () => undefined };
    const look: Item = {
      ...common,
      key: JSON.stringify(['compilations', useCase.id]),
      doing: 'looking for compilations that were started elsewhere',
      ask: async (session, _, signal) => {
        try {
          for (const found of await foreign.look(session, signal))
            this.#next.set(foreignKey(useCase.id, found), elapsed(this.#deps.clock) + found.wait);
          return undefined;
        } catch (error) {
          if (toAppError(error).code !== 'permission_denied') throw error;
          this.#report(error, look);
          return REFUSED_FOR;
        }
      },
    };
    const adopt = (found: Found): Item => ({
      ...common,
      key: foreignKey(useCase.id, found),
      doing: `looking at the compilation ${found.compilationJob}`,
      ask: async (session, _, signal) => {
        await foreign.adopt(session, found, signal);
        return undefined;
      },
    });
    return [look, ...[...foreign.waiting].map(adopt)];
  }

  #training(useCase: UseCase, job: string): Item {
    return {
      key: trainingKey(useCase.id, job),
      useCase,
      job,
      operation: 'comp',
      doing: 'looking at a training job',
      ask: async (session, at, signal) => {
        const seen = await session.jobs.find(job, signal);
        this.#undescribed.delete(trainingKey(useCase.id, job));
        if (seen) {
          await observeJob(this.#deps, useCase, { job: seen, at, described: true });
          return undefined;
        }
        const message = 'SageMaker has no training job of this name any more.';
        await observeFailedLook(this.#deps, useCase.id, job, { at, message });
        return GONE_FOR;
      },
      fail: (failed) => observeFailedLook(this.#deps, useCase.id, job, failed),
    };
  }

  #compilation(useCase: UseCase, attempt: CompilationAttempt): Item {
    const { id, job, compilationJob } = attempt;
    return {
      key: JSON.stringify(['compilation', id]),
      useCase,
      job,
      operation: 'comp',
      doing: 'looking at a compilation',
      ask: async ({ compiler }, at, signal) => {
        const report = await compiler.describe(compilationJob, signal);
        if (report) await observeAttempt(this.#deps, useCase, id, { kind: 'status', at, ...report });
        else await this.#missing(useCase, attempt, at);
        return undefined;
      },
      fail: (failed) => observeAttempt(this.#deps, useCase, id, { kind: 'check-failed', ...failed }),
    };
  }

  /** SageMaker does not know it: not yet, never, or not any more. Only time tells which. */
  async #missing(useCase: UseCase, attempt: CompilationAttempt, at: EpochMs): Promise<void> {
    const { id, askedAt, lastCheckedAt } = attempt;
    if (at - Math.max(askedAt, lastCheckedAt ?? 0) <= GRACE) return;
    if (currentStatus(attempt) === 'REQUESTED') {
      // It is about to be asked for (again).
      const record = await this.#deps.store.getJob(useCase.id, attempt.job);
      if (useCase.compile?.auto && record?.compileDue) return;
      const message = 'SageMaker never took the request: it was lost on its way. Retry it.';
      await observeAttempt(this.#deps, useCase, id, { kind: 'refused', at, message });
      return;
    }
    // Only an ended compilation can be deleted.
    await observeAttempt(this.#deps, useCase, id, {
      kind: 'status',
      at,
      status: 'STOPPED',
      failureReason: 'SageMaker has no such compilation any more: it ended and was deleted.',
    });
  }

  #component(useCase: UseCase, component: Component): Item {
    const { chain, arn } = component;
    const { name, version } = chain.component;
    return {
      key: JSON.stringify(['component', useCase.id, name, version]),
      useCase,
      job: chain.trainingJob,
      operation: 'pkg',
      doing: 'looking at a component',
      ask: async ({ components }, at, signal) => {
        if (arn === undefined) {
          // Who published it a moment ago may still wait for the answer.
          if (at - component.createdAt < EVERY) return undefined;
          const { error, outcome } = await resumePublishing(this.#deps, components, component, signal);
          if (outcome === 'pending' && error) throw error;
          return undefined;
        }
        const report = await components.describe(arn, signal);
        if (report) await observeComponent(this.#deps, component, { at, ...report });
        else if (at - Math.max(component.createdAt, component.lastCheckedAt ?? 0) > GRACE)
          await observeComponent(this.#deps, component, {
            at,
            state: 'FAILED',
            message: 'Greengrass has no such component version any more: it was deleted.',
          });
        return undefined;
      },
      fail: async () => undefined,
    };
  }
}

const foreignKey = (useCase: string, { key }: Found): string =>
  JSON.stringify(['compilation elsewhere', useCase, key]);
const trainingKey = (useCase: string, job: string): string => JSON.stringify(['training', useCase, job]);

/** One role session of each operation for a round; where it cannot be opened, it is not tried for every item. */
class Sessions {
  readonly #deps: RefreshDeps;
  readonly #useCase: UseCase;
  readonly #open = new Map<Item['operation'], Promise<UseCaseSession>>();

  constructor(deps: RefreshDeps, useCase: UseCase) {
    this.#deps = deps;
    this.#useCase = useCase;
  }

  open(operation: Item['operation']): Promise<UseCaseSession> {
    let session = this.#open.get(operation);
    if (!session) {
      session = this.#deps.gateway.open(this.#useCase, backgroundActor(this.#deps.team), operation);
      this.#open.set(operation, session);
    }
    return session;
  }
}
