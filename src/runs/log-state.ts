/** What is known of a run's log besides its bytes. */
import type { RunEnd } from '../domain/runs.ts';
import type { EpochMs } from '../ground/time.ts';
import type { RunLogGap, RunLogInfo } from '../ports/run-log-store.ts';

export interface LogState {
  id: string;
  /** Of a chunk that is full: chunk n holds the bytes from n × chunkBytes on. */
  chunkBytes: number;
  createdAt: EpochMs;
  updatedAt: EpochMs;
  size: number;
  gaps: readonly RunLogGap[];
  cursor?: string | undefined;
  note?: string | undefined;
  end?: RunEnd | undefined;
  /** CRC-32 of what the chunk of the last byte holds, gaps left out. */
  crc: number;
  /** The same when all was last known to be on disk. */
  synced: { size: number; crc: number };
  /** Number of the lock under which it was written; see writer-lock.ts. */
  lock: number;
  /** Its chunks are compressed, those that get smaller by it. */
  packed?: boolean | undefined;
}

export function infoOf(state: LogState): RunLogInfo {
  const { id, size, createdAt, updatedAt, gaps, cursor, note, end } = state;
  return {
    id,
    size,
    createdAt,
    updatedAt,
    gaps,
    ...(cursor === undefined ? {} : { cursor }),
    ...(note === undefined ? {} : { note }),
    ...(end === undefined ? {} : { end }),
  };
}
