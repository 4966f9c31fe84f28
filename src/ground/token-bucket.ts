/** Keeping to a rate. Clocks are set back now and then: no wait grows by that. */
import type { EpochMs } from './time.ts';

/** So many at once, then one each interval: in any stretch of time no more than both together. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #interval: number;
  /** When it is full again, if nothing is taken until then. */
  #fullAt: EpochMs = Number.NEGATIVE_INFINITY;

  /** Full at first. @param interval milliseconds */
  constructor(capacity: number, interval: number) {
    this.#capacity = capacity;
    this.#interval = interval;
  }

  /** @returns milliseconds until one can be taken with so many left over */
  wait(now: EpochMs, left = 0): number {
    // As empty as it can be; a clock that was set back would make it emptier.
    this.#fullAt = Math.min(this.#fullAt, now + this.#capacity * this.#interval);
    return Math.max(0, this.#fullAt - now - (this.#capacity - 1 - left) * this.#interval);
  }

  take(now: EpochMs): void {
    this.#fullAt = Math.max(this.#fullAt, now) + this.#interval;
  }

  empty(now: EpochMs): void {
    this.#fullAt = now + this.#capacity * this.#interval;
  }
}

/** A wait that ends at a time, and is over when the clock shows an earlier time than that of its beginning. */
export class Cooldown {
  #from: EpochMs = 0;
  #until: EpochMs = 0;

  begin(now: EpochMs, ms: number): void {
    this.#until = Math.max(now + ms, now + this.left(now));
    this.#from = now;
  }

  /** @returns milliseconds */
  left(now: EpochMs): number {
    return now < this.#from ? 0 : Math.max(0, this.#until - now);
  }
}
