/**
 * `chat.update` is allowed 50 times a minute per workspace (tier 3, https://docs.slack.dev/apis/web-api/rate-limits).
 * Everything in this process shares one budget, in which people come first.
 */
import { pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import { Cooldown, TokenBucket } from '../ground/token-bucket.ts';

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

export interface EditBudgetOptions {
  clock: Clock;
  /** Milliseconds between edits when many wait; left out: what Slack allows. */
  interval?: number | undefined;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

export class EditBudget {
  readonly #options: EditBudgetOptions;
  readonly #bucket: TokenBucket;
  readonly #refused = new Cooldown();
  /** When the outbox last had one. */
  readonly #outboxServed = new Cooldown();

  constructor(options: EditBudgetOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(AT_ONCE, options.interval ?? INTERVAL);
  }

  /** @returns 0: the edit may be made, and is counted; otherwise milliseconds until asking again */
  tryTake(purpose: EditPurpose): number {
    const now = this.#options.clock.now();
    const ofOutbox = purpose === 'notification' || purpose === 'refresh';
    const passedOver = ofOutbox ? this.#outboxServed.left(now) : Number.POSITIVE_INFINITY;
    const inTurn = this.#bucket.wait(now, LEFT[purpose]);
    const atLast = Math.max(passedOver, this.#bucket.wait(now, LEFT_THEN));
    const wait = Math.max(this.#refused.left(now), Math.min(inTurn, atLast));
    if (wait > 0) return wait;
    this.#bucket.take(now);
    if (ofOutbox) this.#outboxServed.begin(now, OUTBOX_AT_LEAST_EVERY);
    return 0;
  }

  /** Resolves when the edit may be made, and counts it. Rejects with the signal's reason. */
  async take(purpose: EditPurpose, signal?: AbortSignal): Promise<void> {
    const sleep = this.#options.sleep ?? pause;
    for (;;) {
      signal?.throwIfAborted();
      const wait = this.tryTake(purpose);
      if (wait === 0) return;
      await sleep(Math.ceil(wait), signal);
    }
  }

  /** Slack has refused an edit, and no edit is made for this long. */
  refused(ms: number): void {
    this.#refused.begin(this.#options.clock.now(), ms);
  }
}
