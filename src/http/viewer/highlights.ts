/**
 * What was found, marked in a terminal: one match is selected, and others near it have a colour. They are marked from the
 * text that is there; xterm.js's own search add-on 0.16 goes to another match when the terminal is written to or resized.
 */
import type { IDecoration, IMarker, Terminal } from '@xterm/xterm';
import { type Cells, cellsOf, folded, lineAt, type SheetLine } from './sheet-text.ts';

export interface MarkColours {
  match: string;
  current: string;
  matchOnRuler: string;
  currentOnRuler: string;
}

interface Look {
  row: number;
  x: number;
  width: number;
  colour: string;
  ruler: string;
}

interface Mark {
  look: Look;
  marker: IMarker;
  decoration: IDecoration | undefined;
}

export interface Sought {
  needle: string;
  matchCase: boolean;
  colours: MarkColours;
}

/** Matches that are marked: each is a mark and an element of the page. */
const MOST = 1_000;

export class Highlights {
  readonly #terminal: Terminal;
  #marks: Mark[] = [];
  #current: Mark | undefined;
  /** The selection is the current match and not the reader's. */
  #isOwn = false;
  #isSelecting = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.onSelectionChange(() => {
      if (!this.#isSelecting) this.#isOwn = false;
    });
  }

  /** The row of the current match; -1: there is none. */
  get currentLine(): number {
    return this.#current?.marker.line ?? -1;
  }

  /**
   * @param current undefined: none of them
   * @param isNew the reader has asked for it, so it is selected instead of what the reader may have selected
   */
  show(sought: Sought, current: Cells | undefined, isNew: boolean): void {
    const { match, matchOnRuler, current: colour, currentOnRuler } = sought.colours;
    const wanted: Look[] = [];
    for (const cells of this.#near(sought, current)) {
      const isCurrent = current?.line === cells.line && current.column === cells.column;
      if (!isCurrent) wanted.push(...this.#looks(cells, match, matchOnRuler));
    }
    const currents = current ? this.#looks(current, colour, currentOnRuler) : [];
    this.#replace([...wanted, ...currents]);
    this.#current = this.#marks[wanted.length];
    this.#select(current, isNew);
  }

  /** Nothing is marked or selected as found any more; what the reader has selected stays so. */
  clear(): void {
    this.#replace([]);
    this.#current = undefined;
    this.#select(undefined, false);
  }

  #select(cells: Cells | undefined, isNew: boolean): void {
    const terminal = this.#terminal;
    if (!isNew && !this.#isOwn && terminal.hasSelection()) return;
    this.#isSelecting = true;
    if (!cells) {
      if (this.#isOwn) terminal.clearSelection();
    } else if (isNew || !this.#isSelected(cells)) terminal.select(cells.column, cells.line, cells.count);
    this.#isSelecting = false;
    this.#isOwn = cells !== undefined;
  }

  #isSelected({ line, column, count }: Cells): boolean {
    const selected = this.#terminal.getSelectionPosition();
    if (!selected || selected.start.x !== column || selected.start.y !== line) return false;
    return (selected.end.y - line) * this.#terminal.cols + selected.end.x - column === count;
  }

  /** The matches around the current one, or around what can be seen. */
  #near({ needle, matchCase }: Sought, current: Cells | undefined): Cells[] {
    const { cols, rows } = this.#terminal;
    const buffer = this.#terminal.buffer.active;
    const middle = current?.line ?? buffer.viewportY + Math.floor(rows / 2);
    const wanted = folded(needle, matchCase);
    let found: { line: SheetLine; at: number }[] = [];
    let after = 0;
    for (let y = 0; y < buffer.length && after < MOST / 2; ) {
      const line = lineAt(buffer, y);
      const text = folded(line.text, matchCase);
      let { row } = line;
      for (let at = text.indexOf(wanted); at >= 0 && after < MOST / 2; at = text.indexOf(wanted, at + 1)) {
        found.push({ line, at });
        if (found.length > MOST * 2 && after === 0) found = found.slice(-MOST);
        while (at >= (line.starts[row - line.row + 1] ?? Infinity)) row += 1;
        if (row > middle) after += 1;
      }
      y = line.end;
    }
    return found.slice(-MOST).map(({ line, at }) => cellsOf(buffer, line, at, at + wanted.length, cols));
  }

  /** In each row that a match is in. */
  #looks({ line, column, count }: Cells, colour: string, ruler: string): Look[] {
    const { cols } = this.#terminal;
    const looks: Look[] = [];
    for (let row = line, x = column, left = count; left > 0; row++, x = 0) {
      const width = Math.min(cols - x, left);
      left -= width;
      looks.push({ row, x, width, colour, ruler });
    }
    return looks;
  }

  /** What is marked already stays: making a thousand of them takes a while. */
  #replace(looks: readonly Look[]): void {
    const key = ({ row, x, width, colour }: Look): string => `${row} ${x} ${width} ${colour}`;
    const kept = new Map<string, Mark>();
    const gone: Mark[] = [];
    for (const mark of this.#marks) {
      const at = key({ ...mark.look, row: mark.marker.line });
      if (mark.marker.line < 0 || kept.has(at)) gone.push(mark);
      else kept.set(at, mark);
    }
    const marks: Mark[] = [];
    for (const look of looks) {
      const old = kept.get(key(look));
      kept.delete(key(look));
      marks.push(old ?? this.#mark(look));
    }
    for (const { decoration, marker } of [...gone, ...kept.values()]) {
      decoration?.dispose();
      marker.dispose();
    }
    this.#marks = marks;
  }

  #mark(look: Look): Mark {
    const { baseY, cursorY } = this.#terminal.buffer.active;
    const { row, x, width, colour, ruler } = look;
    const marker = this.#terminal.registerMarker(row - baseY - cursorY);
    const decoration = this.#terminal.registerDecoration({
      ...{ marker, x, width, backgroundColor: colour },
      overviewRulerOptions: { color: ruler, position: 'center' },
    });
    return { look, marker, decoration };
  }
}
