/**
 * Shows the log. There are two terminals: one is visible, the other is written when the window on the log moves, and
 * then takes its place, so that nobody sees lines running by.
 */
import type { ITheme } from '@xterm/xterm';
import { Pane } from './pane.ts';
import type { Place, Screen, Sheet } from './screen.ts';
import { type Cells, cellsOf, folded, lineAt, linesAfter } from './sheet-text.ts';
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

/** Milliseconds after which what is found is marked in what was just written. */
const REMARK = 300;

export class LogTerminal implements Screen {
  readonly #host: HTMLElement;
  readonly #panes: Pane[] = [];
  readonly #makePane: () => Pane;
  #front: Pane;
  #isWrapping = true;
  #scrolled: () => void = () => {};
  #remark: () => void = () => {};
  #remarkLater: ReturnType<typeof setTimeout> | undefined;
  /**
   * The reader is at the end and stays there. xterm.js 6.0 itself loses the end when much is printed between two
   * frames, so only what the reader does counts.
   */
  #sticks = true;
  /** Counts where it was scrolled to. */
  #going = 0;
  /** What was found stays where it is, whatever is printed below it, with so many lines above it once it is there. */
  #holds: { above: number | undefined } | undefined;
  /** A button of the mouse is down. */
  #isPressed = false;

  constructor(host: HTMLElement, theme: ITheme, label: string, onKey: (event: KeyboardEvent) => boolean) {
    this.#host = host;
    this.#makePane = () => {
      const pane = new Pane(host, { theme: this.#panes[0]?.theme ?? theme, label, onKey });
      this.#panes.push(pane);
      pane.onScroll(() => {
        if (pane !== this.#front) return;
        if (this.#sticks && this.#below > 0) pane.terminal.scrollToBottom();
        this.#hold();
        this.#scrolled();
      });
      pane.terminal.onWriteParsed(() => {
        if (pane === this.#front) this.#markAgainLater();
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
          const { top } = this;
          // It will have moved when the next frame is drawn.
          this.#sticks = false;
          requestAnimationFrame(() =>
            event === 'wheel' || this.top !== top ? this.#moved() : this.#settled(),
          );
        },
        // Before the terminal gets the event.
        { passive: true, capture: true },
      );
    host.addEventListener('mousedown', () => (this.#isPressed = true), { capture: true });
    addEventListener('mouseup', () => (this.#isPressed = false), { capture: true });
    new ResizeObserver(() => this.fit()).observe(host);
    this.fit();
  }

  /** Called when what was found has to be marked anew: other text is shown, or the same in another place or colour. */
  onRemark(listener: () => void): void {
    this.#remark = listener;
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
    if (top === 'end') {
      // Whatever it was still going to.
      this.#going += 1;
      this.#holds = undefined;
      pane.terminal.scrollToBottom();
    } else this.#scrollTo(top);
    this.#sticks = top === 'end' || (!this.#holds && pane.terminal.buffer.active.baseY <= top);
    if (before.hasFocus) pane.terminal.focus();
    before.isFront = false;
    before.empty();
    this.#markAgain();
  }

  scrollToEnd(): void {
    this.#holds = undefined;
    this.#sticks = true;
    this.#scrollTo(Number.MAX_SAFE_INTEGER);
  }

  /**
   * Marks all matches near one, or near what can be seen.
   * @param match the one that is selected; undefined: none
   * @param isNew the reader has asked for it just now
   */
  mark(match: Cells | undefined, needle: string, matchCase: boolean, isNew: boolean): void {
    // It would end what the reader is about to select.
    if (this.#isPressed && !isNew) this.#markAgainLater();
    else
      this.#front.highlights.show({ needle, matchCase, colours: marksOn(this.#front.theme) }, match, isNew);
  }

  /** Nothing is marked as found any more. */
  unmark(): void {
    for (const { highlights } of this.#panes) highlights.clear();
    // At the end it goes on with what is printed again.
    if (this.#holds) this.#moved();
  }

  /** Scrolls to where something was found, with some lines around it, and stays there. */
  reveal({ line, column }: { line: number; column: number }): void {
    const { lineHeight, cellWidth } = this.#front;
    this.#sticks = false;
    this.#holds = { above: undefined };
    if (this.#isWellSeen(line)) this.#settled();
    else this.#scrollTo(this.#topFor(line));
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
    this.#markAgain();
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
    const { highlights } = this.#front;
    const wasSeen = this.#isSeen(highlights.currentLine);
    for (const pane of this.#panes) this.#fit(pane);
    // xterm.js 6.0 selects nothing any more, or what is now in those rows.
    this.#markAgain();
    const line = highlights.currentLine;
    if (wasSeen && line >= 0 && !this.#isSeen(line)) this.#scrollTo(this.#topFor(line));
  }

  focus(): void {
    this.#front.terminal.focus();
  }

  /**
   * Where a match in a line of the log is.
   * @param inLine how many matches in the same line are before it
   * @returns undefined: it cannot be seen any more, because it was overwritten or erased
   */
  locate(place: Place, needle: string, matchCase: boolean, inLine: number): Cells | undefined {
    const buffer = this.#front.terminal.buffer.active;
    const row = this.rowOf(place);
    if (!place.isExact || row >= buffer.length) return undefined;
    const line = lineAt(buffer, row);
    const text = folded(line.text, matchCase);
    const wanted = folded(needle, matchCase);
    let left = inLine;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
      if (place.column === undefined && left-- > 0) continue;
      const cells = cellsOf(buffer, line, at, at + wanted.length, this.columns);
      const column = (cells.line - row) * this.columns + cells.column;
      if (place.column === undefined || place.column === column) return cells;
    }
    return undefined;
  }

  /** The row where a place's line begins, or should. */
  rowOf({ line, newlines }: Place): number {
    return linesAfter(this.#front.terminal.buffer.active, line, newlines);
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
      this.#settled();
      return;
    }
    requestAnimationFrame(() => {
      // Unless the reader, or something newer, has gone elsewhere.
      if (this.#going === going) this.#scrollTo(line, tries - 1);
    });
  }

  /** Scrolled by the reader. */
  #moved(): void {
    this.#holds = undefined;
    this.#settled();
  }

  /** It is where it should be. */
  #settled(): void {
    this.#going += 1;
    this.#sticks = !this.#holds && this.#below <= 0;
    const { currentLine } = this.#front.highlights;
    if (this.#holds && currentLine >= 0) this.#holds.above = currentLine - this.top;
    this.#scrolled();
  }

  /** At its end xterm.js goes on with what is printed, until it has been scrolled up. */
  #hold(): void {
    const { highlights, terminal } = this.#front;
    if (this.#holds?.above === undefined || highlights.currentLine < 0 || this.#below > 0) return;
    const wanted = Math.max(0, highlights.currentLine - this.#holds.above);
    if (wanted < terminal.buffer.active.baseY) terminal.scrollToLine(wanted);
  }

  #isSeen(line: number): boolean {
    return line >= this.top && line < this.top + this.height;
  }

  /** With some lines around it. */
  #isWellSeen(line: number): boolean {
    const margin = Math.min(3, Math.floor(this.height / 4));
    return line - this.top >= margin && line - this.top < this.height - margin;
  }

  #topFor(line: number): number {
    return Math.max(0, line - Math.floor(this.height / 3));
  }

  #markAgain(): void {
    clearTimeout(this.#remarkLater);
    this.#remarkLater = undefined;
    this.#remark();
  }

  #markAgainLater(): void {
    this.#remarkLater ??= setTimeout(() => this.#markAgain(), REMARK);
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

const linesFor = (columns: number): number => Math.min(LINES_MOST, Math.floor(CELLS / columns));
