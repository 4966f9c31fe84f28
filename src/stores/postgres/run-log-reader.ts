/** Reads the bytes of runs' logs, whichever instance writes them. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { gapsAround, type RunLogGap } from '../../domain/run-log-gaps.ts';
import { noLog, requireLimit, requireOffset, requireWithin } from '../../domain/run-log-rules.ts';
import { keepRecent } from '../../ground/recent.ts';
import type { RunLogSlice } from '../../ports/run-log-store.ts';
import type { Database } from './database.ts';

const decompress = promisify(gunzip);

/** Bytes that one question brings at most: more is asked for by the next one. */
const MOST = 1024 * 1024;
/** Pieces that are kept unpacked, of a chunk at most each. */
const UNPACKED = 32;
/** Milliseconds for which a log that is packed is not looked at again for each piece of it: somebody may remove it. */
const PACKED_MS = 1_000;

/**
 * The log in the first row, and in the others what there is of the bytes that are asked for, in no order. Of a piece that
 * is packed all of it.
 */
const READ = `
  with log as materialized (
    select run, size, gaps, packed from run_logs where id = $1 and not arriving
  )
  select run::text as run, size::float8 as size, gaps, packed, null::float8 as at, null::int as length, null::bytea as bytes
    from log
  union all
  select null, null, null, piece.packed, piece.at::float8, piece.length,
      case when piece.packed then piece.bytes
      else substring(piece.bytes from (greatest($2::bigint - piece.at, 0) + 1)::int for (($2::bigint + $3::bigint) - greatest($2::bigint, piece.at))::int) end
    from log, lateral (
      select at, length, packed, bytes from run_log_pieces
      where run = log.run and at < $2::bigint + $3::bigint
        and at >= coalesce((select max(at) from run_log_pieces where run = log.run and at <= $2::bigint), $2::bigint)
    ) piece`;

interface ReadRow extends Record<string, unknown> {
  run: string | null;
  size: number | null;
  gaps: RunLogGap[] | null;
  packed: boolean;
  at: number | null;
  length: number | null;
  bytes: Buffer | null;
}

interface Log {
  run: string;
  id: string;
  size: number;
  gaps: readonly RunLogGap[];
  packed: boolean;
}

interface Piece {
  at: number;
  /** Unpacked. */
  length: number;
  packed: boolean;
  /** From the offset that was asked for on; of a packed one all of it. */
  bytes: Buffer;
}

export class RunLogReader {
  readonly #database: Database;
  readonly #packed = new Map<string, { log: Log; readAt: number }>();
  /** By log and place. */
  readonly #unpacked = new Map<string, { at: number; bytes: Promise<Buffer> }>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws AppError invalid_input · not_found · unavailable */
  async read(id: string, offset: number, limit: number): Promise<RunLogSlice> {
    requireOffset(offset);
    requireLimit(limit);
    const kept = await this.#fromMemory(id, offset, limit);
    if (kept) return kept;
    for (let tries = 1; ; tries += 1) {
      const { log, pieces } = await this.#ask(id, offset, Math.min(limit, MOST));
      requireWithin(log, offset);
      const { here, next } = gapsAround(log.gaps, offset);
      if (here) return { offset, bytes: new Uint8Array(0), gap: here };
      if (offset === log.size) return { offset, bytes: new Uint8Array(0) };
      const until = Math.min(offset + limit, log.size, next?.from ?? log.size);
      const bytes = await this.#bytesOf(log, pieces, offset, until);
      if (bytes.length > 0) return { offset, bytes };
      // Not there, whatever the log says: somebody has changed the tables by hand.
      if (tries > 1) {
        const after = pieces.find(({ at }) => at > offset)?.at ?? until;
        return { offset, bytes: new Uint8Array(0), gap: { from: offset, to: after, reason: 'lost' } };
      }
    }
  }

  forget(id: string): void {
    this.#packed.delete(id);
  }

  async #ask(id: string, offset: number, limit: number): Promise<{ log: Log; pieces: Piece[] }> {
    const rows = await this.#database.read<ReadRow>(READ, [id, offset, limit]);
    const first = rows.find(({ run }) => run !== null);
    if (!first) throw noLog(id);
    const log: Log = { run: first.run!, id, size: first.size!, gaps: first.gaps!, packed: first.packed };
    if (log.packed) keepRecent(this.#packed, id, { log, readAt: performance.now() }, UNPACKED);
    const pieces = rows.flatMap(({ at, length, packed, bytes }) =>
      at === null ? [] : [{ at, length: length!, packed, bytes: bytes! }],
    );
    return { log, pieces: pieces.sort((a, b) => a.at - b.at) };
  }

  /** @returns undefined unless the log is packed, and the piece was read a moment ago */
  async #fromMemory(id: string, offset: number, limit: number): Promise<RunLogSlice | undefined> {
    const known = this.#packed.get(id);
    if (!known) return undefined;
    if (performance.now() - known.readAt > PACKED_MS) {
      this.#packed.delete(id);
      return undefined;
    }
    const { run } = known.log;
    for (const [key, { at, bytes }] of this.#unpacked) {
      if (at > offset || !key.startsWith(`${run} `)) continue;
      const all = await bytes;
      if (offset < at + all.length) return { offset, bytes: all.subarray(offset - at, offset - at + limit) };
    }
    return undefined;
  }

  /** Without a hole, from the offset on. */
  async #bytesOf(log: Log, pieces: readonly Piece[], offset: number, until: number): Promise<Uint8Array> {
    const parts: Buffer[] = [];
    let at = offset;
    for (const piece of pieces) {
      if (piece.at > at || at >= until) break;
      if (piece.at + piece.length <= at) continue;
      const bytes = piece.packed
        ? (await this.#unpack(log, piece)).subarray(at - piece.at)
        : piece.bytes.subarray(at - Math.max(piece.at, offset));
      const part = bytes.subarray(0, until - at);
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async #unpack({ run }: Log, { at, bytes }: Piece): Promise<Buffer> {
    const key = `${run} ${at}`;
    const known = this.#unpacked.get(key) ?? { at, bytes: decompress(bytes) };
    keepRecent(this.#unpacked, key, known, UNPACKED);
    try {
      return await known.bytes;
    } catch (error) {
      this.#unpacked.delete(key);
      throw error;
    }
  }
}
