/** Reads the logs of runs from their files, whichever process writes them. */
import { join } from 'node:path';
import { gapsAround } from '../domain/run-log-gaps.ts';
import { noLog, requireLimit, requireOffset, requireWithin } from '../domain/run-log-rules.ts';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import { keepRecent } from '../ground/recent.ts';
import type { RunLogSlice } from '../ports/run-log-store.ts';
import { ChunkReader } from './chunk-files.ts';
import type { LogState } from './log-state.ts';
import { StateFile } from './state-file.ts';

/** Finished logs whose state is not read again for each piece of them, and for how long: another process may remove them. */
const FINISHED_KEPT = 32;
const FINISHED_MS = 1_000;

export class RunLogReader {
  readonly #folder: string;
  readonly #chunks = new ChunkReader();
  readonly #finished = new Map<string, { state: LogState; readAt: number }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** As the disk has it. @returns undefined: no such log */
  async stateOf(id: string): Promise<LogState | undefined> {
    let file: StateFile;
    try {
      file = await StateFile.open(join(this.#folder, id), 'r');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw new AppError('unavailable', `The log of ${id} cannot be read (${systemCode(error)}).`, {
        cause: error,
      });
    }
    try {
      const state = await file.read();
      if (state.id === id) {
        // Nothing of it changes any more.
        if (state.packed) keepRecent(this.#finished, id, { state, readAt: performance.now() }, FINISHED_KEPT);
        return state;
      }
      throw new AppError('conflict', `On this disk the log of ${id} would be that of ${state.id}.`, {
        hint: 'It takes capital and small letters for the same: give the run another name, or use another disk.',
      });
    } finally {
      await file.close();
    }
  }

  /**
   * @param writing the state that a writer of this process has, which is newer than the disk's
   * @throws AppError invalid_input · not_found · unavailable
   */
  async read(id: string, offset: number, limit: number, writing?: LogState): Promise<RunLogSlice> {
    requireOffset(offset);
    requireLimit(limit);
    const known = writing ?? this.#finishedState(id) ?? (await this.stateOf(id));
    const slice = known && (await this.#slice(known, offset, limit));
    if (slice) return slice;
    // What was there a moment ago was dropped, compressed or removed meanwhile.
    const state = await this.stateOf(id);
    if (!state) throw noLog(id);
    const again = await this.#slice(state, offset, limit);
    if (again) return again;
    const to = stretch(state, offset);
    return { offset, bytes: new Uint8Array(0), gap: { from: offset, to, reason: 'lost' } };
  }

  #finishedState(id: string): LogState | undefined {
    const known = this.#finished.get(id);
    if (known && performance.now() - known.readAt < FINISHED_MS) return known.state;
    this.#finished.delete(id);
    return undefined;
  }

  /** @returns undefined where bytes should be and are not */
  async #slice(state: LogState, offset: number, limit: number): Promise<RunLogSlice | undefined> {
    const { size, gaps, chunkBytes, createdAt } = state;
    requireWithin(state, offset);
    const { here } = gapsAround(gaps, offset);
    if (here) return { offset, bytes: new Uint8Array(0), gap: here };
    if (offset === size) return { offset, bytes: new Uint8Array(0) };
    const folder = join(this.#folder, state.id);
    const bytes = await this.#chunks.read(
      { folder, chunkBytes, createdAt, mayBePacked: state.end !== undefined },
      offset,
      Math.min(limit, stretch(state, offset) - offset),
    );
    return bytes.length > 0 ? { offset, bytes } : undefined;
  }

  /** The log was removed. */
  forget(id: string): void {
    this.#finished.delete(id);
    this.#chunks.forget(join(this.#folder, id));
  }
}

/** Where the bytes from an offset on end: with the chunk, at a gap or with the log. */
function stretch({ size, gaps, chunkBytes }: LogState, offset: number): number {
  const chunkEnd = (Math.floor(offset / chunkBytes) + 1) * chunkBytes;
  return Math.min(size, chunkEnd, gapsAround(gaps, offset).next?.from ?? size);
}
