/** One xterm.js that nobody can type into, with its add-ons. */
import { FitAddon } from '@xterm/addon-fit';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { type ITheme, Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { hasGraphicsCard } from './graphics-card.ts';
import { Highlights } from './highlights.ts';
import type { Mark, Sheet } from './screen.ts';

export interface PaneOptions {
  theme: ITheme;
  /** What it is, for screen readers. */
  label: string;
  /** @returns true: the key was for the log */
  onKey(event: KeyboardEvent): boolean;
}

/** Modes in which wheel, clicks or focus would be reported to the program, which is not there. */
const REPORTS = new Set([9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016]);

/** Bytes that are taken in at once. */
const SLICE = 2 * 1024;

/** Milliseconds. */
const LATE = 250;

export class Pane implements Sheet {
  readonly terminal: Terminal;
  readonly highlights: Highlights;
  #theme: ITheme;
  readonly #fit = new FitAddon();
  readonly #frame = document.createElement('div');

  constructor(host: HTMLElement, { theme, label, onKey }: PaneOptions) {
    const terminal = new Terminal({
      // What matches are marked with is a proposed API.
      allowProposedApi: true,
      convertEol: true,
      cursorInactiveStyle: 'none',
      cursorStyle: 'bar',
      disableStdin: true,
      fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
      fontSize: matchMedia('(max-width: 600px)').matches ? 11 : 13,
      lineHeight: 1.15,
      // A log may contain anything.
      logLevel: 'off',
      linkHandler: { activate: (_, uri) => openLink(uri) },
      minimumContrastRatio: 4.5,
      overviewRuler: { width: 12 },
      theme,
    });
    this.terminal = terminal;
    this.highlights = new Highlights(terminal);
    this.#theme = theme;
    this.#frame.className = 'pane';
    host.append(this.#frame);
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(new Unicode11Addon());
    terminal.unicode.activeVersion = '11';
    terminal.loadAddon(new WebLinksAddon((_, uri) => openLink(uri)));
    terminal.open(this.#frame);
    terminal.textarea!.ariaLabel = label;
    // Phones would bring up a keyboard.
    terminal.textarea!.inputMode = 'none';
    terminal.attachCustomKeyEventHandler((event) => {
      if (event.type === 'keydown' && onKey(event)) event.preventDefault();
      // Tab leaves the terminal and the browser keeps its own shortcuts; nothing is typed here.
      return false;
    });
    this.#keepTheLog();
    this.#drawFast();
  }

  get theme(): ITheme {
    return this.#theme;
  }

  set theme(theme: ITheme) {
    this.#theme = theme;
    this.terminal.options.theme = theme;
  }

  set isFront(isFront: boolean) {
    this.#frame.classList.toggle('front', isFront);
  }

  /** Pixels; undefined: as wide as the page. */
  set width(width: number | undefined) {
    const style = this.terminal.element!.style;
    style.width = width === undefined ? '' : `${Math.ceil(width)}px`;
  }

  /** Pixels. */
  get lineHeight(): number {
    const { clientHeight } = this.#frame.querySelector('.xterm-screen')!;
    return Math.max(8, clientHeight / this.terminal.rows);
  }

  /** Pixels. */
  get cellWidth(): number {
    return this.#frame.querySelector('.xterm-screen')!.clientWidth / this.terminal.cols;
  }

  get hasFocus(): boolean {
    return this.#frame.contains(document.activeElement);
  }

  write(bytes: Uint8Array): Promise<void> {
    // The terminal yields between two of these; a block of nothing but newlines takes it a while.
    const last = Math.max(0, bytes.length - SLICE);
    let at = 0;
    for (; at < last; at += SLICE) this.terminal.write(bytes.subarray(at, at + SLICE));
    return new Promise((resolve) => this.terminal.write(bytes.subarray(at), resolve));
  }

  mark(): Mark | undefined {
    const { terminal } = this;
    const { buffer, cols } = terminal;
    const marker = terminal.registerMarker(0);
    const { type, cursorX } = buffer.active;
    return {
      get line() {
        // While a program has its other screen, lines of the first one cannot be seen, and the other way round.
        return buffer.active.type === type ? marker.line : -1;
      },
      get column() {
        return terminal.cols === cols ? cursorX : undefined;
      },
    };
  }

  empty(): void {
    this.highlights.clear();
    this.terminal.clearSelection();
    this.terminal.reset();
  }

  /** What fits; undefined while it cannot be seen. */
  proposed(): { columns: number; rows: number } | undefined {
    const size = this.#fit.proposeDimensions();
    if (!size || !Number.isFinite(size.rows) || !Number.isFinite(size.cols)) return undefined;
    return { columns: size.cols, rows: size.rows };
  }

  resize(columns: number, rows: number, lines: number): void {
    const { terminal } = this;
    if (terminal.options.scrollback !== lines) terminal.options.scrollback = lines;
    if (terminal.cols !== columns || terminal.rows !== rows) terminal.resize(columns, rows);
  }

  /** Called when it has been scrolled, or has grown. */
  onScroll(listener: () => void): void {
    this.terminal.onScroll(listener);
    this.terminal.onWriteParsed(listener);
    // Scrolling by wheel or scroll bar moves the view without that event.
    this.terminal.onRender(listener);
  }

  /** Resolves with its next frame, before which it cannot be scrolled; or after a while if no frames are drawn. */
  drawn(): Promise<void> {
    return new Promise((resolve) => {
      const once = this.terminal.onRender(() => done());
      const late = setTimeout(() => done(), LATE);
      const done = (): void => {
        clearTimeout(late);
        once.dispose();
        resolve();
      };
      this.terminal.refresh(0, this.terminal.rows - 1);
    });
  }

  /** On the graphics card where that works; it may be taken away at any time. */
  #drawFast(): void {
    if (!hasGraphicsCard()) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.terminal.loadAddon(webgl);
    } catch {
      // The terminal draws by itself.
    }
  }

  /** What programs do to a terminal but should not do to a log. */
  #keepTheLog(): void {
    const { parser } = this.terminal;
    // Clearing the scrollback.
    parser.registerCsiHandler({ final: 'J' }, ([what]) => what === 3);
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (modes) =>
      modes.every((mode) => typeof mode === 'number' && REPORTS.has(mode)),
    );
  }
}

/** A log is written by strangers: where a link leads is shown before it is followed. */
function openLink(uri: string): void {
  if (!/^https?:\/\//i.test(uri)) return;
  if (confirm(`Open this address from the log?\n\n${uri}`)) window.open(uri, '_blank', 'noopener,noreferrer');
}
