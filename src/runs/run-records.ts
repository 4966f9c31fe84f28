/**
 * What is kept of each run besides its log: a folder with a small file for each thing that happened to it, written by
 * whoever did it (the runner, or the process that captures the run) and never rewritten. So nothing that is known goes
 * with a process that is killed.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../ground/errors.ts';
import { makeFolder, removeFolder, syncFolder, systemCode } from '../ground/files.ts';
import { processStart, runsProcess } from '../ground/processes.ts';

const time = z.number();
const processId = z.object({
  pid: z.number().int().positive(),
  started: z.string().optional(),
  /** Of the machine since it was started: a process id means nothing to another. */
  boot: z.string().optional(),
});

const FILES = {
  /** Written first, by the runner. */
  request: z.object({
    id: z.string(),
    template: z.string(),
    parameters: z.record(z.string(), z.string()),
    command: z.tuple([z.string()], z.string()),
    cwd: z.string(),
    terminal: z.enum(['pty', 'pipe']),
    /** Bytes that are kept of its log. */
    cap: z.number(),
    /** Milliseconds between TERM and KILL. */
    graceMs: z.number(),
    createdAt: time,
  }),
  /**
   * Who captures it: the process that made this file, which only one can. `nobody`: the runner gave the process
   * up before it began, and it must not begin any more.
   */
  capture: z.union([processId, z.object({ nobody: z.literal(true) })]),
  /** The training's own process, which leads a group. */
  training: processId.extend({ at: time }),
  /** It was asked to end. */
  cancel: z.object({ at: time }),
  /** How it ended, as the capturing process saw it: should the log not have taken that in. */
  end: z.object({
    state: z.enum(['completed', 'failed', 'stopped', 'lost']),
    exitCode: z.number().nullable(),
    signal: z.string().nullable(),
    at: time,
  }),
} as const;

type Files = typeof FILES;
export type RunFile<K extends keyof Files> = z.output<Files[K]>;
export type ProcessId = z.output<typeof processId>;

/** What the capturing process has to say to people goes here. */
export const NOTES = 'notes.txt';
/** When each part was printed: run-times.ts. */
export const TIMES = 'times';

export class RunRecords {
  readonly #folder: string;

  /** @param folder of all of them */
  constructor(folder: string) {
    this.#folder = folder;
  }

  folderOf(id: string): string {
    return join(this.#folder, id);
  }

  /** @returns whether it was made: false where there is one of this id. @throws AppError unavailable */
  async create(request: RunFile<'request'>): Promise<boolean> {
    try {
      return await makeFolder(this.folderOf(request.id), (folder) => writeNew(folder, 'request', request));
    } catch (error) {
      throw cannotWrite(this.#folder, error);
    }
  }

  /** @returns undefined: there is none yet, or it cannot be read. @throws AppError unavailable: the disk fails */
  read<K extends keyof Files>(id: string, name: K): Promise<RunFile<K> | undefined> {
    return readRunFile(this.folderOf(id), name);
  }

  /** @returns whether this call made it: false where it is there. @throws AppError unavailable */
  write<K extends keyof Files>(id: string, name: K, content: RunFile<K>): Promise<boolean> {
    return writeRunFile(this.folderOf(id), name, content);
  }

  /** The end of what the capturing process had to say. */
  async notes(id: string): Promise<string> {
    const text = await readFile(join(this.folderOf(id), NOTES), 'utf8').catch(() => '');
    return text.trim().slice(-1_000);
  }

  async remove(id: string): Promise<void> {
    try {
      await removeFolder(this.folderOf(id));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw cannotWrite(this.#folder, error);
    }
  }

  /** Ids, in no order. What was being made or removed by a killed runner goes. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#folder);
    for (const name of names)
      if (name.startsWith('.')) await rm(join(this.#folder, name), { recursive: true, force: true });
    return names.filter((name) => !name.startsWith('.'));
  }
}

/** For the process that captures one run. */
export async function readRunFile<K extends keyof Files>(
  folder: string,
  name: K,
): Promise<RunFile<K> | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, `${name}.json`), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new AppError('unavailable', `${join(folder, name)}.json cannot be read (${systemCode(error)}).`, {
      cause: error,
    });
  }
  try {
    return FILES[name].parse(JSON.parse(text)) as RunFile<K>;
  } catch {
    return undefined;
  }
}

/** See `RunRecords.write`. */
export async function writeRunFile<K extends keyof Files>(
  folder: string,
  name: K,
  content: RunFile<K>,
): Promise<boolean> {
  try {
    return await writeNew(folder, name, content);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Whole or not at all: a reader never sees half of it, and of two writers one wins. */
async function writeNew<K extends keyof Files>(
  folder: string,
  name: K,
  content: RunFile<K>,
): Promise<boolean> {
  const path = join(folder, `${name}.json`);
  const temporary = join(folder, `${name}-${randomBytes(4).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // As a rename, but refused where the name is taken.
    await link(temporary, path);
    await syncFolder(folder);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function cannotWrite(folder: string, error: unknown): AppError {
  return new AppError('unavailable', `${folder} cannot be written (${systemCode(error) ?? error}).`, {
    hint: 'Make room on the disk, or check who may write there.',
    cause: error,
  });
}

let boot: Promise<string | undefined> | undefined;

function bootId(): Promise<string | undefined> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  return boot;
}

export async function processIdOf(pid: number): Promise<ProcessId> {
  return { pid, started: await processStart(pid), boot: await bootId() };
}

/** Whether that same process is still running. */
export async function isRunning({ pid, started, boot }: ProcessId): Promise<boolean> {
  return (boot === undefined || boot === (await bootId())) && (await runsProcess(pid, started));
}
