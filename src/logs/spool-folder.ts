/** The folder of all spools: gives out new ones and interrupted ones, removes abandoned ones, watches the disk space. */

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../ground/errors.ts';
import { isDiskFull, systemCode } from '../ground/files.ts';
import { grouped } from '../ground/numbers.ts';
import type { EpochMs } from '../ground/time.ts';
import { diskError, Spool } from './spool.ts';
import { isFresh, isInUse, readManifest } from './spool-manifest.ts';

/** Bytes that must stay free on the spool's disk, so that nothing else on the machine breaks. */
const DISK_RESERVE = 64 * 1024 * 1024;

export function spoolKey(identity: unknown): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 24);
}

export class SpoolFolder {
  readonly #dir: string;
  readonly #now: () => EpochMs;
  /** Asked for bytes of the disk that something else has and can do without; never rejects. */
  makeRoom: ((bytes: number) => Promise<void>) | undefined;

  constructor(dir: string, now: () => EpochMs) {
    this.#dir = dir;
    this.#now = now;
  }

  /** A new spool, or the one that an interrupted download of the same key left within the hour. */
  async open(key: string, mayResume: boolean): Promise<Spool> {
    // This may be what creates the data folder, which nobody else may read.
    await mkdir(this.#dir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw cannotBeMade(this.#dir, error);
    });
    await this.checkSpace(0);
    if (mayResume) {
      const left = await this.#claim(key);
      if (left) return left;
    }
    const dir = join(this.#dir, this.#name(key));
    await mkdir(dir);
    const spool = new Spool(dir, key, this.#now);
    await spool.create();
    return spool;
  }

  /** Removes spools of dead processes that are too old to continue. */
  async sweep(): Promise<void> {
    let names: string[];
    try {
      names = await readdir(this.#dir);
    } catch (error) {
      // Without the folder there is nothing to remove. If it cannot be made, `open` says why.
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return;
      throw error;
    }
    for (const name of names.filter((n) => n.startsWith('download-'))) {
      const dir = join(this.#dir, name);
      const manifest = await readManifest(dir);
      if (manifest && isInUse(manifest)) continue;
      if (manifest && isFresh(manifest, this.#now())) continue;
      // A folder without a manifest may just be in the making.
      if (!manifest && !(await isOlderThan(dir, this.#now() - 60_000))) continue;
      await rm(dir, { recursive: true, force: true });
    }
  }

  /** @throws AppError unavailable when `bytes` more would eat into the reserve */
  async checkSpace(bytes: number): Promise<void> {
    let free = await this.#freeBytes();
    const missing = bytes + DISK_RESERVE - free;
    if (missing > 0 && this.makeRoom) {
      await this.makeRoom(missing);
      free = await this.#freeBytes();
    }
    if (free - bytes >= DISK_RESERVE) return;
    throw new AppError('unavailable', 'The disk is too small for this log.', {
      hint: `About ${megabytes(bytes)} more are needed besides a reserve of ${megabytes(DISK_RESERVE)}, and ${megabytes(free)} are free in the data folder. Narrow the request (--since, --until, --tail, --grep) or free some space.`,
    });
  }

  async #freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#dir);
    return Number(bavail) * Number(bsize);
  }

  async #claim(key: string): Promise<Spool | undefined> {
    for (const name of await readdir(this.#dir)) {
      if (!name.startsWith(`download-${key}-`)) continue;
      const dir = join(this.#dir, name);
      const manifest = await readManifest(dir);
      if (!manifest || isInUse(manifest) || !isFresh(manifest, this.#now())) continue;
      const mine = join(this.#dir, this.#name(key));
      try {
        // Whoever renames it first owns it.
        await rename(dir, mine);
      } catch (error) {
        if (systemCode(error) === 'ENOENT') continue;
        throw error;
      }
      const spool = new Spool(mine, key, this.#now);
      await spool.reopen(manifest);
      return spool;
    }
    return undefined;
  }

  #name(key: string): string {
    return `download-${key}-${randomBytes(4).toString('hex')}`;
  }
}

function cannotBeMade(dir: string, error: unknown): unknown {
  if (isDiskFull(error)) return diskError(error);
  const code = systemCode(error);
  const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file stands in its way' : (code ?? String(error));
  return new AppError('unavailable', `The folder ${dir} cannot be made: ${why}.`, {
    hint: 'Downloads wait in the data folder. Make that a folder you may write to, or name another: storage.dataDir, or SIGNALBOX_DATA_DIR.',
    cause: error,
  });
}

async function isOlderThan(path: string, time: EpochMs): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < time;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function megabytes(bytes: number): string {
  return `${grouped(Math.ceil(bytes / 1_000_000))} MB`;
}
