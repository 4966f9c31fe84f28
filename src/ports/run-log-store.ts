/** Raw run logs: the bytes that a run printed, appended by offset and never rewritten. */
import type { RunLogGap } from '../domain/run-log-gaps.ts';
import type { RunEnd } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { FencedStore } from './fences.ts';

export type { RunLogGap };

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

/** Either bytes or a gap; both are missing at the end of what there is. */
export interface RunLogSlice {
  /** Of its first byte: the one that was asked for. */
  offset: number;
  /** Empty where there is nothing yet, or a gap. */
  bytes: Uint8Array;
  /** The gap in which `offset` lies: go on at its `to`. */
  gap?: RunLogGap | undefined;
}

/** An append that does not begin where the log ends, or is based on what has changed since. */
export class RunLogConflict extends AppError {
  /** Where the log ends: the next append begins there, unless it has ended. */
  readonly size: number;
  /** The offset is right, but somebody else has changed the cursor since it was read. */
  readonly cursorChanged: boolean;

  constructor({ id, size, end }: Pick<RunLogInfo, 'id' | 'size' | 'end'>, offset: number) {
    const cursorChanged = !end && offset === size;
    super(
      'conflict',
      end
        ? `The log of ${id} has ended at byte ${size}: nothing is added to it any more.`
        : cursorChanged
          ? `Somebody else has written the log of ${id} meanwhile.`
          : `The log of ${id} goes on at byte ${size}, not at ${offset}.`,
      {
        hint: end ? 'Start a new run.' : cursorChanged ? 'Look at it again.' : `Go on from byte ${size}.`,
      },
    );
    this.size = size;
    this.cursorChanged = cursorChanged;
  }
}

/**
 * One process at a time writes a run's log; any number of processes on the same store may read it. What an append has
 * accepted survives a `kill -9` of the process; a power cut may cost what was printed in the second before it, unless the
 * run has ended. In files a process stays the writer until it lets go; in a database each append takes the log for itself,
 * and of two that begin at the same offset one is refused. Its contract is test/contract/run-log-store.ts.
 */
export interface RunLogStore extends FencedStore<RunLogStore> {
  /** @returns the log as it is, should it be there already */
  create(id: string): Promise<RunLogInfo>;
  info(id: string): Promise<RunLogInfo | undefined>;
  /**
   * @param offset of the first byte of `bytes`: the log's size
   * @param bytes left as they are until the append has come to something
   * @param cursor kept together with the bytes; left out, the one before stays
   * @param read the log as the caller has read it: refused if its cursor has changed since. Left out: whatever it is
   * @throws AppError conflict (RunLogConflict, with the right offset): the log does not end there, or has ended, or its
   *   cursor is not what was read; (any other) another process writes it, or the lease is lost · not_found · invalid_input: no such id, offset or cursor ·
   *   unavailable: the disk is full or cannot be written; nothing of it was kept
   */
  append(
    id: string,
    offset: number,
    bytes: Uint8Array,
    cursor?: string,
    read?: Pick<RunLogInfo, 'cursor'>,
  ): Promise<RunLogInfo>;
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
  /** Bytes that each log takes of the disk, by its id. */
  stored(): Promise<ReadonlyMap<string, number>>;
  /**
   * Called soon with what is there, then within 200 ms of each change, by whatever process; several changes may be one
   * call. All who watch a run in one process share one poller.
   * @returns ends it
   */
  watch(id: string, listener: (info: RunLogInfo) => void): () => void;
  close(): Promise<void>;
}
