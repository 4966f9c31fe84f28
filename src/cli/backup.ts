/** `signalbox backup` and `signalbox restore`: the embedded store in one file, and back. */
import { resolve } from 'node:path';
import { size as sizeWords } from '../blocks/text.ts';
import { loadConfig } from '../config.ts';
import { AppError } from '../ground/errors.ts';
import { backUp } from '../stores/backup/backup.ts';
import { restore as restoreBackup } from '../stores/backup/restore.ts';
import { type CliIo, line } from './io.ts';

export async function backup(
  file: string,
  { force = false }: { force?: boolean },
  io: CliIo,
): Promise<undefined> {
  const dataDir = ownFolder(io);
  const path = resolve(io.cwd, file);
  const { files, bytes, runs, size } = await backUp(dataDir, path, { replace: force, signal: io.signal });
  line(
    io.stderr,
    `Backed up ${dataDir}: ${files} files, ${sizeWords(bytes)}, ${runs} ${runs === 1 ? 'run' : 'runs'}; ${sizeWords(size)} compressed.`,
  );
  line(io.stdout, path);
  return undefined;
}

/** @throws AppError invalid_input: the state is in a database, and a copy of the folder would not have it */
function ownFolder(io: CliIo): string {
  const { dataDir, database } = loadConfig({ env: io.env, cwd: io.cwd });
  if (database)
    throw new AppError('invalid_input', 'The state is in PostgreSQL, and not in the data folder.', {
      hint: 'Use pg_dump and pg_restore, or what your provider has for backups; logs of runs are in the database too. `signalbox backup` is for the embedded store.',
    });
  return dataDir;
}

export async function restore(file: string, { to }: { to?: string }, io: CliIo): Promise<undefined> {
  const folder = to === undefined ? ownFolder(io) : resolve(io.cwd, to);
  const { files, bytes, madeAt } = await restoreBackup(resolve(io.cwd, file), folder, { signal: io.signal });
  line(io.stderr, `Restored ${files} files, ${sizeWords(bytes)}, as they were at ${madeAt}.`);
  line(io.stdout, folder);
  return undefined;
}
