/** The clock that the background works to. */

/** Calls back at a steady beat, whether or not the last call has ended. */
export type Beat = (tick: () => void) => { stop(): void | Promise<void> };

/** Milliseconds. */
const BEAT_EVERY = 2_000;

/** Every two seconds; a beat that a busy process missed is nothing to make up for, the next one finds the same work. */
export const steadyBeat: Beat = (tick) => {
  const timer = setInterval(tick, BEAT_EVERY);
  return { stop: () => clearInterval(timer) };
};
