/** Elapsed time, independent of clocks that are set forward or back. */
import type { Clock } from './time.ts';

/** Milliseconds that only ever rise; only their differences mean something, within one process. */
export const elapsed = (clock: Clock): number => clock.elapsed?.() ?? clock.now();

/** Milliseconds; smaller corrections happen to every machine's clock. */
const USUAL = 60_000;

/** Notices that the clock was set, if it happened while this process was running. */
export class ClockWatch {
  readonly #clock: Clock;
  #offset: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds by which the clock was set forward (negative: back) since the last call. */
  setBy(): number {
    const offset = this.#clock.now() - elapsed(this.#clock);
    const by = this.#offset === undefined ? 0 : offset - this.#offset;
    if (this.#offset !== undefined && Math.abs(by) < USUAL) return 0;
    this.#offset = offset;
    return by;
  }
}
