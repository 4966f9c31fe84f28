/** Time that passes, told apart from clocks that are set forward or back. */
import type { Clock } from './time.ts';

/** Milliseconds that only ever rise; only their differences mean something, within one process. */
export const elapsed = (clock: Clock): number => clock.elapsed?.() ?? clock.now();

/** Milliseconds; corrections up to here are what every machine's clock undergoes. */
const USUAL = 60_000;

/** Notices that the clock was set, as far as this process saw both times of day. */
export class ClockWatch {
  readonly #clock: Clock;
  #offset: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds by which the clock was set forward (below 0: back) since this was asked last. */
  setBy(): number {
    const offset = this.#clock.now() - elapsed(this.#clock);
    const by = this.#offset === undefined ? 0 : offset - this.#offset;
    if (this.#offset !== undefined && Math.abs(by) < USUAL) return 0;
    this.#offset = offset;
    return by;
  }
}
