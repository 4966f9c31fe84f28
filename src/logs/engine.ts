/** The engine: checks a request, chooses the streams, opens a spool for the download, and cleans up after it. */

import { setTimeout as delay } from 'node:timers/promises';
import { inLines } from '../domain/stream-generations.ts';
import { AppError, CancelledError, isPassing } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type {
  LogDownload,
  LogDownloadRequest,
  LogEngine,
  LogFollowRequest,
  LogProgress,
} from '../ports/log-engine.ts';
import type { LogChunk, LogSource, LogStreamInfo } from '../ports/log-source.ts';
import { Download, type DownloadTarget, type Gathered } from './download.ts';
import type { Timing } from './fetch.ts';
import { messageFilter } from './filter.ts';
import { followLog } from './follow.ts';
import { streamColumns } from './format.ts';
import { checkRequest, chosenStreams, throwIfCancelled } from './requests.ts';
import { downloadOf, factsOf, outputOf } from './results.ts';
import type { Spool } from './spool.ts';
import { SpoolFolder, spoolKey } from './spool-folder.ts';
import type { Output } from './write.ts';

export interface LogEngineOptions {
  /** Folder for pages and finished files. It is made when missing, and several processes may share it. */
  spoolDir: string;
  clock?: Clock;
  /** Replaces waiting and chance in tests. */
  timing?: Partial<Timing>;
}

/** A part of a log that somebody else makes something of. */
export interface Reading {
  source: LogSource;
  /** What it is read for, besides source, streams and `from`: only the same goes on from where it was interrupted. */
  identity: readonly unknown[];
  mayResume: boolean;
  /** In natural order. */
  streams: readonly LogStreamInfo[];
  columns: readonly string[];
  /** Of each stream. */
  froms: readonly EpochMs[];
  to: EpochMs;
  /** See StreamPlan. */
  newestFirst: boolean;
  /** See Fetch. */
  saving: boolean;
}

const SWEEP_EVERY_MS = 600_000;

export class Engine implements LogEngine {
  readonly folder: SpoolFolder;
  readonly timing: Timing;
  #sweeping: Promise<void> | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: LogEngineOptions) {
    const clock = options.clock ?? { now: () => Date.now() };
    this.timing = {
      now: () => clock.now(),
      wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
      random: () => Math.random(),
      ...options.timing,
    };
    this.folder = new SpoolFolder(options.spoolDir, () => clock.now());
  }

  async download(
    request: LogDownloadRequest,
    options: { signal?: AbortSignal; onProgress?: (progress: LogProgress) => void } = {},
  ): Promise<LogDownload> {
    checkRequest(request);
    const filter = await messageFilter(request.match);
    await this.#sweep();
    const { signal } = options;
    throwIfCancelled(signal);
    options.onProgress?.({ phase: 'listing', events: 0, textBytes: 0, fraction: 0, throttled: false });
    const streams = await this.#list(request, signal);
    const columns = streamColumns(streams.map((stream) => stream.shortName));
    const spool = await this.folder.open(
      spoolKey([
        request.source.id,
        request.from ?? null,
        request.form,
        request.match ?? null,
        streams.map((stream) => stream.name),
        columns,
        request.tail ?? null,
      ]),
      request.tail === undefined && !request.fresh,
    );
    let output!: Output;
    const download = new Download({
      ...{ request, streams, columns, filter, spool, signal },
      folder: this.folder,
      target: (expectedBytes) => {
        output = outputOf(request, { dir: spool.dir, streams, expectedBytes });
        return output;
      },
      timing: this.timing,
      onProgress: options.onProgress,
    });
    return this.#finishing(download, spool, signal, async (gathered) => {
      const facts = factsOf(gathered, streams, output.textBytes);
      const files = await output.finish(facts);
      // Where chains met, some events were fetched twice. These are the true counts.
      options.onProgress?.({
        phase: 'writing',
        events: facts.events,
        textBytes: facts.textBytes,
        fraction: 1,
        throttled: false,
      });
      if (request.out !== undefined) await spool.remove();
      else await spool.dropPages();
      return downloadOf(facts, files, {
        resumed: gathered.resumed,
        notes: gathered.notes,
        remove: request.out === undefined ? () => spool.remove() : undefined,
      });
    });
  }

  /**
   * Fetches a part of a log as lines into a target, without a header and without a file of its own. What is interrupted
   * goes on from there as a download does.
   * @param makeTarget is given the download's folder
   * @returns what the target has made of it, and what removes the folder
   */
  async read<T>(
    reading: Reading,
    makeTarget: (dir: string) => DownloadTarget & { finish(): Promise<T> },
    options: { signal: AbortSignal; onProgress: (progress: LogProgress) => void },
  ): Promise<{ gathered: Gathered; result: T; remove: () => Promise<void> }> {
    const { source, streams, columns, froms, to, newestFirst, saving } = reading;
    await this.#sweep();
    const spool = await this.folder.open(
      spoolKey([source.id, reading.identity, froms, streams.map((stream) => stream.name), columns]),
      reading.mayResume,
    );
    let target!: DownloadTarget & { finish(): Promise<T> };
    const download = new Download({
      ...{ streams, columns, spool, froms, newestFirst, saving, ...options },
      request: { source, to, form: 'lines' },
      filter: undefined,
      folder: this.folder,
      target: () => {
        target = makeTarget(spool.dir);
        return target;
      },
      timing: this.timing,
    });
    return this.#finishing(download, spool, options.signal, async (gathered) => {
      const result = await target.finish();
      await spool.dropPages();
      return { gathered, result, remove: () => spool.remove() };
    });
  }

  async #finishing<T>(
    download: Download,
    spool: Spool,
    signal: AbortSignal | undefined,
    finish: (gathered: Gathered) => Promise<T>,
  ): Promise<T> {
    try {
      return await finish(await download.execute());
    } catch (error) {
      await download.discard();
      if (mayResume(error, signal)) await spool.leave();
      else await spool.remove();
      throw signal?.aborted && !(error instanceof CancelledError)
        ? new CancelledError('Cancelled', { cause: error })
        : error;
    }
  }

  follow(request: LogFollowRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    return this.followBy((download, options) => this.download(download, options), request, signal);
  }

  /** @param download how what was there before is had */
  followBy(
    download: LogEngine['download'],
    request: LogFollowRequest,
    signal: AbortSignal,
  ): AsyncIterable<LogChunk> {
    const { now, wait } = this.timing;
    return followLog({ now, wait, download }, request, signal);
  }

  async #list(request: LogDownloadRequest, signal: AbortSignal | undefined): Promise<LogStreamInfo[]> {
    const listing = request.listing ?? request.source.listStreams(signal);
    const all = inLines(await listing);
    throwIfCancelled(signal);
    if (all.length > 0) return chosenStreams(all, request.streams);
    throw new AppError('not_found', 'No logs available yet.', {
      hint: 'A training job writes its first lines a few minutes after it starts, when its instances are up. Try again then.',
    });
  }

  async sweep(): Promise<void> {
    this.#sweptAt = Number.NEGATIVE_INFINITY;
    await this.#sweep();
  }

  async #sweep(): Promise<void> {
    const now = this.timing.now();
    if (!this.#sweeping && now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    this.#sweeping ??= this.folder.sweep().finally(() => {
      this.#sweeping = undefined;
    });
    await this.#sweeping;
  }
}

/** Whether the pages are worth keeping for an hour. They are not when somebody has cancelled. */
function mayResume(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return signal.reason instanceof AppError;
  return isPassing(error) || (error instanceof AppError && error.code === 'permission_denied');
}
