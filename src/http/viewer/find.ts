/**
 * The bar that finds text: counts matches in the whole log and moves the window to them. It says which match is marked, and
 * not before it is.
 */
import type { FromWorker, ToWorker } from './find-worker.ts';
import { Found, type Hit } from './found.ts';
import { textBegins } from './line-moves.ts';
import type { LogWindow } from './log-window.ts';
import type { Moves } from './moves.ts';
import { element } from './page.ts';
import type { LogTerminal } from './terminal.ts';

/** Milliseconds between the last key and the search. */
const PAUSE = 200;

/** Added to the number of a match that is in the log and not on the screen. */
const UNSEEN = ' · no longer on the screen';

export interface Find {
  open(): void;
  close(): void;
  next(): void;
  previous(): void;
  /** The log has grown. */
  grow(size: number): void;
}

export function setUpFind(terminal: LogTerminal, log: LogWindow, moves: Moves, run: string): Find {
  const bar = element('find');
  const field = element<HTMLInputElement>('find-text');
  const matchCase = element('find-case');
  const opener = element('find-open');
  let worker: Worker | undefined;
  let search = 0;
  let found = new Found();
  /** What is sought, which may be older than what is in the field. */
  let needle = '';
  let isCaseSought = false;
  /** The match that is marked, or was before the reader went elsewhere. */
  let current: Hit | undefined;
  /** The one that the window is moved to. */
  let wanted: Hit | undefined;
  /** It is loaded and cannot be seen all the same. */
  let isUnseen = false;
  let state: 'idle' | 'searching' | 'whole' | 'cut' = 'idle';
  /** Why it is not searched further. */
  let trouble = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The first match is not gone to again, nor if the reader has gone elsewhere since. */
  let goesByItself = false;
  let wishes = 0;
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
    made.addEventListener('error', () => {
      trouble = 'The search failed. Reload the page.';
      showFound();
    });
    return made;
  };

  const hear = (message: FromWorker): void => {
    if (message.search !== search || state === 'idle') return;
    if (message.type === 'older') found.addOlder(message.hits, message.from);
    else if (message.type === 'newer') {
      found.replaceNewer(message.hits, message.from);
      trouble = '';
      // The line may have been printed over, as bars are.
      if (current && found.indexOf(current) === undefined) {
        current = undefined;
        markAgain();
      }
    } else if (message.type === 'done') state = message.isCut ? 'cut' : 'whole';
    else trouble = message.message;
    showFound();
    if (!goesByItself || wishes !== moves.wishes) return;
    const newest = found.newestBefore(startBefore);
    if (newest < found.count) void go(newest);
    else if (state !== 'searching' && found.count > 0) void go(found.count - 1);
  };

  const showFound = (): void => {
    if (state === 'idle') return;
    const { count } = found;
    const isWhole = state === 'whole';
    const of = `${count.toLocaleString('en')}${isWhole ? '' : '+'}`;
    const percent = Math.round((1 - found.searchedFrom / Math.max(1, log.size)) * 100);
    const part = state === 'searching' && percent < 100 ? ` · ${Math.max(0, percent)}% searched` : '';
    const progress = trouble === '' ? part : `${part} · ${trouble}`;
    if (count === 0) showCount(isWhole ? 'Not found' : trouble || `Searching…${progress.replace(' ·', '')}`);
    else {
      const index = current && found.indexOf(current);
      if (index === undefined) showCount(`${of} found${progress}`);
      else showCount(`${(count - index).toLocaleString('en')} of ${of}${isUnseen ? UNSEEN : ''}${progress}`);
    }
  };

  const start = (): void => {
    clearTimeout(timer);
    forget();
    terminal.unmark();
    if (field.value === '') {
      stop();
      return;
    }
    needle = field.value;
    isCaseSought = matchesCase();
    state = 'searching';
    goesByItself = true;
    wishes = moves.wishes;
    startBefore = log.to;
    showCount('Searching…');
    searched = log.size;
    tell({ type: 'start', search, run, needle, matchCase: isCaseSought, size: log.size });
  };
  const stop = (): void => {
    clearTimeout(timer);
    state = 'idle';
    forget();
    if (worker) tell({ type: 'stop' });
    terminal.unmark();
    showCount('');
  };
  const forget = (): void => {
    found = new Found();
    current = undefined;
    wanted = undefined;
    isUnseen = false;
    trouble = '';
    search += 1;
  };

  /** How many matches come before the current one in as much of its line as is loaded. */
  const hitsSince = (lineFrom: number): number => {
    const index = found.indexOf(current!) ?? 0;
    let before = 0;
    while ((found.at(index + before + 1) ?? -1) >= lineFrom) before += 1;
    return before;
  };

  /** @param to from the newest, which is 0 */
  const go = async (to: number): Promise<void> => {
    const hit = found.hit(to);
    if (!hit) return;
    wanted = hit;
    goesByItself = false;
    try {
      await moves.wish(async () => {
        if (wanted !== hit) return;
        await log.reveal(hit.offset, (line) => textBegins(line, needle, isCaseSought, hit.after));
        // It may be another search by now, or another match is wanted.
        if (wanted !== hit) return;
        // Nor is it where the reader goes on to somewhere else.
        current = moves.hasWish ? undefined : hit;
        mark(current !== undefined);
      });
    } catch (error) {
      if (wanted === hit) showCount(error instanceof Error ? error.message : String(error));
      return;
    } finally {
      if (wanted === hit) wanted = undefined;
    }
    showFound();
  };

  /** @param isNew it is shown now, and not only marked anew where it is */
  const mark = (isNew: boolean): void => {
    const place = current && log.place(current.offset);
    const inLine = current && place?.lineFrom !== undefined ? hitsSince(place.lineFrom) : current?.inLine;
    const match = place && terminal.locate(place, needle, isCaseSought, inLine ?? 0);
    isUnseen =
      current !== undefined && match === undefined && current.offset >= log.from && current.offset < log.to;
    terminal.mark(match, needle, isCaseSought, isNew);
    if (isNew && place) terminal.reveal(match ?? { line: terminal.rowOf(place), column: 0 });
  };

  const markAgain = (): void => {
    if (state === 'idle') return;
    const wasUnseen = isUnseen;
    mark(false);
    if (isUnseen !== wasUnseen) showFound();
  };
  terminal.onRemark(markAgain);

  const step = (by: 1 | -1): void => {
    if (field.value === '' || !isOpen()) {
      open();
      return;
    }
    // What was typed a moment ago is not sought yet; what was not searched may be by now.
    if (state === 'idle' || field.value !== needle || (trouble !== '' && found.count === 0)) {
      start();
      return;
    }
    const { count } = found;
    if (count === 0) return;
    // From where it will be, if it is still on its way.
    const hit = wanted ?? current;
    const from = hit && found.indexOf(hit);
    const to = from === undefined ? 0 : from - by;
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
  const count = element('find-count');
  count.textContent = text;
  // Where it does not fit.
  count.title = text;
}
