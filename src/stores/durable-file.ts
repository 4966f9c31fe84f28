/** Files that survive a kill or a power cut: they are whole, and on disk before anybody is told so. */
import { copyFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Adapter } from 'lowdb';
import { syncFolder, writeWhole } from '../ground/files.ts';

/**
 * lowdb's JSON file, replaced as a whole: new file, fsync, rename, fsync of the folder. A copy is kept beside
 * it in case it is lost: both exist before the journal is dropped.
 */
export class DurableJsonFile<T> implements Adapter<T> {
  readonly #path: string;
  readonly #backup: string;

  constructor(path: string, backup: string) {
    this.#path = path;
    this.#backup = backup;
  }

  /** Read by `readState`, which takes nothing for granted. */
  async read(): Promise<T | null> {
    return null;
  }

  async write(data: T): Promise<void> {
    const temporary = join(dirname(this.#path), `.${basename(this.#path)}.tmp`);
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(data));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      // Half a file must not fill the last of a full disk. If it cannot be removed, the next write replaces it.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncFolder(dirname(this.#path));
    await this.backUp();
  }

  /** When there is no room for it, the state alone has to do: an older copy stays, and is known to be older. */
  async backUp(): Promise<void> {
    const temporary = join(dirname(this.#path), `.${basename(this.#backup)}.tmp`);
    try {
      await copyFile(this.#path, temporary);
      const file = await open(temporary, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#backup);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}

/**
 * Adds lines to a file and returns once they are on disk; makes its folder, where nothing has been written yet.
 * Several processes may add to one file.
 * @returns the byte at which the first of them begins, when no other process adds at the same time
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<number> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a+', 0o600);
  let begin: number;
  try {
    const { size } = await file.stat();
    const separator = (await endsInLine(file, size)) ? '' : '\n';
    begin = size + separator.length;
    // One write with O_APPEND: lines of two processes stand one after the other.
    await writeWhole(file, Buffer.from(separator + lines.map((line) => `${line}\n`).join('')));
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
  return begin;
}

/** False after a kill in the middle of a line: the next one must not continue it. */
async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === 0x0a;
}
