/** `signalbox migrate`: the database's tables brought up to date, and an embedded store and logs of runs moved into it. */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { size as sizeWords } from '../blocks/text.ts';
import type { DatabaseConfig } from '../config/database.ts';
import { loadConfig } from '../config.ts';
import { AppError } from '../ground/errors.ts';
import { grouped } from '../ground/numbers.ts';
import { runsFolder, runTimesFolder } from '../roots.ts';
import { openFileRunLogs } from '../runs/file-run-logs.ts';
import { lockFolder } from '../stores/folder-lock.ts';
import { type CliIo, line } from './io.ts';

export async function migrate({ from }: { from?: string }, io: CliIo): Promise<undefined> {
  const { database } = loadConfig({ env: io.env, cwd: io.cwd });
  if (!database)
    throw new AppError('invalid_input', 'No database is named, so there is nothing to migrate.', {
      hint: 'Set DATABASE_URL to the PostgreSQL that is to hold the state: postgres://user:password@host:5432/database.',
    });
  const { migrate: makeTables, holdsStore } = await import('../stores/postgres/index.ts');
  const versions = await makeTables(database);
  line(
    io.stderr,
    versions.from === versions.to
      ? `The tables are of version ${versions.to} already.`
      : `The tables are of version ${versions.to} now${versions.from === 0 ? '' : `, and were of version ${versions.from}`}.`,
  );
  if (from === undefined) return undefined;
  const folder = resolve(io.cwd, from);
  const runs = (await readdir(runsFolder({ dataDir: folder })).catch((): string[] => [])).length > 0;
  // The folder of an instance that had its state in the database already has logs only.
  if (!runs || (await holdsStore(folder))) await moveRecords(database, folder, io);
  if (runs) await moveLogs(database, folder, io);
  line(io.stderr, 'The log library stays in the folder: it is read anew. Keep the folder as a backup.');
  return undefined;
}

async function moveRecords(database: DatabaseConfig, folder: string, io: CliIo): Promise<void> {
  const { move } = await import('../stores/postgres/index.ts');
  const { summary, already } = await move({
    ...database,
    folder,
    signal: io.signal,
    onMoved: (kind, count) => line(io.stderr, `  ${kind.padEnd(14)} ${grouped(count).padStart(10)}`),
  });
  const records = Object.values(summary).reduce((sum, { count }) => sum + count, 0);
  line(
    io.stderr,
    already
      ? `${folder} was moved on ${already.toISOString()}; nothing is to be done.`
      : `${grouped(records)} records are in the database, compared by number and digest with those of ${folder}.`,
  );
  if (!already) line(io.stderr, 'Start no bot on that folder without DATABASE_URL any more.');
}

async function moveLogs(database: DatabaseConfig, folder: string, io: CliIo): Promise<void> {
  const { moveRunLogs } = await import('../stores/postgres/index.ts');
  const lock = await lockFolder(folder, () => undefined);
  try {
    const source = await openFileRunLogs({
      ...{ folder: runsFolder({ dataDir: folder }), clock: { now: () => Date.now() }, tidies: false },
    });
    const times = runTimesFolder({ dataDir: folder });
    const { moved, already, bytes, left } = await moveRunLogs({
      ...database,
      ...{ folder, source, signal: io.signal },
      times: (run) => readFile(join(times, run), 'latin1').catch(() => ''),
      onMoved: (run, size) => line(io.stderr, `  log of ${run}  ${sizeWords(size)}`),
    }).finally(() => source.close());
    line(
      io.stderr,
      `${grouped(moved + already)} logs of runs are in the database (${sizeWords(bytes)}), compared by size and digest${already > 0 ? `; ${grouped(already)} were there already` : ''}.`,
    );
    if (left.length > 0)
      line(
        io.stderr,
        `The database has other logs of the same names, so these stay in ${folder}: ${left.join(', ')}.`,
      );
  } finally {
    await lock.release();
  }
}
