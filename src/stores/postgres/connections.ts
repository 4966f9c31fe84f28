/** Connections to PostgreSQL: how many, how long each may take, and whether it works. */
import pg from 'pg';
import { AppError } from '../../ground/errors.ts';
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

export interface ConnectionOptions {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** Connections at most for the store; default 10. */
  poolSize?: number | undefined;
}

/** Host, port and database of a URL, without user and password. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return '';
  const { host, pathname, searchParams } = new URL(url);
  return `${host || (searchParams.get('host') ?? 'localhost')}${pathname}`;
}

/** For one connection. @param purpose in `application_name`, for who looks at the server */
export const clientOptions = ({ url }: Pick<ConnectionOptions, 'url'>, purpose: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: purpose === '' ? 'signalbox' : `signalbox ${purpose}`,
  options: `-c search_path=${SCHEMA}`,
  connectionTimeoutMillis: CONNECT_FOR,
  statement_timeout: STATEMENT_FOR,
  idle_in_transaction_session_timeout: IDLE_TRANSACTION_FOR,
  // For a server that is gone without a word: its own limits do not help then.
  query_timeout: STATEMENT_FOR * 1.5,
  keepAlive: true,
});

/** A row; its columns are what the statement names. */
export type Row = Record<string, unknown>;

export class Connections {
  /** Of the database, for people. */
  readonly place: string;
  readonly #pool: pg.Pool;
  readonly #names = new Map<string, string>();
  #problem: { trouble: Trouble; message: string } | undefined;
  #look: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.place = placeOf(options.url);
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
    try {
      client = await this.#pool.connect();
      // Cut while it is in use: the statement under way reports it.
      client.on('error', ignore);
      const result = await work(new Connection(client, this.#names));
      client.off('error', ignore);
      client.release();
      return result;
    } catch (error) {
      client?.off('error', ignore);
      // What is in it is unknown: another one costs a millisecond.
      client?.release(true);
      this.#noteTrouble(error);
      throw error;
    }
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
    this.#look = setTimeout(() => void this.#tryOut(), LOOK_EVERY);
    this.#look.unref();
  }

  async #tryOut(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.with((connection) =>
        connection.run(
          'insert into health (id, at) values (1, now()) on conflict (id) do update set at = now()',
        ),
      );
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
