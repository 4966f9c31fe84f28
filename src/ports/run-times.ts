/** When what of runs was printed, or had arrived: beside their logs, which are raw bytes and do not say. */
import type { TimeTable } from '../domain/run-times.ts';
import type { EpochMs } from '../ground/time.ts';
import type { RunLogInfo } from './run-log-store.ts';

export interface RunTimesStore {
  /** Neither waits nor fails: it is only an aid. @param info of the log with what has come */
  note(info: Pick<RunLogInfo, 'id' | 'createdAt' | 'size'>, at: EpochMs): void;
  /** Nothing more comes of this run. */
  end(run: string): Promise<void>;
  /** The run's log was removed. */
  remove(run: string): Promise<void>;
  read(info: RunLogInfo): Promise<TimeTable>;
  /** What was noted is kept. */
  close(): Promise<void>;
}
