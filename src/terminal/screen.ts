/**
 * A terminal without colours: takes what a program prints and keeps what can be seen of it. It shows what `xterm` shows
 * for the sequences that docs/log-engine.md lists, and a property test compares the two. Memory is bounded by its rows
 * and columns; time is linear in the text.
 *
 * One file because it is one state machine: every control sequence reads and moves the same cursor over the same rows.
 */
import { cellWidth } from './cell-width.ts';
import { Charsets } from './charsets.ts';
import { type EscapeHandler, EscapeParser } from './escape-parser.ts';
import { ScreenRow, TAB_WIDTH } from './screen-row.ts';

export interface ScreenOptions {
  /** Rows that can still change; default 100. What leaves them at the top is final. */
  rows?: number;
  /** Cells after which a line wraps into the next row; default 2,000. It stays one line of the text. */
  columns?: number;
  /** How a tab that jumped over nothing is written; default `tabs`. */
  tabs?: 'tabs' | 'spaces';
}

const ROWS = 100;
const COLUMNS = 2000;
/** How far a cursor can be sent beyond what is written: nine bytes must not become two thousand spaces. */
const REACH = 300;

/** Modes that show the alternate screen: full-screen programs draw there, and nothing of it stays when they leave. */
const ALTERNATE = [47, 1047, 1049];

/** What is on one of the two screens while the other is shown. */
interface Hidden {
  rows: (ScreenRow | undefined)[];
  saved: Saved | undefined;
}

interface Saved {
  x: number;
  /** Counted from the first row that was ever on the screen. */
  line: number;
  drawsLines: boolean;
}

/** The cursor begins in the last row of an empty screen, as after a long output, so it can move up but never below. */
export class TerminalScreen implements EscapeHandler {
  readonly #parser = new EscapeParser(this);
  readonly #height: number;
  readonly #columns: number;
  readonly #keepsTabs: boolean;
  #rows: (ScreenRow | undefined)[];
  readonly #spare: ScreenRow[] = [];
  #x = 0;
  #y: number;
  /** Rows that have left at the top. */
  #gone = 0;
  /** The row, counted from the first, from which on blank lines belong to the text. */
  #start: number;
  #hasBegun = false;
  #final: string[] = [];
  #saved: Saved | undefined;
  /** The normal screen, while the alternate one is shown. */
  #normal: Hidden | undefined;
  /** Where a cursor was saved on the alternate screen: the next time that it is shown it is still there. */
  #savedAlternate: Saved | undefined;
  readonly #charsets = new Charsets();
  #highSurrogate = 0;

  constructor(options: ScreenOptions = {}) {
    this.#height = options.rows ?? ROWS;
    this.#columns = options.columns ?? COLUMNS;
    this.#keepsTabs = options.tabs !== 'spaces';
    this.#rows = new Array(this.#height).fill(undefined);
    this.#y = this.#height - 1;
    this.#start = this.#y;
  }

  /** @param text may be cut anywhere, even within an escape sequence */
  write(text: string): void {
    this.#parser.write(text);
  }

  /** Takes the text that has left the screen at the top, which cannot change any more. */
  takeFinal(): string {
    const text = this.#final.join('');
    this.#final = [];
    return text;
  }

  /**
   * The lines that can still change, down to the cursor or the last one that shows something. Undefined: none. A
   * program that was stopped on the alternate screen leaves that below them.
   */
  visible(): string | undefined {
    if (!this.#normal) return this.#shown(this.#hasBegun ? 0 : this.#firstShown(), this.#y);
    const alternate = this.#rows;
    this.#rows = this.#normal.rows;
    const normal = this.#shown(this.#hasBegun ? 0 : this.#firstShown(), -1);
    this.#rows = alternate;
    let from = 0;
    while (from < this.#height && this.#isBlank(from)) from++;
    const full = this.#shown(from, -1);
    return normal === undefined || full === undefined ? (normal ?? full) : `${normal}\n${full}`;
  }

  /** @param least the last row at least */
  #shown(from: number, least: number): string | undefined {
    let last = this.#height - 1;
    while (last > least && this.#isBlank(last)) last--;
    if (from > last) return undefined;
    const parts: string[] = [];
    for (let y = from; y <= last; y++) {
      parts.push(this.#text(y));
      if (y < last && !this.#goesOn(y)) parts.push('\n');
    }
    return parts.join('');
  }

  /** Empties the screen. */
  reset(): void {
    this.#parser.reset();
    this.#toNormal();
    this.#clearRows(0, this.#height);
    this.#x = 0;
    this.#y = this.#height - 1;
    this.#gone = 0;
    this.#start = this.#y;
    this.#hasBegun = false;
    this.#final = [];
    this.#resetModes();
  }

  print(text: string, from: number, to: number): void {
    if (this.#charsets.drawsLines) {
      this.#printSlowly(text, from, to);
      return;
    }
    let at = from;
    while (at < to) {
      let end = at;
      while (end < to && text.charCodeAt(end) < 0x7f) end++;
      if (end > at) {
        this.#printAscii(text, at, end);
        at = end;
      }
      while (end < to && text.charCodeAt(end) >= 0x7f) end++;
      if (end > at) this.#printSlowly(text, at, end);
      at = end;
    }
  }

  control(code: number): void {
    this.#highSurrogate = 0;
    if (code === 0x0d) this.#x = 0;
    else if (code === 0x0a || code === 0x0b || code === 0x0c) {
      this.#x = 0;
      this.#lineDown();
    } else if (code === 0x08) this.#toColumn(this.#inside() - 1);
    else if (code === 0x09) this.#tab();
    else if (code === 0x0e) this.#charsets.shift(1);
    else if (code === 0x0f) this.#charsets.shift(0);
  }

  escape(intermediates: string, final: string): void {
    this.#highSurrogate = 0;
    if (intermediates !== '') this.#charsets.designate(intermediates, final);
    else this.#escapeAlone(final);
  }

  csi(prefix: string, params: readonly number[], intermediates: string, final: string): void {
    this.#highSurrogate = 0;
    if (intermediates === '!' && final === 'p') this.#resetModes();
    if (intermediates !== '') return;
    if (prefix === '?' && (final === 'h' || final === 'l')) this.#setModes(params, final === 'h');
    // "Selective" erasing spares protected cells, and there are none here.
    if (prefix !== '' && !(prefix === '?' && (final === 'J' || final === 'K'))) return;
    const first = params[0]!;
    const count = Math.max(1, first);
    if (this.#moves(final, count, Math.max(1, params[1] ?? 1))) return;
    if (final === 'K') this.#eraseInLine(first);
    else if (final === 'J') this.#eraseInDisplay(first);
    else if (final === 's') this.#save();
    else if (final === 'u') this.#restore();
    else if (final === 'L') this.#insertLines(count);
    else if (final === 'M') this.#deleteLines(count);
    else if ('X@P'.includes(final)) this.#changeCells(final, count);
  }

  #escapeAlone(final: string): void {
    if (final === '7') this.#save();
    else if (final === '8') this.#restore();
    else if (final === 'D') this.#lineDown();
    else if (final === 'E') this.control(0x0a);
    else if (final === 'M') this.#lineUp();
    else if (final === 'n' || final === '}') this.#charsets.shift(2);
    else if (final === 'o' || final === '|') this.#charsets.shift(3);
    else if (final === '~') this.#charsets.shift(1);
    else if (final === 'c') {
      this.#toNormal();
      this.#clearRows(0, this.#height);
      this.#x = 0;
      this.#y = 0;
      this.#resetModes();
    }
  }

  #setModes(modes: readonly number[], on: boolean): void {
    for (const mode of modes) {
      const keepsCursor = mode === 1048 || mode === 1049;
      if (keepsCursor && on) this.#save();
      if (ALTERNATE.includes(mode)) {
        if (on) this.#toAlternate();
        else this.#toNormal();
      }
      if (keepsCursor && !on) this.#restore();
    }
  }

  #toAlternate(): void {
    if (this.#normal) return;
    this.#normal = { rows: this.#rows, saved: this.#saved };
    this.#rows = new Array(this.#height).fill(undefined);
    this.#saved = this.#savedAlternate;
  }

  /** The cursor stays where it is. */
  #toNormal(): void {
    if (!this.#normal) return;
    this.#savedAlternate = this.#saved;
    this.#clearRows(0, this.#height);
    this.#rows = this.#normal.rows;
    this.#saved = this.#normal.saved;
    this.#normal = undefined;
  }

  /** @returns whether it was a move of the cursor */
  #moves(final: string, count: number, second: number): boolean {
    const x = this.#inside();
    if (final === 'A') this.#toRow(this.#y - count);
    else if (final === 'B' || final === 'e') this.#toRow(this.#y + count);
    else if (final === 'C' || final === 'a') this.#toColumn(x + count);
    else if (final === 'D') this.#toColumn(x - count);
    else if (final === 'E' || final === 'F') {
      this.#toRow(this.#y + (final === 'E' ? count : -count));
      this.#x = 0;
    } else if (final === 'G' || final === '`') this.#toColumn(count - 1);
    else if (final === 'd') this.#toRow(count - 1);
    else if (final === 'H' || final === 'f') {
      this.#toRow(count - 1);
      this.#toColumn(second - 1);
    } else return false;
    return true;
  }

  #changeCells(final: string, given: number): void {
    const x = this.#inside();
    this.#x = x;
    const count = Math.min(given, this.#columns - x);
    const row = this.#rows[this.#y];
    if (!row) return;
    if (final === '@') row.insert(x, count, this.#columns);
    else if (final === 'P') row.delete(x, count);
    else row.erase(x, x + count);
    if (final === 'P' || x + count >= this.#columns) this.#endWrap(this.#y);
  }

  #printAscii(text: string, from: number, to: number): void {
    this.#highSurrogate = 0;
    let at = from;
    while (at < to) {
      if (this.#x >= this.#columns) this.#wrap();
      const end = Math.min(to, at + this.#columns - this.#x);
      this.#row().putAscii(this.#x, text, at, end);
      this.#x += end - at;
      at = end;
    }
  }

  #printSlowly(text: string, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      let code = this.#charsets.drawn(text.charCodeAt(at));
      if (code >= 0xd800 && code < 0xdc00) {
        this.#highSurrogate = code;
        continue;
      }
      if (code >= 0xdc00 && code < 0xe000) {
        if (this.#highSurrogate === 0) continue;
        code = (this.#highSurrogate - 0xd800) * 0x400 + code - 0xdc00 + 0x10000;
      }
      this.#highSurrogate = 0;
      this.#printOne(code);
    }
  }

  #printOne(code: number): void {
    const width = cellWidth(code);
    if (width === 0) {
      this.#rows[this.#y]?.join(this.#x, code);
      return;
    }
    if (this.#x + width > this.#columns) this.#wrap();
    this.#row().put(this.#x, code, width);
    this.#x += width;
  }

  #wrap(): void {
    this.#rows[this.#y]?.erase(this.#x, this.#columns);
    this.#x = 0;
    this.#lineDown();
    this.#row().isWrapped = true;
  }

  #row(): ScreenRow {
    let row = this.#rows[this.#y];
    if (!row) {
      row = this.#spare.pop() ?? new ScreenRow();
      this.#rows[this.#y] = row;
    }
    return row;
  }

  /** A cursor that waits behind the last column for the next character counts as in it for everything else. */
  #inside(): number {
    return Math.min(this.#x, this.#columns - 1);
  }

  #toColumn(x: number): void {
    const written = this.#rows[this.#y]?.length ?? 0;
    this.#x = Math.max(0, Math.min(x, this.#columns - 1, Math.max(written, REACH - 1)));
  }

  #toRow(y: number): void {
    this.#y = Math.max(0, Math.min(y, this.#height - 1));
    this.#x = this.#inside();
  }

  #tab(): void {
    if (this.#x >= this.#columns) return;
    const stop = Math.min(this.#columns - 1, this.#x + TAB_WIDTH - (this.#x % TAB_WIDTH));
    if (this.#keepsTabs) this.#row().tab(this.#x, stop);
    this.#x = stop;
  }

  #lineDown(): void {
    if (this.#y < this.#height - 1) this.#y++;
    else this.#scroll();
    const row = this.#rows[this.#y];
    if (row) row.isWrapped = false;
    this.#x = this.#inside();
  }

  #lineUp(): void {
    this.#x = this.#inside();
    if (this.#y > 0) {
      this.#y--;
      return;
    }
    this.#recycle(this.#rows.pop());
    this.#rows.unshift(undefined);
  }

  /** The top row becomes final, and a blank one comes in below. What leaves the alternate screen is gone. */
  #scroll(): void {
    if (!this.#normal) this.#keepTop();
    this.#recycle(this.#rows.shift());
    this.#rows.push(undefined);
  }

  #keepTop(): void {
    if (this.#hasBegun || this.#gone >= this.#start || !this.#isBlank(0)) {
      this.#hasBegun = true;
      this.#final.push(this.#text(0), this.#goesOn(0) ? '' : '\n');
    }
    this.#gone++;
  }

  #recycle(row: ScreenRow | undefined): void {
    if (!row) return;
    row.clear();
    if (this.#spare.length < 8) this.#spare.push(row);
  }

  #resetModes(): void {
    this.#charsets.reset();
    this.#saved = undefined;
    this.#highSurrogate = 0;
  }

  /** Of the screen that is shown, the number of its first row. */
  get #top(): number {
    return this.#normal ? 0 : this.#gone;
  }

  #save(): void {
    this.#saved = { x: this.#x, line: this.#top + this.#y, drawsLines: this.#charsets.drawsLines };
  }

  #restore(): void {
    this.#x = this.#saved?.x ?? 0;
    this.#y = Math.max(0, Math.min(this.#height - 1, (this.#saved?.line ?? 0) - this.#top));
    this.#charsets.drawsLines = this.#saved?.drawsLines ?? false;
    this.#x = this.#inside();
  }

  #eraseInLine(mode: number): void {
    const row = this.#rows[this.#y];
    if (mode === 1) row?.erase(0, this.#x + 1);
    else if (mode === 0) row?.erase(this.#x, this.#columns);
    else if (mode === 2) row?.erase(0, this.#columns);
    else return;
    if (row && (mode === 2 || (mode === 0 && this.#x === 0))) row.isWrapped = false;
    if (mode !== 1 || this.#x + 1 >= this.#columns) this.#endWrap(this.#y);
  }

  #eraseInDisplay(mode: number): void {
    if (mode === 2) this.#clearRows(0, this.#height);
    else if (mode === 0) {
      this.#eraseInLine(0);
      this.#clearRows(this.#y + 1, this.#height);
    } else if (mode === 1) {
      this.#eraseInLine(1);
      this.#clearRows(0, this.#y);
    }
  }

  #insertLines(count: number): void {
    const n = Math.min(count, this.#height - this.#y);
    for (const row of this.#rows.splice(this.#height - n, n)) this.#recycle(row);
    this.#rows.splice(this.#y, 0, ...new Array<undefined>(n).fill(undefined));
    this.#x = 0;
  }

  #deleteLines(count: number): void {
    const n = Math.min(count, this.#height - this.#y);
    for (const row of this.#rows.splice(this.#y, n)) this.#recycle(row);
    this.#rows.push(...new Array<undefined>(n).fill(undefined));
    this.#x = 0;
  }

  #clearRows(from: number, to: number): void {
    for (let y = from; y < to; y++) {
      const row = this.#rows[y];
      if (!row) continue;
      this.#recycle(row);
      this.#rows[y] = undefined;
    }
  }

  /** A row that was erased to its end does not continue in the next one. */
  #endWrap(y: number): void {
    const next = this.#rows[y + 1];
    if (next) next.isWrapped = false;
  }

  /** A wide character does not fit into a single last cell, so that cell may be empty. */
  #goesOn(y: number): boolean {
    const length = this.#rows[y]?.length ?? 0;
    return this.#rows[y + 1]?.isWrapped === true && length >= this.#columns - 1;
  }

  #text(y: number): string {
    const row = this.#rows[y];
    if (!row) return '';
    if (!this.#goesOn(y)) return row.text(true);
    return row.length < this.#columns && !this.#rows[y + 1]!.beginsWide
      ? `${row.text(false)} `
      : row.text(false);
  }

  #isBlank(y: number): boolean {
    return this.#rows[y]?.isBlank ?? true;
  }

  /** Blank rows above the place where the text began are not part of it. */
  #firstShown(): number {
    const start = Math.max(0, this.#start - this.#gone);
    for (let y = 0; y < start; y++) if (!this.#isBlank(y)) return y;
    return start;
  }
}
