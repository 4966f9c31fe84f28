/**
 * Claims a second of the embedded store, durable each: `npx tsx bench/store.ts [attempts] [already there]`.
 * Beside it what the same would cost if every write wrote the whole state, as a JSON database does by itself.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompilationStore } from '../src/ports/compilation-store.ts';
import { DurableJsonFile } from '../src/stores/durable-file.ts';
import { openLowdbStore } from '../src/stores/lowdb.ts';
import { attempt, completed } from './attempts.ts';

const [attempts = 1_000, before = 5_000] = process.argv.slice(2).map(Number);

async function claims(store: CompilationStore, from: number, atOnce: number): Promise<number> {
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < attempts) {
        const number = from + next;
        next += 1;
        await store.addAttempt(attempt(`n${number}`, number));
      }
    }),
  );
  return attempts / ((performance.now() - started) / 1000);
}

const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
try {
  const store = await openLowdbStore(folder, { attemptsKept: 1e9 });
  await Promise.all(
    Array.from({ length: before }, (_, number) =>
      store.addAttempt(completed(attempt(`old${number}`, number))),
    ),
  );
  const rates: Record<string, number> = {};
  for (const [round, atOnce] of [1, 8, 64, attempts].entries())
    rates[`${atOnce} at once`] = await claims(store, before + round * attempts, atOnce);
  const all = await store.listAttempts({});
  await store.close();

  const opened = performance.now();
  const again = await openLowdbStore(folder, { attemptsKept: 1e9 });
  const openMs = performance.now() - opened;
  if ((await again.listAttempts({})).length !== all.length) throw new Error('attempts were lost');
  await again.close();

  const whole = new DurableJsonFile(join(folder, 'whole.json'), join(folder, 'whole.backup.json'));
  const began = performance.now();
  const writes = 20;
  for (let n = 0; n < writes; n++) await whole.write({ attempts: all });
  const wholeRate = writes / ((performance.now() - began) / 1000);

  const { size } = await stat(join(folder, 'state.json'));
  console.log(
    `${before} attempts there before, ${attempts} claims a round, every one on disk before it counts`,
  );
  for (const [how, rate] of Object.entries(rates))
    console.log(
      `  ${how.padStart(12)}: ${Math.round(rate).toLocaleString('en')} claims/s, ${(rate / wholeRate).toFixed(0)} × the whole file`,
    );
  console.log(
    `  whole state of ${all.length} attempts, ${(size / 1e6).toFixed(1)} MB: ${wholeRate.toFixed(1)} writes/s`,
  );
  console.log(`  opening it again: ${Math.round(openMs)} ms`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
