/** How fast a channel may be posted to. */
import type { EpochMs } from '../ground/time.ts';
import { Cooldown, TokenBucket } from '../ground/token-bucket.ts';

/**
 * Slack allows one message a second in each channel, and "short bursts >1", without promising to show all of them
 * (https://docs.slack.dev/apis/web-api/rate-limits). People report bursts of 25 and more; three are enough for events
 * at random times, and leave room for replies to commands in the same channel.
 */
const BURST = 3;
/** Milliseconds. */
const INTERVAL = 1_000;
/** Milliseconds without bursts after Slack refused a post. */
const STRICT_FOR = 5 * 60_000;

export class PostPace {
  readonly #bucket: TokenBucket;
  readonly #strict = new Cooldown();

  /** @param interval milliseconds between posts after a burst; left out: Slack's second */
  constructor(interval = INTERVAL) {
    this.#bucket = new TokenBucket(BURST, interval);
  }

  /** @returns milliseconds until one may be posted */
  wait(now: EpochMs): number {
    // Strict: only if none of the burst is used.
    return this.#bucket.wait(now, this.#strict.left(now) > 0 ? BURST - 1 : 0);
  }

  take(now: EpochMs): void {
    this.#bucket.take(now);
  }

  refused(now: EpochMs): void {
    this.#bucket.empty(now);
    this.#strict.begin(now, STRICT_FOR);
  }
}
