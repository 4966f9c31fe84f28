/** The bar that finds text: counts matches in the whole log and moves the window to them. */
import type { FromWorker, ToWorker } from './find-worker.ts';
import { Found } from './found.ts';
import type { LogWindow } from './log-window.ts';
import { element } from './page.ts';
import type { Place } from './screen.ts';
import type { LogTerminal } from './terminal.ts';

/** Milliseconds between the last key and the search. */
const PAUSE = 200;

export interface Find {
  open(): void;
  close(): void;
  next(): void;
  previous(): void;
  /** The log has grown. */
  grow(size: number): void;
}

export function setUpFind(terminal: LogTerminal, log: LogWindow, run: string): Find {
  const bar = element('find');
  const field = element<HTMLInputElement>('find-text');
  const matchCase = element('find-case');
  const opener = element('find-open');
  let worker: Worker | undefined;
  let search = 0;
  let found = new Found();
  /** From the newest, which is 0; undefined: none is shown yet. */
  let current: number | undefined;
  let state: 'idle' | 'searching' | 'whole' | 'cut' = 'idle';
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isGoing = false;
  /** Size of the log that the search was last told. */
  let searched = 0;
  /** Matches before this offset come first. */
  let startBefore = 0;

  const matchesCase = (): boolean => matchCase.getAttribute('aria-pressed') === 'true';
  const isOpen = (): boolean => !bar.hidden;

  const tell = (message: ToWorker): void => {
    worker ??= makeWorker();
    worker.postMessage(message);
  };
  const makeWorker = (): Worker => {
    const made = new Worker(new URL('./find-worker.ts', import.meta.url), { type: 'module' });
    made.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => hear(data));
    made.addEventListener('error', () => showCount('The search failed. Reload the page.'));
    return made;
  };

  const hear = (message: FromWorker): void => {
    if (message.search !== search || state === 'idle') return;
    if (message.type === 'older') found.addOlder(message.hits, message.from);
    else if (message.type === 'newer') {
      const before = found.count;
      found.replaceNewer(message.hits, message.from);
      if (current !== undefined) current = Math.max(0, current + found.count - before);
    } else if (message.type === 'done') state = message.isCut ? 'cut' : 'whole';
    else {
      showCount(message.message);
      return;
    }
    showFound();
    if (current === undefined && !isGoing) {
      const newest = found.newestBefore(startBefore);
      if (newest < found.count) void go(newest);
      else if (state !== 'searching' && found.count > 0) void go(found.count - 1);
    }
  };

  const showFound = (): void => {
    const { count } = found;
    const isWhole = state === 'whole';
    const of = `${count.toLocaleString('en')}${isWhole ? '' : '+'}`;
    const percent = Math.round((1 - found.searchedFrom / Math.max(1, log.size)) * 100);
    const progress = state === 'searching' && percent < 100 ? ` · ${Math.max(0, percent)}% searched` : '';
    if (count === 0) showCount(isWhole ? 'Not found' : `Searching…${progress.replace(' ·', '')}`);
    else if (current === undefined) showCount(`${of} found${progress}`);
    else showCount(`${(count - current).toLocaleString('en')} of ${of}${progress}`);
  };

  const start = (): void => {
    clearTimeout(timer);
    found = new Found();
    current = undefined;
    search += 1;
    for (const pane of terminal.panes) pane.search.clearDecorations();
    if (field.value === '') {
      stop();
      return;
    }
    state = 'searching';
    startBefore = log.to;
    showCount('Searching…');
    searched = log.size;
    tell({ type: 'start', search, run, needle: field.value, matchCase: matchesCase(), size: log.size });
  };
  const stop = (): void => {
    clearTimeout(timer);
    state = 'idle';
    search += 1;
    if (worker) tell({ type: 'stop' });
    for (const pane of terminal.panes) pane.search.clearDecorations();
    showCount('');
  };

  /** How many matches come before one in its line, or in as much of it as is loaded. */
  const inLineOf = (match: number, lineFrom: number): number => {
    let before = 0;
    while ((found.at(match + before + 1) ?? -1) >= lineFrom) before += 1;
    return before;
  };

  /** @param to from the newest, which is 0 */
  const go = async (to: number): Promise<void> => {
    const offset = found.at(to);
    if (offset === undefined || isGoing) return;
    isGoing = true;
    current = to;
    try {
      const place = await log.reveal(offset);
      const inLine = inLineOf(to, place?.lineFrom ?? offset);
      if (place && isOpen()) select(place, inLine);
    } catch (error) {
      showCount(error instanceof Error ? error.message : String(error));
      return;
    } finally {
      isGoing = false;
    }
    showFound();
  };

  const select = (place: Place, inLine: number, moves = true): void => {
    const matches = matchesCase();
    const match = terminal.locate(place, field.value, matches, inLine);
    if (match) terminal.mark(match, field.value, matches);
    if (moves) terminal.reveal(match ?? { line: place.line + place.newlines, column: 0 });
  };

  // On a sheet that replaced the other one it must still be marked.
  terminal.onShow(() => {
    const offset = current === undefined || isGoing || !isOpen() ? undefined : found.at(current);
    const place = offset === undefined ? undefined : log.place(offset);
    if (place) select(place, inLineOf(current!, place.lineFrom ?? offset!), false);
  });

  const step = (by: 1 | -1): void => {
    if (field.value === '' || !isOpen()) {
      open();
      return;
    }
    if (state === 'idle') {
      start();
      return;
    }
    const { count } = found;
    if (count === 0 || isGoing) return;
    const to = current === undefined ? 0 : current - by;
    // Around the ends; the first one of all is known once everything has been searched.
    if (to >= count && state === 'searching') return;
    void go(to < 0 ? count - 1 : to >= count ? 0 : to);
  };

  const open = (): void => {
    bar.hidden = false;
    opener.setAttribute('aria-expanded', 'true');
    field.focus();
    field.select();
    if (field.value !== '' && state === 'idle') start();
  };
  const close = (): void => {
    if (!isOpen()) return;
    bar.hidden = true;
    opener.setAttribute('aria-expanded', 'false');
    stop();
    terminal.focus();
  };
  const next = (): void => step(1);
  const previous = (): void => step(-1);

  opener.addEventListener('click', () => (isOpen() ? close() : open()));
  element('find-close').addEventListener('click', close);
  element('find-next').addEventListener('click', next);
  element('find-previous').addEventListener('click', previous);
  matchCase.addEventListener('click', () => {
    matchCase.setAttribute('aria-pressed', String(!matchesCase()));
    start();
  });
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(start, field.value === '' ? 0 : PAUSE);
  });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
  });
  bar.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });
  addEventListener('keydown', (event) => {
    const isFind = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'f';
    if (!isFind) return;
    event.preventDefault();
    open();
  });
  return {
    open,
    close,
    next,
    previous,
    grow: (size) => {
      if (state === 'idle' || size <= searched) return;
      searched = size;
      tell({ type: 'grow', search, size });
    },
  };
}

function showCount(text: string): void {
  element('find-count').textContent = text;
}
