/**
 * Who writes a run's log: one process at a time. The lock is a symbolic link `writer-<number>` whose target names the
 * holder: made with its content in one step, and without a block of a full disk. Whoever takes over from a dead holder
 * makes the next number, which only one can; a number is taken away only when a higher one is there.
 */
import { randomBytes } from 'node:crypto';
import { lstat, lutimes, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import { processStart, runsProcess } from '../ground/processes.ts';

/** A holder says so often that it is there; of one elsewhere that has not for `STALE_MS`, nobody hears any more. */
const RENEW_MS = 2_000;
const STALE_MS = 10_000;
const FREE = 'free';

interface Holder {
  pid: number;
  started: string | undefined;
  /** The machine since it was started, and within it the process table: only there does a process id say anything. */
  place: string;
}

/** This process, as others see it. */
async function self(): Promise<Holder> {
  const [boot, table] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname()),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  const place = `${boot.trim().slice(0, 18)}${table.replace(/\D/g, '')}`.replace(/[^A-Za-z0-9-]/g, '-');
  return { pid: process.pid, started: await processStart(process.pid), place };
}
let own: Promise<Holder> | undefined;

export class WriterLock {
  readonly #folder: string;
  /** Rises with each holder. */
  readonly number: number;
  readonly #target: string;
  #renewedAt: number;

  private constructor(folder: string, number: number, target: string) {
    this.#folder = folder;
    this.number = number;
    this.#target = target;
    this.#renewedAt = Date.now();
  }

  /**
   * @param written number of the lock under which the log was last written: never go below it
   * @throws AppError conflict naming the holder · the system's errors
   */
  static async take(folder: string, written: () => Promise<number>): Promise<WriterLock> {
    own ??= self();
    const me = await own;
    const target = `${me.pid}:${me.started ?? ''}:${me.place}:${randomBytes(4).toString('hex')}`;
    for (let looks = 1; ; looks++) {
      const found = await highestNumber(folder);
      const known = await written();
      // Read after: a list that was made while one was replaced may show neither. Or links were lost in a copy.
      if (found < known && looks < 5) continue;
      if (found > 0 && !(await isFree(folder, found, me))) throw await held(folder, found);
      const number = Math.max(found, known) + 1;
      try {
        await symlink(target, linkPath(folder, number));
      } catch (error) {
        if (systemCode(error) === 'EEXIST') continue;
        throw error;
      }
      return new WriterLock(folder, number, target);
    }
  }

  /** @throws AppError conflict: another process writes the log */
  static async requireFree(folder: string): Promise<void> {
    own ??= self();
    const highest = await highestNumber(folder);
    if (highest > 0 && !(await isFree(folder, highest, await own))) throw await held(folder, highest);
  }

  /** Once the log says that it is written under this number. */
  async clearOlder(): Promise<void> {
    for (const number of await numbers(this.#folder))
      if (number < this.number) await rm(linkPath(this.#folder, number), { force: true });
  }

  /**
   * That it is still held, at most every two seconds; before each write. A process that slept longer may have lost it.
   * @throws AppError conflict
   */
  async renew(): Promise<void> {
    const since = Date.now() - this.#renewedAt;
    if (since >= 0 && since < RENEW_MS) return;
    const path = linkPath(this.#folder, this.number);
    const target = await readlink(path).catch(() => undefined);
    if (target !== this.#target || (await highestNumber(this.#folder)) !== this.number)
      throw await held(this.#folder, await highestNumber(this.#folder));
    const now = new Date();
    await lutimes(path, now, now);
    this.#renewedAt = Date.now();
  }

  /** For the next holder, which then need not find out that this one is gone. */
  async release(): Promise<void> {
    const path = linkPath(this.#folder, this.number);
    try {
      if ((await readlink(path)) !== this.#target) return;
      const temporary = `${path}.${this.#target.slice(-8)}`;
      await symlink(FREE, temporary);
      await rename(temporary, path);
    } catch {
      // Removed with its log; or left to those who will find the process gone.
    }
  }
}

const linkPath = (folder: string, number: number): string => join(folder, `writer-${number}`);

async function numbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).flatMap((name) => {
    const [, number] = /^writer-(\d{1,15})$/.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
}

async function highestNumber(folder: string): Promise<number> {
  return Math.max(0, ...(await numbers(folder)));
}

function readHolder(target: string): Holder | undefined {
  const [, pid, started = '', place] = /^(\d+):(\d*):([^:]+):[^:]+$/.exec(target) ?? [];
  if (pid === undefined || place === undefined) return undefined;
  return { pid: Number(pid), started: started === '' ? undefined : started, place };
}

async function isFree(folder: string, number: number, me: Holder): Promise<boolean> {
  const path = linkPath(folder, number);
  try {
    const target = await readlink(path);
    if (target === FREE) return true;
    const holder = readHolder(target);
    if (holder?.place === me.place) return !(await runsProcess(holder.pid, holder.started));
    return Date.now() - (await lstat(path)).mtimeMs > STALE_MS;
  } catch (error) {
    // Gone since: a higher one is there, which the next attempt runs into.
    if (systemCode(error) === 'ENOENT') return true;
    throw error;
  }
}

async function held(folder: string, number: number): Promise<AppError> {
  const target = await readlink(linkPath(folder, number)).catch(() => '');
  const pid = readHolder(target)?.pid;
  return new AppError(
    'conflict',
    `This run's log is being written by another process${pid === undefined ? '' : ` (${pid})`}.`,
    {
      hint: 'Wait until that one is done, or stop it. If it was killed in another container, wait ten seconds.',
    },
  );
}
