/** How long to wait after failures. */

/** Milliseconds after the first failure, and at most. */
export type Waits = readonly [first: number, most: number];

/**
 * Doubles with each failure in a row, from the first wait up to the longest.
 * @param failures in a row, from 1
 * @returns milliseconds
 */
export function backoff([first, most]: Waits, failures: number): number {
  return Math.min(most, first * 2 ** Math.min(30, Math.max(0, failures - 1)));
}

/** Half to one and a half times as long, so that those who failed together do not retry together. */
export const jittered = (ms: number, random: () => number = Math.random): number => ms * (0.5 + random());
