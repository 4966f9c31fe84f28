/** Waits of the intake: longer after each failure, and cut off by a stop. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds to wait after so many failures in a row; doubles from the first wait up to the longest. */
export const backoff = ([first, most]: readonly [first: number, most: number], failures: number): number =>
  Math.min(most, first * 2 ** Math.min(20, failures - 1));

/** Ends early, and as quietly, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
