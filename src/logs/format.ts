/** From a page as the source gave it to the lines of the file, in place where possible. */

import type { LogForm } from '../ports/log-engine.ts';
import type { LogPage } from '../ports/log-source.ts';
import type { MessageFilter } from './filter.ts';
import { needsTerminal, terminalPicture } from './message-picture.ts';
import type { PageContent } from './spool.ts';

const TIME_WIDTH = 24;
const NEWLINE = 10;
const SPACE = 32;
const ZERO = 48;
const QUESTION = 63;
const UNKNOWN_TIME = '????-??-??T??:??:??.???Z';

/** `000Z` to `999Z` as the four bytes they are, read as one number. */
const MILLISECONDS = Uint32Array.from({ length: 1000 }, (_, ms) =>
  Buffer.from(`${String(ms).padStart(3, '0')}Z`, 'latin1').readUInt32LE(),
);

/**
 * Writes `2026-11-20T03:14:15.926Z` and what follows it before each message. Four bytes at a time, and the
 * second is remembered: neighbours mostly share it.
 */
export class LeadStamper {
  #second = Number.NaN;
  #day = Number.NaN;
  readonly #lead: Buffer;
  readonly #words: Uint32Array;

  /** @param column what stands between time and message */
  constructor(column: Buffer) {
    this.#lead = Buffer.concat([Buffer.alloc(TIME_WIDTH), column]);
    this.#words = new Uint32Array(this.#lead.length >> 2);
  }

  get length(): number {
    return this.#lead.length;
  }

  /** @param into over the same bytes at each call of one page */
  write(into: DataView, at: number, time: number): void {
    const second = Math.floor(time / 1000);
    const words = this.#words;
    const lead = this.#lead;
    if (second !== this.#second) {
      this.#second = second;
      this.#writeSecond(second);
      for (let i = 0; i < words.length; i++) words[i] = lead.readUInt32LE(i * 4);
    }
    words[5] = MILLISECONDS[time - second * 1000]!;
    let to = at;
    for (let i = 0; i < words.length; i++) {
      into.setUint32(to, words[i]!, true);
      to += 4;
    }
    for (let i = words.length * 4; i < lead.length; i++) into.setUint8(to++, lead[i]!);
  }

  /** A date is worked out once a day: it costs as much as a hundred lines. */
  #writeSecond(second: number): void {
    const lead = this.#lead;
    const day = Math.floor(second / 86_400);
    if (day !== this.#day) {
      this.#day = day;
      lead.write(isoTime(day * 86_400_000), 0, TIME_WIDTH, 'latin1');
    }
    if (lead[0] === QUESTION) return;
    const ofDay = second - day * 86_400;
    const minute = Math.floor(ofDay / 60);
    const hour = Math.floor(minute / 60);
    twoDigits(lead, 11, hour);
    twoDigits(lead, 14, minute - hour * 60);
    twoDigits(lead, 17, ofDay - minute * 60);
  }
}

function twoDigits(into: Buffer, at: number, value: number): void {
  const tens = Math.floor(value / 10);
  into[at] = ZERO + tens;
  into[at + 1] = ZERO + value - tens * 10;
}

/** Years beyond 9999 or garbage from an emulator must not break the width of the column. */
function isoTime(time: number): string {
  const date = new Date(time);
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return text.length === TIME_WIDTH ? text : UNKNOWN_TIME;
}

export interface LineLayout {
  form: LogForm;
  /** Between the time and the message; empty when there is one stream only. */
  streamColumn: string;
  filter?: MessageFilter | undefined;
}

/** Lays out the pages of one stream. */
export class LineFormatter {
  /** Bytes before each message, to ask the source for. */
  readonly lead: number;
  readonly #layout: LineLayout;
  readonly #stamper: LeadStamper;

  constructor(layout: LineLayout) {
    this.#layout = layout;
    // Time, space, [stream, space].
    this.#stamper = new LeadStamper(
      Buffer.from(layout.streamColumn === '' ? ' ' : ` ${layout.streamColumn} `, 'utf8'),
    );
    this.lead = layout.form === 'lines' ? this.#stamper.length : 0;
  }

  /**
   * @param page sorted by time
   * @returns lines, ready to be written in order; shares the page's memory when nothing had to change
   */
  format(page: LogPage): PageContent {
    const laidOut = page.lead === this.lead;
    const { filter, form } = this.#layout;
    if (laidOut && !filter && form !== 'plain') {
      if (form === 'lines') this.#fill(page.text, page.ends, page.times, page.count);
      return page;
    }
    return this.#rebuild(page, page.lead ?? 0);
  }

  #fill(text: Buffer, ends: Uint32Array, times: Float64Array, count: number): void {
    const view = viewOf(text);
    const stamper = this.#stamper;
    let at = 0;
    for (let i = 0; i < count; i++) {
      stamper.write(view, at, times[i]!);
      at = ends[i]!;
    }
  }

  /** The slow way: filters, the terminal's picture, or a source that gives bare messages. */
  #rebuild(page: LogPage, lead: number): PageContent {
    const lines = new LineBuffer(page.text.length + page.count * (this.lead + 1), page.count);
    let start = 0;
    for (let i = 0; i < page.count; i++) {
      const end = page.ends[i]!;
      this.add(lines, page.times[i]!, page.text.subarray(start + lead, end));
      start = end;
    }
    return lines.content();
  }

  /**
   * Adds one event as a line, if it is asked for.
   * @param text the message; a newline at its end is the line's, whether it or the source has put it there
   * @returns whether it was
   */
  add(lines: LineBuffer, time: number, text: Buffer): boolean {
    const { filter, form } = this.#layout;
    let message = withoutNewline(text);
    if (form === 'plain' && needsTerminal(message)) {
      const picture = terminalPicture(message.toString('utf8'));
      if (picture === undefined) return false;
      message = withoutNewline(Buffer.from(picture, 'utf8'));
    }
    // After the picture: what is looked for is what is read.
    if (filter && !filter(message)) return false;
    lines.add(form === 'lines' ? this.#stamper : undefined, time, message);
    return true;
  }
}

/** Lines that come one by one, with their index. */
export class LineBuffer {
  #text: Buffer;
  #view: DataView;
  #used = 0;
  #count = 0;
  #times: Float64Array;
  #ends: Uint32Array;

  /** @param bytes that are expected; it grows */
  constructor(bytes: number, events: number) {
    this.#text = Buffer.allocUnsafe(Math.max(64, bytes));
    this.#view = viewOf(this.#text);
    this.#times = new Float64Array(events);
    this.#ends = new Uint32Array(events);
  }

  /**
   * The caller adds no more events than it has announced.
   * @param stamper writes what stands before the message
   * @param message without the newline that ends its line
   */
  add(stamper: LeadStamper | undefined, time: number, message: Buffer): void {
    const lead = stamper?.length ?? 0;
    const need = this.#used + lead + message.length + 1;
    if (need > this.#text.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, this.#text.length * 2));
      this.#text.copy(larger, 0, 0, this.#used);
      this.#text = larger;
      this.#view = viewOf(larger);
    }
    stamper?.write(this.#view, this.#used, time);
    this.#used += lead;
    message.copy(this.#text, this.#used);
    this.#used += message.length;
    this.#text[this.#used++] = NEWLINE;
    this.#times[this.#count] = time;
    this.#ends[this.#count] = this.#used;
    this.#count++;
  }

  /** Shares the memory of this buffer. */
  content(): PageContent {
    return { count: this.#count, text: this.#text, ends: this.#ends, times: this.#times };
  }
}

/** Without the newline at the end; one more before it stays. */
function withoutNewline(entry: Buffer): Buffer {
  return entry.length > 0 && entry[entry.length - 1] === NEWLINE ? entry.subarray(0, -1) : entry;
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Short names in one column, padded to the longest. */
export function streamColumns(shortNames: readonly string[]): string[] {
  if (shortNames.length < 2) return shortNames.map(() => '');
  const width = Math.max(...shortNames.map((name) => name.length));
  return shortNames.map((name) => name.padEnd(width, String.fromCharCode(SPACE)));
}

/** Whether a page's events are in time order. */
export function isSorted(page: LogPage): boolean {
  for (let i = 1; i < page.count; i++) if (page.times[i]! < page.times[i - 1]!) return false;
  return true;
}

/** The same page by time; equal times stay in the service's order. */
export function sortPage(page: LogPage): LogPage {
  const order = Array.from({ length: page.count }, (_, i) => i).sort(
    (a, b) => page.times[a]! - page.times[b]! || a - b,
  );
  const text = Buffer.allocUnsafe(page.count ? page.ends[page.count - 1]! : 0);
  const ends = new Uint32Array(page.count);
  const times = new Float64Array(page.count);
  let out = 0;
  order.forEach((from, to) => {
    const start = from === 0 ? 0 : page.ends[from - 1]!;
    out += page.text.copy(text, out, start, page.ends[from]!);
    ends[to] = out;
    times[to] = page.times[from]!;
  });
  return { count: page.count, text, ends, times, nextToken: page.nextToken, lead: page.lead };
}
