/** The background works at fixed intervals. */

/** Calls back at a fixed interval, whether or not the last call has ended. */
export type Ticker = (tick: () => void) => { stop(): void | Promise<void> };

/** Milliseconds. */
const TICK_EVERY = 2_000;

/** Every two seconds; a tick that a busy process misses is not made up for, since the next one finds the same work. */
export const steadyTicker: Ticker = (tick) => {
  const timer = setInterval(tick, TICK_EVERY);
  return { stop: () => clearInterval(timer) };
};
