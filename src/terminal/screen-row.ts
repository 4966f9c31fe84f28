/** One row of a terminal's screen: cells that are written, erased and moved, and the text they show. */

const EMPTY = 0;
/** The second cell of a wide character. */
const RIGHT_HALF = 1;
/** Where a tab jumped over empty cells, so that it can be written as a tab again. */
const TAB = 9;
const SPACE = 0x20;
export const TAB_WIDTH = 8;
/** Combining characters that one cell keeps: enough for every script, bounded for everything else. */
const MOST_MARKS = 16;

export class ScreenRow {
  /** Code points. */
  #cells = new Uint32Array(128);
  #marks: Map<number, string> | undefined;
  #hasWide = false;
  /** Cells from here on have never been written since the last erasing to the end. */
  length = 0;
  /** Goes on the row above, which was full: no line of its own. */
  isWrapped = false;

  clear(): void {
    this.length = 0;
    this.isWrapped = false;
    this.#marks = undefined;
    this.#hasWide = false;
  }

  /** Printable ASCII, each one cell. `text` from `from` to `to`, written at `x`. */
  putAscii(x: number, text: string, from: number, to: number): void {
    const end = x + to - from;
    this.#open(x, end);
    const cells = this.#cells;
    for (let at = from, cell = x; at < to; at++, cell++) cells[cell] = text.charCodeAt(at);
  }

  put(x: number, codePoint: number, width: 1 | 2): void {
    this.#open(x, x + width);
    this.#cells[x] = codePoint;
    if (width === 2) {
      this.#cells[x + 1] = RIGHT_HALF;
      this.#hasWide = true;
    }
  }

  /** A combining character for the cell before `x`. */
  join(x: number, codePoint: number): void {
    let at = Math.min(x, this.length) - 1;
    if (at > 0 && this.#cells[at] === RIGHT_HALF) at--;
    if (at < 0 || this.#cells[at]! < SPACE) return;
    this.#marks ??= new Map();
    const marks = this.#marks.get(at) ?? '';
    if (marks.length < MOST_MARKS) this.#marks.set(at, marks + String.fromCodePoint(codePoint));
  }

  /** A tab from `x` to `to` leaves the cells as they are. */
  tab(x: number, to: number): void {
    if (to % TAB_WIDTH !== 0) return;
    for (let at = x; at < Math.min(to, this.length); at++) if (this.#cells[at] !== EMPTY) return;
    if (x >= this.length) {
      this.#open(x, x + 1);
    }
    this.#cells[x] = TAB;
  }

  erase(from: number, to: number): void {
    if (from >= this.length) return;
    if (to >= this.length) {
      if (this.#hasWide && this.#cells[from] === RIGHT_HALF) this.#cells[from - 1] = EMPTY;
      this.#dropMarks(from, this.length);
      this.length = from;
      return;
    }
    this.#open(from, to);
    this.#cells.fill(EMPTY, from, to);
  }

  /** Cells are moved to the right; what reaches `columns` is gone. */
  insert(x: number, count: number, columns: number): void {
    if (x >= this.length) return;
    const moved = Math.min(this.length + count, columns);
    this.#breakAt(x);
    this.#moveMarks(x, count);
    this.#reserve(moved);
    // The second half of a wide character is moved out, its first half is not.
    const isCut = moved < this.length + count && this.#cells[moved - count] === RIGHT_HALF;
    this.#cells.copyWithin(x + count, x, moved - count);
    this.#cells.fill(EMPTY, x, Math.min(x + count, moved));
    this.length = moved;
    if (isCut) this.#cells[moved - 1] = EMPTY;
  }

  delete(x: number, count: number): void {
    if (x >= this.length) return;
    this.#breakAt(x);
    if (x + count < this.length) this.#breakAt(x + count);
    this.#dropMarks(x, x + count);
    this.#moveMarks(x, -count);
    this.#cells.copyWithin(x, x + count, this.length);
    this.length = Math.max(x, this.length - count);
  }

  get beginsWide(): boolean {
    return this.length > 1 && this.#cells[1] === RIGHT_HALF;
  }

  get isBlank(): boolean {
    for (let at = 0; at < this.length; at++) {
      const cell = this.#cells[at]!;
      if (cell !== EMPTY && cell !== SPACE && cell !== TAB) return false;
    }
    return true;
  }

  /** @param trimmed without the blanks at its end, which nobody sees */
  text(trimmed: boolean): string {
    const cells = this.#cells;
    let end = this.length;
    if (trimmed) {
      while (end > 0 && (cells[end - 1] === EMPTY || cells[end - 1] === SPACE || cells[end - 1] === TAB)) {
        if (this.#marks?.has(end - 1)) break;
        end--;
      }
    }
    const units = scratch(end * 2);
    let used = 0;
    let text = '';
    for (let at = 0; at < end; at++) {
      const cell = cells[at]!;
      if (cell > 0xffff) {
        units[used++] = 0xd800 + ((cell - 0x10000) >> 10);
        units[used++] = 0xdc00 + ((cell - 0x10000) & 0x3ff);
      } else if (cell >= SPACE) units[used++] = cell;
      else if (cell === TAB) {
        const stop = at + TAB_WIDTH - (at % TAB_WIDTH);
        if (this.#isEmpty(at + 1, stop, end)) {
          units[used++] = TAB;
          at = stop - 1;
        } else units[used++] = SPACE;
      } else if (cell === EMPTY) units[used++] = SPACE;
      if (this.#marks?.has(at)) {
        text += utf16(units, used) + this.#marks.get(at);
        used = 0;
      }
    }
    return text + utf16(units, used);
  }

  #isEmpty(from: number, to: number, end: number): boolean {
    if (to > end) return false;
    for (let at = from; at < to; at++) if (this.#cells[at] !== EMPTY) return false;
    return true;
  }

  /** Makes cells ready to be overwritten. */
  #open(from: number, to: number): void {
    if (this.#hasWide) {
      this.#breakAt(from);
      this.#breakAt(to);
    }
    this.#dropMarks(from, to);
    this.#reserve(to);
    if (from > this.length) this.#cells.fill(EMPTY, this.length, from);
    if (to > this.length) this.length = to;
  }

  /** Of a wide character that is cut here nothing is left. */
  #breakAt(x: number): void {
    if (x <= 0 || x >= this.length || this.#cells[x] !== RIGHT_HALF) return;
    this.#cells[x - 1] = EMPTY;
    this.#cells[x] = EMPTY;
    this.#marks?.delete(x - 1);
  }

  #reserve(cells: number): void {
    if (cells <= this.#cells.length) return;
    const larger = new Uint32Array(Math.max(cells, this.#cells.length * 2));
    larger.set(this.#cells);
    this.#cells = larger;
  }

  #dropMarks(from: number, to: number): void {
    if (!this.#marks) return;
    if (to - from < this.#marks.size) for (let at = from; at < to; at++) this.#marks.delete(at);
    else for (const at of this.#marks.keys()) if (at >= from && at < to) this.#marks.delete(at);
  }

  #moveMarks(from: number, by: number): void {
    if (!this.#marks) return;
    this.#marks = new Map([...this.#marks].map(([at, marks]) => [at >= from ? at + by : at, marks]));
  }
}

let units = new Uint16Array(1024);
function scratch(length: number): Uint16Array {
  if (length > units.length) units = new Uint16Array(length * 2);
  return units;
}

/** Arguments that a call surely takes. */
const ARGUMENTS = 4_096;

function utf16(units: Uint16Array, length: number): string {
  // The page of a run has no Buffer, which is the faster way; a string is made of so many arguments at most.
  if (typeof Buffer === 'undefined') {
    let text = '';
    for (let at = 0; at < length; at += ARGUMENTS)
      text += String.fromCharCode(...units.subarray(at, Math.min(length, at + ARGUMENTS)));
    return text;
  }
  return Buffer.from(units.buffer, units.byteOffset, length * 2).toString('utf16le');
}
