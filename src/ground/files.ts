/** Writing files: whole, and on disk before anybody is told so. */
import { type FileHandle, open } from 'node:fs/promises';

/** @param position where in the file; left out, where the last write ended */
export async function writeWhole(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at;
    const place = position === undefined ? null : position + at;
    const { bytesWritten } = await file.write(bytes, at, left, place);
    at += bytesWritten;
  }
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

/** The disk or the user's quota is full. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
}

/** The system's error code: ENOENT, ENOSPC … */
export function systemCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
