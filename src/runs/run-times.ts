/** When a run printed which bytes, in a file. It is an aid: should it not be written, the log is whole all the same. */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { readTimes, TimeLines, type Times, type TimeTable, timeTable } from '../domain/run-times.ts';
import { keepRecent } from '../ground/recent.ts';
import type { EpochMs } from '../ground/time.ts';

/** The capturing process's side. */
export class RunTimes {
  readonly #file: FileHandle;
  readonly #lines: TimeLines;
  /** One line after the other: of two writes at once the second may be first. */
  #written: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, startedAt: EpochMs) {
    this.#file = file;
    this.#lines = new TimeLines(startedAt);
  }

  static async open(path: string, startedAt: EpochMs): Promise<RunTimes> {
    return new RunTimes(await open(path, 'a', 0o600), startedAt);
  }

  /** @param size of the log after what came */
  note(at: EpochMs, size: number): void {
    const line = this.#lines.note(at, size);
    if (line !== undefined) void this.#write(line);
  }

  async close(): Promise<void> {
    if (this.#lines.last !== undefined) await this.#write(this.#lines.last);
    await this.#file.close().catch(() => undefined);
  }

  #write(line: string): Promise<unknown> {
    this.#written = this.#written.then(() => this.#file.write(line)).catch(() => undefined);
    return this.#written;
  }
}

/** Files of finished runs are asked for again with each page. */
const KEPT = 16;

/** The reader's side. */
export class TimeTables {
  readonly #known = new Map<string, { bytes: number; times: Times }>();

  /** @param outside of what the file tells: when the run began, and when it printed last */
  async read(path: string, outside: { first: EpochMs; last: EpochMs }): Promise<TimeTable> {
    const bytes = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
    let known = this.#known.get(path);
    if (known?.bytes !== bytes) {
      known = { bytes, times: readTimes(await readFile(path, 'latin1').catch(() => '')) };
      keepRecent(this.#known, path, known, KEPT);
    }
    return timeTable(known.times, outside);
  }
}
