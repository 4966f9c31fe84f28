/**
 * Compilation attempts in SQLite, for measuring alone: what `addAttempt` and `listAttempts` would do, as durable as the
 * journal (WAL, a sync at every commit), and with what is asked for at once in one commit, as the journal has it.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  alreadyClaimed,
  type CompilationAttempt,
  holdsClaim,
  isLive,
  needsClaim,
} from '../src/domain/compilations.ts';
import type { CompilationStore } from '../src/ports/compilation-store.ts';

export type SqliteDriver = 'better-sqlite3' | 'node:sqlite';

interface Statement {
  run(...values: (string | number)[]): unknown;
  all(...values: (string | number)[]): unknown[];
  get(...values: (string | number)[]): unknown;
}
interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY, use_case TEXT, job TEXT, target TEXT, asked_at INTEGER, live INTEGER, holds INTEGER, value TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS claims ON attempts (use_case, job, target) WHERE holds = 1;
  CREATE INDEX IF NOT EXISTS of_job ON attempts (use_case, job, asked_at);
  CREATE INDEX IF NOT EXISTS alive ON attempts (asked_at) WHERE live = 1;`;

/** @param driver its package, or a folder that has it: `SQLITE_FROM` */
function openDatabase(driver: SqliteDriver, path: string): Database {
  const load = createRequire(join(process.env.SQLITE_FROM ?? process.cwd(), 'package.json'));
  const loaded = load(driver);
  return driver === 'node:sqlite' ? new loaded.DatabaseSync(path) : new loaded(path);
}

export type Attempts = Pick<CompilationStore, 'addAttempt' | 'listAttempts'> & { close(): Promise<void> };

export function openSqliteAttempts(driver: SqliteDriver, folder: string): Attempts {
  const db = openDatabase(driver, join(folder, 'state.sqlite'));
  db.exec(SCHEMA);
  const insert = db.prepare('INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const holder = db.prepare(
    'SELECT value FROM attempts WHERE use_case = ? AND job = ? AND target = ? AND holds = 1',
  );
  const ofJob = db.prepare('SELECT value FROM attempts WHERE use_case = ? AND job = ? ORDER BY asked_at');
  const live = db.prepare('SELECT value FROM attempts WHERE live = 1 ORDER BY asked_at');
  const all = db.prepare('SELECT value FROM attempts ORDER BY asked_at');
  const parse = (row: unknown): CompilationAttempt => JSON.parse((row as { value: string }).value);

  let waiting: { attempt: CompilationAttempt; done: () => void; failed: (error: unknown) => void }[] = [];
  const commit = (): void => {
    const batch = waiting;
    waiting = [];
    const answers: (() => void)[] = [];
    db.exec('BEGIN IMMEDIATE');
    for (const { attempt, done, failed } of batch) {
      const { id, useCase, job, target, askedAt } = attempt;
      const held = needsClaim(attempt) ? holder.get(useCase, job, target) : undefined;
      if (held) {
        answers.push(() => failed(alreadyClaimed(parse(held))));
        continue;
      }
      const holds = needsClaim(attempt) && holdsClaim(attempt);
      insert.run(
        id,
        useCase,
        job,
        target,
        askedAt,
        Number(isLive(attempt)),
        Number(holds),
        JSON.stringify(attempt),
      );
      answers.push(done);
    }
    db.exec('COMMIT');
    for (const answer of answers) answer();
  };

  return {
    addAttempt: (attempt) =>
      new Promise((done, failed) => {
        waiting.push({ attempt, done, failed });
        if (waiting.length === 1) setImmediate(commit);
      }),
    async listAttempts({ useCase, job, live: alive }) {
      const rows =
        useCase !== undefined && job !== undefined ? ofJob.all(useCase, job) : alive ? live.all() : all.all();
      return rows.map(parse);
    },
    close: async () => db.close(),
  };
}
