/**
 * Turns for one AWS API in one account and region, shared by everything in this process that uses it.
 *
 * A copy of the service's own token bucket is kept here, a little smaller, so that requests wait on this side
 * instead of being refused on the other. When the service refuses all the same (its quota is lower than told, or
 * others use it), the true rate is worked out from what it did accept between two refusals; the rate comes back
 * slowly afterwards.
 *
 * Where several instances use the same quota, each keeps such a copy, and takes what it sends from a budget that they
 * share (ports/budgets.ts) besides: several turns at once where several wait.
 */
import { backoff } from '../ground/backoff.ts';
import type { Budgets } from '../ports/budgets.ts';
import type { RequestPace } from '../ports/log-source.ts';

export interface RateLimiterOptions {
  /** Requests a second by the service's quota; Infinity when there is none. */
  rate: number;
  /** What all instances take their turns from. Left out: nobody else uses the quota. */
  shared?: { budgets: Budgets; name: string } | undefined;
  /** Milliseconds; never runs backwards. */
  now?: () => number;
  /** Calls back after so many ms; returns a function that takes it back. */
  schedule?: (ms: number, callback: () => void) => () => void;
}

/** Requests that the copy of the bucket holds less than the service's: jitter on the way bunches requests up. */
const MARGIN = 3;
const SLOWEST = 0.5;
/** Right after a refusal the rate is put this much below what the service was seen to accept. */
const BELOW = 0.95;
/** Of the quota, per second and per ten seconds without a refusal: how the rate comes back. */
const RECOVERY = 0.004;
/** After refusals in a row. */
const PAUSES = [100, 5000] as const;
/** Turns in a row for flows that somebody waits for, while others stand behind them. */
const AHEAD = 3;
/** Of a second's turns, how many are taken of a shared budget at once. */
const SLICE = 1 / 5;
/** Milliseconds in which they are used; an instance that hung meanwhile takes new ones. */
const GOOD_FOR = 1_000;
/** Milliseconds between two questions, while there is nothing or nobody answers. */
const ASK_EVERY = 50;
const ASK_AGAIN = 500;

interface Waiting {
  grant: () => void;
}

/** Waiting requests of one download, served in turn with those of the others. */
interface Flow {
  queue: Waiting[];
  /** Others come first. */
  inBackground: boolean;
}

export class RateLimiter {
  readonly #quota: number;
  readonly #now: () => number;
  readonly #schedule: (ms: number, callback: () => void) => () => void;
  #rate: number;
  #tokens: number;
  #filledAt: number;
  readonly #flows: Flow[] = [];
  /** Turns in a row that went to flows in the foreground while others waited. */
  #ahead = 0;
  #cancelTimer: (() => void) | undefined;
  /** Requests sent since the service's bucket was last known to be empty (or full, at the beginning). */
  #sent = 0;
  /** What the last refusal was judged by: requests taken to be accepted, over so many seconds of quota. */
  #evidence = { accepted: 0, seconds: 1 };
  #countingSince: number;
  #bucketWasFull = true;
  #refusedAt = Number.NEGATIVE_INFINITY;
  #pauseUntil = Number.NEGATIVE_INFINITY;
  #refusalsInARow = 0;
  #shared: RateLimiterOptions['shared'];
  /** Turns taken of the shared budget and not given to anybody yet. */
  #granted = 0;
  #grantedAt = 0;
  #asking = false;
  #askAt = Number.NEGATIVE_INFINITY;

  constructor(options: RateLimiterOptions) {
    this.#quota = options.rate;
    this.#rate = options.rate;
    this.#shared = Number.isFinite(options.rate) ? options.shared : undefined;
    this.#now = options.now ?? (() => performance.now());
    this.#schedule =
      options.schedule ??
      ((ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      });
    this.#tokens = this.#capacity;
    this.#filledAt = this.#now();
    this.#countingSince = this.#filledAt;
  }

  /** Requests a second that are allowed now. */
  get rate(): number {
    this.#fill();
    return this.#rate;
  }

  get slowed(): boolean {
    return this.rate < this.#quota * 0.9;
  }

  /**
   * A place in the round for one download.
   * @param inBackground it goes on by itself: while there are others, they get three turns of four
   */
  flow({ inBackground = false } = {}): RequestPace {
    const flow: Flow = { queue: [], inBackground };
    const limiter = this;
    return {
      turn: (signal) => this.#turn(flow, signal),
      handBack: () => {
        this.#tokens += 1;
        this.#granted += 1;
        this.#sent = Math.max(0, this.#sent - 1);
        this.#serve();
      },
      get rate() {
        return limiter.rate;
      },
      get slowed() {
        return limiter.slowed;
      },
    };
  }

  /** A request was accepted. */
  accepted(): void {
    this.#refusalsInARow = 0;
  }

  /**
   * The service refused a request.
   * @param sentAt by this limiter's clock
   */
  refused(sentAt: number): void {
    const now = this.#now();
    this.#fill();
    this.#refusalsInARow++;
    const pause = backoff(PAUSES, this.#refusalsInARow);
    this.#tokens = Math.min(this.#tokens, 0);
    if (sentAt > this.#refusedAt) {
      const seconds = (now - this.#countingSince) / 1000;
      // What is still on its way counts as accepted until it is refused too. At the beginning the service's bucket
      // was full, which is taken to be one second's worth.
      this.#evidence = { accepted: this.#sent - 1, seconds: seconds + (this.#bucketWasFull ? 1 : 0) };
      this.#slowDown();
      this.#sent = 0;
      this.#countingSince = now;
      this.#bucketWasFull = false;
      this.#pauseUntil = now + Math.max(pause, 1000 / this.#rate);
    } else {
      // It was on its way when the first was refused: one fewer was accepted than was thought.
      this.#evidence.accepted--;
      this.#slowDown();
      this.#pauseUntil = Math.max(this.#pauseUntil, now + Math.min(pause, 1000 / this.#rate));
    }
    this.#refusedAt = now;
    this.#serve();
  }

  #slowDown(): void {
    const { accepted, seconds } = this.#evidence;
    const seen = accepted / Math.max(0.05, seconds);
    const from = Number.isFinite(this.#rate) ? this.#rate : Math.max(seen * 2, 10);
    this.#rate = Math.max(SLOWEST, Math.min(from, Math.max(from * 0.25, seen * BELOW)));
  }

  /** The published quota does not apply here; from the first refusal on what is seen does. */
  lift(): void {
    if (this.#refusedAt > Number.NEGATIVE_INFINITY || this.#rate === Number.POSITIVE_INFINITY) return;
    this.#rate = Number.POSITIVE_INFINITY;
    this.#tokens = Number.POSITIVE_INFINITY;
    this.#shared = undefined;
    this.#serve();
  }

  get now(): number {
    return this.#now();
  }

  get #capacity(): number {
    return Number.isFinite(this.#rate) ? Math.max(1, this.#rate - MARGIN) : Number.POSITIVE_INFINITY;
  }

  #fill(): void {
    const now = this.#now();
    const seconds = Math.max(0, now - this.#filledAt) / 1000;
    this.#filledAt = now;
    if (this.#rate < this.#quota && now > this.#pauseUntil) {
      const quiet = (now - this.#refusedAt) / 1000;
      const step = Number.isFinite(this.#quota) ? this.#quota : this.#rate;
      this.#rate = Math.min(this.#quota, this.#rate + step * RECOVERY * Math.min(10, quiet / 10) * seconds);
    }
    if (this.#tokens < this.#capacity)
      this.#tokens = Math.min(this.#capacity, this.#tokens + seconds * this.#rate);
    if (this.#tokens >= this.#capacity && Number.isFinite(this.#rate)) {
      // Unused for a while: the service's bucket is full again, and counting begins anew.
      this.#sent = 0;
      this.#countingSince = now;
      this.#bucketWasFull = true;
    }
  }

  #turn(flow: Flow, signal: AbortSignal | undefined): Promise<void> {
    // A turn for a download that has ended is harmless; it hands it back.
    if (signal?.aborted) {
      this.#spend();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const waiting: Waiting = {
        grant: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = (): void => {
        const at = flow.queue.indexOf(waiting);
        if (at < 0) return;
        flow.queue.splice(at, 1);
        this.#spend();
        resolve();
      };
      signal?.addEventListener('abort', leave, { once: true });
      flow.queue.push(waiting);
      if (!this.#flows.includes(flow)) this.#flows.push(flow);
      this.#serve();
    });
  }

  #nextFlow(): Flow {
    const isAhead = this.#ahead < AHEAD;
    const wanted = this.#flows.findIndex((flow) => flow.queue.length > 0 && flow.inBackground !== isAhead);
    // Turns are only counted while both kinds wait.
    const other = this.#flows.some((flow) => flow.queue.length > 0 && flow.inBackground === isAhead);
    if (wanted >= 0 && other) this.#ahead = isAhead ? this.#ahead + 1 : 0;
    return this.#flows.splice(Math.max(0, wanted), 1)[0]!;
  }

  #spend(): void {
    this.#tokens -= 1;
    this.#granted -= 1;
  }

  /** Gives out what is there, one to each download in turn; sets the clock for the next. */
  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#fill();
    const now = this.#now();
    if (this.#granted > 0 && now - this.#grantedAt > GOOD_FOR) this.#granted = 0;
    while (
      this.#flows.length > 0 &&
      this.#tokens >= 1 &&
      now >= this.#pauseUntil &&
      (!this.#shared || this.#granted >= 1)
    ) {
      const flow = this.#nextFlow();
      const next = flow.queue.shift();
      if (!next) continue;
      if (flow.queue.length > 0) this.#flows.push(flow);
      this.#spend();
      this.#sent++;
      next.grant();
    }
    if (!this.#flows.some((flow) => flow.queue.length > 0)) {
      this.#flows.length = 0;
      return;
    }
    const forToken = Math.max(0, (1 - this.#tokens) / this.#rate) * 1000;
    const wait = Math.max(forToken, this.#pauseUntil - now);
    if (this.#shared && wait <= 0 && now >= this.#askAt) void this.#ask(this.#shared);
    else this.#serveIn(Math.max(1, wait, this.#shared ? this.#askAt - now : 0));
  }

  #serveIn(ms: number): void {
    if (!this.#asking) this.#cancelTimer = this.#schedule(Math.ceil(ms), () => this.#serve());
  }

  /** Takes turns of the shared budget for who waits here. */
  async #ask({ budgets, name }: NonNullable<RateLimiterOptions['shared']>): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const waiting = this.#flows.reduce((sum, { queue }) => sum + queue.length, 0);
    const want = Math.max(1, Math.min(waiting, Math.floor(this.#tokens), Math.ceil(this.#quota * SLICE)));
    const rate = { perSecond: this.#quota, burst: Math.max(1, this.#quota - MARGIN) };
    try {
      const { taken, wait } = await budgets.take(name, rate, { want });
      const now = this.#now();
      this.#granted = Math.min(0, this.#granted) + taken;
      this.#grantedAt = now;
      this.#askAt = wait > 0 ? now + Math.max(wait, ASK_EVERY) : now;
    } catch {
      // Nobody knows what the others do; whoever waits may give up.
      this.#askAt = this.#now() + ASK_AGAIN;
    }
    this.#asking = false;
    this.#serve();
  }
}
