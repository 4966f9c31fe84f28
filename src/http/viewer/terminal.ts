/**
 * Shows the log. There are two terminals: one is visible, the other is written when the window on the log moves, and
 * then takes its place, so that nobody sees lines running by.
 */
import type { IBuffer, ITheme } from '@xterm/xterm';
import { Pane } from './pane.ts';
import type { Place, Screen, Sheet } from './screen.ts';
import { marksOn } from './theme.ts';
import { followFingers } from './touch.ts';

/** Cells that a terminal keeps, of 12 bytes each, and lines at most. */
const CELLS = 4_000_000;
const LINES_MOST = 50_000;
/** Columns where lines are not wrapped. */
const WIDE = 240;
/** What most programs take for granted: below that, bars and tables break. */
const NARROWEST = 40;

/** Number of frames in which scrolling is tried. */
const TRIES = 10;

export class LogTerminal implements Screen {
  readonly #host: HTMLElement;
  readonly #panes: Pane[] = [];
  readonly #makePane: () => Pane;
  #front: Pane;
  #isWrapping = true;
  #scrolled: () => void = () => {};
  #shown: () => void = () => {};
  /**
   * The reader is at the end and stays there. xterm.js 6.0 itself loses the end when much is printed between two
   * frames, so only what the reader does counts.
   */
  #sticks = true;
  /** Counts where it was scrolled to. */
  #going = 0;

  constructor(host: HTMLElement, theme: ITheme, label: string, onKey: (event: KeyboardEvent) => boolean) {
    this.#host = host;
    this.#makePane = () => {
      const pane = new Pane(host, { theme: this.#panes[0]?.theme ?? theme, label, onKey });
      this.#panes.push(pane);
      pane.onScroll(() => {
        if (pane !== this.#front) return;
        if (this.#sticks && this.#below > 0) pane.terminal.scrollToBottom();
        this.#scrolled();
      });
      return pane;
    };
    this.#front = this.#makePane();
    this.#front.isFront = true;
    followFingers(
      host,
      () => this.#front.lineHeight,
      (lines) => this.scroll(lines),
    );
    for (const event of ['wheel', 'pointermove', 'pointerup'] as const)
      host.addEventListener(
        event,
        (happened) => {
          if (event === 'pointermove' && (happened as PointerEvent).buttons === 0) return;
          // It will have moved when the next frame is drawn.
          this.#sticks = false;
          requestAnimationFrame(() => this.#moved());
        },
        // Before the terminal gets the event.
        { passive: true, capture: true },
      );
    new ResizeObserver(() => this.fit()).observe(host);
    this.fit();
  }

  get panes(): readonly Pane[] {
    return this.#panes;
  }

  /** The terminal that is visible now. */
  get front(): Pane {
    return this.#front;
  }

  /** Called when the other terminal becomes visible. */
  onShow(listener: () => void): void {
    this.#shown = listener;
  }

  /** Called when it has been scrolled, or has grown. */
  onScroll(listener: () => void): void {
    this.#scrolled = listener;
  }

  get columns(): number {
    return this.#front.terminal.cols;
  }

  get lines(): number {
    return linesFor(this.columns);
  }

  get top(): number {
    return this.#front.terminal.buffer.active.viewportY;
  }

  /** Lines that can be seen. */
  get height(): number {
    return this.#front.terminal.rows;
  }

  /** Lines below those that can be seen. */
  get below(): number {
    return this.#sticks ? 0 : this.#below;
  }

  get isAtEnd(): boolean {
    return this.#sticks;
  }

  blank(): Sheet {
    const back = this.#panes.find((pane) => pane !== this.#front) ?? this.#makePane();
    back.empty();
    this.#fit(back);
    return back;
  }

  ready(sheet: Sheet): Promise<void> {
    const pane = this.#panes.find((one) => one === sheet);
    return pane === undefined || pane === this.#front ? Promise.resolve() : pane.drawn();
  }

  show(sheet: Sheet, top: number | 'end'): void {
    const pane = this.#panes.find((one) => one === sheet);
    if (!pane || pane === this.#front) return;
    const before = this.#front;
    this.#front = pane;
    pane.isFront = true;
    if (top === 'end') pane.terminal.scrollToBottom();
    else this.#scrollTo(top);
    this.#sticks = top === 'end' || pane.terminal.buffer.active.baseY <= top;
    if (before.hasFocus) pane.terminal.focus();
    before.isFront = false;
    before.empty();
    this.#shown();
  }

  scrollToEnd(): void {
    this.#front.terminal.scrollToBottom();
    this.#moved();
  }

  /** Selects a match, and marks the others. */
  mark(match: { line: number; column: number }, needle: string, matchCase: boolean): void {
    const { terminal, search } = this.#front;
    search.clearDecorations();
    if (longestRun(terminal.buffer.active) > LONG_LINE) {
      terminal.select(match.column, match.line, needle.length);
      return;
    }
    // Unless there was a search before this one, it goes to the match at which the selection begins.
    terminal.select(match.column, match.line, 1);
    search.findNext(needle, { decorations: this.marks, caseSensitive: matchCase });
  }

  /** Scrolls to where something is, with some lines around it. */
  reveal({ line, column }: { line: number; column: number }): void {
    const { lineHeight, cellWidth } = this.#front;
    this.#sticks = false;
    const row = line - this.top;
    const margin = Math.min(3, Math.floor(this.height / 4));
    if (row < margin || row >= this.height - margin)
      this.#scrollTo(Math.max(0, line - Math.floor(this.height / 3)));
    else this.#moved();
    const x = column * cellWidth;
    const { scrollLeft, clientWidth } = this.#host;
    if (x < scrollLeft || x > scrollLeft + clientWidth - lineHeight * 5)
      this.#host.scrollLeft = Math.max(0, x - clientWidth / 2);
  }

  /** By whole lines, or by pages. */
  scroll(by: number, unit: 'lines' | 'pages' = 'lines'): void {
    const { terminal } = this.#front;
    this.#sticks = false;
    terminal.scrollLines(unit === 'lines' ? by : by * Math.max(1, terminal.rows - 1));
    this.#moved();
  }

  set theme(theme: ITheme) {
    for (const pane of this.#panes) pane.theme = theme;
  }

  /** How matches are marked. */
  get marks(): ReturnType<typeof marksOn> {
    return marksOn(this.#front.theme);
  }

  get isWrapping(): boolean {
    return this.#isWrapping;
  }

  set isWrapping(wraps: boolean) {
    this.#isWrapping = wraps;
    this.#host.classList.toggle('wide', !wraps);
    this.#host.scrollLeft = 0;
    this.fit();
  }

  fit(): void {
    for (const pane of this.#panes) this.#fit(pane);
  }

  focus(): void {
    this.#front.terminal.focus();
  }

  /**
   * Where a match in a line of the log is: the one nearest to where its line should be, because moves to other lines
   * make that a guess.
   * @param inLine how many matches in the same line are before it
   */
  locate(
    { line, until, newlines }: Place,
    needle: string,
    matchCase: boolean,
    inLine: number,
  ): { line: number; column: number } | undefined {
    const fold = (text: string): string => (matchCase ? text : text.toLowerCase());
    const { active } = this.#front.terminal.buffer;
    const wanted = fold(needle);
    let best: { line: number; column: number; distance: number } | undefined;
    /** Lines since the piece's beginning. */
    let count = -1;
    for (let y = line; y < Math.min(until ?? active.length, active.length); ) {
      let text = '';
      const first = y;
      do text += active.getLine(y)!.translateToString(false);
      while (++y < active.length && active.getLine(y)!.isWrapped);
      count += active.getLine(first)!.isWrapped && count >= 0 ? 0 : 1;
      const distance = Math.abs(count - newlines);
      if (best && distance >= best.distance) continue;
      const folded = fold(text);
      let at = folded.indexOf(wanted);
      if (at < 0) continue;
      for (let skipped = 0; skipped < inLine; skipped++) {
        const next = folded.indexOf(wanted, at + 1);
        if (next < 0) break;
        at = next;
      }
      const columns = cellsBefore(active, first, at, this.columns);
      best = { ...columns, distance };
    }
    return best;
  }

  /** @returns what is selected, or all that is loaded */
  text(): { text: string; isSelection: boolean } {
    const { terminal } = this.#front;
    const selected = terminal.getSelection();
    if (selected !== '') return { text: selected, isSelection: true };
    terminal.selectAll();
    const text = terminal.getSelection().trimEnd();
    terminal.clearSelection();
    return { text: `${text}\n`, isSelection: false };
  }

  get #below(): number {
    const { viewportY, baseY } = this.#front.terminal.buffer.active;
    return baseY - viewportY;
  }

  /** In xterm.js 6.0 what was just written cannot be scrolled to before the next frame, or the one after. */
  #scrollTo(line: number, tries = TRIES): void {
    const { terminal } = this.#front;
    const wanted = Math.min(line, terminal.buffer.active.baseY);
    this.#going += 1;
    const going = this.#going;
    terminal.scrollToLine(wanted);
    if (this.top === wanted || tries === 0) {
      this.#moved();
      return;
    }
    requestAnimationFrame(() => {
      // Unless the reader, or something newer, has gone elsewhere.
      if (this.#going === going) this.#scrollTo(line, tries - 1);
    });
  }

  /** Scrolled by the reader. */
  #moved(): void {
    this.#going += 1;
    this.#sticks = this.#below <= 0;
    this.#scrolled();
  }

  #fit(pane: Pane): void {
    const size = pane.proposed();
    if (!size) return;
    const columns = this.#isWrapping ? Math.max(NARROWEST, size.columns) : Math.max(WIDE, size.columns);
    pane.resize(columns, Math.max(2, size.rows), linesFor(columns));
    // As wide as its columns, so that the page scrolls sideways and the lines do not.
    pane.width = columns > size.columns ? (columns / size.columns) * this.#host.clientWidth : undefined;
  }
}

/** Rows of a line from which on the search add-on 0.16 takes seconds: from each of them it goes back to the first. */
const LONG_LINE = 300;

/** Rows of the longest line. */
function longestRun(buffer: IBuffer): number {
  let longest = 0;
  let run = 1;
  for (let y = 0; y < buffer.length; y++) {
    run = buffer.getLine(y)!.isWrapped ? run + 1 : 1;
    if (run > longest) longest = run;
  }
  return longest;
}

const linesFor = (columns: number): number => Math.min(LINES_MOST, Math.floor(CELLS / columns));

/** Where the character at an index of a line's text is: wide ones take two cells, combined ones none of their own. */
function cellsBefore(
  buffer: IBuffer,
  first: number,
  index: number,
  columns: number,
): { line: number; column: number } {
  let left = index;
  for (let y = first; y < buffer.length; y++) {
    const row = buffer.getLine(y)!;
    for (let x = 0; x < columns; x++) {
      const cell = row.getCell(x);
      if (!cell || cell.getWidth() === 0) continue;
      const { length } = cell.getChars() || ' ';
      if (left < length) return { line: y, column: x };
      left -= length;
    }
  }
  return { line: first, column: 0 };
}
