/** One download: fetches and merges side by side, restarts when a stream turns out to be out of order, reports progress. */
import { randomInt } from 'node:crypto';
import type { EpochMs } from '../ground/time.ts';
import type { LogDownloadRequest, LogProgress } from '../ports/log-engine.ts';
import type { LogStreamInfo } from '../ports/log-source.ts';
import { Fetch, type Timing } from './fetch.ts';
import type { MessageFilter } from './filter.ts';
import { LineFormatter } from './format.ts';
import { type MergeSink, type MergeTotals, merge, type RunFeed } from './merge.ts';
import { StreamPlan } from './plan.ts';
import type { PlannedPage } from './planned-pages.ts';
import type { Spool } from './spool.ts';
import type { SpoolFolder } from './spool-folder.ts';

/** The most events in a page. A shorter tail is asked for by count. */
const PAGE_EVENTS = 10_000;
/** Events this young may still be arriving at the service, so they are read again after a resume. */
const SETTLING_MS = 600_000;
const PROGRESS_EVERY_MS = 100;
/** Bytes between two checks of the free disk space. */
const DISK_CHECK_EVERY = 32 * 1024 * 1024;

/** Streams of which each may have some pages in memory. */
const MOST_STREAMS_HELD = 4;

/** A stream is out of order and is read again, so the merge starts over. */
class Restart extends Error {
  override readonly name = 'Restart';
}

/** Where a download's text goes. */
export interface DownloadTarget extends MergeSink {
  /** Before the first text, and again after each `discard`. */
  start(): Promise<void>;
  /** Forgets what was written. */
  discard(): Promise<void>;
}

/** What has been fetched and written. */
export interface Gathered extends MergeTotals {
  /** True when an interrupted download of the same request was continued. */
  resumed: boolean;
  notes: readonly string[];
  /** A stream's order was not that of time. */
  disordered: boolean;
  /** With `newestFirst`, of each stream: the newest event that was there before the rest was read. */
  newest: readonly (EpochMs | undefined)[];
}

export interface DownloadOptions {
  request: Pick<LogDownloadRequest, 'source' | 'from' | 'to' | 'tail' | 'form'>;
  /** The streams to read, in the order of their names. */
  streams: readonly LogStreamInfo[];
  /** What each stream's lines begin with. */
  columns: readonly string[];
  filter: MessageFilter | undefined;
  spool: Spool;
  /** Where the spool lies. */
  folder: Pick<SpoolFolder, 'checkSpace'>;
  /** @param expectedBytes of text that are known to come, so far */
  target: (expectedBytes: () => number) => DownloadTarget;
  /** Of each stream, where it begins in place of the request's `from`. */
  froms?: readonly EpochMs[] | undefined;
  /** See StreamPlan. */
  newestFirst?: boolean | undefined;
  /** See Fetch. */
  saving?: boolean | undefined;
  timing: Timing;
  signal: AbortSignal | undefined;
  onProgress: ((progress: LogProgress) => void) | undefined;
}

export class Download {
  readonly #request: DownloadOptions['request'];
  readonly #streams: readonly LogStreamInfo[];
  readonly #spool: Spool;
  readonly #folder: Pick<SpoolFolder, 'checkSpace'>;
  readonly #timing: Timing;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: LogProgress) => void) | undefined;
  readonly #plans: StreamPlan[];
  readonly #fetch: Fetch;
  readonly #target: DownloadTarget;
  readonly #notes = new Set<string>();
  #resumed = false;
  #fraction = 0;
  /** `--tail`: from this time on enough events had been read. */
  #enoughFrom: number | undefined;
  #progressAt = Number.NEGATIVE_INFINITY;
  #diskCheckedAt = 0;
  #merged = 0;
  #phase: LogProgress['phase'] = 'fetching';
  /** Pages go to the merge without being on disk. */
  readonly #holds: boolean;

  constructor(options: DownloadOptions) {
    const { request, streams, columns, filter, spool, timing } = options;
    this.#request = request;
    this.#streams = streams;
    this.#spool = spool;
    this.#folder = options.folder;
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
          from: options.froms?.[i] ?? request.from ?? 0,
          to: request.to,
          mode,
          firstHint: stream.firstEventAt,
          lastHint: stream.lastEventAt,
          nextChainId: () => chain++,
          newestFirst: options.newestFirst,
        }),
    );
    const formatters = columns.map(
      (streamColumn) => new LineFormatter({ form: request.form, streamColumn, filter }),
    );
    this.#holds =
      mode === 'both-ends' &&
      source.isNear === true &&
      streams.length <= MOST_STREAMS_HELD &&
      spool.restored.length === 0;
    this.#fetch = new Fetch({
      source,
      mayHold: this.#holds,
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
      saving: options.saving,
      onPage: () => this.#onPage(),
      note: (text) => this.#notes.add(text),
    });
    this.#target = options.target(() => (request.tail === undefined ? this.#fetch.textBytes : 0));
  }

  /** Fetches everything and writes it to the target. */
  async execute(): Promise<Gathered> {
    const expected = this.#streams.reduce((sum, stream) => sum + (stream.bytes ?? 0), 0);
    // Pages are written to the spool first and then once more into the file.
    const space = expected * (this.#holds ? 1.2 : 2.3);
    if (expected > 0 && this.#request.tail === undefined) await this.#folder.checkSpace(space);
    for (const stream of this.#streams) this.#spool.streamNumber(stream.name);
    if (this.#holds) await this.#spool.distrust(...this.#streams.map((stream) => stream.name));
    else await this.#spool.save();
    this.#restore();
    this.#progress(true);
    const fetching = this.#fetch.run();
    // The merge rejects with the same failure. Until then it must not count as unhandled.
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
    return {
      ...totals,
      resumed: this.#resumed,
      notes: [...this.#notes],
      disordered: this.#plans.some((plan) => plan.disordered),
      newest: this.#plans.map((plan) => plan.newest),
    };
  }

  async discard(): Promise<void> {
    await this.#target.discard();
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
        await this.#target.start();
        return await merge(feeds.runs, this.#spool, this.#target, {
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
        await this.#target.discard();
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
              await this.#fetch.changed(plan.stream);
            }
          },
        },
      ];
    });
    return { runs, skip: 0 };
  }

  /** Number of a page's events that fall within its window. */
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
      // What has been fetched is written once more. What is still to come is written twice.
      const share = Math.max(0.05, this.#fraction);
      const toCome = share > 0.3 ? (needed / share - needed) * 2 : 0;
      this.#folder
        .checkSpace(needed - this.#merged + toCome)
        .catch((error: unknown) => this.#fetch.fail(error));
    }
  }

  /** The time from which every stream has been read. */
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
    // Bounds become known on the way, so the true share may fall. A progress bar must not run backwards.
    this.#fraction = Math.max(this.#fraction, Math.min(1, Math.max(0, fraction)));
    this.#onProgress({
      phase: this.#phase,
      events: this.#fetch.events,
      textBytes: this.#fetch.textBytes,
      fraction: this.#fraction,
      throttled: this.#fetch.throttled,
    });
  }
}

interface SortedRun {
  stream: number;
  pages: PlannedPage[];
}

/** Splits pages into sorted sequences, as few as a greedy walk finds. A stream in order gives one. */
function sortedRuns(stream: number, pages: readonly PlannedPage[], disordered: boolean): SortedRun[] {
  if (!disordered) return [{ stream, pages: [...pages] }];
  const runs: SortedRun[] = [];
  for (const page of pages) {
    // A run whose last page ends at the same time would be in order too, but a run between the two might hold
    // earlier events of that time.
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
