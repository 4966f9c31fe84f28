/** Finding text in the whole log: from its newest part to its beginning, then in what is printed. */
import { joinBytes } from './join-bytes.ts';
import type { Slice } from './run-api.ts';
import { isPlain, visibleLine, withoutColours } from './visible-line.ts';

export interface LogSearchOptions {
  read(offset: number, limit: number): Promise<Slice>;
  needle: string;
  matchCase: boolean;
  /**
   * Matches, as the offsets where their lines begin (in very long lines, of a place near the match), in order;
   * all are before those that were told before.
   * @param from everything from here on has been searched
   */
  older(hits: readonly number[], from: number): void;
  /** Matches from an offset on, replacing those reported there before. */
  newer(hits: readonly number[], from: number): void;
  /** Matches that are kept; 100,000. */
  most?: number;
  /** Bytes that are read at a time; 1 MiB. */
  step?: number;
}

const STEP = 1024 * 1024;
/** Bytes of a line that are searched as one. */
const LONGEST = 4 * 1024 * 1024;
const MOST = 100_000;
/** Characters, and bytes, of a line above which a match's place within it is reported too. */
const LONG = 16 * 1024;
const NEWLINE = 10;

interface Part {
  from: number;
  bytes: Uint8Array;
}

export class LogSearch {
  readonly #options: LogSearchOptions;
  readonly #decoder = new TextDecoder();
  readonly #needle: string;
  readonly #step: number;
  #isStopped = false;
  #found = 0;
  /** Where the last line begins, which may not be complete; undefined until that is found. */
  #tail: number | undefined;
  #size = 0;

  constructor(options: LogSearchOptions) {
    this.#options = options;
    this.#step = options.step ?? STEP;
    this.#needle = this.#folded(options.needle);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Back to the log's beginning. @returns false if it stopped earlier because no more matches are kept */
  async start(size: number): Promise<boolean> {
    this.#size = size;
    let to = size;
    /** The end of a line whose beginning has not been read. */
    let rest: Part = { from: size, bytes: new Uint8Array(0) };
    while (to > 0 && !this.#isStopped) {
      const from = Math.max(0, to - this.#step);
      const parts = await this.#load(from, to);
      if (this.#isStopped) return false;
      let hits: number[] = [];
      for (const part of parts.toReversed()) {
        if (part.from + part.bytes.length !== rest.from) {
          // A gap ends a line.
          hits = this.#hitsIn(rest).concat(hits);
          this.#tail ??= rest.from;
          rest = { from: part.from + part.bytes.length, bytes: new Uint8Array(0) };
        }
        const newline = part.bytes.lastIndexOf(NEWLINE);
        if (newline >= 0) this.#tail ??= part.from + newline + 1;
        const whole = both(part, rest);
        const first = part.bytes.indexOf(NEWLINE);
        if (part.from > 0 && first < 0 && whole.bytes.length < LONGEST) {
          rest = whole;
          continue;
        }
        const begin = part.from === 0 ? 0 : first + 1;
        if (first < 0) this.#tail ??= part.from;
        hits = this.#hitsIn({ from: whole.from + begin, bytes: whole.bytes.subarray(begin) }).concat(hits);
        rest = { from: part.from, bytes: part.bytes.subarray(0, begin) };
      }
      // What came before a gap may all be gone.
      if (from === 0) {
        hits = this.#hitsIn(rest).concat(hits);
        this.#tail ??= rest.from;
      }
      this.#found += hits.length;
      this.#options.older(hits, from);
      if (this.#found > (this.#options.most ?? MOST)) return false;
      to = from;
    }
    return !this.#isStopped;
  }

  /** What has been printed since. */
  async grow(size: number): Promise<void> {
    if (size <= this.#size || this.#isStopped) return;
    const from = this.#tail ?? 0;
    let hits: number[] = [];
    let rest: Part = { from, bytes: new Uint8Array(0) };
    let tail = from;
    for (let at = from; at < size; at = Math.min(size, at + this.#step)) {
      const parts = await this.#load(at, Math.min(size, at + this.#step));
      if (this.#isStopped) return;
      for (const part of parts) {
        if (part.from !== rest.from + rest.bytes.length) {
          hits = hits.concat(this.#hitsIn(rest));
          rest = { from: part.from, bytes: new Uint8Array(0) };
        }
        const whole = both(rest, part);
        const end = whole.bytes.lastIndexOf(NEWLINE) + 1;
        hits = hits.concat(this.#hitsIn({ from: whole.from, bytes: whole.bytes.subarray(0, end) }));
        rest = { from: whole.from + end, bytes: whole.bytes.subarray(end) };
        tail = rest.from;
      }
    }
    hits = hits.concat(this.#hitsIn(rest));
    this.#size = size;
    this.#tail = tail;
    this.#options.newer(hits, from);
  }

  async #load(from: number, to: number): Promise<Part[]> {
    const parts: Part[] = [];
    for (let offset = from; offset < to; ) {
      const { bytes, gap } = await this.#options.read(offset, to - offset);
      if (gap) offset = gap.to;
      else if (bytes.length === 0) break;
      else {
        const last = parts.at(-1);
        if (last && last.from + last.bytes.length === offset)
          last.bytes = both(last, { from: offset, bytes }).bytes;
        else parts.push({ from: offset, bytes });
        offset += bytes.length;
      }
    }
    return parts;
  }

  /** Of whole lines. */
  #hitsIn({ from, bytes }: Part): number[] {
    if (bytes.length === 0) return [];
    const text = this.#decoder.decode(bytes);
    const plain = withoutColours(text);
    const hits: number[] = [];
    let offset = from;
    const nextLine = (): boolean => {
      const newline = bytes.indexOf(NEWLINE, offset - from);
      offset = from + newline + 1;
      return newline >= 0;
    };
    // Lines of usual length: all of them together.
    if (isPlain(plain) && !hasLongLine(bytes)) {
      const folded = this.#folded(plain);
      let line = 0;
      for (let at = folded.indexOf(this.#needle); at >= 0; at = folded.indexOf(this.#needle, at + 1)) {
        for (
          let next = folded.indexOf('\n', line);
          next >= 0 && next < at;
          next = folded.indexOf('\n', line)
        ) {
          nextLine();
          line = next + 1;
        }
        hits.push(offset);
      }
      return hits;
    }
    for (const line of text.split('\n')) {
      // Not all as arguments of one call: a long line may have a million.
      if (line.length > LONG) for (const hit of this.#hitsInLong(line, offset)) hits.push(hit);
      else {
        const count = this.#count(line);
        for (let i = 0; i < count; i++) hits.push(offset);
      }
      if (!nextLine()) break;
    }
    return hits;
  }

  /** Where in the line, because it may not be loaded as a whole; for a bar, what was drawn last. */
  #hitsInLong(line: string, from: number): number[] {
    const start = line.trimEnd().lastIndexOf('\r') + 1;
    const seen = line.slice(start).replaceAll('\r', '');
    const folded = this.#folded(withoutColours(seen));
    let offset = from + byteLength(line.slice(0, start));
    const hits: number[] = [];
    let told = 0;
    for (let at = folded.indexOf(this.#needle); at >= 0; at = folded.indexOf(this.#needle, at + 1)) {
      offset += byteLength(seen.slice(told, at));
      told = at;
      hits.push(offset);
    }
    return hits;
  }

  #count(line: string): number {
    const text = this.#folded(visibleLine(line));
    let count = 0;
    for (let at = text.indexOf(this.#needle); at >= 0; at = text.indexOf(this.#needle, at + 1)) count += 1;
    return count;
  }

  #folded(text: string): string {
    return this.#options.matchCase ? text : text.toLowerCase();
  }
}

function both(first: Part, second: Part): Part {
  if (first.bytes.length === 0) return { from: second.from, bytes: second.bytes };
  if (second.bytes.length === 0) return first;
  return { from: first.from, bytes: joinBytes([first.bytes, second.bytes]) };
}

const encoder = new TextEncoder();
const byteLength = (text: string): number => encoder.encode(text).length;

function hasLongLine(bytes: Uint8Array): boolean {
  let from = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
    if (at - from > LONG) return true;
    from = at + 1;
  }
  return bytes.length - from > LONG;
}
