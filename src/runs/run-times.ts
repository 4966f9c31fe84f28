/**
 * When a run printed which bytes. A log of raw bytes does not say, and people ask for its last ten minutes. A line for each
 * second in which something came, `<milliseconds since the epoch> <size of the log then>`; of long runs a line for
 * longer, so that the file stays small. It is an aid: should it not be written, the log is whole all the same.
 */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { keepRecent } from '../ground/recent.ts';
import type { EpochMs } from '../ground/time.ts';

const SHORTEST_MS = 1_000;
/** Lines for each time that the run gets older by half or so. */
const LINES = 4_000;

/** The capturing process's side. */
export class RunTimes {
  readonly #file: FileHandle;
  readonly #startedAt: EpochMs;
  #last: { at: EpochMs; size: number } | undefined;
  #period = -1;
  /** One line after the other: of two writes at once the second may be first. */
  #written: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, startedAt: EpochMs) {
    this.#file = file;
    this.#startedAt = startedAt;
  }

  static async open(path: string, startedAt: EpochMs): Promise<RunTimes> {
    return new RunTimes(await open(path, 'a', 0o600), startedAt);
  }

  /** @param size of the log after what came */
  note(at: EpochMs, size: number): void {
    const length = Math.max(SHORTEST_MS, (at - this.#startedAt) / LINES);
    const period = Math.floor(at / length);
    const last = this.#last;
    this.#last = { at, size };
    if (period === this.#period) return;
    this.#period = period;
    if (last) void this.#write(last);
  }

  async close(): Promise<void> {
    if (this.#last) await this.#write(this.#last);
    await this.#file.close().catch(() => undefined);
  }

  #write({ at, size }: { at: EpochMs; size: number }): Promise<unknown> {
    const line = `${Math.round(at)} ${size}\n`;
    this.#written = this.#written.then(() => this.#file.write(line)).catch(() => undefined);
    return this.#written;
  }
}

/** The reader's side. */
export interface TimeTable {
  /** When the byte before `size` was there. */
  at(size: number): EpochMs;
}

/** Files of finished runs are asked for again with each page. */
const KEPT = 16;

export class TimeTables {
  readonly #known = new Map<string, { bytes: number; times: number[]; sizes: number[] }>();

  /** @param outside of what the file tells: when the run began, and when it printed last */
  async read(path: string, outside: { first: EpochMs; last: EpochMs }): Promise<TimeTable> {
    const bytes = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
    let table = this.#known.get(path);
    if (table?.bytes !== bytes) {
      table = { bytes, ...parse(await readFile(path, 'latin1').catch(() => '')) };
      keepRecent(this.#known, path, table, KEPT);
    }
    const { times, sizes } = table;
    return {
      at(size) {
        let low = 0;
        let high = sizes.length;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (sizes[middle]! >= size) high = middle;
          else low = middle + 1;
        }
        return times[low] ?? Math.max(outside.last, times.at(-1) ?? outside.first);
      },
    };
  }
}

/** Times and sizes never fall, also where the clock was set back. */
function parse(text: string): { times: number[]; sizes: number[] } {
  const times: number[] = [];
  const sizes: number[] = [];
  for (const [, at, size] of text.matchAll(/^(\d{1,15}) (\d{1,15})\n/gm)) {
    times.push(Math.max(times.at(-1) ?? 0, Number(at)));
    sizes.push(Math.max(sizes.at(-1) ?? 0, Number(size)));
  }
  return { times, sizes };
}
