/**
 * Which instance had the data folder before. Whoever has the folder's lock knows that it has ended, and need not wait
 * until its lease does.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../ground/files.ts';

const FILE = 'instance.json';

interface Holder {
  instance: string;
  /** A copied folder is another instance's, and the first may live: the copy has another host. */
  host: string;
}

/**
 * Notes the new instance. The folder's lock must be held.
 * @returns the one before; undefined: none is known, or not on this host
 * @throws what the file system threw
 */
export async function succeedInFolder(folder: string, instance: string): Promise<string | undefined> {
  const path = join(folder, FILE);
  const host = hostname();
  const before = await readHolder(path);
  await writeFile(`${path}.new`, JSON.stringify({ instance, host } satisfies Holder), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return before?.host === host ? before.instance : undefined;
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { instance, host } = JSON.parse(await readFile(path, 'utf8')) as Record<keyof Holder, unknown>;
    return typeof instance === 'string' && typeof host === 'string' ? { instance, host } : undefined;
  } catch (error) {
    // Cut off by a crash, it says nothing.
    if (error instanceof SyntaxError || error instanceof TypeError || systemCode(error) === 'ENOENT')
      return undefined;
    throw error;
  }
}
