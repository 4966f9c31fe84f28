/** The clock that the background works to. */
import { schedule } from 'node-cron';

/** Calls back at a steady beat, whether or not the last call has ended. */
export type Beat = (tick: () => void) => { stop(): void | Promise<void> };

/** Every two seconds. */
export const cronBeat: Beat = (tick) => {
  // A beat that a busy process missed is nothing to make up for: the next one finds the same work.
  const task = schedule('*/2 * * * * *', tick, { name: 'refresh-jobs', suppressMissedWarning: true });
  return { stop: () => task.destroy() };
};
