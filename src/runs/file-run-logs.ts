/**
 * Logs of runs in files: a folder for each run, in it the state (state-file.ts), the lock of its writer
 * (writer-lock.ts) and its bytes in chunks (chunk-files.ts). Format, guarantees and limits: docs/live-logs.md.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { logsClosed, noLog, requireGap, requireOffset, wholeHead } from '../domain/run-log-rules.ts';
import { type RunEnd, requireRunId } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import { makeFolder, removeFolder, systemCode } from '../ground/files.ts';
import { KeyQueue } from '../ground/key-queue.ts';
import type { Clock } from '../ground/time.ts';
import type { Fence } from '../ports/fences.ts';
import {
  RunLogConflict,
  type RunLogInfo,
  type RunLogSlice,
  type RunLogStore,
} from '../ports/run-log-store.ts';
import { diskUse } from './disk-use.ts';
import { RunLogFences } from './fenced-run-logs.ts';
import { infoOf, type LogState } from './log-state.ts';
import { RunLogReader } from './run-log-reader.ts';
import { cannotWrite, RunLogWriter } from './run-log-writer.ts';
import { RunWatches } from './run-watches.ts';
import { createStateFile } from './state-file.ts';
import { WriterLock } from './writer-lock.ts';

const MIB = 1024 * 1024;

export interface FileRunLogsOptions {
  /** Is made if need be. */
  folder: string;
  clock: Clock;
  /** Bytes that are kept of a run at most. Default 256 MiB. */
  cap?: number | undefined;
  /** Bytes at the beginning of a run that are always kept, rounded up to whole chunks. Default 1 MiB. */
  head?: number | undefined;
  /** Of runs that begin from now on. Default 1 MiB. */
  chunkBytes?: number | undefined;
  /** Finishes what a killed process left: compressing, removing. Default true; false if only one run is written. */
  tidies?: boolean | undefined;
}

/** Writers that are kept open: each has two files open. */
const WRITERS = 256;
/** What began to be made or removed this long ago has been abandoned. */
const LEFT_BEHIND_MS = 3_600_000;
/** Well below what a lock of another machine is believed for. */
const STAY_MS = 3_000;

/** @throws AppError invalid_input: the cap does not leave room for the head and two chunks · unavailable */
export async function openFileRunLogs(options: FileRunLogsOptions): Promise<RunLogStore> {
  const { folder, clock, cap = 256 * MIB, head = MIB, chunkBytes = MIB, tidies = true } = options;
  wholeHead({ cap, head, chunkBytes });
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new AppError(
      'unavailable',
      `The folder of run logs cannot be made: ${folder} (${systemCode(error)})`,
      {
        hint: 'Check the path and who may write there.',
        cause: error,
      },
    );
  });
  return new FileRunLogs({ folder, clock, chunkBytes, limits: { cap, head } }, tidies);
}

interface Settings {
  folder: string;
  clock: Clock;
  chunkBytes: number;
  limits: { cap: number; head: number };
}

class FileRunLogs implements RunLogStore {
  readonly #settings: Settings;
  readonly #queue = new KeyQueue<string>();
  /** The most recently used one comes last. */
  readonly #writers = new Map<string, RunLogWriter>();
  readonly #reader: RunLogReader;
  readonly #watches: RunWatches;
  readonly #fences = new RunLogFences();
  readonly #closing = new AbortController();
  readonly #tidying: Promise<void>;
  readonly #staying: NodeJS.Timeout;

  constructor(settings: Settings, tidies: boolean) {
    this.#settings = settings;
    this.#reader = new RunLogReader(settings.folder);
    this.#watches = new RunWatches((id) => this.#folderOf(id));
    this.#staying = setInterval(() => {
      // A lock that was lost refuses the next append.
      for (const writer of this.#writers.values()) void writer.stay().catch(() => undefined);
    }, STAY_MS).unref();
    this.#tidying = tidies ? this.#tidy().catch(() => undefined) : Promise.resolve();
  }

  create(id: string): Promise<RunLogInfo> {
    return this.#inTurn(id, async () => {
      const known = await this.#reader.stateOf(id);
      if (known) return infoOf(known);
      const { clock, chunkBytes } = this.#settings;
      const now = clock.now();
      const state: LogState = {
        id,
        chunkBytes,
        createdAt: now,
        updatedAt: now,
        size: 0,
        gaps: [],
        crc: 0,
        synced: { size: 0, crc: 0 },
        lock: 0,
      };
      try {
        await makeFolder(this.#folderOf(id), (folder) => createStateFile(folder, state));
      } catch (error) {
        throw cannotWrite(id, error);
      }
      return infoOf((await this.#reader.stateOf(id)) ?? state);
    });
  }

  async info(id: string): Promise<RunLogInfo | undefined> {
    requireRunId(id);
    const state = this.#writers.get(id)?.state ?? (await this.#reader.stateOf(id));
    return state && infoOf(state);
  }

  append(
    id: string,
    offset: number,
    bytes: Uint8Array,
    cursor?: string,
    read?: Pick<RunLogInfo, 'cursor'>,
  ): Promise<RunLogInfo> {
    return this.#inTurn(id, async () => {
      requireOffset(offset);
      requireOffset(offset + bytes.length);
      return await (await this.#writer(id, offset)).append(offset, bytes, cursor, read);
    });
  }

  skip(id: string, from: number, to: number): Promise<RunLogInfo> {
    return this.#inTurn(id, async () => {
      requireGap(from, to);
      return await (await this.#writer(id, from)).skip(from, to);
    });
  }

  note(id: string, note: string | undefined): Promise<RunLogInfo> {
    return this.#inTurn(id, async () => {
      const state = this.#writers.get(id)?.state ?? (await this.#reader.stateOf(id));
      // Most often there is nothing to say and nothing was said: no lock is taken for that.
      if (state && (state.end || state.note === note)) return infoOf(state);
      return await (await this.#writer(id)).note(note);
    });
  }

  async read(id: string, offset: number, limit: number): Promise<RunLogSlice> {
    requireRunId(id);
    return await this.#reader.read(id, offset, limit, this.#writers.get(id)?.state);
  }

  finish(id: string, end: RunEnd): Promise<RunLogInfo> {
    return this.#inTurn(id, async () => {
      if (!this.#writers.has(id)) {
        const state = await this.#reader.stateOf(id);
        if (!state) throw noLog(id);
        if (state.packed) return infoOf(state);
      }
      return await this.#finish(id, end);
    });
  }

  async #finish(id: string, end: RunEnd): Promise<RunLogInfo> {
    const writer = await this.#writer(id);
    const info = await writer.finish(end, this.#closing.signal);
    this.#writers.delete(id);
    await writer.close();
    return info;
  }

  release(id: string): Promise<void> {
    return this.#inTurn(id, async () => {
      const writer = this.#writers.get(id);
      this.#writers.delete(id);
      await writer?.close();
    });
  }

  remove(id: string): Promise<void> {
    return this.#inTurn(id, async () => {
      const folder = this.#folderOf(id);
      const writer = this.#writers.get(id);
      this.#writers.delete(id);
      await writer?.close();
      try {
        await WriterLock.requireFree(folder);
        await removeFolder(folder);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw cannotWrite(id, error);
      } finally {
        this.#reader.forget(id);
      }
    });
  }

  async list(prefix = ''): Promise<RunLogInfo[]> {
    const names = (await readdir(this.#settings.folder)).filter(
      (name) => name.startsWith(prefix) && !name.startsWith('.'),
    );
    const infos: RunLogInfo[] = [];
    const next = names.values();
    const lane = async (): Promise<void> => {
      // One that is being removed, or cannot be read, must not hide the others.
      for (const name of next) {
        const info = await this.info(name).catch(() => undefined);
        if (info) infos.push(info);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    return infos.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
  }

  async stored(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>();
    for (const { id } of await this.list()) sizes.set(id, await diskUse(this.#folderOf(id)));
    return sizes;
  }

  under(fence: Fence): Promise<RunLogStore> {
    return this.#fences.under(this, fence);
  }

  watch(id: string, listener: (info: RunLogInfo) => void): () => void {
    requireRunId(id);
    return this.#watches.add(id, listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#staying);
    this.#watches.close();
    await this.#tidying;
    await this.#queue.idle();
    const writers = [...this.#writers.values()];
    this.#writers.clear();
    for (const writer of writers) await writer.close();
  }

  #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#queue.run(id, async () => {
      requireRunId(id);
      if (this.#closing.signal.aborted) throw logsClosed();
      return await work();
    });
  }

  /** @param offset where the log should end: told before anybody is asked to make room for this writer */
  async #writer(id: string, offset?: number): Promise<RunLogWriter> {
    let writer = this.#writers.get(id);
    if (!writer) {
      const state = await this.#reader.stateOf(id);
      if (!state) throw noLog(id);
      if (offset !== undefined && (state.end || state.size !== offset))
        throw new RunLogConflict(state, offset);
      await this.#closeIdle();
      writer = await RunLogWriter.open(id, {
        folder: this.#folderOf(id),
        clock: this.#settings.clock,
        limits: this.#settings.limits,
        onChange: (info) => this.#watches.changed(info),
      });
    }
    this.#writers.delete(id);
    this.#writers.set(id, writer);
    return writer;
  }

  async #closeIdle(): Promise<void> {
    for (const [id, writer] of this.#writers) {
      if (this.#writers.size < WRITERS) return;
      if (this.#queue.has(id)) continue;
      this.#writers.delete(id);
      // In its turn: what is handed over meanwhile opens it again, after it has let go of its lock.
      await this.#queue.run(id, () => writer.close());
    }
  }

  /** What a process that was killed left half done. */
  async #tidy(): Promise<void> {
    const { folder, clock } = this.#settings;
    for (const name of await readdir(folder)) {
      if (this.#closing.signal.aborted) return;
      const path = join(folder, name);
      if (/^\.(?:new|removed)-/.test(name)) {
        const { mtimeMs } = await stat(path);
        if (clock.now() - mtimeMs > LEFT_BEHIND_MS) await rm(path, { recursive: true, force: true });
      } else {
        const state = await this.#reader.stateOf(name).catch(() => undefined);
        if (state?.end && !state.packed) await this.finish(name, state.end).catch(() => undefined);
      }
    }
  }

  #folderOf(id: string): string {
    return join(this.#settings.folder, id);
  }
}
