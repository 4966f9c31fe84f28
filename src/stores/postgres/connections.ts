/** Connections to PostgreSQL: how many, how long each may take, and whether it works. */
import pg from 'pg';
import { AppError } from '../../ground/errors.ts';
import { inTime } from '../../ground/pause.ts';
import { storeError, type Trouble, troubleOf } from './trouble.ts';

/** Where all of Signalbox's tables are. */
export const SCHEMA = 'signalbox';
/** Milliseconds for a statement; all of them are short. */
const STATEMENT_FOR = 10_000;
/** Milliseconds after which the server ends the transaction of somebody who hangs: until then others wait for it. */
const IDLE_TRANSACTION_FOR = 5_000;
/** Milliseconds for a connection, and for one of the pool to become free. */
const CONNECT_FOR = 5_000;
/** Milliseconds between looks at whether it works again. */
const LOOK_EVERY = 1_000;
/** Milliseconds without use after which a connection is asked whether it still works, and for its answer. */
const ASK_AFTER = 1_000;
const ANSWERS_WITHIN = 2_000;

export interface ConnectionOptions {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** Connections at most for the store; default 10. */
  poolSize?: number | undefined;
  /** Milliseconds without use after which a connection is asked whether it still works; default 1 s. */
  askAfter?: number | undefined;
}

/** Host, port and database of a URL, without user and password. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return '';
  const { host, pathname, searchParams } = new URL(url);
  return `${host || (searchParams.get('host') ?? 'localhost')}${pathname}`;
}

const OUR_SETTINGS = `-c search_path=${SCHEMA}`;

/** What a URL says goes before what is said beside it, so our settings come behind those that it has. */
function withOurSettings(url: string): string {
  if (!URL.canParse(url)) return url;
  const changed = new URL(url);
  const theirs = changed.searchParams.get('options');
  if (theirs === null) return url;
  changed.searchParams.set('options', `${theirs} ${OUR_SETTINGS}`);
  return changed.href;
}

/** For one connection. @param purpose in `application_name`, for who looks at the server */
export const clientOptions = ({ url }: Pick<ConnectionOptions, 'url'>, purpose: string): pg.ClientConfig => ({
  connectionString: withOurSettings(url),
  application_name: purpose === '' ? 'signalbox' : `signalbox ${purpose}`,
  options: OUR_SETTINGS,
  connectionTimeoutMillis: CONNECT_FOR,
  statement_timeout: STATEMENT_FOR,
  idle_in_transaction_session_timeout: IDLE_TRANSACTION_FOR,
  // For a server that is gone without a word: its own limits do not help then. Less than callers wait (15 s), so that
  // they have the time for another try.
  query_timeout: STATEMENT_FOR + 1_000,
  keepAlive: true,
});

/** A row; its columns are what the statement names. */
export type Row = Record<string, unknown>;

export class Connections {
  /** Of the database, for people. */
  readonly place: string;
  readonly #pool: pg.Pool;
  readonly #askAfter: number;
  /** When each was used last. */
  readonly #usedAt = new WeakMap<pg.PoolClient, number>();
  /** Whatever was used last by then has been dropped somewhere in between, like the one that showed it. */
  #droppedUntil = Number.NEGATIVE_INFINITY;
  readonly #names = new Map<string, string>();
  #problem: { trouble: Trouble; message: string } | undefined;
  #look: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.place = placeOf(options.url);
    this.#askAfter = options.askAfter ?? ASK_AFTER;
    this.#pool = new pg.Pool({
      ...clientOptions(options, ''),
      max: options.poolSize ?? 10,
      idleTimeoutMillis: 60_000,
      pipeline: true,
    });
    // One that is not in use was cut: the next request gets another, but there may be none.
    this.#pool.on('error', (error) => this.#noteTrouble(error));
  }

  /** @throws AppError unavailable once it is closed */
  requireOpen(): void {
    if (this.#closed) throw new AppError('unavailable', 'The store is closed: Signalbox is stopping.');
  }

  /** What is known to keep changes from being stored; it clears by itself. */
  problem(): string | undefined {
    return this.#problem?.message;
  }

  /**
   * Gives `work` a connection for itself. Whatever fails is thrown as it came.
   * @param work of which one that ends without an error leaves no transaction open
   */
  async with<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    this.requireOpen();
    let client: pg.PoolClient | undefined;
    let taken = 0;
    try {
      client = await this.#take();
      taken = performance.now();
      const result = await work(new Connection(client, this.#names));
      this.#giveBack(client);
      return result;
    } catch (error) {
      if (hasTimedOut(error)) this.#droppedUntil = taken;
      if (client) drop(client);
      this.#noteTrouble(error);
      throw error;
    }
  }

  /** A box in between may have dropped one that was not in use, without a word: then there would be no answer ever. */
  async #take(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await this.#pool.connect();
      // Cut while it is in use: the statement under way reports it.
      client.on('error', ignore);
      const used = this.#usedAt.get(client);
      if (used === undefined) return client;
      if (used > this.#droppedUntil) {
        if (performance.now() - used < this.#askAfter || (await answers(client))) return client;
        this.#droppedUntil = used;
      }
      drop(client);
    }
  }

  #giveBack(client: pg.PoolClient): void {
    this.#usedAt.set(client, performance.now());
    client.off('error', ignore);
    client.release();
  }

  #noteTrouble(error: unknown): void {
    const trouble = troubleOf(error);
    if (trouble === undefined || trouble === 'again' || this.#closed) return;
    this.#problem = { trouble, message: storeError(error, this.place).message };
    this.#lookLater();
  }

  /** Callers who were refused may not try again, so this finds out by itself when it can be written again. */
  #lookLater(): void {
    clearTimeout(this.#look);
    this.#look = setTimeout(() => void this.#tryAgain(), LOOK_EVERY);
    this.#look.unref();
  }

  /** Writes something. @throws what the driver throws: it is read-only, its disk is full, tables are somebody else's */
  async tryOut(): Promise<void> {
    await this.with((connection) =>
      connection.run(
        'insert into health (id, at) values (1, now()) on conflict (id) do update set at = now()',
      ),
    );
  }

  async #tryAgain(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.tryOut();
      this.#problem = undefined;
    } catch (error) {
      // Reported and looked at again by `with`; a statement that is wrong is no trouble of the database.
      if (troubleOf(error) === undefined) this.#problem = undefined;
      else if (this.#problem) this.#lookLater();
    }
  }

  close(): Promise<void> {
    clearTimeout(this.#look);
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }
}

export class Connection {
  readonly #client: pg.ClientBase;
  readonly #names: Map<string, string>;

  constructor(client: pg.ClientBase, names: Map<string, string>) {
    this.#client = client;
    this.#names = names;
  }

  /** Sent at once, also while others are under way. Each text is prepared once for each connection. */
  async run<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `s${this.#names.size}`;
      this.#names.set(text, name);
    }
    const { rows } = await this.#client.query<R>({ name, text, values: [...values] });
    return rows;
  }

  /** `begin`, `commit`, `rollback`. */
  async control(word: 'begin' | 'commit' | 'rollback'): Promise<void> {
    const { command } = await this.#client.query(word);
    // A transaction with a failed statement is rolled back by `commit`, without an error.
    if (word === 'commit' && command !== 'COMMIT') throw new Error('The transaction was taken back.');
  }
}

const ignore = (): void => {};

/** What is in it is unknown: another one costs a millisecond. */
function drop(client: pg.PoolClient): void {
  client.release(true);
}

async function answers(client: pg.PoolClient): Promise<boolean> {
  const answer = await inTime(
    ANSWERS_WITHIN,
    client.query('select').catch(() => undefined),
  );
  return answer !== undefined;
}

/** There was no answer at all, not even that it took too long. */
const hasTimedOut = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Query read timeout';
