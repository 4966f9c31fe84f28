/**
 * Tells of changes to logs, whichever instance makes them: one question for all that are watched here. Notifications say
 * when to ask; one that was missed costs a second, or less while none can be heard.
 */
import { Announcer } from '../../ground/announcer.ts';
import type { RunLogInfo } from '../../ports/run-log-store.ts';
import { infoOf, type RunLogRow } from './run-log-rows.ts';

type Listener = (info: RunLogInfo) => void;

/** Milliseconds between two looks, while notifications are heard and while they are not. */
const LOOKS = { heard: 1_000, deaf: 150 };
/** Between two calls: a log that grows a thousand times a second is told of less often. */
const PAUSE_MS = 20;

export interface RunLogWatchesOptions {
  /** Those that there are. */
  find(ids: readonly string[]): Promise<RunLogRow[]>;
}

export class RunLogWatches {
  readonly #options: RunLogWatchesOptions;
  readonly #watched = new Map<string, Watched>();
  /** Ids that are to be looked at. */
  #due = new Set<string>();
  #isLooking = false;
  #timer: NodeJS.Timeout | undefined;
  #isHeard = false;
  #isClosed = false;

  constructor(options: RunLogWatchesOptions) {
    this.#options = options;
  }

  add(id: string, listener: Listener): () => void {
    let watched = this.#watched.get(id);
    if (!watched) {
      watched = new Watched();
      this.#watched.set(id, watched);
      this.#look([id]);
    }
    const one = watched;
    const remove = one.news.add((row) => listener(infoOf(row)));
    return () => {
      if (remove() > 0 || this.#watched.get(id) !== one) return;
      this.#watched.delete(id);
      one.news.stop();
    };
  }

  /** Changed in this process: sooner, and without a question. */
  changed(row: RunLogRow): void {
    this.#watched.get(row.id)?.learn(row);
  }

  /** Somebody has changed it. @param state which one it is now, and after how many changes */
  told(id: string, state: { run: string; revision: number }): void {
    const watched = this.#watched.get(id);
    if (watched && !watched.knows(state)) this.#look([id]);
  }

  /** @param isHeard whether notifications can be heard from now on; what was said before may have been missed */
  hears(isHeard: boolean): void {
    this.#isHeard = isHeard;
    this.#look([...this.#watched.keys()]);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { news } of this.#watched.values()) news.stop();
    this.#watched.clear();
  }

  #look(ids: readonly string[]): void {
    for (const id of ids) this.#due.add(id);
    if (!this.#isLooking && !this.#isClosed) void this.#lookNow();
  }

  async #lookNow(): Promise<void> {
    this.#isLooking = true;
    clearTimeout(this.#timer);
    // Those of the same turn go together.
    await Promise.resolve();
    while (this.#due.size > 0 && !this.#isClosed) {
      const ids = [...this.#due].filter((id) => this.#watched.has(id));
      this.#due = new Set();
      // While the database is away nothing: the next look tells.
      const rows = ids.length === 0 ? [] : await this.#options.find(ids).catch(() => []);
      for (const row of rows) this.changed(row);
    }
    this.#isLooking = false;
    if (this.#isClosed || this.#watched.size === 0) return;
    this.#timer = setTimeout(
      () => this.#look([...this.#watched.keys()]),
      this.#isHeard ? LOOKS.heard : LOOKS.deaf,
    );
    this.#timer.unref();
  }
}

/** A log that is watched here. */
class Watched {
  readonly news = new Announcer<RunLogRow>(PAUSE_MS);

  knows({ run, revision }: { run: string; revision: number }): boolean {
    const { newest } = this.news;
    return newest?.run === run && newest.revision >= revision;
  }

  /** What was asked for before a change may be answered after it. */
  learn(row: RunLogRow): void {
    if (!this.knows(row) && Number(row.run) >= Number(this.news.newest?.run ?? 0)) this.news.tell(row);
  }
}
