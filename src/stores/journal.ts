/**
 * The changes since the state file was last written, a line of JSON each. Adding a line costs the same however
 * large the state is, where rewriting the state costs more with every job that was ever compiled.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../ground/errors.ts';
import { syncFolder, systemCode, writeWhole } from '../ground/files.ts';
import type { NotificationKind } from './notification-tables.ts';
import { describe, fitsKind, isKind, isObject } from './stored-shapes.ts';
import { cannotRead } from './unreadable.ts';

export interface JournalEntry {
  /** Rises with every change, so that changes the state file already holds can be told from those it does not. */
  n: number;
  kind: 'audit' | 'job' | 'attempt' | 'component' | NotificationKind;
  /** The whole record after the change: applying an entry twice is applying it once. */
  value: unknown;
}

/** The number of the journal's last entry, kept beside it: otherwise entries cut off at its end would go unnoticed. */
const journalEndPath = (folder: string): string => join(folder, 'journal-end');

export class Journal {
  readonly #path: string;
  readonly #endPath: string;
  /** Bytes known to be on disk and whole. */
  #size = 0;
  /** Descriptor of the file with the last number. */
  #end: number | undefined;

  constructor(folder: string) {
    this.#path = join(folder, 'journal.jsonl');
    this.#endPath = journalEndPath(folder);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Everything that is there, in order. A last line that was cut off by a kill was never acknowledged.
   * @param upTo number of the last change that the state file holds; 0 without one
   * @returns `whole: false` when the file must not be added to
   * @throws AppError internal when a line in the middle cannot be read, or lines are missing at either end
   */
  async read(upTo: number): Promise<{ entries: JournalEntry[]; whole: boolean }> {
    let bytes: Buffer = Buffer.alloc(0);
    try {
      bytes = await readFile(this.#path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw cannotRead(this.#path, error);
    }
    const text = bytes.toString('utf8');
    const lines = text.replace(/^\ufeff/, '').split('\n');
    const whole = lines.pop() === '' && !text.startsWith('\ufeff');
    this.#size = bytes.length;
    const entries = lines.map((line, index) => this.#parse(line, index + 1));
    this.#requireUnbroken(entries, upTo);
    await this.#requireEnd(Math.max(upTo, entries.at(-1)?.n ?? 0));
    return { entries, whole };
  }

  /** Numbers rise by one from where the state ends: a gap means that changes are lost. */
  #requireUnbroken(entries: readonly JournalEntry[], upTo: number): void {
    let last = upTo;
    for (const [index, { n }] of entries.entries()) {
      if (n <= upTo) continue;
      if (n !== last + 1)
        throw new AppError(
          'internal',
          `Damaged data: line ${index + 1} of the journal ${this.#path} is change ${n}, but expected change ${last + 1}.`,
          {
            hint:
              last === upTo
                ? `The state file beside it ${upTo === 0 ? 'is missing' : `ends at change ${upTo}, and the journal goes on from a newer one`}. Put back a copy of the data folder.`
                : 'Lines were taken out of it by something other than Signalbox. Put back a copy of the data folder.',
          },
        );
      last = n;
    }
  }

  /** @param last number of the last change that is there */
  async #requireEnd(last: number): Promise<void> {
    const text = await readFile(this.#endPath, 'utf8').catch(() => '');
    // Cut off by a kill, or missing: it is only a safeguard, so nothing is lost.
    const expected = /^(\d{1,15})\n$/.exec(text)?.[1];
    if (expected === undefined || Number(expected) <= last) return;
    throw new AppError(
      'internal',
      `Damaged data: the journal ${this.#path} ends at change ${last}, and change ${Number(expected)} was stored.`,
      {
        hint: `Its end was taken away by something other than Signalbox. Put back a copy of the data folder, or delete ${this.#endPath} to go on without the changes that are missing.`,
      },
    );
  }

  #parse(line: string, number: number): JournalEntry {
    let problem: string | undefined;
    let entry: unknown;
    try {
      entry = JSON.parse(line);
      problem = problemOf(entry);
      if (problem === undefined) return entry as JournalEntry;
    } catch (cause) {
      throw new AppError('internal', `Line ${number} of the journal ${this.#path} cannot be read.`, {
        hint: 'It was changed by something other than Signalbox. Put back a copy of the data folder, or delete the line if its change may be lost.',
        cause,
      });
    }
    throw new AppError(
      'internal',
      `Damaged data: line ${number} of the journal ${this.#path} has ${problem}.`,
      {
        hint: 'It was changed by something other than Signalbox. Put back a copy of the data folder.',
      },
    );
  }

  /**
   * Returns once the lines are on disk.
   * @param last number of the last of them
   * @returns false, and nothing is written, when the file is not as it was left: the state must be written whole
   */
  async append(text: string, last: number): Promise<boolean> {
    const file = await open(this.#path, 'a', 0o600);
    try {
      const { size } = await file.stat();
      if (size !== this.#size) return false;
      const bytes = Buffer.from(text);
      await writeWhole(file, bytes);
      await file.datasync();
      if (size === 0) await syncFolder(dirname(this.#path));
      this.#size += bytes.length;
    } finally {
      await file.close();
    }
    // Not forced to disk: after a power cut it may lag behind, and never runs ahead.
    this.#noteEnd(last);
    return true;
  }

  /** Some bytes into the system's memory, in microseconds: a turn of the thread pool would halve the rate. */
  #noteEnd(last: number): void {
    try {
      this.#end ??= openSync(this.#endPath, 'w', 0o600);
      writeSync(this.#end, `${String(last).padStart(15, '0')}\n`, 0);
    } catch {
      // It is only a safeguard.
    }
  }

  /** Call it once the state file holds everything. */
  async clear(): Promise<void> {
    await rm(this.#path, { force: true });
    this.release();
    await rm(this.#endPath, { force: true, recursive: true });
    this.#size = 0;
  }

  release(): void {
    if (this.#end !== undefined) closeSync(this.#end);
    this.#end = undefined;
  }
}

/** What is wrong with an entry, in words. */
function problemOf(entry: unknown): string | undefined {
  if (!isObject(entry)) return `${describe(entry)} instead of a change`;
  const { n, kind, value } = entry;
  if (!Number.isSafeInteger(n)) return `${describe(n)} as n instead of a whole number`;
  if (!isKind(kind)) return `${describe(kind)} as kind, which is none of this Signalbox`;
  if (isObject(value) && typeof value.gone === 'string') return undefined;
  return fitsKind(kind, value);
}
