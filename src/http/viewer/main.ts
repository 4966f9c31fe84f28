/** The page of one run: its log in a terminal, followed while it is written. */
import './theme.css';
import './styles.css';
import { type Find, setUpFind } from './find.ts';
import { allowInlineStyles } from './inline-styles.ts';
import { Live } from './live.ts';
import { LogWindow } from './log-window.ts';
import { Moves } from './moves.ts';
import { bytes, element } from './page.ts';
import { Refused, RunApi, type RunEnd } from './run-api.ts';
import { LogTerminal } from './terminal.ts';
import { setUpTheme } from './theme.ts';
import { setUpCopy, setUpDownload, setUpHelp, setUpWrap } from './tools.ts';
import { hideNotice, showNotice, troubleOf } from './trouble.ts';

/** Pages from an end of what is loaded at which more is loaded. */
const AHEAD = 10;
/** Milliseconds that a hidden page stays connected: browsers allow few connections to a server. */
const HIDDEN = 60_000;

type Badge = 'connecting' | 'live' | 'again' | 'off' | RunEnd['state'];

/** `…/runs/<id>`, under whatever path the page is. */
const RUN = `${location.origin}${location.pathname.replace(/\/$/, '')}`;
const api = new RunApi(RUN);
const [job = 'Run log', provider, useCase] = decodeURIComponent(RUN.split('/').at(-1) ?? '')
  .split('~')
  .reverse();

let ended: RunEnd | undefined;

function showBadge(state: Badge, text: string, title = ''): void {
  const badge = element('badge');
  badge.dataset.state = state;
  badge.textContent = text;
  badge.title = title;
  document.title = state === 'live' ? `● ${job}` : job;
}

function showEnd({ state, exitCode, signal }: RunEnd): void {
  const words = { completed: 'Completed', failed: 'Failed', stopped: 'Stopped', lost: 'Lost' }[state];
  const how = signal ?? (exitCode === null ? undefined : `exit ${exitCode}`);
  showBadge(
    state,
    how === undefined ? words : `${words} · ${how}`,
    state === 'lost' ? 'Its process is gone and nobody saw it end.' : '',
  );
}

async function start(): Promise<void> {
  allowInlineStyles();
  element('job').textContent = job;
  element('origin').textContent = [useCase, provider].filter(Boolean).join(' · ');
  document.title = job;
  setUpDownload(RUN);

  let terminal: LogTerminal | undefined;
  const theme = setUpTheme((now) => {
    if (terminal) terminal.theme = now;
  });
  const keys = new Map<string, () => void>();
  terminal = new LogTerminal(
    element('screen'),
    theme.current(),
    `Log of ${job}. Arrow keys, Page Up, Page Down, Home and End scroll; question mark lists all keys.`,
    (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return false;
      const run = keys.get(event.key === ' ' && event.shiftKey ? 'PageUp' : event.key);
      run?.();
      return run !== undefined;
    },
  );
  new Viewer(terminal, theme.next, keys);
}

class Viewer {
  readonly #terminal: LogTerminal;
  readonly #log: LogWindow;
  readonly #live: Live;
  #find: Find | undefined;
  readonly #moves: Moves;
  /** Where it was scrolled to when more was last asked for: it asks again only from elsewhere. */
  #askedAt = -1;
  #wasInterrupted = false;
  #isFollowing = false;
  /** The token of a link, until it has been used. */
  #token: string | undefined;
  /** What keeps the log from going on. */
  #note = '';

  constructor(terminal: LogTerminal, nextTheme: () => void, keys: Map<string, () => void>) {
    this.#terminal = terminal;
    this.#log = new LogWindow({
      read: (offset, limit) => api.read(offset, limit),
      screen: terminal,
      changed: () => {
        this.#find?.grow(this.#log.size);
        this.#show();
      },
      behind: () => void this.#connect(),
      failed: (error) => this.#fail(error),
    });
    this.#live = new Live({
      api,
      open: (url) => new EventSource(url),
      listener: {
        connected: () => {
          showBadge('live', 'Live');
          if (this.#wasInterrupted)
            showNotice('good', 'Connected again. Nothing was missed.', { forMs: 4000 });
          this.#wasInterrupted = false;
        },
        interrupted: (retryIn) => this.#interrupted(retryIn),
        log: (chunk, next, gap) => this.#log.append(chunk, next, gap),
        note: (note) => {
          this.#note = note ?? '';
          this.#show();
        },
        done: (end) => this.#done(end),
        refused: (error) => this.#refused(error),
      },
    });
    this.#moves = new Moves(() => {
      if (!this.#moves.isMoving) this.#askedAt = this.#terminal.top;
      this.#show();
    });
    this.#setUp(nextTheme, keys);
    void this.#begin();
  }

  async #begin(): Promise<void> {
    this.#token = new URLSearchParams(location.hash.slice(1)).get('t') ?? undefined;
    // It can be used once, so it must be neither copied nor kept in the history.
    if (this.#token !== undefined) history.replaceState(null, '', location.pathname);
    await this.#connect();
    this.#terminal.focus();
  }

  /** @returns why the link does not work; an earlier session still may */
  async #signIn(): Promise<unknown> {
    if (this.#token === undefined) return undefined;
    let refused: unknown;
    try {
      await api.signIn(this.#token);
    } catch (error) {
      // It could not be checked: the same link works in a moment.
      if (error instanceof Refused && error.isPassing) throw error;
      refused = error;
    }
    this.#token = undefined;
    return refused;
  }

  /** Follows the log, and shows its end unless the reader is elsewhere. */
  #connect(isShorter = false): Promise<unknown> {
    return this.#moves.need(() => this.#open(isShorter)).catch((error: unknown) => this.#fail(error));
  }

  /** @param isShorter what is shown is not what the log has */
  async #open(isShorter: boolean): Promise<void> {
    this.#live.stop();
    this.#isFollowing = false;
    const refused = await this.#signIn();
    const log = this.#log;
    const stays = !isShorter && log.to > log.from && !this.#terminal.isAtEnd;
    const { end } = await (stays ? log.look() : log.openAtEnd()).catch((error: unknown) => {
      throw error instanceof Refused && error.isPassing ? error : (refused ?? error);
    });
    hideNotice();
    if (end) return this.#done(end);
    this.#isFollowing = true;
    this.#live.start(log.follows ? log.to : log.size);
  }

  #done(end: RunEnd): void {
    ended = end;
    this.#isFollowing = false;
    this.#note = '';
    showEnd(end);
    if (this.#wasInterrupted) hideNotice();
    this.#wasInterrupted = false;
    this.#show();
  }

  #interrupted(retryIn: number): void {
    this.#wasInterrupted = true;
    showBadge('again', 'Reconnecting…');
    showNotice('waiting', `The connection is gone. Trying again in ${Math.ceil(retryIn / 1000)} s.`, {
      action: { label: 'Try now', run: () => this.#live.hurry() },
    });
  }

  #refused(error: Refused): void {
    // The log is shorter than what is shown: the server stopped before it had stored the rest.
    if (error.size !== undefined) void this.#connect(true);
    else this.#fail(error);
  }

  /** It cannot go on by itself, or only later. */
  #fail(error: unknown): void {
    this.#live.stop();
    this.#isFollowing = false;
    const shown = this.#log.to - this.#log.from;
    if (error instanceof Refused && error.isPassing && !ended) {
      const wait = Math.max(1000, error.retryAfter ?? 3000);
      const again = (): void => {
        clearTimeout(timer);
        void this.#connect();
      };
      const timer = setTimeout(again, wait);
      showBadge('again', error.status === 404 ? 'Waiting…' : 'Reconnecting…');
      showNotice('waiting', `${error.message} Trying again in ${Math.ceil(wait / 1000)} s.`, {
        action: { label: 'Try now', run: again },
      });
      return;
    }
    if (!ended) showBadge('off', 'Not connected');
    showNotice('bad', troubleOf(error, shown), {
      action: { label: 'Reload', run: () => location.reload() },
    });
  }

  #show(): void {
    const log = this.#log;
    element('size').textContent = log.size > 0 ? bytes(log.size) : '';
    const earlier = element('earlier');
    earlier.hidden = log.from === 0 || this.#terminal.top > 0;
    earlier.textContent = this.#moves.isMoving ? 'Loading…' : `↑ ${bytes(log.from)} before this`;
    // What was found near the end stays there until something is printed.
    const isAtEnd =
      log.follows && (this.#terminal.isAtEnd || (ended !== undefined && this.#terminal.below <= 0));
    element('to-end').hidden = isAtEnd || log.size === 0;
    const empty = element('empty');
    empty.hidden = log.size > 0 || (!this.#isFollowing && !ended);
    empty.textContent = ended
      ? 'The run printed nothing.'
      : this.#note || 'Nothing printed yet. It appears here as it comes.';
    const note = element('note');
    note.hidden = this.#note === '' || log.size === 0;
    note.textContent = this.#note;
  }

  /** More of the log, where it has been scrolled near an end of what is loaded. */
  #scrolled(): void {
    this.#show();
    const { top, below, height } = this.#terminal;
    if (this.#moves.isMoving || top === this.#askedAt) return;
    if (top < height * AHEAD && this.#log.from > 0) this.#more(() => this.#log.earlier());
    else if (below < height * AHEAD && !this.#log.follows) this.#more(() => this.#log.later());
  }

  /** Moves on with what is shown, which is no wish of its own. */
  #more(work: () => Promise<unknown>): void {
    this.#tell(work, this.#moves.need(work));
  }

  /** Where the reader wishes to be. */
  #go(work: () => Promise<unknown>): void {
    this.#tell(work, this.#moves.wish(work));
  }

  #tell(work: () => Promise<unknown>, done: Promise<unknown>): void {
    done.catch((error: unknown) => {
      if (!(error instanceof Refused && error.isPassing)) return this.#fail(error);
      // New output may well arrive all the same.
      showNotice('waiting', `${error.message} This part of the log could not be loaded.`, {
        action: { label: 'Try again', run: () => this.#go(work) },
        forMs: 10_000,
      });
    });
  }

  readonly #toEnd = (): void => {
    if (!this.#log.follows || this.#moves.isMoving) this.#go(() => this.#log.openAtEnd());
    else {
      this.#moves.wentThere();
      this.#terminal.scrollToEnd();
    }
  };

  readonly #toBeginning = (): void => {
    if (this.#log.from !== 0 || this.#moves.isMoving) this.#go(() => this.#log.openAt(0));
    else {
      this.#moves.wentThere();
      this.#terminal.scroll(-Number.MAX_SAFE_INTEGER);
    }
  };

  #setUp(nextTheme: () => void, keys: Map<string, () => void>): void {
    const terminal = this.#terminal;
    terminal.onScroll(() => this.#scrolled());
    element('earlier').addEventListener('click', () => {
      this.#go(() => this.#log.earlier());
      terminal.focus();
    });
    element('to-end').addEventListener('click', () => {
      this.#toEnd();
      terminal.focus();
    });
    const find = setUpFind(terminal, this.#log, this.#moves, RUN);
    this.#find = find;
    const all: Record<string, () => void> = {
      ArrowUp: () => terminal.scroll(-1),
      ArrowDown: () => terminal.scroll(1),
      PageUp: () => terminal.scroll(-1, 'pages'),
      PageDown: () => terminal.scroll(1, 'pages'),
      ' ': () => terminal.scroll(1, 'pages'),
      Home: this.#toBeginning,
      End: this.#toEnd,
      '/': find.open,
      n: find.next,
      N: find.previous,
      Escape: find.close,
      w: setUpWrap(terminal),
      c: setUpCopy(terminal),
      t: nextTheme,
      '?': setUpHelp(),
    };
    for (const [key, run] of Object.entries(all)) keys.set(key, run);

    // The focus is shown to people who use the keyboard.
    addEventListener('keydown', ({ key }) => {
      if (key === 'Tab') document.documentElement.dataset.keyboard = '';
    });
    addEventListener('pointerdown', () => delete document.documentElement.dataset.keyboard);
    for (const event of ['online', 'pageshow'])
      addEventListener(event, () => {
        this.#live.hurry();
      });
    let leave: ReturnType<typeof setTimeout> | undefined;
    document.addEventListener('visibilitychange', () => {
      clearTimeout(leave);
      if (document.hidden) leave = setTimeout(() => this.#isFollowing && this.#live.stop(), HIDDEN);
      else if (this.#isFollowing) {
        this.#live.hurry();
        if (this.#live.isStopped) this.#live.start(this.#live.next);
      }
    });
  }
}

start().catch((error: unknown) => {
  showBadge('off', 'Not connected');
  showNotice('bad', troubleOf(error, 0), { action: { label: 'Reload', run: () => location.reload() } });
});
