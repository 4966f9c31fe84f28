/** The text on a terminal's sheet: its lines, joined where they wrap, and where in them something is. */
import type { IBuffer } from '@xterm/xterm';

/** What was printed as one line. */
export interface SheetLine {
  text: string;
  /** Its first row. */
  row: number;
  /** The row after its last one. */
  end: number;
  /** Where in the text each of its rows begins. */
  starts: readonly number[];
}

/** Cells of a sheet; they may go on in the next rows. */
export interface Cells {
  line: number;
  column: number;
  count: number;
}

/** @param row where it begins, or from where on it is wanted */
export function lineAt(buffer: IBuffer, row: number): SheetLine {
  const starts: number[] = [];
  let text = '';
  let end = row;
  for (let isLast = false; !isLast; end++) {
    isLast = buffer.getLine(end + 1)?.isWrapped !== true;
    starts.push(text.length);
    text += rowText(buffer, end, isLast);
  }
  return { text, row, end, starts };
}

/** @returns the row where the line begins that is so many lines after the one in a row */
export function linesAfter(buffer: IBuffer, row: number, lines: number): number {
  let y = row;
  for (let n = 0; n < lines; n++) {
    y += 1;
    while (buffer.getLine(y)?.isWrapped) y += 1;
  }
  return y;
}

/** A wide character that did not fit leaves a cell empty, which is no blank of the text. */
function rowText(buffer: IBuffer, y: number, isLast: boolean): string {
  const row = buffer.getLine(y)!;
  const text = row.translateToString(isLast);
  if (isLast) return text;
  const last = row.getCell(row.length - 1);
  const isLeftEmpty = last?.getCode() === 0 && last.getWidth() === 1;
  return isLeftEmpty &&
    buffer
      .getLine(y + 1)
      ?.getCell(0)
      ?.getWidth() === 2
    ? text.slice(0, -1)
    : text;
}

/** As the search compares it, with each character where it was. */
export function folded(text: string, matchCase: boolean): string {
  if (matchCase) return text;
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  // A few characters, as İ, have a longer one in lower case.
  return Array.from(text, (one) => (one.toLowerCase().length === one.length ? one.toLowerCase() : one)).join(
    '',
  );
}

/** Where a part of a line's text is. */
export function cellsOf(buffer: IBuffer, line: SheetLine, from: number, to: number, columns: number): Cells {
  const begin = cellAt(buffer, line, from, columns);
  // After its last character, which may be wider than one cell.
  const last = cellAt(buffer, line, to - 1, columns);
  const count = (last.row - begin.row) * columns + last.column + last.width - begin.column;
  return { line: begin.row, column: begin.column, count };
}

function cellAt(
  buffer: IBuffer,
  { row: first, starts }: SheetLine,
  index: number,
  columns: number,
): { row: number; column: number; width: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (starts[middle]! <= index) low = middle;
    else high = middle - 1;
  }
  const row = buffer.getLine(first + low)!;
  let left = index - starts[low]!;
  for (let column = 0; column < columns; column++) {
    const cell = row.getCell(column);
    // The second half of a wide character.
    if (!cell || cell.getWidth() === 0) continue;
    const { length } = cell.getChars() || ' ';
    if (left < length) return { row: first + low, column, width: cell.getWidth() };
    left -= length;
  }
  return { row: first + low, column: columns - 1, width: 1 };
}
