/** State: what is to be done at a time. */
import type { EpochMs } from '../ground/time.ts';

/** Something to be done at a time, also after a restart. */
export interface Timer {
  /** Unique; setting it again moves it. */
  id: string;
  /** Chooses the handler. */
  kind: string;
  dueAt: EpochMs;
  data?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Every method returns once what it did is durable. */
export interface TimerStore {
  putTimer(timer: Timer): Promise<void>;
  /** Only one of that due time, when it is given: what was moved meanwhile stays. */
  removeTimer(id: string, dueAt?: EpochMs): Promise<void>;
  /** The next one first. */
  listTimers(): Promise<Timer[]>;
}
