/**
 * When a run printed which bytes: a log of raw bytes does not say, and people ask for its last ten minutes. A line for
 * each second in which something came, `<milliseconds since the epoch> <size of the log then>`; of long runs a line for
 * longer, so that they stay few.
 */
import type { EpochMs } from '../ground/time.ts';

const SHORTEST_MS = 1_000;
/** Lines for each time that the run gets older by half or so. */
const LINES = 4_000;

/** What is worth a line. */
export class TimeLines {
  readonly #startedAt: EpochMs;
  #last: { at: EpochMs; size: number } | undefined;
  #period = -1;

  constructor(startedAt: EpochMs) {
    this.#startedAt = startedAt;
  }

  /**
   * @param size of the log after what came
   * @returns the line of what came before, if it is to be kept
   */
  note(at: EpochMs, size: number): string | undefined {
    const length = Math.max(SHORTEST_MS, (at - this.#startedAt) / LINES);
    const period = Math.floor(at / length);
    const before = this.last;
    this.#last = { at, size };
    if (period === this.#period) return undefined;
    this.#period = period;
    return before;
  }

  /** The line of what came last. */
  get last(): string | undefined {
    return this.#last && `${Math.round(this.#last.at)} ${this.#last.size}\n`;
  }
}

export interface TimeTable {
  /** When the byte before `size` was there. */
  at(size: number): EpochMs;
}

export interface Times {
  times: readonly number[];
  sizes: readonly number[];
}

/** Times and sizes never fall, also where the clock was set back. */
export function readTimes(text: string): Times {
  const times: number[] = [];
  const sizes: number[] = [];
  for (const [, at, size] of text.matchAll(/^(\d{1,15}) (\d{1,15})\n/gm)) {
    times.push(Math.max(times.at(-1) ?? 0, Number(at)));
    sizes.push(Math.max(sizes.at(-1) ?? 0, Number(size)));
  }
  return { times, sizes };
}

/** @param outside of what the lines tell: when the run began, and when it printed last */
export function timeTable({ times, sizes }: Times, outside: { first: EpochMs; last: EpochMs }): TimeTable {
  return {
    at(size) {
      let low = 0;
      let high = sizes.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sizes[middle]! >= size) high = middle;
        else low = middle + 1;
      }
      return times[low] ?? Math.max(outside.last, times.at(-1) ?? outside.first);
    },
  };
}
