/** Writing files and folders: whole, and on disk before anybody is told so. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * @param position where in the file; left out, where the last write ended
 * @throws the system's error; ENOSPC also where it takes nothing and does not say why
 */
export async function writeWhole(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at;
    const place = position === undefined ? null : position + at;
    const { bytesWritten } = await file.write(bytes, at, left, place);
    if (bytesWritten === 0) throw Object.assign(new Error('Nothing was written'), { code: 'ENOSPC' });
    at += bytesWritten;
  }
}

/** Writes one after the other, with one request to the system where it takes them all. */
export async function writeAllWhole(
  file: FileHandle,
  parts: readonly Uint8Array[],
  position: number,
): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length === 0) return;
  const { bytesWritten } = await file.writev([...parts], position);
  // A nearly full disk takes only some of it. Writing the rest brings out the real error.
  if (bytesWritten < length)
    await writeWhole(file, Buffer.concat(parts).subarray(bytesWritten), position + bytesWritten);
}

/** A new name is on disk only once its folder is synced. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // Folders cannot be opened there.
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Makes a folder with what belongs in it, by a rename: nothing ever sees half of it, and of two processes only one makes
 * it. A process that is killed meanwhile leaves a `.new-…` beside it.
 * @param fill is given the folder before it has its name
 * @returns false: there is one of this name already
 */
export async function makeFolder(path: string, fill: (folder: string) => Promise<unknown>): Promise<boolean> {
  const parent = dirname(path);
  const temporary = join(parent, `.new-${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(temporary, { mode: 0o700 });
    await fill(temporary);
    await rename(temporary, path);
    await syncFolder(parent);
    return true;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if (systemCode(error) === 'ENOTEMPTY' || systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Takes a folder away at once, by a rename, and then deletes it. A process that is killed meanwhile leaves a `.removed-…`
 * beside it.
 * @throws the system's error: ENOENT where there is none
 */
export async function removeFolder(path: string): Promise<void> {
  const removed = join(dirname(path), `.removed-${randomBytes(8).toString('hex')}`);
  await rename(path, removed);
  // Another process may be writing its last into it.
  await rm(removed, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
}

/** For who takes files and no bytes: the file is there as long as `use` takes. */
export async function inTemporaryFile(
  content: Uint8Array,
  use: (file: { path: string; bytes: number }) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-'));
  try {
    const path = join(dir, 'file');
    await writeFile(path, content);
    await use({ path, bytes: content.length });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** The disk or the user's quota is full. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
}

/** The system's error code: ENOENT, ENOSPC … */
export function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
