/**
 * One process per data folder. proper-lockfile keeps a lock alive by its file's time, so a dead holder is
 * noticed from any machine after some seconds; on the same machine the holder's process id says it at once.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import { isDeadProcess, processStart, runsProcess } from '../ground/processes.ts';

/** A holder that has not renewed its lock for this long is gone. */
const STALE_MS = 10_000;

interface Holder {
  pid: number;
  host: string;
  since: string;
  /** Start of the process in clock ticks since boot (Linux), since process ids are given out again. */
  started?: string | undefined;
}

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * @param onLost the lock was taken away (the folder vanished, the process slept too long): writing must stop
 * @param setting where another folder can be given
 * @throws AppError conflict naming the holder
 */
export async function lockFolder(
  folder: string,
  onLost: (cause: Error) => void,
  setting = 'storage.dataDir, SIGNALBOX_DATA_DIR',
): Promise<FolderLock> {
  // The package tells its locks apart by this path, which need not exist; the lock itself is the path plus `.lock`.
  const locked = join(folder, 'in-use');
  const holderPath = join(folder, 'in-use.json');
  // Held for milliseconds around looking and taking, so that two starters never both clear a dead lock.
  const releaseGate = await lock(join(folder, 'starting'), {
    realpath: false,
    retries: { retries: 50, minTimeout: 50, maxTimeout: 250 },
    stale: 5_000,
  }).catch((error: unknown) => {
    throw isHeld(error) ? inUse(folder, setting, undefined, error) : error;
  });
  try {
    const holder = await readHolder(holderPath);
    if (holder && (await isGone(holder))) await rm(`${locked}.lock`, { recursive: true, force: true });
    // After a clock was set forward its lock looks old until it is renewed.
    else if (holder && (await isHere(holder))) throw inUse(folder, setting, holder, undefined);
    const release = await lock(locked, {
      realpath: false,
      stale: STALE_MS,
      onCompromised: onLost,
    }).catch((error: unknown) => {
      throw isHeld(error) ? inUse(folder, setting, holder, error) : error;
    });
    const self: Holder = {
      pid: process.pid,
      host: hostname(),
      since: new Date().toISOString(),
      started: await processStart(process.pid),
    };
    await writeFile(holderPath, JSON.stringify(self), { mode: 0o600 });
    return {
      async release() {
        await rm(holderPath, { force: true });
        await release();
      },
    };
  } finally {
    await releaseGate();
  }
}

const isHeld = (error: unknown): boolean => systemCode(error) === 'ELOCKED';

function inUse(folder: string, setting: string, holder: Holder | undefined, cause: unknown): AppError {
  const who = holder
    ? `process ${holder.pid} on ${holder.host}, since ${holder.since}`
    : 'a process that is just starting';
  return new AppError('conflict', `The data folder ${folder} is in use by another Signalbox: ${who}.`, {
    hint: `Stop that one first, or give this one a folder of its own (${setting}).`,
    cause,
  });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    // Missing, or cut off when its writer was killed: then only the lock's age can tell.
    return undefined;
  }
}

async function isGone(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return false;
  return !(await runsProcess(holder.pid, holder.started));
}

/** Certainly the same process: it runs on this machine and started when the holder did. */
async function isHere({ host, pid, started }: Holder): Promise<boolean> {
  if (host !== hostname() || started === undefined || (await isDeadProcess(pid))) return false;
  return started === (await processStart(pid));
}
