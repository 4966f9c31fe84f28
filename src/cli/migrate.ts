/** `signalbox migrate`: the database's tables brought up to date, and an embedded store moved into it. */
import { resolve } from 'node:path';
import { loadConfig } from '../config.ts';
import { AppError } from '../ground/errors.ts';
import { grouped } from '../ground/numbers.ts';
import { type CliIo, line } from './io.ts';

export async function migrate({ from }: { from?: string }, io: CliIo): Promise<undefined> {
  const { database } = loadConfig({ env: io.env, cwd: io.cwd });
  if (!database)
    throw new AppError('invalid_input', 'No database is named, so there is nothing to migrate.', {
      hint: 'Set DATABASE_URL to the PostgreSQL that is to hold the state: postgres://user:password@host:5432/database.',
    });
  const { migrate: makeTables, move } = await import('../stores/postgres/index.ts');
  const versions = await makeTables(database);
  line(
    io.stderr,
    versions.from === versions.to
      ? `The tables are of version ${versions.to} already.`
      : `The tables are of version ${versions.to} now${versions.from === 0 ? '' : `, and were of version ${versions.from}`}.`,
  );
  if (from === undefined) return undefined;
  const folder = resolve(io.cwd, from);
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
  if (!already)
    line(
      io.stderr,
      'Logs of runs and the log library stay in the folder. Keep the rest as a backup, and start no bot on it without DATABASE_URL.',
    );
  return undefined;
}
