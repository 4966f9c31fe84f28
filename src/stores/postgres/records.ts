/** Kinds of records: each in a table of its own, with the columns that it is looked up and sorted by. */
import { createHash } from 'node:crypto';
import { currentRecord } from '../older-records.ts';
import { requireSame } from '../refused.ts';
import { Again, type Database, type Transaction } from './database.ts';

export type Column = string | number | boolean | null;

/** @typeParam R the record */
export interface Kind<R> {
  /** As in the embedded store's journal. */
  name: string;
  table: string;
  key(record: R): string;
  columns: Readonly<Record<string, (record: R) => Column>>;
  /** Rows in other tables that depend on it; `before` is undefined for a new one. */
  follow?: ((transaction: Transaction, after: R, before: R | undefined) => Promise<void>) | undefined;
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
  insert: string;
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
    insert: `${insert} on conflict do nothing returning key`,
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

export interface Records<R> {
  get(key: string): Promise<R | undefined>;
  /** Of `select record from …`. */
  list(sql: string, values?: readonly unknown[]): Promise<R[]>;
  /**
   * Read-modify-write, while nobody else changes it.
   * @param change as of `JobStore.changeJob`
   * @returns the record as it is then
   */
  change(
    key: string,
    change: (record: R | undefined) => R | undefined,
    more?: { keys?: readonly string[]; before?: (transaction: Transaction) => Promise<void> },
  ): Promise<R | undefined>;
  put(record: R): Promise<void>;
  /** @returns whether it was there */
  remove(key: string): Promise<boolean>;
}

/** What a process orders its writes by. */
export const orderKey = (kind: Pick<Kind<never>, 'table'>, key: string): string => `${kind.table} ${key}`;

export function records<R>(database: Database, kind: Kind<R>): Records<R> {
  const sql = statementsOf(kind);
  const found = (row: { record: unknown } | undefined): R | undefined => row && read(kind, row);

  const change: Records<R>['change'] = (key, change, { keys = [], before: first } = {}) =>
    database.write([orderKey(kind, key), ...keys], async (transaction) => {
      await first?.(transaction);
      const [row] = await transaction.read<{ record: unknown }>(sql.lock, [column(key)]);
      return changeIn(transaction, kind, key, found(row), change);
    });
  return {
    async get(key) {
      const [row] = await database.read<{ record: unknown }>(sql.get, [column(key)]);
      return found(row);
    },
    async list(text, values = []) {
      const rows = await database.read<{ record: unknown }>(text, values);
      return rows.map((row) => read(kind, row));
    },
    change,
    async put(record) {
      await change(kind.key(record), () => record);
    },
    remove: (key) =>
      database.write([orderKey(kind, key)], async (transaction) => {
        const gone = await transaction.write(sql.remove, [column(key)]);
        return gone.length > 0;
      }),
  };
}

/** @param before locked by this transaction; undefined: there is none */
export async function changeIn<R>(
  transaction: Transaction,
  kind: Kind<R>,
  key: string,
  before: R | undefined,
  change: (record: R | undefined) => R | undefined,
): Promise<R | undefined> {
  const after = change(before);
  if (after === undefined || after === before) return before;
  requireSame(kind.name, [key], [kind.key(after)]);
  const { values, stored } = valuesOf(kind, column(key), after);
  const sql = statementsOf(kind);
  if (before !== undefined) await transaction.write(sql.update, values);
  // Somebody else has just made it.
  else if ((await transaction.write(sql.insert, values)).length === 0) throw new Again('made meanwhile');
  await kind.follow?.(transaction, stored, before);
  return stored;
}
