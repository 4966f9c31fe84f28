/**
 * Moves logs of runs from a folder into a database, beside whatever is there. A log counts once all of it has arrived and
 * been read back: until then nobody sees it. Begun again after it was interrupted it goes on in the middle of a log.
 */
import { createHash, type Hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AppError } from '../../ground/errors.ts';
import type { RunLogInfo, RunLogStore } from '../../ports/run-log-store.ts';
import { type ConnectionOptions, Connections, placeOf } from './connections.ts';
import { Database } from './database.ts';
import { packLog } from './run-log-packing.ts';
import { carryOut, type PiecePlan, type PieceState, planAppend, planEnd, planGap } from './run-log-pieces.ts';
import { sqlState } from './trouble.ts';

const decompress = promisify(gunzip);

const CHUNK = 256 * 1024;
/** Bytes that are written in one transaction, and after which it goes on when it was interrupted. */
const BATCH = 4 * 1024 * 1024;

export interface MoveRunLogsOptions extends ConnectionOptions {
  /** Where they are, as it is written down with each of them. */
  folder: string;
  source: Pick<RunLogStore, 'list' | 'read'>;
  /** When what of a run arrived: lines of domain/run-times.ts, '' where nobody noted it. */
  times(run: string): Promise<string>;
  onMoved?: ((run: string, bytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface MovedRunLogs {
  /** By this call. */
  moved: number;
  /** By an earlier one: they were compared again. */
  already: number;
  /** Bytes of both. */
  bytes: number;
  /** Runs of which the database has another log: they stay in the folder. */
  left: readonly string[];
}

/**
 * @throws AppError conflict: a log has changed in the folder since it was moved, or what arrived differs from what was
 *   sent · unavailable
 */
export async function moveRunLogs(options: MoveRunLogsOptions): Promise<MovedRunLogs> {
  const connections = new Connections(options);
  try {
    const move = new RunLogMove(new Database(connections), options);
    const result = { moved: 0, already: 0, bytes: 0, left: [] as string[] };
    for (const info of await options.source.list()) {
      options.signal?.throwIfAborted();
      const outcome = await move.move(info);
      if (outcome === 'left') result.left.push(info.id);
      else {
        result[outcome] += 1;
        result.bytes += info.size;
        options.onMoved?.(info.id, info.size);
      }
    }
    return result;
  } finally {
    await connections.close();
  }
}

class RunLogMove {
  readonly #database: Database;
  readonly #options: MoveRunLogsOptions;

  constructor(database: Database, options: MoveRunLogsOptions) {
    this.#database = database;
    this.#options = options;
  }

  async move(info: RunLogInfo): Promise<'moved' | 'already' | 'left'> {
    const { folder } = this.#options;
    const [known] = await this.#database.read<{ digest: string }>(
      'select digest from run_log_moves where source = $1 and id = $2',
      [folder, info.id],
    );
    if (known) {
      if ((await this.#send(info)) === known.digest) return 'already';
      throw new AppError('conflict', `The log of ${info.id} has changed in ${folder} since it was moved.`, {
        hint: 'A bot has run on the folder. Go on with the log that the database has; remove this one if nobody needs it.',
      });
    }
    const [other] = await this.#database.read('select from run_logs where id = $1 and not arriving', [
      info.id,
    ]);
    if (other) return 'left';
    const { run, ...begun } = await this.#begin(info);
    const to = { run, state: begun };
    const sent = await this.#send(info, to);
    if (info.end) {
      await this.#carryOut(to, planEnd(to.state), info.size);
      await packLog(this.#database, run, this.#options.signal ?? new AbortController().signal);
    }
    this.#options.signal?.throwIfAborted();
    const arrived = await this.#digestOf(info, run);
    if (sent !== arrived) {
      await this.#database.write([], (transaction) =>
        transaction.write('delete from run_logs where run = $1 and arriving', [run]),
      );
      throw new AppError('conflict', `What arrived of the log of ${info.id} differs from what was sent.`, {
        hint: `Run it again: the log is sent anew to ${placeOf(this.#options.url)}. If it happens again, somebody writes in the folder.`,
      });
    }
    return (await this.#show(info, run, sent)) ? 'moved' : 'left';
  }

  /** What an earlier try has sent stays, if it is of the same log. */
  async #begin(info: RunLogInfo): Promise<PieceState & { run: string }> {
    const { id, createdAt, gaps } = info;
    const [row] = await this.#database.write([], async (transaction) => {
      await transaction.write(
        'delete from run_logs where id = $1 and arriving and (created_at <> $2 or chunk_bytes <> $3 or size > $4)',
        [id, createdAt, CHUNK, info.size],
      );
      return await transaction.write<{ run: string; size: number; loose: number; loose_from: number }>(
        `insert into run_logs (id, arriving, created_at, updated_at, chunk_bytes) values ($1, true, $2, $2, $3)
         on conflict (id) where arriving do update set updated_at = excluded.updated_at
         returning run::text as run, size::float8 as size, loose, loose_from::float8 as loose_from`,
        [id, createdAt, CHUNK],
      );
    });
    const { run, size, loose, loose_from: looseFrom } = row!;
    return { run, gaps, chunkBytes: CHUNK, size, loose, looseFrom };
  }

  /**
   * Reads all of it.
   * @param to where what is missing there is written; left out: nowhere
   * @returns its digest
   */
  async #send(info: RunLogInfo, to?: { run: string; state: PieceState }): Promise<string> {
    const hash = headOf(info);
    let batch: Buffer[] = [];
    let from = 0;
    const flush = async (): Promise<void> => {
      const bytes = Buffer.concat(batch);
      batch = [];
      if (to && bytes.length > 0) await this.#write(to, from, bytes);
    };
    for (let at = 0; at < info.size; ) {
      this.#options.signal?.throwIfAborted();
      const { bytes, gap } = await this.#options.source.read(info.id, at, CHUNK);
      if (gap) {
        await flush();
        if (to && gap.to > to.state.size) await this.#writeGap(to, gap.to);
        from = gap.to;
        at = gap.to;
        continue;
      }
      if (bytes.length === 0) throw new AppError('internal', `The log of ${info.id} ends before its size.`);
      hash.update(bytes);
      batch.push(Buffer.from(bytes));
      at += bytes.length;
      if (at - from >= BATCH) {
        await flush();
        from = at;
      }
    }
    await flush();
    return hash.digest('hex');
  }

  async #write(to: { run: string; state: PieceState }, offset: number, bytes: Buffer): Promise<void> {
    const { size, gaps } = to.state;
    const end = offset + bytes.length;
    if (end <= size) return;
    const fresh = bytes.subarray(Math.max(0, size - offset));
    await this.#carryOut(to, planAppend(to.state, end, gaps), end, fresh, end - fresh.length);
  }

  async #writeGap(to: { run: string; state: PieceState }, end: number): Promise<void> {
    await this.#carryOut(to, planGap(to.state, to.state.gaps, end), end);
  }

  async #carryOut(
    to: { run: string; state: PieceState },
    plan: PiecePlan,
    size: number,
    bytes?: Buffer,
    offset?: number,
  ): Promise<void> {
    const { loose, looseFrom } = plan;
    await this.#database.write([], async (transaction) => {
      carryOut(transaction, to.run, plan, bytes, offset);
      transaction.put('update run_logs set size = $2, loose = $3, loose_from = $4 where run = $1', [
        ...[to.run, size, loose, looseFrom],
      ]);
    });
    to.state = { ...to.state, size, loose, looseFrom };
  }

  /** Of what the database has, piece by piece. */
  async #digestOf(info: RunLogInfo, run: string): Promise<string> {
    const hash = headOf(info);
    for (let at = 0; ; ) {
      const rows = await this.#database.read<{ at: number; length: number; packed: boolean; bytes: Buffer }>(
        `select at::float8 as at, length, packed, bytes from run_log_pieces where run = $1 and at >= $2
         order by run_log_pieces.at limit 8`,
        [run, at],
      );
      const last = rows.at(-1);
      if (!last) return hash.digest('hex');
      for (const { packed, bytes } of rows) hash.update(packed ? await decompress(bytes) : bytes);
      at = last.at + last.length;
    }
  }

  /** @returns false: somebody has begun another one of the same name meanwhile */
  async #show(info: RunLogInfo, run: string, digest: string): Promise<boolean> {
    const { updatedAt, gaps, cursor, note, end, size } = info;
    const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
    const lines = await this.#options.times(info.id);
    try {
      await this.#database.write([], async (transaction) => {
        await transaction.write(
          `update run_logs set arriving = false, updated_at = $2, gaps = $3, cursor = $4, note = $5, ended = $6,
             size = $7, revision = revision + 1 where run = $1`,
          [run, updatedAt, json(gaps), json(cursor), json(note), json(end), size],
        );
        if (lines !== '')
          await transaction.write('insert into run_times (run, lines) values ($1, $2)', [run, lines]);
        await transaction.write('insert into run_log_moves (source, id, digest) values ($1, $2, $3)', [
          ...[this.#options.folder, info.id, digest],
        ]);
      });
      return true;
    } catch (error) {
      if (sqlState(error) !== '23505' && sqlState((error as Error).cause) !== '23505') throw error;
      return false;
    }
  }
}

/** All but its bytes; what a removed log of the same name had differs in it. */
function headOf({ id, size, createdAt, gaps, cursor, note, end }: RunLogInfo): Hash {
  return createHash('sha256').update(`${JSON.stringify({ id, size, createdAt, gaps, cursor, note, end })}\n`);
}
