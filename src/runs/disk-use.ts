/** How much of the disk a folder takes, and how that is said. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../ground/files.ts';

/** Of what a file has room for on the disk: gaps in it take none, and links are not followed. */
const BLOCK = 512;

/** @returns bytes; files that disappear meanwhile do not count */
export async function diskUse(path: string): Promise<number> {
  try {
    const found = await lstat(path);
    const own = found.blocks * BLOCK;
    if (!found.isDirectory()) return own;
    let sum = own;
    for (const name of await readdir(path)) sum += await diskUse(join(path, name));
    return sum;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return 0;
    throw error;
  }
}

/** `10.0 GB`, `0.3 MB`: of what may be taken and what is, in one sentence. */
export function diskWords(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
