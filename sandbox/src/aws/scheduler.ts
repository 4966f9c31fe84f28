/** What happens later: long polls that end, deliveries that are tried again, the world's events. */

export type Cancel = () => void;

export interface Scheduler {
  /** @param ms from now */
  after(ms: number, run: () => void): Cancel;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Node's timers; none of them keeps the process alive. */
export const systemScheduler: Scheduler = {
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
