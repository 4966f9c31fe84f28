/** Tells of changes to logs, whichever process makes them: one poller for each run that is watched here. */
import { type FSWatcher, watch } from 'node:fs';
import { Announcer } from '../ground/announcer.ts';
import type { RunLogInfo } from '../ports/run-log-store.ts';
import { infoOf } from './log-state.ts';
import { StateFile, statePath } from './state-file.ts';

type Listener = (info: RunLogInfo) => void;

/** Not every file system tells of changes, and none of those made on another machine. */
const POLL_MS = 150;
/** Between two calls: a log that grows a thousand times a second is told of less often. */
const PAUSE_MS = 20;

export class RunWatches {
  readonly #folderOf: (id: string) => string;
  readonly #pollers = new Map<string, Poller>();

  constructor(folderOf: (id: string) => string) {
    this.#folderOf = folderOf;
  }

  add(id: string, listener: Listener): () => void {
    let poller = this.#pollers.get(id);
    if (!poller) {
      poller = new Poller(this.#folderOf(id));
      this.#pollers.set(id, poller);
    }
    const remove = poller.news.add(listener);
    return () => {
      if (remove() > 0 || this.#pollers.get(id) !== poller) return;
      this.#pollers.delete(id);
      poller.stop();
    };
  }

  /** Called by a writer in this process: sooner, and without reading the disk. */
  changed(info: RunLogInfo): void {
    this.#pollers.get(info.id)?.learn(info);
  }

  close(): void {
    for (const poller of this.#pollers.values()) poller.stop();
    this.#pollers.clear();
  }
}

class Poller {
  readonly news = new Announcer<RunLogInfo>(PAUSE_MS);
  readonly #folder: string;
  #file: StateFile | undefined;
  #hints: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isStopped = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#lookIn(0);
  }

  learn(info: RunLogInfo): void {
    const { newest } = this.news;
    if (!newest || !isSame(newest, info)) this.news.tell(info);
  }

  stop(): void {
    this.#isStopped = true;
    this.news.stop();
    clearTimeout(this.#timer);
    if (!this.#isLooking) void this.#letGo();
  }

  #lookIn(ms: number): void {
    if (this.#isStopped || this.#isLooking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      this.#file ??= await this.#open();
      const info = infoOf(await this.#file.read());
      // Removed, and perhaps there again by the same name.
      if (await this.#file.isGone()) await this.#letGo();
      else this.learn(info);
    } catch {
      // Not there (yet), or not to be read now: the next look tells.
      await this.#letGo();
    }
    this.#isLooking = false;
    if (this.#isStopped) await this.#letGo();
    else this.#lookIn(POLL_MS);
  }

  async #open(): Promise<StateFile> {
    const file = await StateFile.open(this.#folder, 'r');
    try {
      this.#hints = watch(statePath(this.#folder), () => this.#lookIn(this.news.isPausing ? PAUSE_MS : 0));
      this.#hints.on('error', () => this.#hints?.close());
    } catch {
      // Too many are watched on this machine: polling does.
    }
    return file;
  }

  async #letGo(): Promise<void> {
    this.#hints?.close();
    this.#hints = undefined;
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }
}

function isSame(a: RunLogInfo, b: RunLogInfo): boolean {
  return (
    a.size === b.size &&
    a.updatedAt === b.updatedAt &&
    a.createdAt === b.createdAt &&
    a.cursor === b.cursor &&
    a.note === b.note &&
    a.end?.state === b.end?.state &&
    a.gaps.length === b.gaps.length &&
    a.gaps.every(({ from, to }, n) => from === b.gaps[n]!.from && to === b.gaps[n]!.to)
  );
}
