/** One download from request to files: checks, lists, fetches and merges side by side, writes, cleans up. */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, CancelledError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { LogStreamInfo } from '../ports/log-source.ts';
import type { LogChunk } from '../ports/training-provider.ts';
import type {
  LogDownload,
  LogDownloadRequest,
  LogEngine,
  LogFacts,
  LogFile,
  LogFollowRequest,
  LogProgress,
} from './contract.ts';
import { Fetch, type Timing } from './fetch.ts';
import { messageFilter } from './filter.ts';
import { followLog } from './follow.ts';
import { LineFormatter, streamColumns } from './format.ts';
import { type MergeTotals, merge, type RunFeed } from './merge.ts';
import { type PlannedPage, StreamPlan } from './plan.ts';
import { type Spool, SpoolFolder, spoolKey } from './spool.ts';
import { Output } from './write.ts';

export interface LogEngineOptions {
  /** Folder for pages and finished files; made when missing. Several processes may share it. */
  spoolDir: string;
  clock?: Clock;
  /** Waiting and chance, for tests that must not take time. */
  timing?: Partial<Timing>;
}

/** Most bytes in a page, so a tail of few events is asked for by count. */
const PAGE_EVENTS = 10_000;
/** Events this young may still be arriving at the service: an earlier reading of them is not continued from. */
const SETTLING_MS = 600_000;
const SWEEP_EVERY_MS = 600_000;
const PROGRESS_EVERY_MS = 100;
/** Bytes between two looks at the disk. */
const DISK_CHECK_EVERY = 32 * 1024 * 1024;

class Restart extends Error {
  override readonly name = 'Restart';
}

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
    const filter = messageFilter(request.match);
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
    const run = new Run(request, streams, columns, filter, spool, this.#folder, this.#timing, options);
    try {
      const download = await run.execute();
      if (request.out !== undefined) await spool.remove();
      else await spool.dropPages();
      return download;
    } catch (error) {
      await run.discard();
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
    const chosen = all.filter((stream) =>
      wanted.some((name) =>
        name.endsWith('*')
          ? stream.name.startsWith(name.slice(0, -1)) || stream.shortName.startsWith(name.slice(0, -1))
          : stream.name === name || stream.shortName === name,
      ),
    );
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

/** The state of one download. */
class Run {
  readonly #request: LogDownloadRequest;
  readonly #streams: readonly LogStreamInfo[];
  readonly #spool: Spool;
  readonly #folder: SpoolFolder;
  readonly #timing: Timing;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: LogProgress) => void) | undefined;
  readonly #plans: StreamPlan[];
  readonly #fetch: Fetch;
  readonly #output: Output;
  readonly #notes = new Set<string>();
  #resumed = false;
  #fraction = 0;
  /** `--tail`: where there was enough. */
  #enoughFrom: number | undefined;
  #progressAt = Number.NEGATIVE_INFINITY;
  #diskCheckedAt = 0;
  #merged = 0;
  #phase: LogProgress['phase'] = 'fetching';

  constructor(
    request: LogDownloadRequest,
    streams: readonly LogStreamInfo[],
    columns: readonly string[],
    filter: ReturnType<typeof messageFilter>,
    spool: Spool,
    folder: SpoolFolder,
    timing: Timing,
    options: { signal?: AbortSignal; onProgress?: (progress: LogProgress) => void },
  ) {
    this.#request = request;
    this.#streams = streams;
    this.#spool = spool;
    this.#folder = folder;
    this.#timing = timing;
    this.#signal = options.signal;
    this.#onProgress = options.onProgress;
    const { source } = request;
    let chain = randomInt(0x3fffffff);
    const mode = source.forwardOnly ? 'forward-only' : request.tail === undefined ? 'both-ends' : 'tail';
    this.#plans = streams.map(
      (stream, i) =>
        new StreamPlan({
          stream: i,
          from: request.from ?? 0,
          to: request.to,
          mode,
          firstHint: stream.firstEventAt,
          lastHint: stream.lastEventAt,
          nextChainId: () => chain++,
        }),
    );
    const formatters = columns.map(
      (streamColumn) => new LineFormatter({ form: request.form, streamColumn, filter }),
    );
    this.#fetch = new Fetch({
      source,
      plans: this.#plans,
      streamNames: streams.map((stream) => stream.name),
      formatters,
      spool,
      timing,
      signal: options.signal,
      pageLimit:
        request.tail !== undefined && !filter && !source.forwardOnly
          ? Math.min(PAGE_EVENTS, request.tail)
          : undefined,
      useSecondLane: mode === 'both-ends',
      onPage: () => this.#onPage(),
      note: (text) => this.#notes.add(text),
    });
    this.#output = new Output({
      dir: spool.dir,
      fileName: request.fileName,
      out: request.out,
      gzipAbove: request.gzipAbove ?? Number.POSITIVE_INFINITY,
      partLimit: request.partLimit ?? Number.POSITIVE_INFINITY,
      header: request.header,
      widestFacts: widestFacts(streams),
      expectedBytes: () => (request.tail === undefined ? this.#fetch.textBytes : 0),
    });
  }

  async execute(): Promise<LogDownload> {
    const expected = this.#streams.reduce((sum, stream) => sum + (stream.bytes ?? 0), 0);
    // Pages wait on disk and are then written once more into the file.
    if (expected > 0 && this.#request.tail === undefined) await this.#folder.checkSpace(expected * 2.3);
    for (const stream of this.#streams) this.#spool.streamNumber(stream.name);
    await this.#spool.save();
    this.#restore();
    this.#progress(true);
    const fetching = this.#fetch.run();
    // The merge meets the same failure by waiting; it must not count as unhandled until then.
    fetching.catch(() => undefined);
    let totals: MergeTotals;
    try {
      totals = await this.#mergeAll();
    } catch (error) {
      this.#fetch.fail(error);
      await fetching.catch(() => undefined);
      throw error;
    }
    await fetching;
    const facts = this.#facts(totals);
    const files = await this.#output.finish(facts);
    // Where chains met, events were fetched twice; now they are counted.
    this.#onProgress?.({
      phase: 'writing',
      events: facts.events,
      textBytes: facts.textBytes,
      fraction: 1,
      throttled: false,
    });
    return this.#result(facts, files);
  }

  async discard(): Promise<void> {
    await this.#output.discard();
  }

  #restore(): void {
    for (const chain of this.#spool.restored) {
      const i = this.#streams.findIndex((stream) => stream.name === chain.stream);
      const plan = this.#plans[i];
      if (!plan || plan.mode === 'forward-only') continue;
      const to = Math.min(chain.to, this.#spool.createdAt - SETTLING_MS);
      if (chain.from >= to || !chain.pages.some((page) => page.first < to)) continue;
      plan.restore(chain.direction, { from: chain.from, to }, chain.pages);
      this.#resumed = true;
    }
  }

  async #mergeAll(): Promise<MergeTotals> {
    for (;;) {
      const generation = this.#fetch.generation;
      try {
        const feeds = await this.#feeds(generation);
        await this.#output.start();
        return await merge(feeds.runs, this.#spool, this.#output, {
          streams: this.#streams.length,
          skip: feeds.skip,
          ...(this.#signal ? { signal: this.#signal } : {}),
          onBytes: (bytes) => {
            this.#merged += bytes;
            if (this.#fetch.done) this.#phase = 'writing';
            this.#progress(false);
          },
        });
      } catch (error) {
        if (!(error instanceof Restart)) throw error;
        this.#merged = 0;
        await this.#output.discard();
      }
    }
  }

  async #feeds(generation: number): Promise<{ runs: RunFeed[]; skip: number }> {
    const wait = async (until: () => boolean): Promise<void> => {
      while (!until()) {
        await this.#fetch.changed();
        if (this.#fetch.generation !== generation) throw new Restart();
      }
    };
    const { tail } = this.#request;
    if (tail !== undefined) {
      await wait(() => this.#plans.every((plan) => plan.done));
      const from = this.#tailFrom();
      const runs = this.#plans.flatMap((plan) => sortedRuns(plan.stream, plan.tail(from), plan.disordered));
      let total = 0;
      for (const run of runs) for (const page of run.pages) total += await this.#countIn(page);
      return { runs: runs.map(listFeed), skip: Math.max(0, total - tail) };
    }
    await wait(() => this.#plans.every((plan) => plan.mode !== 'forward-only' || plan.done));
    const runs: RunFeed[] = this.#plans.flatMap((plan) => {
      if (plan.mode === 'forward-only')
        return sortedRuns(plan.stream, plan.ready(0), plan.disordered).map(listFeed);
      let taken = 0;
      let queue: PlannedPage[] = [];
      return [
        {
          stream: plan.stream,
          next: async () => {
            for (;;) {
              if (this.#fetch.generation !== generation) throw new Restart();
              if (queue.length === 0) queue = plan.ready(taken);
              const page = queue.shift();
              if (page) {
                taken++;
                return page;
              }
              if (plan.done) return undefined;
              await this.#fetch.changed();
            }
          },
        },
      ];
    });
    return { runs, skip: 0 };
  }

  /** Entries of a page that count. */
  async #countIn({ page, from, to }: PlannedPage): Promise<number> {
    if (page.first >= from && page.last < to) return page.count;
    const { times } = await this.#spool.readIndex(page, new ArrayBuffer(page.count * 12 + 8));
    let count = 0;
    for (const time of times) if (time >= from && time < to) count++;
    return count;
  }

  #onPage(): void {
    const { tail } = this.#request;
    if (tail !== undefined) this.#maybeEnoughTail(tail);
    this.#progress(false);
    const needed = this.#fetch.textBytes;
    if (needed - this.#diskCheckedAt >= DISK_CHECK_EVERY) {
      this.#diskCheckedAt = needed;
      // What has been fetched must be written once more; what is still to come at least doubles with it.
      const share = Math.max(0.05, this.#fraction);
      const toCome = share > 0.3 ? (needed / share - needed) * 2 : 0;
      this.#folder
        .checkSpace(needed - this.#merged + toCome)
        .catch((error: unknown) => this.#fetch.fail(error));
    }
  }

  /** From this time on every stream has been read. */
  #tailFrom(): number {
    if (this.#enoughFrom !== undefined) return this.#enoughFrom;
    return Math.max(this.#request.from ?? 0, ...this.#plans.map((plan) => plan.completeFrom));
  }

  #maybeEnoughTail(tail: number): void {
    if (this.#plans.some((plan) => plan.mode === 'forward-only')) return;
    const from = this.#tailFrom();
    let events = 0;
    for (const plan of this.#plans) {
      for (const { page } of plan.tail(from)) if (page.first >= from) events += page.count;
    }
    if (events < tail) return;
    for (const plan of this.#plans) plan.finish();
    this.#enoughFrom = from;
  }

  #progress(always: boolean): void {
    if (!this.#onProgress) return;
    const now = this.#timing.now();
    if (!always && now - this.#progressAt < PROGRESS_EVERY_MS) return;
    this.#progressAt = now;
    let unread = 0;
    let total = 0;
    for (const plan of this.#plans) {
      const coverage = plan.coverage;
      unread += coverage.unread;
      total += coverage.total;
    }
    const fraction = total > 0 ? 1 - unread / total : 1;
    // Bounds become known on the way; a bar that runs backwards would say nothing true either.
    this.#fraction = Math.max(this.#fraction, Math.min(1, Math.max(0, fraction)));
    this.#onProgress({
      phase: this.#phase,
      events: this.#fetch.events,
      textBytes: this.#fetch.textBytes,
      fraction: this.#fraction,
      throttled: this.#fetch.throttled,
    });
  }

  #facts(totals: MergeTotals): LogFacts {
    return {
      events: totals.events,
      textBytes: this.#output.textBytes,
      firstEventAt: totals.first,
      lastEventAt: totals.last,
      streams: this.#streams.map((stream, i) => ({
        name: stream.name,
        shortName: stream.shortName,
        events: totals.perStream[i]!,
      })),
    };
  }

  #result(facts: LogFacts, files: LogFile[]): LogDownload {
    const keep = this.#request.out !== undefined;
    let disposed: Promise<void> | undefined;
    return {
      facts,
      files,
      resumed: this.#resumed,
      notes: [...this.#notes],
      dispose: () => {
        disposed ??= keep ? Promise.resolve() : this.#spool.remove();
        return disposed;
      },
    };
  }
}

interface SortedRun {
  stream: number;
  pages: PlannedPage[];
}

/** Pages in as few sorted sequences as a greedy walk finds; one when the stream is in order. */
function sortedRuns(stream: number, pages: readonly PlannedPage[], disordered: boolean): SortedRun[] {
  if (!disordered) return [{ stream, pages: [...pages] }];
  const runs: SortedRun[] = [];
  for (const page of pages) {
    // A run whose last page ends at the same time would be in order too, but then the runs between them might
    // hold events of that time that came earlier.
    const run = runs.find((r) => r.pages[r.pages.length - 1]!.page.last < page.page.first);
    if (run) run.pages.push(page);
    else runs.push({ stream, pages: [page] });
  }
  return runs;
}

function listFeed(run: SortedRun): RunFeed {
  let at = 0;
  return { stream: run.stream, next: () => Promise.resolve(run.pages[at++]) };
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

/** Numbers and times at their widest: what room the header needs at most. */
function widestFacts(streams: readonly LogStreamInfo[]): LogFacts {
  const events = 999_999_999_999;
  // December: no month is longer, whatever a header makes of it.
  const time = Date.UTC(2026, 11, 23, 23, 59, 59, 999);
  return {
    events,
    textBytes: 99_999_999_999_999,
    firstEventAt: time,
    lastEventAt: time,
    streams: streams.map(({ name, shortName }) => ({ name, shortName, events })),
  };
}

/** Whether what was read is worth keeping for an hour: not when somebody said "cancel". */
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
