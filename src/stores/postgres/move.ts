/**
 * Moves an embedded store into a database. Begun again after it was interrupted it goes on; whatever is the same already
 * is left alone. It counts only once every kind has been compared, by number and digest, and until then no instance
 * starts on the database.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import pg from 'pg';
import { AppError } from '../../ground/errors.ts';
import { type DurableState, openState } from '../durable-state.ts';
import { EMBEDDED_KINDS, embeddedAudit, embeddedRecords } from '../embedded-records.ts';
import { auditValues, INSERT_AUDIT } from './audit.ts';
import { Connection, type ConnectionOptions, clientOptions, placeOf } from './connections.ts';
import { KINDS } from './kinds.ts';
import { column, type Kind, statementsOf, valuesOf } from './records.ts';
import { migrate } from './schema.ts';
import { Transaction } from './transaction.ts';
import { sqlState, storeError } from './trouble.ts';

/** Records that are written in one transaction. */
const BATCH = 500;
const MOVE_LOCK = [7_303_014, 4];

/** Of the records of one kind; whatever their order. */
interface Sum {
  count: number;
  /** Hexadecimal. */
  digest: string;
}

/** By kind, `audit` among them. */
export type MoveSummary = Readonly<Record<string, Sum>>;

export interface MoveOptions extends ConnectionOptions {
  /** The data folder of the embedded store. No bot may run on it. */
  folder: string;
  /** Called after each kind. */
  onMoved?: (kind: string, count: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * @returns what is there now; `already`: since when, and nothing was done
 * @throws AppError conflict: a bot runs on the folder or on the database, or the database holds something else ·
 *   unavailable · internal: the folder cannot be read, or what arrived differs from what was sent
 */
export async function move(
  options: MoveOptions,
): Promise<{ summary: MoveSummary; already: Date | undefined }> {
  await requireStore(options.folder);
  await migrate(options);
  const client = new pg.Client({
    ...clientOptions(options, 'move'),
    ...{ statement_timeout: 0, query_timeout: 0, idle_in_transaction_session_timeout: 0 },
    pipeline: true,
  });
  client.on('error', () => {});
  let state: DurableState | undefined;
  try {
    await client.connect();
    await lock(client, options);
    // The first lets go of what is long over, so that nothing does while it is moved.
    await (await openState(options.folder)).close();
    state = await openState(options.folder);
    return await new Move(client, state, options).run();
  } catch (error) {
    throw storeError(error, placeOf(options.url));
  } finally {
    await state?.close();
    await client.end().catch(() => {});
  }
}

/** Whether there is an embedded store. */
export async function holdsStore(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.some((name) => /^(?:state\.json|state\.backup\.json|journal\.jsonl)$/.test(name));
}

/** Opening a folder that is not there would make it. @throws AppError not_found */
async function requireStore(folder: string): Promise<void> {
  if (await holdsStore(folder)) return;
  throw new AppError('not_found', `There is no embedded store in ${folder}.`, {
    hint: 'Name the data folder of the bot (storage.dataDir): the one with state.json in it.',
  });
}

/** @throws AppError conflict: somebody else moves, or works on the database */
async function lock(client: pg.Client, options: MoveOptions): Promise<void> {
  const place = placeOf(options.url);
  try {
    // One that was killed gives it back as soon as the server notices.
    await client.query(`set lock_timeout = '10s'`);
    await client.query('select pg_advisory_lock($1, $2)', MOVE_LOCK);
    await client.query('reset lock_timeout');
  } catch (error) {
    if (sqlState(error) !== '55P03') throw error;
    throw new AppError('conflict', `Another move into the database ${place} is under way.`, {
      hint: 'Wait for it: it says when it is done.',
    });
  }
  const { rows } = await client.query(
    `select from pg_stat_activity where application_name = 'signalbox listening' and datname = current_database()`,
  );
  if (rows.length > 0)
    throw new AppError('conflict', `${rows.length} of Signalbox run on the database ${place}.`, {
      hint: 'Stop all instances, then move.',
    });
}

class Move {
  readonly #client: pg.Client;
  readonly #connection: Connection;
  readonly #state: DurableState;
  readonly #options: MoveOptions;
  readonly #place: string;

  constructor(client: pg.Client, state: DurableState, options: MoveOptions) {
    this.#client = client;
    this.#connection = new Connection(client, new Map());
    this.#state = state;
    this.#options = options;
    this.#place = placeOf(options.url);
  }

  async run(): Promise<{ summary: MoveSummary; already: Date | undefined }> {
    const before = await this.#begin();
    const sent: Record<string, Sum> = {};
    const arrived: Record<string, Sum> = {};
    sent.audit = await this.#moveAudit(before === undefined);
    if (before === undefined) arrived.audit = await this.#sumOf('audit', 'origin');
    for (const name of EMBEDDED_KINDS) {
      sent[name] = await this.#moveKind(name, before === undefined);
      if (before === undefined) arrived[name] = await this.#sumOf(KINDS[name].table, 'key');
    }
    if (before) {
      this.#compare(
        sent,
        before.summary,
        `The data folder has changed since it was moved (${words(before.at)})`,
      );
      return { summary: sent, already: before.at };
    }
    this.#compare(sent, arrived, 'What arrived differs from what was sent');
    await this.#client.query('update moves set finished_at = now(), summary = $1', [JSON.stringify(sent)]);
    return { summary: sent, already: undefined };
  }

  /** @returns the move that is finished already */
  async #begin(): Promise<{ at: Date; summary: MoveSummary } | undefined> {
    const { folder } = this.#options;
    const { rows } = await this.#client.query<{
      source: string;
      finished_at: Date | null;
      summary: MoveSummary | null;
    }>('select source, finished_at, summary from moves');
    const [known] = rows;
    if (known && known.source !== folder)
      throw new AppError(
        'conflict',
        `${known.source} ${known.finished_at ? 'was moved' : 'is being moved'} into the database ${this.#place}: another folder cannot be added to it.`,
        {
          hint: known.finished_at
            ? 'Give this one a database of its own.'
            : `Finish that one first: \`signalbox migrate --from ${known.source}\`. Or begin anew with an empty database.`,
        },
      );
    if (known) return known.finished_at ? { at: known.finished_at, summary: known.summary! } : undefined;
    for (const table of ['audit', ...Object.values(KINDS).map((kind) => kind.table)]) {
      const { rows: some } = await this.#client.query(`select from ${table} limit 1`);
      if (some.length > 0)
        throw new AppError('conflict', `The database ${this.#place} holds records already (${table}).`, {
          hint: 'Two states cannot be made one. Move into an empty database.',
        });
    }
    await this.#client.query('insert into moves (source) values ($1)', [folder]);
    return undefined;
  }

  async #moveAudit(writes: boolean): Promise<Sum> {
    const sum = new Adder();
    let batch: unknown[][] = [];
    const send = async (): Promise<void> => {
      const values = batch;
      batch = [];
      if (writes && values.length > 0)
        await this.#transact(() => Promise.all(values.map((one) => this.#connection.run(INSERT_AUDIT, one))));
    };
    for await (const { origin, record } of embeddedAudit(this.#state)) {
      this.#options.signal?.throwIfAborted();
      const values = auditValues(record, origin);
      sum.add(origin, values.at(-1) as string);
      batch.push(values);
      if (batch.length === BATCH) await send();
    }
    await send();
    this.#options.onMoved?.('audit', sum.count);
    return sum.sum;
  }

  async #moveKind(name: (typeof EMBEDDED_KINDS)[number], writes: boolean): Promise<Sum> {
    const kind = KINDS[name];
    const sum = new Adder();
    const keys = new Set<string>();
    let batch: { key: string; record: object; text: string }[] = [];
    const send = async (): Promise<void> => {
      const records = batch;
      batch = [];
      if (writes && records.length > 0) await this.#write(kind, records);
    };
    for await (const record of embeddedRecords(this.#state, name)) {
      this.#options.signal?.throwIfAborted();
      const key = column(kind.key(record));
      const text = JSON.stringify(record);
      sum.add(key, text);
      keys.add(key);
      batch.push({ key, record, text });
      if (batch.length === BATCH) await send();
    }
    await send();
    if (writes) await this.#dropOthers(kind, keys);
    this.#options.onMoved?.(name, sum.count);
    return sum.sum;
  }

  /** What is the same already is left as it is. */
  async #write(
    kind: Kind<object>,
    records: readonly { key: string; record: object; text: string }[],
  ): Promise<void> {
    const there = await this.#connection.run<{ key: string; text: string }>(
      `select key, record::text as text from ${kind.table} where key = any ($1::text[])`,
      [records.map(({ key }) => key)],
    );
    const known = new Map(there.map(({ key, text }) => [key, text]));
    const due = records.filter(({ key, text }) => known.get(key) !== text);
    if (due.length === 0) return;
    await this.#transact(async () => {
      // With what depends on them. Only a bot that ran on the folder after an interruption changes any.
      await this.#connection.run(`delete from ${kind.table} where key = any ($1::text[])`, [
        due.map(({ key }) => key),
      ]);
      const rows = due.map(({ key, record }) => ({ key, ...valuesOf(kind, key, record) }));
      // One after the other, but nobody waits for each answer.
      const added = await Promise.all(
        rows.map(({ values }) => this.#connection.run(statementsOf(kind).insert, values)),
      );
      const twice = rows.find((_, at) => added[at]!.length === 0);
      if (twice)
        throw new AppError('conflict', `The ${kind.name} ${twice.key} is twice in the data folder.`, {
          hint: 'Two of them hold the same claim, which the store never allows. Nothing was changed in the folder.',
        });
      const transaction = new Transaction(this.#connection);
      for (const { stored } of rows) kind.follow?.(transaction, stored, undefined);
      const failure = await transaction.firstFailure();
      if (failure) throw failure.error;
    });
  }

  /** Of an earlier try, gone from the folder since. */
  async #dropOthers(kind: Kind<object>, keys: ReadonlySet<string>): Promise<void> {
    const rows = await this.#connection.run<{ key: string }>(`select key from ${kind.table}`);
    const others = rows.map(({ key }) => key).filter((key) => !keys.has(key));
    if (others.length > 0)
      await this.#connection.run(`delete from ${kind.table} where key = any ($1::text[])`, [others]);
  }

  /** Read back from the database, some at a time. */
  async #sumOf(table: string, key: string): Promise<Sum> {
    const sum = new Adder();
    let after = 0;
    for (;;) {
      const rows = await this.#connection.run<{ key: string; text: string; seq: number }>(
        `select ${key} as key, record::text as text, seq::float8 as seq from ${table}
         where ${table}.seq > $1 order by ${table}.seq limit 2000`,
        [after],
      );
      for (const row of rows) sum.add(row.key, row.text);
      if (rows.length === 0) return sum.sum;
      after = rows.at(-1)!.seq;
    }
  }

  #compare(one: MoveSummary, other: MoveSummary, what: string): void {
    const different = Object.keys(one).filter(
      (kind) => one[kind]!.count !== other[kind]?.count || one[kind]!.digest !== other[kind]?.digest,
    );
    if (different.length === 0) return;
    const counts = different.map((kind) => `${kind} ${one[kind]!.count} and ${other[kind]?.count ?? 0}`);
    throw new AppError('conflict', `${what}: ${counts.join(', ')}.`, {
      hint: 'A bot may have run on the folder. Its state and that of the database cannot be made one: go on with the database as it is, or begin anew with an empty one.',
    });
  }

  async #transact(work: () => Promise<unknown>): Promise<void> {
    await this.#connection.control('begin');
    try {
      await work();
    } catch (error) {
      await this.#connection.control('rollback').catch(() => {});
      throw error;
    }
    await this.#connection.control('commit');
  }
}

/** Adds up digests of records, so that their order does not matter. */
class Adder {
  count = 0;
  #sum = 0n;

  add(key: string, text: string): void {
    this.count += 1;
    const digest = createHash('sha256').update(`${key.length} ${key} ${text}`).digest('hex');
    this.#sum = BigInt.asUintN(256, this.#sum + BigInt(`0x${digest}`));
  }

  get sum(): Sum {
    return { count: this.count, digest: this.#sum.toString(16).padStart(64, '0') };
  }
}

const words = (at: Date): string => at.toISOString();
