/**
 * Brings the streams together: by time, then stream, then the service's order. Works on the spool's pages while
 * others are still being fetched, and copies whole stretches of lines, never single events where it can.
 */
import { lowerBound } from './chain-overlap.ts';
import { type Entries, EntryList } from './entries.ts';
import type { PlannedPage } from './planned-pages.ts';
import type { HeldPage, Spool, SpooledPage } from './spool.ts';

/** Pages of one sorted sequence, handed out as they become final. */
export interface RunFeed {
  /** Index of the stream in the listing: the second sorting key. */
  readonly stream: number;
  /** Resolves to the next page, or undefined at the end. */
  next(): Promise<PlannedPage | undefined>;
}

export interface MergeSink {
  /**
   * Takes whole lines. The memory may be used again once the promise has resolved.
   * @param entries of the lines, if the sink has asked for them
   */
  write(lines: Buffer, entries?: Entries): Promise<void>;
  /** Asks for `entries`. */
  readonly wantsEntries?: boolean | undefined;
}

export interface MergeTotals {
  events: number;
  perStream: number[];
  first: number | undefined;
  last: number | undefined;
}

/** Memory for text of all runs together; each run's share is its reading window. */
const TEXT_MEMORY = 8 * 1024 * 1024;
const SMALLEST_WINDOW = 64 * 1024;
const LARGEST_WINDOW = 256 * 1024;
/** While pages come in, a write takes a turn of the event loop: it has to be worth it. */
const CHUNK = 1024 * 1024;

/** Reads one run: an index and a window of text at a time. */
class Cursor {
  readonly stream: number;
  readonly #feed: RunFeed;
  readonly #spool: Spool;
  #index = new ArrayBuffer(0);
  #text: Buffer;
  /** Where in the page's text `#text` begins, and how much of it is filled. */
  #textAt = 0;
  #textLength = 0;
  #page: SpooledPage | undefined;
  /** The page, where it is in memory; `#text` is then its own. */
  #held: HeldPage | undefined;
  readonly #window: Buffer;
  #times: Float64Array = new Float64Array(0);
  #ends: Uint32Array = new Uint32Array(0);
  #at = 0;
  #stop = 0;
  #taken = { at: 0, count: 0, start: 0, stream: 0 };
  /** Service order among equal times of one stream: the page's place in it. */
  sequence = 0;
  time = 0;

  constructor(feed: RunFeed, spool: Spool, window: number) {
    this.stream = feed.stream;
    this.#feed = feed;
    this.#spool = spool;
    this.#text = Buffer.allocUnsafe(window);
    this.#window = this.#text;
  }

  /** Gives back what it has of a page. */
  close(): void {
    this.#held?.release();
    this.#held = undefined;
  }

  /** Moves to the next page when this one is used up. @returns false at the end */
  async ensure(): Promise<boolean> {
    while (this.#at >= this.#stop) {
      this.close();
      const next = await this.#feed.next();
      if (!next) return false;
      await this.#load(next);
    }
    this.time = this.#times[this.#at]!;
    return true;
  }

  /** How many entries from here on come before (time, stream, sequence). */
  countBefore(time: number, wins: boolean): number {
    const times = this.#times;
    let i = this.#at;
    const stop = this.#stop;
    // Streams mostly alternate after a few events: a short walk first, halving only for long stretches.
    const near = Math.min(stop, i + 8);
    if (wins) while (i < near && times[i]! <= time) i++;
    else while (i < near && times[i]! < time) i++;
    if (i === near && i < stop) {
      const bound = wins ? time + 0.5 : time;
      if (times[i]! < bound) i = i + lowerBound(times.subarray(i, stop), bound);
    }
    return i - this.#at;
  }

  get remaining(): number {
    return this.#stop - this.#at;
  }

  skip(count: number): void {
    this.#at += count;
    if (this.#at < this.#stop) this.time = this.#times[this.#at]!;
  }

  /** Time of the entry `ahead` places on. */
  timeAt(ahead: number): number {
    return this.#times[this.#at + ahead]!;
  }

  /** Takes up to `count` entries as one piece of text, fewer when the window ends. At least one. */
  take(count: number): { lines: Buffer; count: number } {
    const start = this.#at === 0 ? 0 : this.#ends[this.#at - 1]!;
    let last = this.#at + count - 1;
    if (start < this.#textAt || this.#ends[this.#at]! > this.#textAt + this.#textLength) this.#refill(start);
    const limit = this.#textAt + this.#textLength;
    if (this.#ends[last]! > limit) {
      // The last entry that is wholly in the window.
      let lo = this.#at;
      let hi = last;
      while (lo < hi) {
        const middle = (lo + hi + 1) >>> 1;
        if (this.#ends[middle]! <= limit) lo = middle;
        else hi = middle - 1;
      }
      last = lo;
    }
    const taken = last - this.#at + 1;
    const lines = this.#text.subarray(start - this.#textAt, this.#ends[last]! - this.#textAt);
    this.#taken = { at: this.#at, count: taken, start, stream: this.stream };
    this.skip(taken);
    return { lines, count: taken };
  }

  /** Adds the entries that were taken last. To be called before `ensure`. */
  noteTaken(into: EntryList): void {
    into.add(this.#times, this.#ends, this.#taken);
  }

  async #load(planned: PlannedPage): Promise<void> {
    const { page, from, to } = planned;
    const { times, ends } = this.#loadHeld(page) ?? (await this.#loadIndex(page));
    this.#page = page;
    this.#times = times;
    this.#ends = ends;
    this.#at = page.first >= from ? 0 : lowerBound(times, from);
    this.#stop = page.last < to ? page.count : lowerBound(times, to);
    this.sequence = page.sequence;
    this.#textAt = 0;
    this.#textLength = this.#held ? page.textBytes : 0;
  }

  #loadHeld(page: SpooledPage): { times: Float64Array; ends: Uint32Array } | undefined {
    this.#held = this.#spool.takeHeld(page);
    if (!this.#held) return undefined;
    const { text, times, ends } = this.#held.content;
    this.#text = text;
    return { times: times.subarray(0, page.count), ends };
  }

  async #loadIndex(page: SpooledPage): Promise<{ times: Float64Array; ends: Uint32Array }> {
    const need = page.count * 12 + 8;
    if (this.#index.byteLength < need) this.#index = new ArrayBuffer(Math.max(need, 16 * 1024));
    this.#text = this.#window;
    return this.#spool.readIndex(page, this.#index);
  }

  #refill(start: number): void {
    const page = this.#page!;
    const entry = this.#ends[this.#at]! - start;
    if (entry > this.#text.length) this.#text = Buffer.allocUnsafe(entry);
    // Not past what counts: the rest of a page that was cut belongs to somebody else.
    const length = Math.min(this.#text.length, this.#ends[this.#stop - 1]! - start);
    this.#spool.readText(page, start, this.#text.subarray(0, length));
    this.#textAt = start;
    this.#textLength = length;
  }
}

/** Gathers small pieces into chunks and lets the sink work on one while the other fills. */
class Gatherer {
  readonly #sink: MergeSink;
  #chunk = Buffer.allocUnsafe(CHUNK);
  #spare = Buffer.allocUnsafe(CHUNK);
  #used = 0;
  #entries: EntryList | undefined;
  #spareEntries: EntryList | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(sink: MergeSink) {
    this.#sink = sink;
    if (!sink.wantsEntries) return;
    this.#entries = new EntryList();
    this.#spareEntries = new EntryList();
  }

  /** Whether `add` may be called without waiting for `flush`. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= CHUNK;
  }

  add(piece: Buffer): void {
    piece.copy(this.#chunk, this.#used);
    this.#used += piece.length;
  }

  /** Of the text that waits here, if the sink has asked for them. */
  get entries(): EntryList | undefined {
    return this.#entries;
  }

  async flush(): Promise<void> {
    if (this.#used === 0) return;
    await this.#writing;
    const full = this.#chunk;
    const lines = full.subarray(0, this.#used);
    this.#chunk = this.#spare;
    this.#spare = full;
    this.#used = 0;
    const entries = this.#entries;
    this.#entries = this.#spareEntries;
    this.#spareEntries = entries;
    this.#writing = this.#sink.write(lines, entries?.empty());
    // Whoever waits next sees the failure; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  /** What is too large to be copied once more. */
  async large(piece: Buffer, entries: Entries | undefined): Promise<void> {
    await this.flush();
    await this.#writing;
    await this.#sink.write(piece, entries);
  }

  async end(): Promise<void> {
    await this.flush();
    await this.#writing;
  }
}

interface MergeOptions {
  /** How many there are. */
  streams: number;
  /** Leaves out so many entries at the beginning (`--tail`). */
  skip?: number;
  signal?: AbortSignal;
  onBytes?: (bytes: number) => void;
}

/** @returns what was written */
export async function merge(
  feeds: readonly RunFeed[],
  spool: Spool,
  sink: MergeSink,
  options: MergeOptions,
): Promise<MergeTotals> {
  const window = Math.min(
    LARGEST_WINDOW,
    Math.max(SMALLEST_WINDOW, Math.floor(TEXT_MEMORY / Math.max(1, feeds.length))),
  );
  const cursors = feeds.map((feed) => new Cursor(feed, spool, window));
  try {
    return await mergeCursors(cursors, sink, options);
  } finally {
    for (const cursor of cursors) cursor.close();
  }
}

async function mergeCursors(
  cursors: readonly Cursor[],
  sink: MergeSink,
  options: MergeOptions,
): Promise<MergeTotals> {
  const totals: MergeTotals = {
    events: 0,
    perStream: new Array<number>(options.streams).fill(0),
    first: undefined,
    last: undefined,
  };
  const out = new Gatherer(sink);
  const large = sink.wantsEntries ? new EntryList() : undefined;
  let skip = options.skip ?? 0;

  const heap: Cursor[] = [];
  for (const cursor of cursors) if (await cursor.ensure()) heap.push(cursor);
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) siftDown(heap, i);

  while (heap.length > 0) {
    if (options.signal?.aborted) throw options.signal.reason;
    const top = heap[0]!;
    let run = top.remaining;
    const rival =
      heap.length === 1
        ? undefined
        : heap.length === 2
          ? heap[1]!
          : before(heap[1]!, heap[2]!)
            ? heap[1]!
            : heap[2]!;
    if (rival) {
      const wins =
        top.stream < rival.stream || (top.stream === rival.stream && top.sequence < rival.sequence);
      run = Math.max(1, top.countBefore(rival.time, wins));
    }
    if (skip > 0) {
      const leave = Math.min(skip, run);
      top.skip(leave);
      skip -= leave;
      run -= leave;
    }
    while (run > 0) {
      totals.first ??= top.time;
      totals.last = top.time;
      const last = top.timeAt(run - 1);
      const { lines, count } = top.take(run);
      if (count === run) totals.last = last;
      run -= count;
      totals.events += count;
      totals.perStream[top.stream]! += count;
      options.onBytes?.(lines.length);
      if (lines.length > CHUNK / 4) {
        if (large) top.noteTaken(large);
        await out.large(lines, large?.empty());
      } else {
        if (!out.fits(lines.length)) await out.flush();
        out.add(lines);
        if (out.entries) top.noteTaken(out.entries);
      }
    }
    if (top.remaining === 0 && !(await top.ensure())) {
      const end = heap.pop()!;
      if (heap.length > 0 && end !== top) heap[0] = end;
    }
    if (heap.length > 1) siftDown(heap, 0);
  }
  await out.end();
  return totals;
}

function before(a: Cursor, b: Cursor): boolean {
  if (a.time !== b.time) return a.time < b.time;
  if (a.stream !== b.stream) return a.stream < b.stream;
  return a.sequence < b.sequence;
}

function siftDown(heap: Cursor[], from: number): void {
  const item = heap[from]!;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, item)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = item;
}
