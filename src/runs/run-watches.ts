/** Tells of changes to logs, whichever process makes them: one poller for each run that is watched here. */
import { type FSWatcher, watch } from 'node:fs';
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
    // The same function may listen twice, and each of them ends by itself.
    const own: Listener = (info) => listener(info);
    poller.add(own);
    return () => {
      if (poller.remove(own) > 0 || this.#pollers.get(id) !== poller) return;
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
  readonly #folder: string;
  readonly #listeners = new Set<Listener>();
  #known: RunLogInfo | undefined;
  #file: StateFile | undefined;
  #hints: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pause: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** Listeners have not been told of `known`. */
  #isDue = false;
  #isStopped = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#lookIn(0);
  }

  add(listener: Listener): void {
    this.#listeners.add(listener);
    const known = this.#known;
    if (known)
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener(known);
      });
  }

  /** @returns how many are left */
  remove(listener: Listener): number {
    this.#listeners.delete(listener);
    return this.#listeners.size;
  }

  learn(info: RunLogInfo): void {
    if (this.#isStopped || (this.#known && isSame(this.#known, info))) return;
    this.#known = info;
    this.#isDue = true;
    this.#tell();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#pause);
    if (!this.#isLooking) void this.#letGo();
  }

  #tell(): void {
    if (this.#pause || !this.#isDue || !this.#known) return;
    this.#isDue = false;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#tell();
    }, PAUSE_MS);
    for (const listener of [...this.#listeners]) listener(this.#known);
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
      this.#hints = watch(statePath(this.#folder), () => this.#lookIn(this.#pause ? PAUSE_MS : 0));
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
