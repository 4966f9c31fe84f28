/** Writes a run's log: holds its lock, its state and its last chunk open. It is called one call at a time. */
import { crc32 } from 'node:zlib';
import {
  type CapLimits,
  capped,
  keptBytes,
  lastChunk,
  outsideGaps,
  withGap,
} from '../domain/run-log-gaps.ts';
import { fittingNote, noLog, requireCursor } from '../domain/run-log-rules.ts';
import type { RunEnd } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import { isDiskFull, systemCode } from '../ground/files.ts';
import type { Clock } from '../ground/time.ts';
import { RunLogConflict, type RunLogInfo } from '../ports/run-log-store.ts';
import { ChunkFiles } from './chunk-files.ts';
import { infoOf, type LogState } from './log-state.ts';
import { heldUntil, recovered } from './recovery.ts';
import { StateFile } from './state-file.ts';
import { WriterLock } from './writer-lock.ts';

/** How long appended bytes may be only in the system's memory, where a power cut loses them. */
const SYNC_MS = 1_000;

export interface WriterOptions {
  folder: string;
  clock: Clock;
  limits: Omit<CapLimits, 'chunkBytes'>;
  onChange: (info: RunLogInfo) => void;
}

export class RunLogWriter {
  readonly #options: WriterOptions;
  readonly #lock: WriterLock;
  readonly #file: StateFile;
  readonly #chunks: ChunkFiles;
  readonly #limits: CapLimits;
  #state: LogState;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> | undefined;
  #isClosed = false;
  /** Chunks of the cap's gap before this one are known to be gone. */
  #dropped: number | undefined;

  private constructor(
    options: WriterOptions,
    lock: WriterLock,
    file: StateFile,
    chunks: ChunkFiles,
    state: LogState,
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#file = file;
    this.#chunks = chunks;
    this.#state = state;
    const { chunkBytes } = state;
    const head = Math.ceil(options.limits.head / chunkBytes) * chunkBytes;
    // Never the chunk that is being written, whatever size chunks had when the log was made.
    this.#limits = { cap: Math.max(options.limits.cap, head + 2 * chunkBytes), head, chunkBytes };
  }

  /** @throws AppError not_found · conflict: another process writes it · unavailable */
  static async open(id: string, options: WriterOptions): Promise<RunLogWriter> {
    const { folder } = options;
    const file = await StateFile.open(folder, 'r+').catch((error: unknown) => {
      throw systemCode(error) === 'ENOENT' ? noLog(id) : cannotWrite(id, error);
    });
    let lock: WriterLock | undefined;
    try {
      lock = await WriterLock.take(folder, async () => (await file.read()).lock);
      const before = await file.read();
      const chunks = new ChunkFiles(folder, before.chunkBytes);
      const state = { ...(before.end ? before : await recovered(before, chunks)), lock: lock.number };
      await file.write(state);
      await lock.clearOlder();
      return new RunLogWriter(options, lock, file, chunks, state);
    } catch (error) {
      await lock?.release();
      await file.close();
      throw cannotWrite(id, error);
    }
  }

  get info(): RunLogInfo {
    return infoOf(this.#state);
  }

  get state(): LogState {
    return this.#state;
  }

  /** Now and then, so that a process on another machine knows that the writer of an idle run is there. */
  async stay(): Promise<void> {
    await this.#lock.renew();
  }

  async append(
    offset: number,
    bytes: Uint8Array,
    cursor?: string,
    read?: Pick<RunLogInfo, 'cursor'>,
  ): Promise<RunLogInfo> {
    this.#requireEnd(offset);
    if (read && read.cursor !== this.#state.cursor) throw new RunLogConflict(this.#state, offset);
    requireCursor(cursor);
    if (bytes.length === 0 && (cursor === undefined || cursor === this.#state.cursor)) return this.info;
    const { size } = this.#state;
    const to = size + bytes.length;
    return await this.#attempt(async () => {
      const gaps = await this.#makeRoom(to);
      const kept = [...outsideGaps(gaps, size, to)];
      try {
        for (const part of kept)
          await this.#chunks.write(part.from, bytes.subarray(part.from - size, part.to - size));
      } catch (error) {
        await this.#chunks.cutAt(size, to).catch(() => undefined);
        throw error;
      }
      const chunk = this.#lastChunk(to);
      let crc = this.#lastChunk(size) === chunk ? this.#state.crc : 0;
      for (const part of kept) {
        const from = Math.max(part.from, chunk);
        if (from < part.to) crc = crc32(bytes.subarray(from - size, part.to - size), crc);
      }
      await this.#commit({ size: to, gaps, crc, cursor: cursor ?? this.#state.cursor });
      await this.#dropUpTo(gaps);
    });
  }

  async skip(from: number, to: number): Promise<RunLogInfo> {
    this.#requireEnd(from);
    if (to === from) return this.info;
    return await this.#attempt(async () => {
      const gaps = withGap(this.#state.gaps, { from, to, reason: 'lost' });
      let crc = this.#lastChunk(from) === this.#lastChunk(to) ? this.#state.crc : 0;
      // So many gaps that bytes between two were given up.
      if (keptBytes(to, gaps) !== keptBytes(from, this.#state.gaps))
        crc = (await heldUntil(gaps, this.#chunks, this.#lastChunk(to), to)).crc;
      await this.#commit({ size: to, gaps, crc });
    });
  }

  async note(note: string | undefined): Promise<RunLogInfo> {
    const fitting = note && fittingNote(note);
    if (this.#state.end || fitting === this.#state.note) return this.info;
    return await this.#attempt(() => this.#commit({ note: fitting }));
  }

  /** Compresses also what an earlier call was stopped in, and leaves it as it is where there is no room for that. */
  async finish(end: RunEnd, signal: AbortSignal): Promise<RunLogInfo> {
    if (!this.#state.end)
      await this.#attempt(async () => {
        // Forced to disk before anybody is told that this is all.
        await this.#sync();
        await this.#commit({ end, note: undefined });
        await this.#file.sync();
      });
    if (!this.#state.packed) await this.#pack(signal).catch(() => undefined);
    return this.info;
  }

  async #pack(signal: AbortSignal): Promise<void> {
    const { size, chunkBytes } = this.#state;
    await this.#chunks.close();
    for (const index of await this.#chunks.indexes()) {
      if (signal.aborted) return;
      await this.#lock.renew();
      await this.#chunks.pack(index, Math.min(chunkBytes, size - index * chunkBytes));
    }
    await this.#file.writeLast({ ...this.#state, packed: true });
    this.#state = { ...this.#state, packed: true };
  }

  /** Everything appended is on disk, and another process may write. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#syncTimer);
    await this.#syncing;
    if (!this.#state.end) await this.#sync().catch(() => undefined);
    await this.#chunks.close();
    await this.#lock.release();
    await this.#file.close();
  }

  #requireEnd(offset: number): void {
    if (this.#state.end || offset !== this.#state.size) throw new RunLogConflict(this.#state, offset);
  }

  async #attempt(work: () => Promise<void>): Promise<RunLogInfo> {
    try {
      await this.#lock.renew();
      await work();
      return this.info;
    } catch (error) {
      throw cannotWrite(this.#state.id, error);
    }
  }

  /**
   * Before anything is written that would go over the cap, what has to go for it goes. What of the new bytes has to go
   * too is never written: those gaps reach beyond what there is, and count once the bytes do.
   */
  async #makeRoom(to: number): Promise<LogState['gaps']> {
    const { gaps, size } = this.#state;
    const later = capped(to, gaps, this.#limits);
    if (later === gaps) return gaps;
    const gap = later.find(({ reason }) => reason === 'cap')!;
    const until = Math.min(gap.to, size - (size % this.#limits.chunkBytes));
    if (until > gap.from) {
      const now = withGap(gaps, { from: gap.from, to: until, reason: 'cap' });
      await this.#commit({ gaps: now });
      await this.#dropUpTo(now);
    }
    return later;
  }

  /** Chunks that lie whole in the cap's gap go. One that cannot be deleted now is tried again by the next writer. */
  async #dropUpTo(gaps: LogState['gaps']): Promise<void> {
    const gap = gaps.find(({ reason }) => reason === 'cap');
    if (!gap) return;
    const { chunkBytes } = this.#limits;
    const first = Math.max(Math.ceil(gap.from / chunkBytes), this.#dropped ?? 0);
    const end = Math.floor(gap.to / chunkBytes);
    const indexes = await this.#chunks.indexesFrom(first, end).catch(() => []);
    for (const index of indexes) await this.#chunks.drop(index).catch(() => undefined);
    this.#dropped = end;
  }

  async #commit(change: Partial<LogState>): Promise<void> {
    const state = { ...this.#state, ...change, updatedAt: this.#options.clock.now() };
    await this.#file.write(state);
    // What a sync found out meanwhile stays.
    this.#state = { ...state, synced: this.#state.synced };
    this.#options.onChange(this.info);
    if (!state.end) this.#syncSoon();
  }

  #lastChunk(size: number): number {
    return lastChunk(size, this.#limits.chunkBytes);
  }

  #syncSoon(): void {
    if (this.#syncTimer) return;
    this.#syncTimer = setTimeout(() => {
      this.#syncing = this.#sync()
        .catch(() => undefined)
        .finally(() => {
          this.#syncTimer = undefined;
          this.#syncing = undefined;
          // What arrived meanwhile, or could not be forced to disk.
          if (!this.#isClosed && this.#state.size > this.#state.synced.size) this.#syncSoon();
        });
    }, SYNC_MS).unref();
  }

  async #sync(): Promise<void> {
    const { size, crc, synced } = this.#state;
    await this.#chunks.sync(synced.size, size);
    await this.#file.sync();
    this.#state = { ...this.#state, synced: { size, crc } };
  }
}

/** Errors of the system become `unavailable`; others stay what they are. */
export function cannotWrite(id: string, error: unknown): unknown {
  const code = systemCode(error);
  if (error instanceof AppError || code === undefined) return error;
  if (code === 'ENOENT') return noLog(id);
  const full = isDiskFull(error);
  return new AppError(
    'unavailable',
    full
      ? `The disk is full: the log of ${id} cannot grow.`
      : `The log of ${id} cannot be written (${code}).`,
    {
      hint: full
        ? 'Make room on the disk that the logs of runs are kept on.'
        : 'Check the folder that the logs of runs are kept in, and its disk.',
      cause: error,
    },
  );
}
