/** Trainers' tables: a line of column names, then rows of numbers (fastai, skorch, scikit-learn, YOLO). */
import { numberOf } from './numbers.ts';
import { BAR, type LineTokens } from './tokens.ts';

export interface TableRow {
  /** Of the first column, by its name; left out when the row has none (YOLO's validation). */
  epoch?: { at: number; of?: number };
  step?: number;
  cells: readonly { name: string; value: number }[];
  /** A bar behind the row: how far it is. */
  bar?: { at: number; of: number };
}

interface Table {
  first: 'epoch' | 'step' | 'class';
  columns: readonly string[];
}

const MOST_COLUMNS = 40;
const LETTER = /\p{L}/u;
const FIRST: Readonly<Record<string, Table['first']>> = {
  epoch: 'epoch',
  iter: 'step',
  iteration: 'step',
  step: 'step',
  class: 'class',
};
const CELL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?:nan|inf)$/i;
/** What may stand in a row in place of a number: times, sizes, no value. */
const OTHER_CELL = /^(?:[+-]?[\d.]+[A-Za-z:%][\d.:A-Za-z]*|None|-+|\d+\/\d+)$/;

/** Remembers the last header. Of one line only what the columns need is looked at. */
export class Tables {
  #table: Table | undefined;

  get open(): boolean {
    return this.#table !== undefined;
  }

  /** If the line is a header, rows may follow. */
  header(line: string): void {
    const text = line.replace(/^[\s|]+|[\s|]+$/g, '');
    const first = FIRST[/^[A-Za-z]+/.exec(text)?.[0].toLowerCase() ?? ''];
    if (first === undefined) return;
    // YOLO's has a bar behind its last column's colon.
    const head = first === 'class' ? text.replace(/:\s+\d+%.*$|:\s*$/s, '') : text;
    const columns = head.split(/\s*\|\s*|\t+|\s{2,}/);
    const named = columns.every((column) => LETTER.test(column) && !/[=:]/.test(column));
    if (!named || columns.length < 2 || columns.length > MOST_COLUMNS) return;
    if (FIRST[columns[0]!.toLowerCase()] === undefined) return;
    if (first === 'class' && !columns.some((column) => /mAP/.test(column))) return;
    this.#table = {
      first,
      columns: columns.map((column) => column.replace(/^(?:Box|Mask|Pose)\(/, '').replace(/\)$/, '')),
    };
  }

  row(line: string): TableRow | undefined {
    const table = this.#table;
    if (!table) return undefined;
    const tokens = line.trim().split(/[\s|]+/);
    if (tokens[0] === '') tokens.shift();
    const { columns, first } = table;
    if (tokens.length < columns.length) return undefined;
    const cells = tokens.slice(1, columns.length).map((token) => token.replace(/:$/, ''));
    if (!cells.every((cell) => CELL.test(cell) || OTHER_CELL.test(cell))) return undefined;
    const rest = tokens.slice(columns.length);
    const bar = /(\d+)\/(\d+) \[/.exec(rest.join(' '));
    if (rest.length > 0 && !bar && rest[0] !== '') return undefined;
    const row: TableRow = {
      cells: cells.flatMap((cell, at) =>
        CELL.test(cell) ? [{ name: columns[at + 1]!, value: numberOf(cell)! }] : [],
      ),
    };
    if (bar) row.bar = { at: Number(bar[1]), of: Number(bar[2]) };
    if (first === 'class') return tokens[0] === 'all' ? row : undefined;
    const lead = /^(\d+)(?:\/(\d+))?$/.exec(tokens[0]!);
    if (!lead) return undefined;
    if (first === 'step') row.step = Number(lead[1]);
    else
      row.epoch =
        lead[2] === undefined ? { at: Number(lead[1]) } : { at: Number(lead[1]), of: Number(lead[2]) };
    return row;
  }
}

/** @returns behind the blanks and lines that a table has at its left */
function margin(bytes: Uint8Array, start: number, end: number): number {
  let s = start;
  while (s < end && (bytes[s] === 0x20 || bytes[s] === 0x7c || bytes[s] === 0x09)) s++;
  return s;
}

/** Whether digits, then a blank, a line or `/`, or the word `all` stand there. */
export function mayBeRow(bytes: Uint8Array, start: number, end: number): boolean {
  const at = margin(bytes, start, end);
  let p = at;
  while (p < end && bytes[p]! >= 0x30 && bytes[p]! <= 0x39) p++;
  if (p === at) {
    if (bytes[at] !== 0x61 || bytes[at + 1] !== 0x6c || bytes[at + 2] !== 0x6c) return false;
    p = at + 3;
  }
  const c = p < end ? bytes[p]! : 0;
  return c === 0x20 || c === 0x09 || c === 0x7c || c === 0x2f;
}

/** Whether a table's first column stands there: `epoch`, `iter`, `step`; `class`, whose line ends with a bar. */
export function mayBeHeader(bytes: Uint8Array, start: number, end: number, tokens: LineTokens): boolean {
  if (end - start < 8 || tokens.count > 1) return false;
  const at = margin(bytes, start, end);
  const word =
    ((bytes[at]! | 0x20) << 24) |
    ((bytes[at + 1]! | 0x20) << 16) |
    ((bytes[at + 2]! | 0x20) << 8) |
    (bytes[at + 3]! | 0x20);
  const isClass = word === 0x636c6173;
  if (tokens.count === 1) return isClass && tokens.names[0] === BAR;
  return isClass || word === 0x65706f63 || word === 0x69746572 || word === 0x73746570;
}
