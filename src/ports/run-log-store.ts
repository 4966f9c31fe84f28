/** Raw run logs: the bytes that a run printed, appended by offset and never rewritten. */
import type { RunEnd } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';

export interface RunLogInfo {
  /** The run's: `[A-Za-z0-9][A-Za-z0-9._~-]{0,199}`. */
  id: string;
  /** Bytes that the run has printed so far, those in gaps included: the offset of the next one. */
  size: number;
  createdAt: EpochMs;
  /** Of the last change. */
  updatedAt: EpochMs;
  /** Bytes that were printed and are not kept, in order, apart from each other. */
  gaps: readonly RunLogGap[];
  /** Whatever the last append gave: from where the run's source is read on. */
  cursor?: string | undefined;
  /** What keeps the log from going on now, in words for people; no part of its bytes. */
  note?: string | undefined;
  /** Set once nothing is appended any more. */
  end?: RunEnd | undefined;
}

export interface RunLogGap {
  /** Offset of the first byte that is missing. */
  from: number;
  /** Offset of the first byte that is there again. */
  to: number;
  /** `cap`: the middle of a log over its size cap · `lost`: could not be written or never arrived. */
  reason: 'cap' | 'lost';
}

/** Either bytes or a gap; both are missing at the end of what there is. */
export interface RunLogSlice {
  /** Of its first byte: the one that was asked for. */
  offset: number;
  /** Empty where there is nothing yet, or a gap. */
  bytes: Uint8Array;
  /** The gap in which `offset` lies: go on at its `to`. */
  gap?: RunLogGap | undefined;
}

/** An append that does not begin where the log ends. */
export class RunLogConflict extends AppError {
  /** Where the log ends: the next append begins there, unless it has ended. */
  readonly size: number;

  constructor({ id, size, end }: Pick<RunLogInfo, 'id' | 'size' | 'end'>, offset: number) {
    super(
      'conflict',
      end
        ? `The log of ${id} has ended at byte ${size}: nothing is added to it any more.`
        : `The log of ${id} goes on at byte ${size}, not at ${offset}.`,
      { hint: end ? 'Start a new run.' : `Go on from byte ${size}.` },
    );
    this.size = size;
  }
}

/**
 * One process writes a run's log; any number of processes on the same store may read it. What an append has accepted
 * survives a `kill -9` of the process; a power cut may cost what was printed in the second before it, unless the run
 * has ended. Its contract is test/contract/run-log-store.ts.
 */
export interface RunLogStore {
  /** @returns the log as it is, should it be there already */
  create(id: string): Promise<RunLogInfo>;
  info(id: string): Promise<RunLogInfo | undefined>;
  /**
   * @param offset of the first byte of `bytes`: the log's size
   * @param bytes left as they are until the append has come to something
   * @param cursor kept together with the bytes; left out, the one before stays
   * @throws AppError conflict (RunLogConflict, with the right offset): the log does not end there, or has ended;
   *   (any other) another process writes it · not_found · invalid_input: no such id, offset or cursor ·
   *   unavailable: the disk is full or cannot be written; nothing of it was kept
   */
  append(id: string, offset: number, bytes: Uint8Array, cursor?: string): Promise<RunLogInfo>;
  /** The bytes from `from`, the log's size, up to `to` were printed and are lost. Throws as `append`. */
  skip(id: string, from: number, to: number): Promise<RunLogInfo>;
  /**
   * @param limit bytes at most; fewer may come although there are more
   * @throws AppError not_found · invalid_input: negative, no whole number, or beyond the end
   */
  read(id: string, offset: number, limit: number): Promise<RunLogSlice>;
  /**
   * What keeps the log from going on, for those who watch it: see RunLogInfo.note. Of a log that has ended nothing changes.
   * @param note cut at some hundred characters; undefined: it goes on
   * @throws AppError not_found · conflict, unavailable: as `append`
   */
  note(id: string, note: string | undefined): Promise<RunLogInfo>;
  /** Nothing is appended any more; what is kept is compressed. A second time it changes nothing. */
  finish(id: string, end: RunEnd): Promise<RunLogInfo>;
  /** This process writes the log no longer, so that another may. Its next append begins anew. */
  release(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Newest first. @param prefix of the ids that are wanted; left out: all of them */
  list(prefix?: string): Promise<RunLogInfo[]>;
  /**
   * Called soon with what is there, then within 200 ms of each change, by whatever process; several changes may be one
   * call. All who watch a run in one process share one poller.
   * @returns ends it
   */
  watch(id: string, listener: (info: RunLogInfo) => void): () => void;
  close(): Promise<void>;
}
