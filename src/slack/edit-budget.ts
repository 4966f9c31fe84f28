/**
 * `chat.update` is allowed 50 times a minute per workspace (tier 3, https://docs.slack.dev/apis/web-api/rate-limits).
 * All instances share one budget, in which people come first.
 */
import { pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import { Cooldown } from '../ground/token-bucket.ts';
import type { Budgets, Taken } from '../ports/budgets.ts';

/**
 * What an edit is for, most important first: the answer to a click or the end of something somebody waits for; progress
 * that somebody watches; news in an outbox message; an outbox message in which only times have changed.
 */
export type EditPurpose = 'person' | 'progress' | 'notification' | 'refresh';

/** Edits allowed at once. */
const AT_ONCE = 4;
/**
 * Milliseconds: 45 a minute. With the burst that is 49, and the last one is spare for calls that take longer than
 * others to arrive.
 */
const INTERVAL = 1_305;

/** Edits that each purpose leaves for the more important ones. */
const LEFT: Readonly<Record<EditPurpose, number>> = { person: 0, progress: 1, notification: 2, refresh: 3 };

/** Milliseconds after which the outbox gets an edit despite all progress, though never before a person. */
const OUTBOX_AT_LEAST_EVERY = 5_000;
const LEFT_THEN = 0.5;
const NAME = 'slack/chat.update';
/** Milliseconds before the budget is asked again that could not be. */
const UNKNOWN_FOR = 1_000;

export interface EditBudgetOptions {
  /** Of all instances. */
  budgets: Budgets;
  clock: Clock;
  /** Milliseconds between edits when many wait; left out: what Slack allows. */
  interval?: number | undefined;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

export class EditBudget {
  readonly #options: EditBudgetOptions;
  readonly #interval: number;
  readonly #refused = new Cooldown();
  /** When the outbox last had one. */
  readonly #outboxServed = new Cooldown();

  constructor(options: EditBudgetOptions) {
    this.#options = options;
    this.#interval = Math.max(options.interval ?? INTERVAL, 0.001);
  }

  /** @returns 0: the edit may be made, and is counted; otherwise milliseconds until asking again */
  async tryTake(purpose: EditPurpose): Promise<number> {
    const now = this.#options.clock.now();
    const refused = this.#refused.left(now);
    if (refused > 0) return refused;
    const ofOutbox = purpose === 'notification' || purpose === 'refresh';
    const passedOver = ofOutbox ? this.#outboxServed.left(now) : Number.POSITIVE_INFINITY;
    const left = passedOver === 0 ? Math.min(LEFT[purpose], LEFT_THEN) : LEFT[purpose];
    const { taken, wait } = await this.#take(purpose, left);
    if (taken === 0) {
      const atLast = Math.max(passedOver, wait - (left - LEFT_THEN) * this.#interval);
      return Math.min(wait, atLast);
    }
    if (ofOutbox) this.#outboxServed.begin(now, OUTBOX_AT_LEAST_EVERY);
    return 0;
  }

  /** Resolves when the edit may be made, and counts it. Rejects with the signal's reason. */
  async take(purpose: EditPurpose, signal?: AbortSignal): Promise<void> {
    const sleep = this.#options.sleep ?? pause;
    for (;;) {
      signal?.throwIfAborted();
      const wait = await this.tryTake(purpose);
      if (wait === 0) return;
      await sleep(Math.ceil(wait), signal);
    }
  }

  /** Slack has refused an edit, and no instance makes one for this long. */
  refused(ms: number): void {
    this.#refused.begin(this.#options.clock.now(), ms);
    // Otherwise the others are refused as well, which tells them.
    this.#options.budgets.hold(NAME, ms).catch(() => undefined);
  }

  async #take(purpose: EditPurpose, left: number): Promise<Taken> {
    const rate = { perSecond: 1_000 / this.#interval, burst: AT_ONCE };
    try {
      return await this.#options.budgets.take(NAME, rate, { left });
    } catch {
      // Somebody waits for the answer, and Slack still has the last word.
      return purpose === 'person' ? { taken: 1, wait: 0 } : { taken: 0, wait: UNKNOWN_FOR };
    }
  }
}
