/** State: timers. */
import type { EpochMs } from '../ground/time.ts';

/** Something to do at a given time, even after a restart. */
export interface Timer {
  /** Unique; setting it again moves it. */
  id: string;
  /** Chooses the handler. */
  kind: string;
  dueAt: EpochMs;
  data?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Every method returns once its changes are durable. */
export interface TimerStore {
  putTimer(timer: Timer): Promise<void>;
  /** With a due time, only if it is still the same: a timer that was moved meanwhile stays. */
  removeTimer(id: string, dueAt?: EpochMs): Promise<void>;
  /** Soonest first. */
  listTimers(): Promise<Timer[]>;
}
