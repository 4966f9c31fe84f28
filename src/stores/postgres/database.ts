/** Reads and transactions on PostgreSQL: tried again where that helps, for no longer than callers can wait. */
import { backoff, jittered } from '../../ground/backoff.ts';
import { AppError } from '../../ground/errors.ts';
import { pause } from '../../ground/pause.ts';
import { type Fence, outdated } from '../../ports/fences.ts';
import type { Connection, Connections, Row } from './connections.ts';
import { InOrder } from './in-order.ts';
import { type Mark, Marks } from './marks.ts';
import { type Migration, newerSchema, SCHEMA_VERSION } from './schema.ts';
import { Selects } from './selects.ts';
import { Transaction } from './transaction.ts';
import { requestError, sqlState, troubleOf } from './trouble.ts';

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

export interface PersistOptions {
  /** What was in another's way is not tried again: its error is thrown as it came. */
  once?: boolean;
}

interface Shared {
  order: InOrder;
  marks: Marks;
  selects: Selects;
}

export class Database {
  readonly #connections: Connections;
  readonly #options: DatabaseOptions;
  /** Of all that write by these connections. */
  readonly #shared: Shared;
  readonly #fence: Fence | undefined;

  constructor(
    connections: Connections,
    options: DatabaseOptions = {},
    shared: Shared = { order: new InOrder(), marks: new Marks(), selects: new Selects(connections) },
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

  /** One statement, by a connection of its own for as long as it takes. @throws AppError unavailable when it could not be asked in time */
  read<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.persist(() => this.#connections.with((connection) => connection.run<R>(text, values)));
  }

  /**
   * One statement that changes nothing and waits for nobody: it shares a connection with others of its kind, and its
   * rows with those who ask the same at the same time.
   * @throws AppError unavailable when it could not be asked in time
   */
  select<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.persist(() => this.#shared.selects.ask<R>(text, values));
  }

  /**
   * A transaction, durable when it returns. `work` may run more than once; what it changed before is taken back then.
   * @param keys what it changes: of the writes of this process, those with a key in common come in the order of their
   *   calls, and do not wait for each other in the database
   * @throws what `work` throws, and then nothing is changed; AppError conflict (an outdated fence), unavailable
   */
  write<T>(keys: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.inTurn(keys, () => this.transaction(work));
  }

  /** Runs `work` when it is its turn among the writes of this process with these keys. */
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    this.requireOpen();
    return this.#shared.order.run(keys, work);
  }

  /** As `write`, for a caller whose turn it is. */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options: PersistOptions = {}): Promise<T> {
    return this.#shared.marks.with((mark) => this.persist(() => this.#transact(mark, work), options));
  }

  async #transact<T>(mark: Mark, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    let committing: { value: T } | undefined;
    try {
      const outcome = await this.#connections.with(async (connection): Promise<Outcome<T>> => {
        const transaction = new Transaction(connection, mark);
        void transaction.sent(connection.control('begin'));
        let refused = false;
        const guard = connection.run(GUARD, this.#guarded()).catch((error: unknown) => {
          refused = sqlState(error) === GUARD_REFUSES;
          throw error;
        });
        void transaction.sent(guard);
        let end: Promise<void>;
        let thrown: { error: unknown } | undefined;
        try {
          const value = await work(transaction);
          if (!transaction.wrote) {
            // Nothing depends on how it ends, so nobody waits for that.
            connection.control('commit').catch(() => {});
            return { value };
          }
          committing = { value };
          end = connection.control('commit');
        } catch (error) {
          thrown = { error };
          end = connection.control('rollback');
        }
        end.catch(() => {});
        const first = await transaction.firstFailure();
        // What `work` makes of a failure counts, unless that was a mere consequence of an earlier one.
        const failure = thrown && sqlState(thrown.error) !== IN_FAILED ? thrown : (first ?? thrown);
        const trouble = failure && troubleOf(failure.error);
        // A connection that is as good as before is kept: only what is thrown from here ends it.
        if (trouble !== undefined && trouble !== 'again') throw failure!.error;
        // After a failed statement a commit takes everything back, which is no failure of its own.
        await end.catch((error: unknown) => {
          if (!failure || troubleOf(error) !== undefined) throw error;
        });
        if (refused) return { error: await this.#refusal(connection) };
        if (!failure) return committing!;
        const { error } = failure;
        return error instanceof TakenBack ? { value: error.value as T } : { error };
      });
      if ('error' in outcome) throw outcome.error;
      return outcome.value;
    } catch (error) {
      if (committing && troubleOf(error) === 'away' && (await this.#wasCommitted(mark)))
        return committing.value;
      throw error;
    }
  }

  /** Of the schema that this program knows. */
  get #version(): number {
    return this.#options.migrations?.at(-1)?.version ?? SCHEMA_VERSION;
  }

  #guarded(): unknown[] {
    return [this.#version, this.#fence?.lease ?? null, this.#fence?.fence ?? null];
  }

  /** Why the guard has refused a transaction. */
  async #refusal(connection: Connection): Promise<Error> {
    const [known] = await connection.run<{ compatible: number; fence: string | null }>(KNOWN, [
      this.#fence?.lease ?? null,
    ]);
    const { compatible, fence } = known!;
    if (compatible > this.#version) return newerSchema(this.#connections.place, compatible, this.#version);
    return this.#fence ? outdated(this.#fence, Number(fence)) : new Again('refused for nothing');
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
  async persist<T>(attempt: () => Promise<T>, { once }: PersistOptions = {}): Promise<T> {
    const until = performance.now() + (this.#options.waitFor ?? WAIT_FOR);
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof AppError) throw error;
        const trouble = error instanceof Again ? 'again' : troubleOf(error);
        if (once && trouble === 'again') throw error;
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
 * Fails in a transaction that may write nothing: of a program that is older than the oldest that may, or under a fence
 * that is not the newest. So what is sent behind it is refused too, and need not wait for its answer. The fence is shared
 * with all who write; whoever raises it waits for them.
 */
const GUARD = `select (case
    when (select compatible_from from version) > $1::int then 'this Signalbox is too old to write'
    when (select fence from fences where lease = $2 for share) > $3::bigint then 'the lease has a new holder'
    else '0' end)::int`;
/** SQLSTATE of a text that is no number. */
const GUARD_REFUSES = '22P02';
/** SQLSTATE of whatever comes in a transaction after a statement that failed. */
const IN_FAILED = '25P02';
/** What the guard goes by. */
const KNOWN =
  'select (select compatible_from from version) as compatible, (select fence from fences where lease = $1) as fence';

const contested = (cause: unknown): AppError =>
  new AppError('unavailable', 'Others changed the same each time it was tried.', {
    hint: 'Try again.',
    cause,
  });
