/** Fixed intervals for background work. */

/** Calls back at a fixed interval, whether or not the last call has ended. */
export type Ticker = (tick: () => void) => { stop(): void | Promise<void> };

/** Milliseconds. */
const TICK_EVERY = 2_000;

/** Every two seconds. A tick missed by a busy process is skipped, since the next one finds the same work. */
export const steadyTicker: Ticker = (tick) => {
  const timer = setInterval(tick, TICK_EVERY);
  return { stop: () => clearInterval(timer) };
};
