/** The records of one kind: read, changed and removed. */
import { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { column, type Kind, orderKey, read, statementsOf } from './records.ts';

export interface Records<R> {
  get(key: string): Promise<R | undefined>;
  /** Of `select record from …`. */
  list(sql: string, values?: readonly unknown[]): Promise<R[]>;
  /**
   * Read-modify-write, while nobody else changes it.
   * @param change as of `JobStore.changeJob`
   * @returns the record as it is then
   */
  change(key: string, change: (record: R | undefined) => R | undefined): Promise<R | undefined>;
  put(record: R): Promise<void>;
  /** @returns whether it was there */
  remove(key: string): Promise<boolean>;
}

export function records<R>(database: Database, kind: Kind<R>): Records<R> {
  const sql = statementsOf(kind);
  const changes = new Changes(database, kind);
  return {
    async get(key) {
      const [row] = await database.select<{ record: unknown }>(sql.get, [column(key)]);
      return row && read(kind, row);
    },
    async list(text, values = []) {
      const rows = await database.select<{ record: unknown }>(text, values);
      return rows.map((row) => read(kind, row));
    },
    change: (key, change) => changes.change(key, change),
    async put(record) {
      await changes.change(kind.key(record), () => record);
    },
    remove: (key) =>
      database.write([orderKey(kind, key)], async (transaction) => {
        const gone = await transaction.write(sql.remove, [column(key)]);
        return gone.length > 0;
      }),
  };
}
