/** Compresses what is kept of a log that has ended, a piece at a time, so that it can be stopped after each of them. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Database } from './database.ts';

const compress = promisify(gzip);

/** As in files (runs/chunk-files.ts). */
const LEVEL = 3;

/** Whoever else packs the same log has the piece: it is packed once. What gets no smaller stays as it is. */
export async function packLog(database: Database, run: string, signal: AbortSignal): Promise<void> {
  for (let after = -1; ; ) {
    if (signal.aborted) return;
    const [next] = await database.read<{ at: number }>(
      `select at::float8 as at from run_log_pieces where run = $1 and at > $2 and not packed order by run_log_pieces.at limit 1`,
      [run, after],
    );
    if (!next) break;
    after = next.at;
    await packPiece(database, run, after);
  }
  await database.write([], (transaction) =>
    transaction.write('update run_logs set packed = true where run = $1 and not packed', [run]),
  );
}

async function packPiece(database: Database, run: string, at: number): Promise<void> {
  await database.write([], async (transaction) => {
    const [piece] = await transaction.read<{ bytes: Buffer }>(
      'select bytes from run_log_pieces where run = $1 and at = $2 and not packed for update skip locked',
      [run, at],
    );
    const packed = piece && (await compress(piece.bytes, { level: LEVEL }));
    if (!packed || packed.length >= piece.bytes.length) return;
    await transaction.write(
      'update run_log_pieces set bytes = $3, packed = true where run = $1 and at = $2',
      [run, at, packed],
    );
  });
}

/** What instances that have ended left half packed. */
export async function packLeft(database: Database, signal: AbortSignal): Promise<void> {
  const left = await database.read<{ run: string }>(
    'select run::text as run from run_logs where ended is not null and not packed and not arriving',
  );
  for (const { run } of left) await packLog(database, run, signal);
}
