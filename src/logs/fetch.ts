/**
 * Sends the requests: as many at a time as the rate and the service's latency make useful, each decided on only
 * when its turn has come, so that no turn is spent on what has become known in the meantime.
 */

import { setMaxListeners } from 'node:events';
import { backoff, jittered } from '../ground/backoff.ts';
import { AppError, CancelledError } from '../ground/errors.ts';
import type { LogLane, LogPage, LogSource } from '../ports/log-source.ts';
import { isSorted, type LineFormatter, sortPage } from './format.ts';
import type { Chain, LaneName } from './gap.ts';
import { HeldPages } from './held-pages.ts';
import { NextChains } from './next-chains.ts';
import { dropAhead, nextPage } from './page-ahead.ts';
import type { StreamPlan } from './plan.ts';
import type { Spool } from './spool.ts';

/** Empty pages in a row, of one chain, after which the service is taken to be broken: minutes of them. */
const EMPTY_LIMIT = 3000;
/** Failures in a row of one chain (broken connections, the service's own trouble) before giving up. */
const FAILURE_LIMIT = 9;
/** Refused requests in a row, of the whole download, before giving up: minutes of them. */
const THROTTLE_LIMIT = 240;
/**
 * Tokens that may become invalid without anything having been read in between, besides one of each chain: after a night
 * in which the machine slept all of them have.
 */
const REOPEN_LIMIT = 5;
const MOST_AT_ONCE = 24;
/** With no quota, more requests at a time only fill memory: the processor is the limit then. */
const UNLIMITED_AT_ONCE = 12;
const UNLIMITED_AT_ONCE_NEAR = 4;
const NEAR_MS = 20;
/** Taken for the latency until the first answer. */
const LATENCY_GUESS_MS = 160;
const PENDING_WRITES = 8;
/** Requests by the main lane before the second one joins: a small log is not worth a second quota. */
const SECOND_LANE_AFTER = 6;

export interface Timing {
  now(): number;
  /** Resolves after so many ms, or at once when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
}

export interface FetchOptions {
  source: LogSource;
  plans: readonly StreamPlan[];
  streamNames: readonly string[];
  formatters: readonly LineFormatter[];
  spool: Spool;
  timing: Timing;
  signal: AbortSignal | undefined;
  pageLimit: number | undefined;
  useSecondLane: boolean;
  /**
   * As long as the source is near, pages are read in sequence and handed to the merge in memory. All streams must be
   * distrusted then.
   */
  mayHold?: boolean | undefined;
  /** Requests are scarcer than time, whatever there is room for: see SplitMood. */
  saving?: boolean | undefined;
  /** After every page; may end the work early (`--tail`). */
  onPage: () => void;
  /** Something the reader should know. */
  note: (text: string) => void;
}

export class Fetch {
  readonly #options: FetchOptions;
  readonly #inFlight: Record<LaneName, number> = { main: 0, second: 0 };
  readonly #latency: Record<LaneName, number> = { main: LATENCY_GUESS_MS, second: LATENCY_GUESS_MS };
  readonly #stop = new AbortController();
  #waiters: (() => void)[] = [];
  #failure: { error: unknown } | undefined;
  #requests = 0;
  #throttlesInARow = 0;
  #reopensInARow = 0;
  #reopensAllowed = 0;
  #pendingWrites = 0;
  #secondLaneOpen: boolean;
  readonly #held: HeldPages;
  readonly #next: NextChains;
  /** Counts how often the merge has to begin anew, because a stream's order could not be trusted. */
  generation = 0;
  events = 0;
  textBytes = 0;

  constructor(options: FetchOptions) {
    this.#options = options;
    // Every chain that waits out a refusal listens to it, dozens at a time: that is no leak.
    setMaxListeners(0, this.#stop.signal);
    this.#secondLaneOpen = options.useSecondLane && options.source.secondLane !== undefined;
    this.#held = new HeldPages(options.spool, options.mayHold ?? false, () => this.#wake());
    this.#next = new NextChains({
      ...{ plans: options.plans, held: this.#held, saving: options.saving ?? false },
      now: () => options.timing.now(),
      isNear: () => options.source.isNear === true,
    });
  }

  get throttled(): boolean {
    const { source } = this.#options;
    return this.#throttlesInARow > 0 || (source.pace?.slowed ?? false);
  }

  get done(): boolean {
    return this.#options.plans.every((plan) => plan.done);
  }

  /** Resolves when all is read. @throws what made going on impossible; CancelledError */
  async run(): Promise<void> {
    const { signal, source } = this.#options;
    const onAbort = (): void => this.#fail(new CancelledError('Cancelled', { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.all([
        this.#lane('main', source),
        ...(this.#secondLaneOpen && source.secondLane ? [this.#lane('second', source.secondLane)] : []),
      ]);
      this.#throwFailure();
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#stop.abort();
      this.#abortAll();
      this.#wake();
    }
  }

  /**
   * Resolves at the next change of any plan; rejects once the download has failed.
   * @param wanted the stream that the merge cannot go on without: it gets its next page whatever is in memory
   */
  async changed(wanted?: number): Promise<void> {
    this.#throwFailure();
    if (wanted !== undefined) this.#held.want(wanted);
    await this.#change();
    if (wanted !== undefined) this.#held.unwant(wanted);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends the download with an error from elsewhere (the disk, the merge). */
  fail(error: unknown): void {
    this.#fail(error);
  }

  get #over(): boolean {
    return this.#failure !== undefined || this.done;
  }

  async #lane(name: LaneName, lane: LogLane): Promise<void> {
    while (!this.#over) {
      if (name === 'second' && !this.#secondLaneOpen) return;
      const isFull = this.#inFlight[name] >= this.#atOnce(name, lane);
      // It does not wait for a turn when there is nothing to do with it.
      if (isFull || !(this.#mayBegin(name) || this.#next.idle(name))) {
        await this.#change();
        continue;
      }
      await lane.pace?.turn(this.#stop.signal);
      const room = this.#atOnce(name, lane) - this.#inFlight[name];
      const pick = this.#over ? undefined : this.#next.pick(name, this.#mayBegin(name), room);
      if (!pick) {
        lane.pace?.handBack();
        if (!this.#over) await this.#change();
        continue;
      }
      // Its failures are kept in the state of this object; it never rejects.
      void this.#request(pick.plan, pick.chain, name, lane);
    }
  }

  /**
   * The second lane only where the first one's quota is what everything waits for, for its pages are larger on the wire.
   * What it has begun it goes on with in any case: nobody else does.
   */
  #mayBegin(name: LaneName): boolean {
    if (name === 'main') return true;
    return (
      this.#requests >= SECOND_LANE_AFTER && Number.isFinite(this.#options.source.pace?.rate ?? Infinity)
    );
  }

  #atOnce(name: LaneName, lane: LogLane): number {
    const rate = lane.pace?.rate ?? Number.POSITIVE_INFINITY;
    const latency = this.#latency[name];
    if (!Number.isFinite(rate)) return latency < NEAR_MS ? UNLIMITED_AT_ONCE_NEAR : UNLIMITED_AT_ONCE;
    // A quarter more than rate × latency keeps the rate when one answer is late, and uses up what a burst allows.
    return Math.min(MOST_AT_ONCE, Math.ceil((rate * latency * 1.25) / 1000) + 1);
  }

  async #request(plan: StreamPlan, chain: Chain, name: LaneName, lane: LogLane): Promise<void> {
    const options = this.#options;
    chain.busy = true;
    this.#inFlight[name]++;
    this.#requests++;
    const sentAt = options.timing.now();
    try {
      const page = await this.#readPage(plan, chain, lane);
      const took = options.timing.now() - sentAt;
      this.#latency[name] += (took - this.#latency[name]) * 0.2;
      this.#throttlesInARow = 0;
      await this.#take(plan, chain, page);
    } catch (error) {
      if (!chain.over && !this.#over) this.#onError(plan, chain, name, error);
    } finally {
      chain.busy = false;
      this.#inFlight[name]--;
      if (!this.#failure) options.onPage();
      this.#wake();
    }
  }

  /** The chain's next page; in sequence the one after it is asked for meanwhile. */
  #readPage(plan: StreamPlan, chain: Chain, lane: LogLane): Promise<LogPage> {
    const { streamNames, formatters, pageLimit } = this.#options;
    const request = {
      stream: streamNames[chain.stream]!,
      from: chain.from > 0 ? chain.from : undefined,
      to: chain.to,
      direction: chain.direction,
      limit: pageLimit,
      lead: formatters[chain.stream]!.lead,
    };
    return nextPage(
      chain,
      (token, onNext) => lane.readPage({ ...request, token, onNext }, chain.abort.signal),
      () => this.#next.inSequence(plan) && !this.#failure,
    );
  }

  async #take(plan: StreamPlan, chain: Chain, answer: LogPage): Promise<void> {
    const { spool, formatters, streamNames, note } = this.#options;
    if (chain.over || this.#failure) {
      answer.release?.();
      return;
    }
    const sorted = isSorted(answer);
    const page = sorted ? answer : sortPage(answer);
    const verdict = plan.accept(chain, page, sorted, this.#next.inSequence(plan));
    if (verdict === 'disorder') {
      answer.release?.();
      const name = streamNames[plan.stream]!;
      plan.fallBack();
      if (this.#held.isAllowed) {
        // What the merge has had of the others is not on disk.
        for (const other of this.#options.plans) if (other !== plan) other.startOver();
        this.#held.stop();
      }
      this.generation++;
      note(`Stream ${name} gave its events out of time order; all of it was read in sequence and sorted.`);
      await spool.distrust(name);
      return;
    }
    if (verdict === 'unused') {
      answer.release?.();
      if (chain.emptyInARow > EMPTY_LIMIT) {
        throw new AppError('timeout', `The log service gave ${EMPTY_LIMIT} empty pages in a row.`, {
          hint: 'Try again later, or narrow the time with --since and --until.',
        });
      }
      return;
    }
    this.#reopensInARow = 0;
    const content = formatters[plan.stream]!.format(page);
    const origin = {
      stream: spool.streamNumber(streamNames[plan.stream]!),
      chain: chain.id,
      direction: chain.direction,
      from: chain.from,
      to: chain.to,
      first: page.times[0]!,
      last: page.times[page.count - 1]!,
    };
    const isHeld = this.#next.inSequence(plan) && chain.direction === 'forward' && content.count > 0;
    const spooled = isHeld
      ? this.#held.hold(plan.stream, content, origin, answer.release)
      : spool.append(content, origin);
    chain.pages.push(spooled);
    this.events += content.count;
    this.textBytes += spooled.textBytes;
    if (isHeld) return;
    this.#pendingWrites++;
    const written = (spooled.written ?? Promise.resolve())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#pendingWrites--;
        answer.release?.();
      });
    // A disk slower than the service: the chain waits, so that pages do not pile up in memory.
    if (this.#pendingWrites > PENDING_WRITES) await written;
  }

  #onError(plan: StreamPlan, chain: Chain, name: LaneName, error: unknown): void {
    const { timing, note } = this.#options;
    const code = error instanceof AppError ? error.code : undefined;
    if (code === 'rate_limited') {
      if (++this.#throttlesInARow > THROTTLE_LIMIT) this.#fail(error);
      // The pace slows down for all; this only keeps one chain from asking again in the same moment.
      this.#pause(chain, jittered(20 * Math.min(50, this.#throttlesInARow), timing.random));
      return;
    }
    if (code === 'unavailable' || (code === 'timeout' && chain.emptyInARow <= EMPTY_LIMIT)) {
      if (++chain.failures > FAILURE_LIMIT) this.#fail(error);
      else this.#pause(chain, jittered(backoff([200, 20_000], chain.failures), timing.random));
      return;
    }
    if (name === 'second') {
      // The second lane is a luxury: without the right to it, the main one reads everything.
      this.#secondLaneOpen = false;
      note('FilterLogEvents could not be used; everything was read with GetLogEvents.');
      for (const each of this.#options.plans) {
        for (const other of each.chains()) if (other.lane === 'second') each.reopen(other);
      }
      return;
    }
    if (code === 'invalid_input' && chain.token !== undefined) {
      // Counted at the first: a chain that is reopened is gone until its turn comes.
      if (this.#reopensInARow === 0)
        this.#reopensAllowed =
          REOPEN_LIMIT + this.#options.plans.reduce((sum, each) => sum + each.chains().length, 0);
      if (++this.#reopensInARow <= this.#reopensAllowed) {
        // Tokens live for 24 h; what was read stays, the rest is asked for by time.
        plan.reopen(chain);
        return;
      }
    }
    this.#fail(error);
  }

  #pause(chain: Chain, ms: number): void {
    const { timing } = this.#options;
    chain.notBefore = timing.now() + ms;
    void timing.wait(ms, this.#stop.signal).then(() => this.#wake());
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stop.abort();
    this.#abortAll();
    this.#wake();
  }

  #abortAll(): void {
    for (const chain of this.#options.plans.flatMap((plan) => plan.chains())) {
      chain.abort.abort();
      dropAhead(chain);
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
