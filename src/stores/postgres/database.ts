/** Reads and transactions on PostgreSQL: tried again where that helps, for no longer than callers can wait. */
import { backoff, jittered } from '../../ground/backoff.ts';
import { AppError } from '../../ground/errors.ts';
import { pause } from '../../ground/pause.ts';
import { type Fence, outdated } from '../../ports/fences.ts';
import type { Connection, Connections, Row } from './connections.ts';
import { InOrder } from './in-order.ts';
import { type Mark, Marks } from './marks.ts';
import { type Migration, newerSchema, SCHEMA_VERSION } from './schema.ts';
import { requestError, troubleOf } from './trouble.ts';

/** Milliseconds that a request waits for a database that is away, before it is refused. */
const WAIT_FOR = 15_000;
/** How often a transaction that was in another's way is tried. */
const TRIES = 12;

/** Thrown by `work` in `write`: the transaction is taken back and tried again. */
export class Again extends Error {}

/** Thrown by `work` in `write`: the transaction is taken back, and `value` is its result. */
export class TakenBack extends Error {
  readonly value: unknown;
  constructor(value: unknown) {
    super('taken back');
    this.value = value;
  }
}

export interface DatabaseOptions {
  /** Milliseconds that a request waits for a database that is away; default 15 s. */
  waitFor?: number | undefined;
  /** Of the schema that this program knows; those of another version in tests. */
  migrations?: readonly Migration[] | undefined;
}

export class Database {
  readonly #connections: Connections;
  readonly #options: DatabaseOptions;
  /** Of all that write by these connections. */
  readonly #shared: { order: InOrder; marks: Marks };
  readonly #fence: Fence | undefined;

  constructor(
    connections: Connections,
    options: DatabaseOptions = {},
    shared = { order: new InOrder(), marks: new Marks() },
    fence?: Fence,
  ) {
    this.#connections = connections;
    this.#options = options;
    this.#shared = shared;
    this.#fence = fence;
  }

  /** The same, with every write under a fence. */
  under(fence: Fence): Database {
    return new Database(this.#connections, this.#options, this.#shared, fence);
  }

  problem(): string | undefined {
    return this.#connections.problem();
  }

  requireOpen(): void {
    this.#connections.requireOpen();
  }

  /** One statement that changes nothing. @throws AppError unavailable when it could not be asked in time */
  read<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.persist(() => this.#connections.with((connection) => connection.run<R>(text, values)));
  }

  /**
   * A transaction, durable when it returns. `work` may run more than once; what it changed before is taken back then.
   * @param keys what it changes: of the writes of this process, those with a key in common come in the order of their
   *   calls, and do not wait for each other in the database
   * @throws what `work` throws, and then nothing is changed; AppError conflict (an outdated fence), unavailable
   */
  write<T>(keys: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.requireOpen();
    return this.#shared.order.run(keys, () =>
      this.#shared.marks.with((mark) => this.persist(() => this.#transact(mark, work))),
    );
  }

  async #transact<T>(mark: Mark, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    let committing: { value: T } | undefined;
    try {
      const outcome = await this.#connections.with(async (connection): Promise<Outcome<T>> => {
        const [, [known]] = await Promise.all([
          connection.control('begin'),
          connection.run<{ compatible: number; fence: string | null }>(GUARD, [this.#fence?.lease ?? null]),
        ]);
        const transaction = new Transaction(connection, mark);
        let value: T;
        try {
          this.#requireCurrent(known!);
          value = await work(transaction);
        } catch (error) {
          await connection.control('rollback');
          if (error instanceof TakenBack) return { value: error.value as T };
          const trouble = troubleOf(error);
          // A connection that is as good as before is kept: only what is thrown from here ends it.
          if (trouble !== undefined && trouble !== 'again') throw error;
          return { error };
        }
        committing = { value };
        await connection.control('commit');
        return committing;
      });
      if ('error' in outcome) throw outcome.error;
      return outcome.value;
    } catch (error) {
      if (committing && troubleOf(error) === 'away' && (await this.#wasCommitted(mark)))
        return committing.value;
      throw error;
    }
  }

  #requireCurrent({ compatible, fence }: { compatible: number; fence: string | null }): void {
    const version = this.#options.migrations?.at(-1)?.version ?? SCHEMA_VERSION;
    if (compatible > version) throw newerSchema(this.#connections.place, compatible, version);
    if (this.#fence && fence !== null && Number(fence) > this.#fence.fence)
      throw outdated(this.#fence, Number(fence));
  }

  /** The answer to a commit was lost. Waits for what has become of it: until then its mark is locked. */
  #wasCommitted({ slot, number }: Mark): Promise<boolean> {
    return this.persist(() =>
      this.#connections.with(async (connection) => {
        // One that is not there cannot be locked; one that is about to be is waited for.
        await connection.run(`insert into marks (slot, number) values ($1, 0) on conflict do nothing`, [
          slot,
        ]);
        const [found] = await connection.run<{ number: number }>(
          'select number from marks where slot = $1 for update',
          [slot],
        );
        return found?.number === number;
      }),
    );
  }

  /** Tries `attempt` until it succeeds, fails for good, or has been tried for too long. */
  async persist<T>(attempt: () => Promise<T>): Promise<T> {
    const until = performance.now() + (this.#options.waitFor ?? WAIT_FOR);
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof AppError) throw error;
        const trouble = error instanceof Again ? 'again' : troubleOf(error);
        const goesOn =
          trouble === 'again'
            ? tries < TRIES
            : (trouble === 'away' || trouble === 'crowded') && performance.now() < until;
        if (!goesOn) {
          if (trouble === 'again') throw contested(error);
          throw requestError(error, this.#connections.place);
        }
        this.requireOpen();
        await pause(jittered(backoff(trouble === 'again' ? [2, 250] : [50, 1_000], tries)));
      }
    }
  }
}

type Outcome<T> = { value: T } | { error: unknown };

/**
 * The oldest program that may write, and the newest fence of the lease. Shared with all who write; whoever raises the
 * fence waits for them.
 */
const GUARD =
  'select (select compatible_from from version) as compatible, (select fence from fences where lease = $1 for share) as fence';

const contested = (cause: unknown): AppError =>
  new AppError('unavailable', 'Others changed the same each time it was tried.', {
    hint: 'Try again.',
    cause,
  });

export class Transaction {
  readonly #connection: Connection;
  readonly #mark: Mark | undefined;
  #marked: Promise<unknown> | undefined;

  /** @param mark left out: nobody asks later whether it was committed */
  constructor(connection: Connection, mark?: Mark) {
    this.#connection = connection;
    this.#mark = mark;
  }

  read<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.#connection.run<R>(text, values);
  }

  async write<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    if (this.#mark) this.#marked ??= this.#connection.run(MARK, [this.#mark.slot, this.#mark.number]);
    const [rows] = await Promise.all([this.#connection.run<R>(text, values), this.#marked]);
    return rows;
  }
}

const MARK =
  'insert into marks (slot, number) values ($1, $2) on conflict (slot) do update set number = excluded.number, at = now()';
