/** How many requests one account may get now. AWS publishes no rate for most of its Describe calls. */
/** Requests a second, leaving room for others who use the account. */
const USUAL = 4;
const SLOWEST = 0.2;
/** The most requests saved up while idle. */
const SAVED = 12;
/** Milliseconds in which refusals count as one. */
const SAME_REFUSAL = 5_000;
/** Share of the usual rate regained each second: full speed is back two minutes after the last refusal. */
const RECOVERY = USUAL / 120;

export class PollPace {
  #rate = USUAL;
  #tokens = SAVED;
  #filledAt: number;
  #refusedAt = Number.NEGATIVE_INFINITY;

  /** @param now here and below: milliseconds that never go back (ground/elapsed.ts) */
  constructor(now: number) {
    this.#filledAt = now;
  }

  /** @returns how many of the wanted requests may be sent now */
  take(wanted: number, now: number): number {
    this.#fill(now);
    const given = Math.min(wanted, Math.max(0, Math.floor(this.#tokens)));
    this.#tokens -= given;
    return given;
  }

  /** Counts a request that is sent in any case; later ones wait for it. */
  spend(now: number): void {
    this.#fill(now);
    this.#tokens -= 1;
  }

  refused(now: number): void {
    this.#fill(now);
    this.#tokens = Math.min(this.#tokens, 0);
    if (now - this.#refusedAt < SAME_REFUSAL) return;
    this.#refusedAt = now;
    this.#rate = Math.max(SLOWEST, this.#rate / 2);
  }

  #fill(now: number): void {
    const seconds = Math.max(0, now - this.#filledAt) / 1000;
    this.#filledAt = Math.max(now, this.#filledAt);
    this.#rate = Math.min(USUAL, this.#rate + seconds * RECOVERY);
    this.#tokens = Math.min(SAVED, this.#tokens + seconds * this.#rate);
  }
}
