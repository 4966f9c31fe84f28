/**
 * The metrics of a log, from its bytes, in whatever pieces they come. What it holds does not grow with the log: a line's
 * beginning, the names and their curves.
 */
import type { MetricPattern, RunMetrics } from '../domain/metrics.ts';
import type { EpochMs } from '../ground/time.ts';
import { timeOfLine } from './line-time.ts';
import { NameTable } from './names.ts';
import { OwnPatterns } from './patterns.ts';
import { type Follows, type LinePlan, type OwnMetric, Reports } from './reports.ts';
import { LONGEST_LINE, Scanner } from './scanner.ts';
import { BACKSPACE, ESC, NEWLINE, RETURN, Stops } from './stops.ts';
import { stripEscapes } from './strip.ts';
import { mayBeHeader, mayBeRow, Tables } from './tables.ts';
import { Templates } from './templates.ts';
import { LineTokens } from './tokens.ts';

export interface MetricReader {
  /** @param at when the bytes were written, if that is known better than from the lines */
  feed(bytes: Uint8Array, at?: EpochMs): void;
  /** The whole log was fed; the reader is used up. */
  end(): RunMetrics;
}

const NONE: readonly OwnMetric[] = [];
const NOTHING: LinePlan = { bar: -1, step: -1, epoch: -1, metrics: [], curves: [] };

/**
 * @param patterns a team's own; the formats that are known are read in any case
 * @throws AppError invalid_input when one cannot be used
 */
export function createMetricReader(patterns: readonly MetricPattern[] = []): MetricReader {
  return new Reader(patterns.length === 0 ? undefined : new OwnPatterns(patterns));
}

class Reader implements MetricReader {
  readonly #own: OwnPatterns | undefined;
  readonly #names = new NameTable();
  readonly #scanner = new Scanner(this.#names);
  readonly #tokens = new LineTokens();
  readonly #templates: Templates;
  readonly #tables = new Tables();
  readonly #reports = new Reports(this.#names);
  /** A line's beginning, until its end comes. */
  readonly #held = Buffer.allocUnsafe(LONGEST_LINE);
  #heldBytes = 0;
  readonly #stripped = Buffer.allocUnsafe(LONGEST_LINE);
  readonly #stops = new Stops();
  #follows: Follows = 'line';
  #linesRead = 0;
  /** Something stands behind the last newline. */
  #open = false;
  #time = Number.NaN;

  // The line at hand.
  #line: Uint8Array = this.#held;
  #start = 0;
  #end = 0;
  readonly #timeOf = (): number =>
    Number.isNaN(this.#time) ? timeOfLine(this.#line, this.#start, this.#end) : this.#time;

  constructor(own: OwnPatterns | undefined) {
    this.#own = own;
    this.#templates = new Templates(this.#names, (program) => own?.mayFind(program) ?? false);
  }

  feed(bytes: Uint8Array, at?: EpochMs): void {
    this.#time = at ?? Number.NaN;
    this.#stops.begin(bytes);
    const { length } = bytes;
    let start = 0;
    while (start < length) {
      const end = this.#heldBytes === 0 ? this.#quickly(bytes, start) : -1;
      if (end < 0) start = this.#thoroughly(bytes, start) + 1;
      else {
        this.#ended(bytes[end]!, false);
        start = end + 1;
      }
    }
  }

  end(): RunMetrics {
    if (this.#heldBytes > 0) this.#finishHeld(RETURN);
    return this.#reports.end(this.#linesRead + (this.#open ? 1 : 0));
  }

  /** @returns where the line ends, or what is drawn of it; −1, with nothing done, when it is none that is known */
  #quickly(bytes: Uint8Array, start: number): number {
    const c = bytes[start]!;
    if (c === NEWLINE || c === RETURN || c === BACKSPACE) return start;
    if (this.#tables.open && mayBeRow(bytes, start, bytes.length)) return -1;
    const known = this.#templates.fitting(bytes, start, bytes.length, false, this.#tokens);
    if (known === undefined) return -1;
    const { end } = this.#templates;
    if (end - start > LONGEST_LINE) return -1;
    this.#line = bytes;
    this.#start = start;
    this.#end = end;
    this.#report(known.plan, known.hasOwn);
    return end;
  }

  /** @returns where the line ends, or what is drawn of it; the bytes' end when it goes on */
  #thoroughly(bytes: Uint8Array, start: number): number {
    const stop = this.#stops.end(start);
    const end = Math.min(stop, bytes.length);
    const isHeld = this.#heldBytes > 0;
    if (isHeld || end < stop) this.#hold(bytes, start, end);
    if (end < stop) return end;
    const by = bytes[end]!;
    if (isHeld) this.#finishHeld(by);
    else this.#finish(bytes, start, end, by, this.#stops.hasEscape(start, end));
    return end;
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const room = LONGEST_LINE - this.#heldBytes;
    const part = bytes.subarray(start, Math.min(end, start + room));
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes += part.length;
  }

  #finishHeld(by: number): void {
    const length = this.#heldBytes;
    this.#heldBytes = 0;
    this.#finish(this.#held, 0, length, by, this.#held.subarray(0, length).includes(ESC));
  }

  /** A line, or what was drawn of it until it is written over. */
  #finish(bytes: Uint8Array, start: number, end: number, by: number, escaped: boolean): void {
    let goesUp = false;
    if (end > start) {
      const cut = Math.min(end, start + LONGEST_LINE);
      if (escaped) {
        const stripped = stripEscapes(bytes, start, cut, this.#stripped);
        goesUp = stripped.goesUp;
        this.#take(this.#stripped, 0, stripped.length);
      } else this.#take(bytes, start, cut);
    }
    this.#ended(by, goesUp);
  }

  #ended(by: number, goesUp: boolean): void {
    if (by === NEWLINE) {
      this.#linesRead++;
      this.#open = false;
      this.#follows = goesUp ? 'redraw' : 'line';
    } else {
      this.#open = true;
      this.#follows = 'redraw';
    }
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    this.#line = bytes;
    this.#start = start;
    this.#end = end;
    const tokens = this.#tokens;
    const inTable = this.#tables.open && mayBeRow(bytes, start, end);
    const known = inTable ? undefined : this.#templates.fitting(bytes, start, end, true, tokens);
    if (known !== undefined) {
      this.#report(known.plan, known.hasOwn);
      return;
    }
    this.#scanner.scan(bytes, start, end, tokens);
    const row = inTable ? this.#tables.row(this.#text()) : undefined;
    if (row) {
      this.#reports.row(row, this.#follows, this.#found(), this.#timeOf);
      return;
    }
    const plan = tokens.count > 0 ? this.#reports.plan(tokens) : NOTHING;
    if (mayBeHeader(bytes, start, end, tokens)) this.#tables.header(this.#text());
    else this.#templates.learn(bytes, start, end, tokens, plan);
    this.#report(plan, true);
  }

  #report(plan: LinePlan, mayHaveOwn: boolean): void {
    const own = mayHaveOwn ? this.#found() : NONE;
    if (plan !== NOTHING || own.length > 0)
      this.#reports.line(this.#tokens, plan, this.#follows, own, this.#timeOf);
  }

  #found(): readonly OwnMetric[] {
    return this.#own === undefined ? NONE : this.#own.find(this.#line, this.#start, this.#end);
  }

  #text(): string {
    return Buffer.from(
      this.#line.buffer,
      this.#line.byteOffset + this.#start,
      this.#end - this.#start,
    ).toString('utf8');
  }
}
