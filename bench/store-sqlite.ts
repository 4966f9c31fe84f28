/**
 * The embedded store beside SQLite, in turn in one run: `npx tsx bench/store-sqlite.ts [times opened] [attempts there …]`.
 * Node 22 and later: `node:sqlite`. Node 20: `npm install --prefix DIR better-sqlite3@12`, and `SQLITE_FROM=DIR`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openLowdbStore } from '../src/stores/lowdb.ts';
import { attempt, completed } from './attempts.ts';
import { type Attempts, openSqliteAttempts } from './sqlite-attempts.ts';

const SQLITE = Number(process.versions.node.split('.')[0]) >= 22 ? 'node:sqlite' : 'better-sqlite3';
const SIDES = ['lowdb', 'lowdb, all in memory', SQLITE] as const;
type Side = (typeof SIDES)[number];

const open = async (side: Side, folder: string): Promise<Attempts> =>
  side === 'better-sqlite3' || side === 'node:sqlite'
    ? openSqliteAttempts(side, folder)
    : openLowdbStore(folder, side === 'lowdb' ? {} : { attemptsKept: 1e9 });

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    names.filter((one) => one.isFile()).map((one) => stat(join(one.parentPath, one.name))),
  );
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

interface Opened {
  openMs: number;
  rssMb: number;
  diskMb: number;
}
interface Raced {
  one: number;
  eight: number;
  /** Share of the time of eight at once in which nothing else could run in this process. */
  busy: number;
}

/** Blocks of claims, one side after the other, so that a busy disk is busy for all. */
const BLOCKS = 10;
const IN_BLOCK = { 1: 50, 8: 400 };

async function fill(side: Side, folder: string, before: number): Promise<void> {
  const store = await open(side, folder);
  for (let from = 0; from < before; from += 1_000)
    await Promise.all(
      Array.from({ length: Math.min(1_000, before - from) }, (_, at) =>
        store.addAttempt(completed(attempt(`old${from + at}`, from + at))),
      ),
    );
  await store.close();
}

async function look(side: Side, folder: string): Promise<Opened> {
  const diskMb = (await bytesIn(folder)) / 1e6;
  const rssBefore = process.memoryUsage.rss();
  const started = performance.now();
  const store = await open(side, folder);
  await store.listAttempts({ live: true });
  const openMs = performance.now() - started;
  const rssMb = (process.memoryUsage.rss() - rssBefore) / 1e6;
  await store.close();
  return { openMs, rssMb, diskMb };
}

async function race(folders: readonly string[]): Promise<Raced[]> {
  const stores = await Promise.all(SIDES.map((side, at) => open(side, folders[at]!)));
  const spent = stores.map(() => ({ one: 0, eight: 0, busy: 0 }));
  let number = 1e6;
  for (let block = 0; block < BLOCKS; block++)
    for (const atOnce of [1, 8] as const)
      for (const [at, store] of stores.entries()) {
        let left = IN_BLOCK[atOnce];
        const idle = performance.eventLoopUtilization();
        const begun = performance.now();
        await Promise.all(
          Array.from({ length: atOnce }, async () => {
            while (left-- > 0) {
              number += 1;
              await store.addAttempt(attempt(`n${number}`, number));
            }
          }),
        );
        spent[at]![atOnce === 1 ? 'one' : 'eight'] += performance.now() - begun;
        if (atOnce === 8) spent[at]!.busy += performance.eventLoopUtilization(idle).utilization / BLOCKS;
      }
  await Promise.all(stores.map((store) => store.close()));
  return spent.map(({ one, eight, busy }) => ({
    one: (BLOCKS * IN_BLOCK[1]) / (one / 1000),
    eight: (BLOCKS * IN_BLOCK[8]) / (eight / 1000),
    busy,
  }));
}

function inFreshProcess<T>(...args: string[]): T {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--no-warnings', import.meta.filename, 'child', ...args],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${args.join(' ')} failed:\n${stderr}`);
  return JSON.parse(stdout);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function compare(rounds: number, before: number): Promise<void> {
  const folders = await Promise.all(SIDES.map(() => mkdtemp(join(tmpdir(), 'signalbox-bench-'))));
  try {
    for (const [at, side] of SIDES.entries()) await fill(side, folders[at]!, before);
    const opened = SIDES.map((): Opened[] => []);
    for (let round = 0; round < rounds; round++)
      for (const [at, side] of SIDES.entries())
        opened[at]!.push(inFreshProcess<Opened>('look', side, folders[at]!));
    const raced = inFreshProcess<Raced[]>('race', ...folders);
    console.log(`${before} attempts there before, Node ${process.versions.node}`);
    for (const [at, side] of SIDES.entries()) {
      const of = (key: keyof Opened) => median(opened[at]!.map((one) => one[key]));
      const { one, eight, busy } = raced[at]!;
      console.log(
        [
          `  ${side.padEnd(21)}`,
          `${one.toFixed(0)} claims/s (${(one / raced[0]!.one).toFixed(2)} ×)`,
          `8 at once ${eight.toFixed(0)} (${(eight / raced[0]!.eight).toFixed(2)} ×)`,
          `busy ${(100 * busy).toFixed(0)} %`,
          `open ${of('openMs').toFixed(0)} ms`,
          `+${of('rssMb').toFixed(0)} MB RSS`,
          `${of('diskMb').toFixed(1)} MB on disk`,
        ].join(' · '),
      );
    }
  } finally {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

const [first, what, side, ...folders] = process.argv.slice(2) as [string, string, Side, ...string[]];
if (first === 'child')
  console.log(
    JSON.stringify(what === 'look' ? await look(side, folders[0]!) : await race([side, ...folders])),
  );
else {
  const [rounds = 5, ...given] = process.argv.slice(2).map(Number);
  for (const before of given.length > 0 ? given : [1_000, 20_000]) await compare(rounds, before);
}
