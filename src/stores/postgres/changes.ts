/**
 * Changes of records of one kind. Those that come while others are under way are written together, in one transaction:
 * it takes two journeys to the database, however many changes it has.
 *
 * What somebody else is changing just then waits for them in a transaction of its own, so nobody else does. If something
 * fails, each is tried by itself: one that cannot be stored does not keep others from it.
 */
import { AppError } from '../../ground/errors.ts';
import type { Database } from './database.ts';
import {
  type Changed,
  changed,
  changeIn,
  column,
  type Kind,
  orderKey,
  putChanged,
  read,
  type Statements,
  statementsOf,
} from './records.ts';
import type { Transaction } from './transaction.ts';

/** Transactions of a kind at once: more wait for each other in the database, and have fewer changes each. */
const AT_ONCE = 2;
/** Changes in one transaction at most. */
const TOGETHER = 64;

type Change<R> = (record: R | undefined) => R | undefined;

interface Wanted<R> {
  key: string;
  change: Change<R>;
  done(record: R | undefined): void;
  fail(error: unknown): void;
}

type Outcome<R> = { record: R | undefined } | { error: unknown } | 'alone';

export class Changes<R> {
  readonly #database: Database;
  readonly #kind: Kind<R>;
  readonly #sql: Statements;
  #waiting: Wanted<R>[] = [];
  #underWay = 0;

  constructor(database: Database, kind: Kind<R>) {
    this.#database = database;
    this.#kind = kind;
    this.#sql = statementsOf(kind);
  }

  /** As `Records.change`. */
  change(key: string, change: Change<R>): Promise<R | undefined> {
    const wait = () =>
      new Promise<R | undefined>((done, fail) => {
        this.#waiting.push({ key, change, done, fail });
        this.#begin();
      });
    // Before it is its turn it is in no group: of one record, a group has one change at most.
    return this.#database.inTurn([orderKey(this.#kind, key)], wait);
  }

  #begin(): void {
    if (this.#underWay === AT_ONCE) return;
    this.#underWay += 1;
    // Those of the same turn of the event loop go together.
    setImmediate(() => {
      const group = this.#waiting.splice(0, TOGETHER);
      void this.#write(group).finally(() => {
        this.#underWay -= 1;
        if (this.#waiting.length > 0) this.#begin();
      });
    });
  }

  async #write(group: readonly Wanted<R>[]): Promise<void> {
    if (group.length === 0) return;
    let outcomes: readonly Outcome<R>[];
    try {
      outcomes = await this.#database.transaction((transaction) => this.#changeAll(transaction, group), {
        once: true,
      });
    } catch (error) {
      // Nothing can be stored now, or no more under this fence: that is so for each of them.
      if (error instanceof AppError && error.code !== 'internal') for (const { fail } of group) fail(error);
      else for (const one of group) void this.#writeAlone(one);
      return;
    }
    for (const [index, one] of group.entries()) {
      const outcome = outcomes[index]!;
      if (outcome === 'alone') void this.#writeAlone(one);
      else if ('error' in outcome) one.fail(outcome.error);
      else one.done(outcome.record);
    }
  }

  async #writeAlone({ key, change, done, fail }: Wanted<R>): Promise<void> {
    try {
      done(
        await this.#database.transaction(async (transaction) => {
          const [row] = await transaction.read<{ record: unknown }>(this.#sql.lock, [column(key)]);
          return changeIn(transaction, this.#kind, key, row && read(this.#kind, row), change);
        }),
      );
    } catch (error) {
      fail(error);
    }
  }

  async #changeAll(transaction: Transaction, group: readonly Wanted<R>[]): Promise<Outcome<R>[]> {
    const keys = [group.map(({ key }) => column(key))];
    const [locked, known] = await Promise.all([
      transaction.read<{ key: string; record: unknown }>(this.#sql.lockFree, keys),
      // Afterwards, so that none is taken for new that somebody has just made.
      transaction.read<{ key: string }>(this.#sql.which, keys),
    ]);
    const free = new Map(locked.map((row) => [row.key, row]));
    const there = new Set(known.map((row) => row.key));
    return group.map(({ key, change }): Outcome<R> => {
      const row = free.get(column(key));
      if (!row && there.has(column(key))) return 'alone';
      let before: R | undefined;
      let one: Changed<R> | undefined;
      try {
        before = row && read(this.#kind, row);
        one = changed(this.#kind, key, before, change);
      } catch (error) {
        // Nothing of it was sent, so the others can be kept.
        return { error };
      }
      if (one) putChanged(transaction, this.#kind, one);
      return { record: one ? one.after : before };
    });
  }
}
