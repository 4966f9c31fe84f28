/**
 * Reads the state file and takes nothing for granted: what is missing, cut off, older than its neighbours or of
 * another shape is refused by name, and is not overwritten. Stored data is never mistaken for an empty folder.
 */
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import type { ArchivedJob } from './attempt-archive.ts';
import type { NumberedRecord } from './audit-files.ts';
import type { NotificationKind } from './notification-tables.ts';
import { describe, fitsKind, isObject, NOTIFICATION_KINDS } from './stored-shapes.ts';
import { cannotRead } from './unreadable.ts';

/** Version 1 had only the audit records. */
export interface State {
  version: 2;
  /** The last journal entry that this holds. */
  upTo: number;
  nextSeq: number;
  /** Oldest first, as all lists here. */
  audit: NumberedRecord[];
  jobs: JobRecord[];
  attempts: CompilationAttempt[];
  components: Component[];
  archivedJobs: ArchivedJob[];
  /** Bytes of the audit archive when this was written; left out by versions that did not look. */
  auditArchived?: number;
  /** Left out by versions that had none. */
  notifications?: Partial<Record<NotificationKind, unknown[]>>;
}

export const EMPTY: State = {
  version: 2,
  upTo: 0,
  nextSeq: 1,
  audit: [],
  jobs: [],
  attempts: [],
  components: [],
  archivedJobs: [],
};

export const statePath = (folder: string): string => join(folder, 'state.json');
export const backupPath = (folder: string): string => join(folder, 'state.backup.json');

/**
 * @returns undefined when there is none
 * @throws AppError internal naming the file and what is wrong with it
 */
export async function readState(folder: string): Promise<State | undefined> {
  const path = statePath(folder);
  const text = await readText(path);
  const backup = await backupUpTo(folder);
  if (text === undefined) {
    if (backup !== undefined) throw await damaged(folder, 'is missing, and its backup is there');
    return undefined;
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw await damaged(folder, text.trim() === '' ? 'is empty' : 'is not valid JSON', cause);
  }
  const state = await currentVersion(data, folder);
  if (backup !== undefined && backup > state.upTo)
    throw new AppError(
      'internal',
      `The state file ${path} ends at change ${state.upTo}, and its backup at change ${backup}: it is not the newest.`,
      {
        hint: `Copy ${backupPath(folder)} over it. To begin from the older state all the same, move the backup and the journal away first.`,
      },
    );
  return state;
}

async function currentVersion(data: unknown, folder: string): Promise<State> {
  if (!isObject(data))
    throw await damaged(folder, `holds ${describe(data)} instead of an object with a version`);
  const { version } = data;
  if (version !== 1 && version !== 2) {
    if (typeof version !== 'number')
      throw await damaged(folder, `has ${describe(version)} as its version instead of a number`);
    throw new AppError('internal', `The state file ${statePath(folder)} is of version ${version}.`, {
      hint: 'This Signalbox knows versions 1 and 2. Start the newer one that wrote it, or put back a copy from before.',
    });
  }
  const problem = problemOf(data, version);
  if (problem) throw await damaged(folder, problem);
  if (version === 1)
    return {
      ...structuredClone(EMPTY),
      nextSeq: data.nextSeq as number,
      audit: data.audit as NumberedRecord[],
    };
  return data as unknown as State;
}

/** The first member that differs from what was written, in words. */
function problemOf(data: Record<string, unknown>, version: 1 | 2): string | undefined {
  const numbers = version === 1 ? ['nextSeq'] : ['upTo', 'nextSeq'];
  for (const name of numbers)
    if (!Number.isSafeInteger(data[name]) || (data[name] as number) < 0)
      return `has ${describe(data[name])} as ${name} instead of a whole number`;
  if (data.auditArchived !== undefined && !Number.isSafeInteger(data.auditArchived))
    return `has ${describe(data.auditArchived)} as auditArchived instead of a whole number`;
  const lists: [member: string, kind: string, value: unknown][] = [['audit', 'audit', data.audit]];
  if (version === 2) {
    lists.push(
      ['jobs', 'job', data.jobs],
      ['attempts', 'attempt', data.attempts],
      ['components', 'component', data.components],
      ['archivedJobs', 'archived', data.archivedJobs],
    );
    const { notifications = {} } = data;
    if (!isObject(notifications))
      return `has ${describe(notifications)} as notifications instead of an object of lists`;
    for (const kind of NOTIFICATION_KINDS)
      if (notifications[kind] !== undefined) lists.push([`notifications.${kind}`, kind, notifications[kind]]);
  }
  for (const [member, kind, value] of lists) {
    if (!Array.isArray(value)) return `has ${describe(value)} as ${member} instead of a list`;
    for (const [index, row] of value.entries()) {
      const problem = fitsKind(kind, row);
      if (problem) return `has ${problem} in ${member}[${index}]`;
    }
  }
  return undefined;
}

/** The file's text without a byte order mark; undefined when there is no file. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\ufeff/, '');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return undefined;
    throw cannotRead(path, error);
  }
}

/** Number of the last change that the backup holds; undefined when there is none that can be read. */
async function backupUpTo(folder: string): Promise<number | undefined> {
  let file: FileHandle;
  try {
    file = await open(backupPath(folder), 'r');
  } catch {
    return undefined;
  }
  try {
    // Both stand first in the file.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const found = /^\{"version":2,"upTo":(\d{1,15}),/.exec(buffer.toString('latin1', 0, bytesRead));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** @param problem what is wrong with the state file, after its name */
async function damaged(folder: string, problem: string, cause?: unknown): Promise<AppError> {
  const backup = await backupUpTo(folder);
  return new AppError('internal', `Damaged data: the state file ${statePath(folder)} ${problem}.`, {
    hint:
      backup === undefined
        ? `Something other than Signalbox changed it. Put back a copy of the data folder, or move all of ${folder} away to begin anew.`
        : `Something other than Signalbox changed it. Copy ${backupPath(folder)} to ${basename(statePath(folder))} beside it: with the journal it holds everything that was stored. Then start again.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Archives grow when the state is written: without that, and without the changes from which it could be made again, they
 * are what is left of a folder.
 * @throws AppError internal naming the archive that is there
 */
export async function requireNothingLeft(folder: string, archives: readonly string[]): Promise<void> {
  for (const path of archives) {
    const found = await stat(path).catch(() => undefined);
    if (!found || found.size === 0) continue;
    throw new AppError(
      'internal',
      `Damaged data: the state file ${statePath(folder)} is missing, and so is its backup; the archive ${path} is there.`,
      {
        hint: `Something other than Signalbox changed it. Put back a copy of the data folder, or move all of ${folder} away to begin anew.`,
      },
    );
  }
}

/**
 * What the state says of other files must be there.
 * @throws AppError internal naming the archive that is missing or shorter than it was
 */
export async function requireArchives(
  state: State,
  files: { attempts: string; audit: string },
): Promise<void> {
  const attempts = state.archivedJobs
    .flatMap(({ lines }) => lines)
    .reduce((end, [begin, length]) => Math.max(end, begin + length), 0);
  for (const [path, bytes, what] of [
    [files.attempts, attempts, 'compilation attempts of old jobs'],
    [files.audit, state.auditArchived ?? 0, 'old audit records'],
  ] as const) {
    if (bytes === 0) continue;
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw cannotRead(path, error);
    });
    if (found?.isDirectory()) throw cannotRead(path, { code: 'EISDIR' });
    if (found && found.size >= bytes) continue;
    const problem = found
      ? `has ${found.size} bytes instead of ${bytes} or more`
      : `is missing; expected ${bytes} bytes or more`;
    throw new AppError('internal', `Damaged data: the archive ${path} ${problem}. It holds the ${what}.`, {
      hint: 'Something other than Signalbox changed it. Put back a copy of the data folder.',
    });
  }
}
