/**
 * Claims a second on PostgreSQL, beside the embedded store in the same run:
 * `npx tsx bench/store-postgres.ts [attempts there before] [claims] [at once] [factor]`. Both are durable: nothing is
 * acknowledged before it is on disk. The attempts are made in the embedded store and moved, which is timed too;
 * PostgreSQL has `factor` times as many.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../src/ports/store.ts';
import { openLowdbStore } from '../src/stores/lowdb.ts';
import { move } from '../src/stores/postgres/index.ts';
import { openPostgresStore } from '../src/stores/postgres/store.ts';
import { startPostgres, whyNoPostgres } from '../test/fixtures/postgres.ts';
import { attempt, completed } from './attempts.ts';

const [before = 100_000, claims = 5_000, atOnce = 8, factor = 1] = process.argv.slice(2).map(Number);

/** @param from number of the first attempt: each is of a job and target that nobody has claimed */
async function measure(store: Store, from: number): Promise<{ rate: number; p50: number; p99: number }> {
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < claims) {
        const number = from + next;
        next += 1;
        const asked = performance.now();
        await store.addAttempt(attempt(`n${number}`, number));
        times.push(performance.now() - asked);
      }
    }),
  );
  const rate = claims / ((performance.now() - began) / 1_000);
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)]!;
  return { rate, p50: at(0.5), p99: at(0.99) };
}

const missing = await whyNoPostgres();
if (missing) throw new Error(missing);
const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
const postgres = await startPostgres({ durable: true });
try {
  const filling = await openLowdbStore(folder);
  for (let n = 0; n < before; n += 5_000)
    await Promise.all(
      Array.from({ length: Math.min(5_000, before - n) }, (_, at) =>
        filling.addAttempt(completed(attempt(`old${n + at}`, n + at))),
      ),
    );
  await filling.close();

  const url = await postgres.database();
  const moving = performance.now();
  await move({ url, folder });
  const moved = performance.now() - moving;
  if (factor > 1)
    await postgres.query(
      url,
      `insert into signalbox.attempts (key, use_case, job, pair, live, holds, own, asked_at, record)
       select key || '/' || n, use_case, job || '/' || n, pair || '/' || n, live, holds, own, asked_at, record
       from signalbox.attempts, generate_series(2, ${factor}) n`,
    );
  await postgres.query(url, 'analyze');

  const opening = performance.now();
  const embedded = await openLowdbStore(folder);
  const opened = performance.now() - opening;
  const { store } = await openPostgresStore({ url });
  const leased = await store.under({ lease: 'watch', fence: 1 });
  console.log(
    `${before} attempts there before, in PostgreSQL ${before * factor}; ${claims} claims a round, ${atOnce} at once`,
  );
  console.log(
    `moved in ${(moved / 1_000).toFixed(1)} s; the embedded store opens in ${opened.toFixed(0)} ms`,
  );
  let from = before + 4;
  for (let round = 1; round <= 3; round += 1)
    for (const [name, side] of [
      ['embedded', embedded],
      ['PostgreSQL', store],
      ['PostgreSQL, under a lease', leased],
    ] as const) {
      const { rate, p50, p99 } = await measure(side, from);
      from += claims + 4;
      console.log(
        `  round ${round}, ${name.padEnd(26)} ${Math.round(rate).toString().padStart(6)} claims/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      );
    }
  await embedded.close();
  await store.close();
} finally {
  await postgres.dispose();
  await rm(folder, { recursive: true, force: true });
}
