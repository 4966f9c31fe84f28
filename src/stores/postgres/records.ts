/** Kinds of records: each in a table of its own, with the columns that it is looked up and sorted by. */
import { createHash } from 'node:crypto';
import { currentRecord } from '../older-records.ts';
import { requireSame } from '../refused.ts';
import { Again } from './database.ts';
import type { Transaction } from './transaction.ts';
import { sqlState } from './trouble.ts';

export type Column = string | number | boolean | null;

/** @typeParam R the record */
export interface Kind<R> {
  /** As in the embedded store's journal. */
  name: string;
  table: string;
  key(record: R): string;
  columns: Readonly<Record<string, (record: R) => Column>>;
  /** Rows in other tables that depend on it; `before` is undefined for a new one. */
  follow?: ((transaction: Transaction, after: R, before: R | undefined) => void) | undefined;
}

/** Characters of a text that an index holds; of longer ones it holds the beginning and a digest. */
const INDEXED = 400;

/**
 * A text as a column has it: as it is, but for what PostgreSQL's `text` cannot hold (U+0000, half surrogate pairs) and
 * what no index can (very long ones). Different texts stay different.
 */
export function column(text: string): string {
  // `\` is escaped too, so that an escaped text is never another one's.
  const safe = text.replace(
    /[\\\0]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (one) => `\\${one.charCodeAt(0).toString(16)};`,
  );
  if (safe.length <= INDEXED) return safe;
  // Not in the middle of a pair.
  const beginning = safe.slice(0, INDEXED).replace(/[\ud800-\udbff]$/, '');
  return `${beginning}\\…${createHash('sha256').update(safe).digest('hex')}`;
}

/** Several texts as one column. */
export const columnOf = (...parts: readonly string[]): string => column(JSON.stringify(parts));

export const read = <R>(kind: Kind<R>, { record }: { record: unknown }): R =>
  currentRecord(kind.name, record as R);

/** SQL of a kind, made once. */
export interface Statements {
  get: string;
  lock: string;
  /** Those of several keys that nobody else is changing. */
  lockFree: string;
  /** Which of several keys there are. */
  which: string;
  insert: string;
  /** As `insert`, but one that is there already is a failure. */
  make: string;
  update: string;
  remove: string;
  upsert: string;
}

const made = new Map<string, Statements>();

export function statementsOf({ table, columns }: Pick<Kind<never>, 'table' | 'columns'>): Statements {
  const known = made.get(table);
  if (known) return known;
  const names = ['record', ...Object.keys(columns)];
  const places = names.map((_, index) => `$${index + 2}`);
  const insert = `insert into ${table} (key, ${names.join(', ')}) values ($1, ${places.join(', ')})`;
  const sets = names.map((name, index) => `${name} = ${places[index]}`).join(', ');
  const statements: Statements = {
    get: `select record from ${table} where key = $1`,
    lock: `select record from ${table} where key = $1 for update`,
    lockFree: `select key, record from ${table} where key = any ($1::text[]) for update skip locked`,
    which: `select key from ${table} where key = any ($1::text[])`,
    insert: `${insert} on conflict do nothing returning key`,
    make: insert,
    update: `update ${table} set ${sets} where key = $1`,
    remove: `delete from ${table} where key = $1 returning key`,
    upsert: `${insert} on conflict (key) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
  };
  made.set(table, statements);
  return statements;
}

/** The values of `insert` and `update`, with the record as it is stored: the caller's own may change afterwards. */
export function valuesOf<R>(kind: Kind<R>, key: string, record: R): { values: unknown[]; stored: R } {
  const text = JSON.stringify(record);
  const stored = JSON.parse(text) as R;
  return { values: [key, text, ...Object.values(kind.columns).map((of) => of(stored))], stored };
}

/** What a process orders its writes by. */
export const orderKey = (kind: Pick<Kind<never>, 'table'>, key: string): string => `${kind.table} ${key}`;

/** What a change makes of a record, ready to be stored. */
export interface Changed<R> {
  before: R | undefined;
  after: R;
  values: unknown[];
}

/**
 * @param change as of `JobStore.changeJob`
 * @returns undefined: it stays as it is
 */
export function changed<R>(
  kind: Kind<R>,
  key: string,
  before: R | undefined,
  change: (record: R | undefined) => R | undefined,
): Changed<R> | undefined {
  const after = change(before);
  if (after === undefined || after === before) return undefined;
  requireSame(kind.name, [key], [kind.key(after)]);
  const { values, stored } = valuesOf(kind, column(key), after);
  return { before, after: stored, values };
}

/** With what depends on it. @param one whose record before is locked by this transaction; undefined: there is none */
export function putChanged<R>(transaction: Transaction, kind: Kind<R>, one: Changed<R>): void {
  const { before, after, values } = one;
  const sql = statementsOf(kind);
  if (before === undefined) transaction.put(sql.make, values, madeMeanwhile);
  else transaction.put(sql.update, values);
  kind.follow?.(transaction, after, before);
}

/** Somebody else has just made it. */
const madeMeanwhile = (error: unknown): unknown =>
  sqlState(error) === '23505' ? new Again('made meanwhile') : error;

/** @param before locked by this transaction; undefined: there is none */
export function changeIn<R>(
  transaction: Transaction,
  kind: Kind<R>,
  key: string,
  before: R | undefined,
  change: (record: R | undefined) => R | undefined,
): R | undefined {
  const one = changed(kind, key, before, change);
  if (!one) return before;
  putChanged(transaction, kind, one);
  return one.after;
}
