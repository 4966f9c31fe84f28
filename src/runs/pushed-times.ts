/** When what of pushed runs arrived, in files beside their logs. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TimeTable } from '../domain/run-times.ts';
import type { EpochMs } from '../ground/time.ts';
import type { RunLogInfo } from '../ports/run-log-store.ts';
import type { RunTimesStore } from '../ports/run-times.ts';
import { RunTimes, TimeTables } from './run-times.ts';

/** Files that are open at once. */
const OPEN = 64;

export class PushedTimes implements RunTimesStore {
  readonly #folder: string;
  /** The one that was used last is the last. */
  readonly #open = new Map<string, Promise<RunTimes>>();
  readonly #tables = new TimeTables();

  /** @param folder is made if need be */
  constructor(folder: string) {
    this.#folder = folder;
  }

  note({ id, createdAt, size }: Pick<RunLogInfo, 'id' | 'createdAt' | 'size'>, at: EpochMs): void {
    const file = this.#open.get(id) ?? this.#begin(id, createdAt);
    this.#open.delete(id);
    this.#open.set(id, file);
    file.then((times) => times.note(at, size)).catch(() => this.#open.delete(id));
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN) void this.end(oldest!);
  }

  async end(id: string): Promise<void> {
    const file = this.#open.get(id);
    this.#open.delete(id);
    await file?.then((times) => times.close()).catch(() => undefined);
  }

  async remove(id: string): Promise<void> {
    await this.end(id);
    await rm(join(this.#folder, id), { force: true });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.end(id)));
  }

  read({ id, createdAt, updatedAt }: RunLogInfo): Promise<TimeTable> {
    return this.#tables.read(join(this.#folder, id), { first: createdAt, last: updatedAt });
  }

  async #begin(id: string, createdAt: EpochMs): Promise<RunTimes> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return await RunTimes.open(join(this.#folder, id), createdAt);
  }
}
