/**
 * Slack counts each method's calls by workspace and app (https://docs.slack.dev/apis/web-api/rate-limits). What a rush of
 * downloads would call more often than that waits here for its turn, and is not given up: in one line for each process,
 * out of one budget for all instances. Edits have their own (edit-budget.ts), in which people come first.
 */
import { webApi } from '@slack/bolt';
import { KeyQueue } from '../ground/key-queue.ts';
import { pause, unlessAborted } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import { Cooldown } from '../ground/token-bucket.ts';
import type { Budgets, Rate, Window } from '../ports/budgets.ts';
import { budgetOf, PER_MINUTE, windowOf } from './method-quotas.ts';

const METHODS = [
  'chat.delete',
  'files.getUploadURLExternal',
  'files.completeUploadExternal',
  'files.info',
] as const;
export type PacedMethod = (typeof METHODS)[number];

/** Whoever calls it has waited for its turn before. */
export const isTurnTaken = (method: string): boolean => METHODS.some((paced) => paced === method);

/** Milliseconds after which whoever waits for a turn is told that they do. */
const TOLD_AFTER = 1_500;
/** Milliseconds for which a call is tried while Slack refuses it for coming too often. */
const PATIENCE = 15 * 60_000;

export interface CallBudgetsOptions {
  /** Of all instances. */
  budgets: Budgets;
  clock: Clock;
  /** Milliseconds between calls when many wait; left out: what Slack allows. */
  interval?: number | undefined;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

export interface Waiting {
  /** Ends the wait for a turn. */
  signal?: AbortSignal | undefined;
  /** Called when the turn does not come soon, and each time that Slack asks to wait. */
  onWait?: (() => void) | undefined;
}

export class CallBudgets {
  readonly #options: CallBudgetsOptions;
  readonly #line = new KeyQueue<PacedMethod>();
  readonly #refused = new Map<PacedMethod, Cooldown>();

  constructor(options: CallBudgetsOptions) {
    this.#options = options;
  }

  /**
   * Calls when it is its turn, again after each time that Slack asks to wait. What waits longest goes first.
   * @param call throws WebAPIRateLimitedError when Slack refuses it for coming too often
   * @throws what `call` throws, the refusal only after a quarter of an hour; the signal's reason while it waits
   */
  async call<T>(method: PacedMethod, call: () => Promise<T>, waiting: Waiting = {}): Promise<T> {
    const { clock } = this.#options;
    const until = clock.now() + PATIENCE;
    for (;;) {
      await this.#turn(method, waiting);
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof webApi.WebAPIRateLimitedError)) throw error;
        const ms = error.retryAfter * 1_000;
        this.#hold(method, ms);
        if (clock.now() + ms > until) throw error;
        waiting.onWait?.();
      }
    }
  }

  /** Resolves when it may be called, and counts it. */
  async #turn(method: PacedMethod, { signal, onWait }: Waiting): Promise<void> {
    const { sleep = pause } = this.#options;
    const ended = new AbortController();
    if (onWait) sleep(TOLD_AFTER, ended.signal).then(onWait, () => undefined);
    try {
      await unlessAborted(
        signal,
        this.#line.run(method, () => this.#take(method, signal)),
      );
    } finally {
      ended.abort();
    }
  }

  async #take(method: PacedMethod, signal: AbortSignal | undefined): Promise<void> {
    const { budgets, clock, sleep = pause } = this.#options;
    const rate = rateOf(method, this.#options.interval);
    for (;;) {
      signal?.throwIfAborted();
      let wait = this.#refused.get(method)?.left(clock.now()) ?? 0;
      // If nobody can be asked, Slack still has the last word.
      if (wait === 0) ({ wait } = await budgets.take(budgetOf(method), rate).catch(() => ({ wait: 0 })));
      if (wait === 0) return;
      await sleep(Math.ceil(wait), signal);
    }
  }

  /** Slack has refused, so no instance calls for this long. */
  #hold(method: PacedMethod, ms: number): void {
    const refused = this.#refused.get(method) ?? new Cooldown();
    this.#refused.set(method, refused);
    refused.begin(this.#options.clock.now(), ms);
    // Otherwise the others are refused as well, which tells them.
    this.#options.budgets.hold(budgetOf(method), ms).catch(() => undefined);
  }
}

/** A tenth of what Slack allows in a minute at once, where somebody sets the pace. */
const rateOf = (method: PacedMethod, interval: number | undefined): Rate | Window =>
  interval === undefined
    ? windowOf(method)
    : { perSecond: 1_000 / Math.max(interval, 0.001), burst: PER_MINUTE[method] / 10 };
