/** The engine: checks a request, chooses the streams, opens a spool for the download, and cleans up after it. */
import { setTimeout as delay } from 'node:timers/promises';
import { isAskedFor } from '../domain/log-order.ts';
import { AppError, CancelledError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { LogStreamInfo } from '../ports/log-source.ts';
import type { LogChunk } from '../ports/training-provider.ts';
import type {
  LogDownload,
  LogDownloadRequest,
  LogEngine,
  LogFollowRequest,
  LogProgress,
} from './contract.ts';
import { Download } from './download.ts';
import type { Timing } from './fetch.ts';
import { messageFilter } from './filter.ts';
import { followLog } from './follow.ts';
import { streamColumns } from './format.ts';
import { SpoolFolder, spoolKey } from './spool-folder.ts';

export interface LogEngineOptions {
  /** Folder for pages and finished files. It is made when missing, and several processes may share it. */
  spoolDir: string;
  clock?: Clock;
  /** Replaces waiting and chance in tests. */
  timing?: Partial<Timing>;
}

const SWEEP_EVERY_MS = 600_000;

export class Engine implements LogEngine {
  readonly #folder: SpoolFolder;
  readonly #timing: Timing;
  #sweeping: Promise<void> | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: LogEngineOptions) {
    const clock = options.clock ?? { now: () => Date.now() };
    this.#timing = {
      now: () => clock.now(),
      wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
      random: () => Math.random(),
      ...options.timing,
    };
    this.#folder = new SpoolFolder(options.spoolDir, () => clock.now());
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
    const spool = await this.#folder.open(
      spoolKey([
        request.source.id,
        request.from ?? null,
        request.form,
        request.match ?? null,
        streams.map((stream) => stream.name),
        columns,
        request.tail ?? null,
      ]),
      request.tail === undefined,
    );
    const download = new Download({
      request,
      streams,
      columns,
      filter,
      spool,
      folder: this.#folder,
      timing: this.#timing,
      signal,
      onProgress: options.onProgress,
    });
    try {
      const result = await download.execute();
      if (request.out !== undefined) await spool.remove();
      else await spool.dropPages();
      return result;
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
    const { now, wait } = this.#timing;
    return followLog(
      { now, wait, download: (download, options) => this.download(download, options) },
      request,
      signal,
    );
  }

  async #list(request: LogDownloadRequest, signal: AbortSignal | undefined): Promise<LogStreamInfo[]> {
    const listing = request.listing ?? request.source.listStreams(signal);
    const all = [...(await listing)].sort(byNaturalName);
    throwIfCancelled(signal);
    if (all.length === 0) {
      throw new AppError('not_found', 'No logs available yet.', {
        hint: 'A training job writes its first lines a few minutes after it starts, when its instances are up. Try again then.',
      });
    }
    const wanted = request.streams;
    if (!wanted || wanted.length === 0) return all;
    const chosen = all.filter((stream) => isAskedFor(stream, wanted));
    if (chosen.length > 0) return chosen;
    const known = all.slice(0, 20).map((stream) => stream.shortName);
    throw new AppError('invalid_input', `No stream of this job is called ${wanted.join(' or ')}.`, {
      hint: `Its streams: ${known.join(', ')}${all.length > known.length ? `, … ${all.length - known.length} more` : ''}.`,
    });
  }

  async sweep(): Promise<void> {
    this.#sweptAt = Number.NEGATIVE_INFINITY;
    await this.#sweep();
  }

  async #sweep(): Promise<void> {
    const now = this.#timing.now();
    if (!this.#sweeping && now - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    this.#sweeping ??= this.#folder.sweep().finally(() => {
      this.#sweeping = undefined;
    });
    await this.#sweeping;
  }
}

function checkRequest(request: LogDownloadRequest): void {
  const { from, to, tail } = request;
  if (from !== undefined && from > to) {
    throw new AppError('invalid_input', `The time range ends (${iso(to)}) before it begins (${iso(from)}).`, {
      hint: '--since must be earlier than --until.',
    });
  }
  if (!Number.isFinite(to)) throw new AppError('invalid_input', 'The time range has no end.');
  if (tail !== undefined && (!Number.isInteger(tail) || tail < 1)) {
    throw new AppError('invalid_input', `--tail takes a whole number from 1 on; it was ${tail}.`);
  }
}

function iso(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}

/** `algo-2` before `algo-10`. */
function byNaturalName(a: LogStreamInfo, b: LogStreamInfo): number {
  return (
    a.name.localeCompare(b.name, 'en', { numeric: true }) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}

/** Whether the pages are worth keeping for an hour. They are not when somebody has cancelled. */
function mayResume(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return signal.reason instanceof AppError;
  return (
    error instanceof AppError &&
    ['unavailable', 'rate_limited', 'timeout', 'permission_denied'].includes(error.code)
  );
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError('Cancelled', { cause: signal.reason });
}
