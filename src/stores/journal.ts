/**
 * The changes since the state file was last written, a line of JSON each. Adding a line costs the same however
 * large the state is, where rewriting the state costs more with every job that was ever compiled.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../errors.ts';
import { syncFolder, writeWhole } from './durable-file.ts';
import type { NotificationKind } from './notification-tables.ts';

export interface JournalEntry {
  /** Rises by every change, so that what the state file holds already is told from what it does not. */
  n: number;
  kind: 'audit' | 'job' | 'attempt' | 'component' | NotificationKind;
  /** The whole record after the change: applying an entry twice is applying it once. */
  value: unknown;
}

export class Journal {
  readonly #path: string;
  /** Bytes that are known to be there and whole. */
  #size = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Everything that is there, in order. A last line that was cut off by a kill was never acknowledged.
   * @returns `whole: false` when the file must not be added to
   * @throws AppError internal when a line in the middle cannot be read
   */
  async read(): Promise<{ entries: JournalEntry[]; whole: boolean }> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return { entries: [], whole: true };
    }
    const lines = bytes.toString('utf8').split('\n');
    const whole = lines.pop() === '';
    this.#size = bytes.length;
    return { entries: lines.map((line, index) => this.#parse(line, index + 1)), whole };
  }

  #parse(line: string, number: number): JournalEntry {
    try {
      return JSON.parse(line) as JournalEntry;
    } catch (cause) {
      throw new AppError('internal', `Line ${number} of the journal ${this.#path} cannot be read.`, {
        hint: 'It was changed by something else than Signalbox. Put back a copy of the data folder, or delete the line if its change may be lost.',
        cause,
      });
    }
  }

  /**
   * Returns once the lines are on disk.
   * @returns false, and nothing is written, when the file is not as it was left: the state must be written whole
   */
  async append(text: string): Promise<boolean> {
    const file = await open(this.#path, 'a', 0o600);
    try {
      const { size } = await file.stat();
      if (size !== this.#size) return false;
      const bytes = Buffer.from(text);
      await writeWhole(file, bytes);
      await file.datasync();
      if (size === 0) await syncFolder(dirname(this.#path));
      this.#size += bytes.length;
      return true;
    } finally {
      await file.close();
    }
  }

  /** After the state file holds everything. */
  async clear(): Promise<void> {
    await rm(this.#path, { force: true });
    this.#size = 0;
  }
}
