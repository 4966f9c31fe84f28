/**
 * `chat.update` is allowed 50 times a minute in a workspace (tier 3, https://docs.slack.dev/apis/web-api/rate-limits),
 * whoever in this process calls it: one budget for all of them, in which people come first.
 */
import { pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import { Cooldown, TokenBucket } from '../ground/token-bucket.ts';

/**
 * What an edit is for, the most important first: the answer to a click or the end of what somebody waits for; progress
 * that somebody watches; news in a message of the outbox; a message in which only times have passed.
 */
export type EditPurpose = 'person' | 'progress' | 'notification' | 'refresh';

/** Edits that are allowed at once. */
const AT_ONCE = 4;
/**
 * Milliseconds: 45 in a minute. With those at once that is 49, and the last one is for calls that are on their way
 * for longer than others.
 */
const INTERVAL = 1_305;

/** What a purpose leaves to those before it: they find it unused, and take what comes before it has that much. */
const LEFT: Readonly<Record<EditPurpose, number>> = { person: 0, progress: 1, notification: 2, refresh: 3 };

/** Milliseconds after which the outbox has one edit in spite of all progress, though never before a person. */
const OUTBOX_AT_LEAST_EVERY = 5_000;
const LEFT_THEN = 0.5;

export interface EditBudgetOptions {
  clock: Clock;
  /** Milliseconds between two edits when many wait; left out: what Slack allows. */
  interval?: number | undefined;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

export class EditBudget {
  readonly #options: EditBudgetOptions;
  readonly #bucket: TokenBucket;
  readonly #refused = new Cooldown();
  /** Since the outbox had one. */
  readonly #outboxServed = new Cooldown();

  constructor(options: EditBudgetOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(AT_ONCE, options.interval ?? INTERVAL);
  }

  /** @returns 0: the edit may be made, and is counted; else milliseconds until it may be asked for again */
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

  /** Resolves when the edit may be made; then it is counted. Rejects with the signal's reason. */
  async take(purpose: EditPurpose, signal?: AbortSignal): Promise<void> {
    const sleep = this.#options.sleep ?? pause;
    for (;;) {
      signal?.throwIfAborted();
      const wait = this.tryTake(purpose);
      if (wait === 0) return;
      await sleep(Math.ceil(wait), signal);
    }
  }

  /** Slack has refused an edit for so long: whoever asks waits until then. */
  refused(ms: number): void {
    this.#refused.begin(this.#options.clock.now(), ms);
  }
}
