/** Logs of runs that are kept here: those that were sent, and those that go with the machine that they ran on. */
import type { EpochMs } from '../ground/time.ts';
import type { RunLines } from '../ports/run-lines.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';

export interface KeptRuns {
  logs: Pick<RunLogStore, 'info' | 'list' | 'read' | 'watch'>;
  lines: RunLines;
  /** When each part of a log was printed or had arrived, by the log's size. */
  times(info: RunLogInfo): Promise<{ at(size: number): EpochMs }>;
}
