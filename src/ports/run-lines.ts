/** A run's raw log as lines of text. */
import type { RunLogInfo } from './run-log-store.ts';

export interface LinesRead {
  /** Without their ends, as they were printed otherwise. */
  lines: string[];
  /** Offset in the log behind each of them. */
  ends: number[];
  /** Number of the first, from 0. */
  offset: number;
  total: number;
  /** The last line of the log has no end yet. */
  unfinished: boolean;
}

export interface RunLines {
  /**
   * @param offset of the first line; left out: the last `limit` lines
   * @returns fewer than there are where they are long
   */
  read(info: RunLogInfo, limit: number, offset?: number): Promise<LinesRead>;
}
