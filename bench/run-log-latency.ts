/**
 * What a change of a run's log takes to those who watch it, and what many small appends cost, in files and in PostgreSQL:
 * `npx tsx bench/run-log-latency.ts [appends]`. The writer is a process of its own beside the watcher's; PostgreSQL (Debian:
 * postgresql) forces every commit to disk.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunLogStore } from '../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../src/runs/file-run-logs.ts';
import { openPostgres } from '../src/stores/postgres/index.ts';
import { startPostgres } from '../test/fixtures/postgres.ts';

const clock = { now: () => Date.now(), elapsed: () => performance.now() };
/** Milliseconds since the epoch, with fractions, the same in both processes. */
const now = (): number => performance.timeOrigin + performance.now();
const LINE = Buffer.from('epoch 12/90  34%|███▍      | loss=0.5123 lr=3e-4 1.2 s/it\n'.padEnd(100, ' '));
const LINES_PER_SECOND = 20;

async function open(place: string): Promise<{ logs: RunLogStore; close(): Promise<void> }> {
  if (!place.startsWith('postgres:')) {
    const logs = await openFileRunLogs({ folder: place, clock, tidies: false });
    return { logs, close: () => logs.close() };
  }
  const { store, coordination, runLogs } = await openPostgres({ url: place, clock, onError: () => {} });
  return {
    logs: runLogs,
    async close() {
      await coordination.close();
      await runLogs.close();
      await store.close();
    },
  };
}

const [first = '400', place, role] = process.argv.slice(2);
const appends = Number(first);
if (place !== undefined && role === 'writer') await write(place);
else {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  const postgres = await startPostgres({ durable: true });
  try {
    for (const [name, where] of [
      ['files', folder],
      ['PostgreSQL', await postgres.database()],
    ] as const)
      await measure(name, where);
  } finally {
    await postgres.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Tells when each append began and was accepted. */
async function write(where: string): Promise<void> {
  const { logs, close } = await open(where);
  let { size } = await logs.create('run');
  const tell = (message: object): void => void process.send!(message);
  for (let n = 0; n < appends; n += 1) {
    const began = now();
    ({ size } = await logs.append('run', size, LINE));
    tell({ size, began, accepted: now() });
    await new Promise((resolve) => setTimeout(resolve, 1000 / LINES_PER_SECOND));
  }
  // And as fast as they are taken.
  const began = performance.now();
  for (let n = 0; n < appends * 5; n += 1) ({ size } = await logs.append('run', size, LINE));
  tell({ rate: (appends * 5) / ((performance.now() - began) / 1000) });
  await close();
  process.disconnect();
}

async function measure(name: string, where: string): Promise<void> {
  const { logs, close } = await open(where);
  const seen = new Map<number, number>();
  const unwatch = logs.watch('run', ({ size }) => seen.set(size, now()));
  const writer = fork(process.argv[1]!, [String(appends), where, 'writer'], {
    execArgv: ['--import', 'tsx'],
  });
  const written: { size: number; began: number; accepted: number }[] = [];
  let rate = 0;
  writer.on('message', (message: { rate: number } | (typeof written)[number]) => {
    if ('rate' in message) rate = message.rate;
    else written.push(message);
  });
  await once(writer, 'exit');
  unwatch();
  await close();
  // Several may be one call: a later size shows the earlier bytes too.
  const calls = [...seen].sort(([a], [b]) => a - b);
  const to = written.map(({ size, began }) => calls.find(([told]) => told >= size)![1] - began);
  const taken = written.map(({ began, accepted }) => accepted - began);
  console.log(
    `  ${name.padStart(10)}: accepted ${spread(taken)}; seen by another process ${spread(to)}; ${rate.toFixed(0)} appends of 100 bytes a second, each before the next`,
  );
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const of = (part: number): string =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!.toFixed(1);
  return `p50 ${of(0.5)} ms, p99 ${of(0.99)} ms, longest ${of(1)} ms`;
}
