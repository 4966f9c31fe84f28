/**
 * Raw run logs in files and in PostgreSQL beside a plain file, in turn in one run: `npx tsx bench/run-log-store.ts [MB]
 * [rounds]`. Each side is a process of its own, so that its peak memory is its own. PostgreSQL (Debian: postgresql) forces
 * every commit to disk; without its programs it is left out.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { RunLogStore } from '../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../src/runs/file-run-logs.ts';
import { openPostgresRunLogs } from '../src/stores/postgres/index.ts';
import { migrate } from '../src/stores/postgres/schema.ts';
import { startPostgres, whyNoPostgres } from '../test/fixtures/postgres.ts';

const SIDES = [
  'store',
  'store, capped at 256 MiB',
  'PostgreSQL',
  'PostgreSQL, capped',
  'appendFile',
  'one open file',
] as const;
type Side = (typeof SIDES)[number];
interface Result {
  mbPerSecond: number;
  cpuSeconds: number;
  peakMb: number;
}

const CHUNK = 65_536;
/** Such text as trainers print, no two blocks alike. */
function block(n: number): Buffer {
  let text = '';
  for (let line = 0; text.length < CHUNK; line++) {
    const digits = createHash('md5').update(`${n} ${line}`).digest('hex');
    text += `\r\u001b[32mepoch ${n % 90}\u001b[0m ${line % 100}%|████▌     | loss=0.${Number.parseInt(digits.slice(0, 6), 16)} lr=${digits.slice(6, 9)}e-4\n`;
  }
  return Buffer.from(text).subarray(0, CHUNK);
}
const BLOCKS = Array.from({ length: 64 }, (_, n) => block(n));

async function writes(side: Side, folder: string, bytes: number): Promise<void> {
  const count = Math.ceil(bytes / CHUNK);
  if (side === 'appendFile') {
    for (let n = 0; n < count; n++) await appendFile(join(folder, 'log'), BLOCKS[n % 64]!);
    return;
  }
  if (side === 'one open file') {
    const file = await open(join(folder, 'log'), 'a');
    for (let n = 0; n < count; n++) await file.write(BLOCKS[n % 64]!);
    return await file.close();
  }
  const cap = side === 'store' || side === 'PostgreSQL' ? 1e12 : undefined;
  const options = { clock: { now: Date.now }, cap };
  const { store, close } = isDatabase(side) ? inDatabase(folder, options) : await inFiles(folder, options);
  await store.create('run');
  for (let n = 0; n < count; n++) await store.append('run', n * CHUNK, BLOCKS[n % 64]!);
  await close();
}

interface Opened {
  store: RunLogStore;
  close(): Promise<void>;
}

function isDatabase(side: Side): boolean {
  return side.startsWith('PostgreSQL');
}

function inDatabase(url: string, options: Parameters<typeof inFiles>[1]): Opened {
  const { runLogs, close } = openPostgresRunLogs({ url, ...options });
  return { store: runLogs, close };
}

async function inFiles(
  folder: string,
  options: { clock: { now(): number }; cap?: number | undefined },
): Promise<Opened> {
  const store = await openFileRunLogs({ folder, ...options });
  return { store, close: () => store.close() };
}

const [first = '1000', second = '3', third] = process.argv.slice(2);
if (SIDES.some((side) => side === first)) {
  const started = performance.now();
  await writes(first as Side, second, Number(third));
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage();
  const result: Result = {
    mbPerSecond: Number(third) / 1e6 / seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1024,
  };
  console.log(JSON.stringify(result));
} else {
  const why = await whyNoPostgres();
  if (why) console.log(why);
  const postgres = why === undefined ? await startPostgres({ durable: true }) : undefined;
  const database = async (): Promise<string> => {
    const url = await postgres!.database();
    await migrate({ url });
    return url;
  };
  try {
    await compare(Number(first) * 1e6, Number(second), postgres && database);
    console.log('in files:');
    await inFolder(async (folder) => readFinished(await inFiles(folder, { clock: { now: Date.now } })));
    if (postgres) {
      console.log('in PostgreSQL:');
      await readFinished(inDatabase(await database(), { clock: { now: Date.now } }));
    }
  } finally {
    await postgres?.dispose();
  }
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param database makes one; left out: there is none */
async function compare(
  bytes: number,
  rounds: number,
  database: (() => Promise<string>) | undefined,
): Promise<void> {
  const sides = SIDES.filter((side) => database !== undefined || !isDatabase(side));
  const results = new Map<Side, Result[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < rounds; round++)
    for (const side of sides)
      await inFolder(async (folder) => {
        const place = isDatabase(side) ? await database!() : folder;
        const args = ['--import', 'tsx', process.argv[1]!, side, place, String(bytes)];
        const { stdout } = spawnSync(process.execPath, args, {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        results.get(side)!.push(JSON.parse(stdout) as Result);
      });
  console.log(
    `${bytes / 1e6} MB appended by 64 KiB, each before the next, ${rounds} rounds in turn, medians`,
  );
  const plain = median(results.get('appendFile')!.map(({ mbPerSecond }) => mbPerSecond));
  for (const [side, all] of results) {
    const rate = median(all.map(({ mbPerSecond }) => mbPerSecond));
    const lowest = Math.min(...all.map(({ mbPerSecond }) => mbPerSecond));
    console.log(
      `  ${side.padStart(24)}: ${rate.toFixed(0)} MB/s (${lowest.toFixed(0)} at least), ${(rate / plain).toFixed(2)} × appendFile,` +
        ` CPU ${median(all.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2)} s, peak ${median(all.map(({ peakMb }) => peakMb)).toFixed(0)} MB`,
    );
  }
}

async function readFinished({ store, close }: Opened): Promise<void> {
  const size = 200e6;
  await store.create('run');
  for (let at = 0; at < size; at += CHUNK)
    await store.append('run', at, BLOCKS[(at / CHUNK) % 64]!.subarray(0, Math.min(CHUNK, size - at)));
  await show('live', size, async (offset) => (await store.read('run', offset, CHUNK)).bytes);
  const started = performance.now();
  await store.finish('run', { state: 'completed', exitCode: 0, signal: null, at: Date.now() });
  const seconds = (performance.now() - started) / 1000;
  const disk = (await store.stored()).get('run')!;
  console.log(
    `  finished: ${(size / 1e6 / seconds).toFixed(0)} MB/s, ${(disk / size).toFixed(3)} of its size on disk`,
  );
  await show('finished', size, async (offset) => (await store.read('run', offset, CHUNK)).bytes);
  const before = performance.now();
  for (let at = 0; at < size; ) at += (await store.read('run', at, 8_192)).bytes.length;
  console.log(
    `  finished, from the beginning by 8 KiB: ${(size / 1e6 / ((performance.now() - before) / 1000)).toFixed(0)} MB/s`,
  );
  await close();
}

async function show(
  what: string,
  size: number,
  read: (offset: number) => Promise<Uint8Array>,
): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < 1_000; n++) {
    const offset = Math.floor(Math.random() * (size - CHUNK));
    const started = performance.now();
    const bytes = await read(offset);
    times.push(performance.now() - started);
    const at = offset % CHUNK;
    const [block, next] = [Math.floor(offset / CHUNK), Math.floor(offset / CHUNK) + 1];
    const expected = Buffer.concat([BLOCKS[block % 64]!.subarray(at), BLOCKS[next % 64]!.subarray(0, at)]);
    if (!expected.subarray(0, bytes.length).equals(bytes)) throw new Error(`other bytes at ${offset}`);
  }
  times.sort((a, b) => a - b);
  const of = (part: number): string => times[Math.floor(part * times.length)]!.toFixed(2);
  console.log(`  ${what}, 200 MB, 64 KiB at random: p50 ${of(0.5)} ms, p99 ${of(0.99)} ms`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
