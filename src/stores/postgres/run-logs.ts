/**
 * Logs of runs in a database that several instances share: a row of each (run-log-rows.ts) and its bytes in pieces
 * (run-log-pieces.ts). Any instance appends, each time for itself: the row is locked, and of two that begin at the same
 * offset one is refused. Who works under a lease writes under its fence. Guarantees and limits: docs/live-logs.md.
 */
import { type CapLimits, capped, withGap } from '../../domain/run-log-gaps.ts';
import {
  fittingNote,
  logsClosed,
  noLog,
  requireCursor,
  requireGap,
  requireOffset,
  wholeHead,
} from '../../domain/run-log-rules.ts';
import { type RunEnd, requireRunId } from '../../domain/runs.ts';
import type { Clock } from '../../ground/time.ts';
import type { Fence } from '../../ports/fences.ts';
import {
  RunLogConflict,
  type RunLogInfo,
  type RunLogSlice,
  type RunLogStore,
} from '../../ports/run-log-store.ts';
import type { Database } from './database.ts';
import { raiseFence } from './fences.ts';
import { RunLogNews, readNews } from './run-log-news.ts';
import { packLeft, packLog } from './run-log-packing.ts';
import { carryOut, type PiecePlan, type PieceState, planAppend, planEnd, planGap } from './run-log-pieces.ts';
import { RunLogReader } from './run-log-reader.ts';
import { COLUMNS, FIND, FIND_ALL, infoOf, LIST, LOCK, type RunLogRow } from './run-log-rows.ts';
import { RunLogWatches } from './run-log-watches.ts';
import type { Transaction } from './transaction.ts';

const KIB = 1024;
const MIB = KIB * KIB;
/** Milliseconds between looks for what instances that have ended left half done. */
const TIDY_EVERY = 3_600_000;

export interface PostgresRunLogsOptions {
  clock: Clock;
  /** Bytes that are kept of a run at most. Default 256 MiB. */
  cap?: number | undefined;
  /** Bytes at the beginning of a run that are always kept, rounded up to whole chunks. Default 1 MiB. */
  head?: number | undefined;
  /** Of runs that begin from now on: bytes in a row at most. Default 256 KiB. */
  chunkBytes?: number | undefined;
  /** Finishes what a killed instance left: compressing. Default true. */
  tidies?: boolean | undefined;
}

/** What of a log's row an append or another change sets. */
type Change = Partial<
  Pick<RunLogRow, 'size' | 'gaps' | 'cursor' | 'note' | 'ended' | 'loose' | 'loose_from'>
>;

/** @throws AppError invalid_input: the cap does not leave room for the head and two chunks */
export function postgresRunLogs(database: Database, options: PostgresRunLogsOptions): PostgresRunLogs {
  const { cap = 256 * MIB, head = MIB, chunkBytes = 256 * KIB } = options;
  wholeHead({ cap, head, chunkBytes });
  return new PostgresRunLogs(
    database,
    new Shared(database, options.clock, { cap, head, chunkBytes }, options.tidies ?? true),
  );
}

/** What all who use the logs in one process share, whatever lease they work under. */
class Shared {
  readonly clock: Clock;
  readonly limits: CapLimits;
  readonly reader: RunLogReader;
  readonly watches: RunLogWatches;
  readonly news: RunLogNews;
  readonly closing = new AbortController();
  readonly #busy = new Set<Promise<unknown>>();
  readonly #tidying: NodeJS.Timeout | undefined;

  constructor(database: Database, clock: Clock, limits: CapLimits, tidies: boolean) {
    this.clock = clock;
    this.limits = limits;
    this.reader = new RunLogReader(database);
    this.watches = new RunLogWatches({ find: (ids) => database.select<RunLogRow>(FIND_ALL, [ids]) });
    this.news = new RunLogNews(database);
    if (!tidies) return;
    const tidy = (): void => void this.during(packLeft(database, this.closing.signal)).catch(() => undefined);
    tidy();
    this.#tidying = setInterval(tidy, TIDY_EVERY).unref();
  }

  /** `close` waits for it. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#busy.add(work);
    try {
      return await work;
    } finally {
      this.#busy.delete(work);
    }
  }

  changed(row: RunLogRow): void {
    this.watches.changed(row);
    this.news.say(row);
  }

  async close(): Promise<void> {
    this.closing.abort();
    clearInterval(this.#tidying);
    this.watches.close();
    while (this.#busy.size > 0) await Promise.allSettled([...this.#busy]);
    await this.news.idle();
  }
}

export class PostgresRunLogs implements RunLogStore {
  readonly #database: Database;
  readonly #shared: Shared;
  readonly #fence: Fence | undefined;

  constructor(database: Database, shared: Shared, fence?: Fence) {
    this.#database = database;
    this.#shared = shared;
    this.#fence = fence;
  }

  async create(id: string): Promise<RunLogInfo> {
    const known = await this.info(id);
    if (known) return known;
    const { clock, limits } = this.#shared;
    return await this.#write(id, async (transaction) => {
      const [made] = await transaction.write<RunLogRow>(
        `insert into run_logs (id, created_at, updated_at, chunk_bytes) values ($1, $2, $2, $3)
         on conflict (id) where not arriving do nothing returning ${COLUMNS}`,
        [id, clock.now(), limits.chunkBytes],
      );
      return made ?? (await locked(transaction, id));
    });
  }

  async info(id: string): Promise<RunLogInfo | undefined> {
    requireRunId(id);
    const [row] = await this.#database.select<RunLogRow>(FIND, [id]);
    return row && infoOf(row);
  }

  append(
    id: string,
    offset: number,
    bytes: Uint8Array,
    cursor?: string,
    read?: Pick<RunLogInfo, 'cursor'>,
  ): Promise<RunLogInfo> {
    return this.#write(id, async (transaction) => {
      requireOffset(offset);
      const size = offset + bytes.length;
      requireOffset(size);
      requireCursor(cursor);
      const row = await locked(transaction, id);
      const { gaps: before } = row;
      if (row.ended || row.size !== offset || (read && (read.cursor ?? null) !== row.cursor))
        throw new RunLogConflict(infoOf(row), offset);
      if (bytes.length === 0 && (cursor === undefined || cursor === row.cursor)) return row;
      const gaps = capped(size, before, this.#limitsOf(row)) as RunLogRow['gaps'];
      const plan = planAppend(piecesOf(row), size, gaps);
      return this.#change(
        transaction,
        row,
        plan,
        { bytes, offset },
        {
          size,
          ...(gaps === before ? {} : { gaps }),
          ...(cursor === undefined ? {} : { cursor }),
        },
      );
    });
  }

  skip(id: string, from: number, to: number): Promise<RunLogInfo> {
    return this.#write(id, async (transaction) => {
      requireGap(from, to);
      const row = await locked(transaction, id);
      if (row.ended || row.size !== from) throw new RunLogConflict(infoOf(row), from);
      if (to === from) return row;
      const gaps = withGap(row.gaps, { from, to, reason: 'lost' });
      const plan = planGap(piecesOf(row), gaps, to);
      return this.#change(transaction, row, plan, undefined, { size: to, gaps });
    });
  }

  async note(id: string, note: string | undefined): Promise<RunLogInfo> {
    const fitting = (note && fittingNote(note)) || null;
    const stays = (row: RunLogRow): boolean => row.ended !== null || row.note === fitting;
    requireRunId(id);
    // Most often there is nothing to say and nothing was said.
    const [found] = await this.#database.select<RunLogRow>(FIND, [id]);
    if (found && stays(found)) return infoOf(found);
    return await this.#write(id, async (transaction) => {
      const row = await locked(transaction, id);
      return stays(row) ? row : this.#change(transaction, row, undefined, undefined, { note: fitting });
    });
  }

  async read(id: string, offset: number, limit: number): Promise<RunLogSlice> {
    requireRunId(id);
    return await this.#shared.reader.read(id, offset, limit);
  }

  async finish(id: string, end: RunEnd): Promise<RunLogInfo> {
    let run: string | undefined;
    const info = await this.#write(id, async (transaction) => {
      const row = await locked(transaction, id);
      run = row.packed ? undefined : row.run;
      if (row.ended) return row;
      return this.#change(transaction, row, planEnd(piecesOf(row)), undefined, {
        ended: end,
        note: null,
      });
    });
    // Should it be stopped in that, another instance goes on.
    if (run !== undefined)
      await this.#shared
        .during(packLog(this.#database, run, this.#shared.closing.signal))
        .catch(() => undefined);
    return info;
  }

  async release(id: string): Promise<void> {
    // Nothing is held between two appends.
    requireRunId(id);
  }

  async remove(id: string): Promise<void> {
    requireRunId(id);
    this.#requireOpen();
    await this.#shared.during(
      this.#database.write([orderOf(id)], async (transaction) => {
        await transaction.write('delete from run_logs where id = $1 and not arriving', [id]);
        // There is one for each run that was worked on under a lease.
        if (this.#fence) await transaction.write('delete from fences where lease = $1', [this.#fence.lease]);
      }),
    );
    this.#shared.reader.forget(id);
  }

  async list(prefix = ''): Promise<RunLogInfo[]> {
    return (await this.#database.select<RunLogRow>(LIST, [prefix])).map(infoOf);
  }

  async stored(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.read<{ id: string; bytes: number }>(
      `select id, coalesce(sum(pg_column_size(bytes)), 0)::float8 as bytes
       from run_logs left join run_log_pieces using (run) where not arriving group by id`,
    );
    return new Map(rows.map(({ id, bytes }) => [id, bytes]));
  }

  async under(fence: Fence): Promise<RunLogStore> {
    await raiseFence(this.#database, fence);
    return new PostgresRunLogs(this.#database.under(fence), this.#shared, fence);
  }

  watch(id: string, listener: (info: RunLogInfo) => void): () => void {
    requireRunId(id);
    return this.#shared.watches.add(id, listener);
  }

  /** What an instance has said, for whoever listens. @param payload undefined: something may have been missed */
  told(payload: string | undefined): void {
    if (payload === undefined) this.#shared.watches.hears(true);
    const news = payload === undefined ? undefined : readNews(payload);
    if (news) this.#shared.watches.told(news.id, news);
  }

  /** Nobody listens for now. */
  deaf(): void {
    this.#shared.watches.hears(false);
  }

  async close(): Promise<void> {
    if (!this.#fence) await this.#shared.close();
  }

  async #write(id: string, work: (transaction: Transaction) => Promise<RunLogRow>): Promise<RunLogInfo> {
    requireRunId(id);
    this.#requireOpen();
    const row = await this.#shared.during(this.#database.write([orderOf(id)], work));
    this.#shared.changed(row);
    return infoOf(row);
  }

  /** @returns the log as it is then */
  #change(
    transaction: Transaction,
    row: RunLogRow,
    plan: PiecePlan | undefined,
    appended: { bytes: Uint8Array; offset: number } | undefined,
    change: Change,
  ): RunLogRow {
    const all: Change = { ...change, ...(plan ? { loose: plan.loose, loose_from: plan.looseFrom } : {}) };
    const updated_at = this.#shared.clock.now();
    const sets = Object.entries({ ...all, updated_at });
    if (plan) carryOut(transaction, row.run, plan, appended?.bytes, appended?.offset);
    transaction.put(
      `update run_logs set revision = revision + 1, ${sets.map(([name], at) => `${name} = $${at + 2}`).join(', ')}
       where run = $1`,
      [row.run, ...sets.map(([name, value]) => columnOf(name, value))],
    );
    return { ...row, ...all, updated_at, revision: row.revision + 1 };
  }

  /** Never the chunk that is being written, whatever size chunks had when the log was made. */
  #limitsOf({ chunk_bytes: chunkBytes }: RunLogRow): CapLimits {
    const { cap, head } = this.#shared.limits;
    const whole = Math.ceil(head / chunkBytes) * chunkBytes;
    return { cap: Math.max(cap, whole + 2 * chunkBytes), head: whole, chunkBytes };
  }

  #requireOpen(): void {
    if (this.#shared.closing.signal.aborted) throw logsClosed();
  }
}

const orderOf = (id: string): string => `run log ${id}`;

/** @throws AppError not_found */
async function locked(transaction: Transaction, id: string): Promise<RunLogRow> {
  const [row] = await transaction.read<RunLogRow>(LOCK, [id]);
  if (!row) throw noLog(id);
  return row;
}

const piecesOf = ({ size, gaps, chunk_bytes, loose, loose_from }: RunLogRow): PieceState => ({
  ...{ size, gaps, loose, chunkBytes: chunk_bytes, looseFrom: loose_from },
});

/** Of those that are `json`, the text. */
function columnOf(name: string, value: unknown): unknown {
  const isJson = name === 'gaps' || name === 'cursor' || name === 'note' || name === 'ended';
  return isJson && value !== null ? JSON.stringify(value) : value;
}
