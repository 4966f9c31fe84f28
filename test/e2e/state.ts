/**
 * Where the bots of these tests have their state: in their data folder or, where Vitest runs them as the project
 * `postgres`, in a database, of which every sandbox gets one of its own.
 */
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { loadConfig } from '../../src/config.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { openPostgresStore } from '../../src/stores/postgres/store.ts';

/** Set in each worker of the project, before the test's file is loaded: the URL of a server on which databases can be made. */
const SERVER = 'SIGNALBOX_TEST_POSTGRES';

export const isOnPostgres = process.env[SERVER] !== undefined;

export type StateVariables = { DATABASE_URL?: string };

/** @returns the variables of a bot that has no state yet */
export async function newState(): Promise<StateVariables> {
  const server = process.env[SERVER];
  if (server === undefined) return {};
  const name = `bot_${randomUUID().replaceAll('-', '')}`;
  await query(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { DATABASE_URL: url.href };
}

/** Everything that is on record, as text, also while the bot runs. @param env of the bot */
export async function recordedText(env: Record<string, string>): Promise<string> {
  const { dataDir, database } = loadConfig({ env });
  if (!database) {
    const files = ['state.json', 'journal.jsonl'].map((name) =>
      readFile(join(dataDir, name), 'utf8').catch(() => ''),
    );
    return (await Promise.all(files)).join('\n');
  }
  const tables = await query<{ name: string }>(
    database.url,
    `select table_name as name from information_schema.columns
     where table_schema = 'signalbox' and column_name = 'record'`,
  );
  const select = tables.map(({ name }) => `select record::text from signalbox.${name}`).join(' union all ');
  const rows = await query<{ record: string }>(database.url, select);
  return rows.map(({ record }) => record).join('\n');
}

/** Ids of the runs whose logs are kept. @param env of the bot */
export async function keptRuns(env: Record<string, string>): Promise<string[]> {
  const { dataDir, database } = loadConfig({ env });
  if (!database) return readdir(join(dataDir, 'runs'));
  const rows = await query<{ id: string }>(database.url, 'select id from signalbox.run_logs');
  return rows.map(({ id }) => id);
}

/** The store of a bot that has stopped, or of several that the test puts together. @param env of the bot */
export async function openStore(env: Record<string, string>): Promise<Store> {
  const { dataDir, database } = loadConfig({ env });
  return database ? (await openPostgresStore(database)).store : openLowdbStore(dataDir);
}

async function query<R extends object>(url: string, sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}
