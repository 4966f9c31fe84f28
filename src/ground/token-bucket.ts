/** Keeping to a rate. A clock that is set back never lengthens a wait. */
import type { EpochMs } from './time.ts';

/** A burst of so many, then one per interval. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #interval: number;
  /** When it will be full again if nothing more is taken. */
  #fullAt: EpochMs = Number.NEGATIVE_INFINITY;

  /** Full at first. @param interval milliseconds */
  constructor(capacity: number, interval: number) {
    this.#capacity = capacity;
    this.#interval = interval;
  }

  /** @returns milliseconds until one can be taken with this many left over */
  wait(now: EpochMs, left = 0): number {
    // At most empty; a clock that was set back would make it more than that.
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

/** A wait until a time, which also ends if the clock is set back to before it began. */
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
