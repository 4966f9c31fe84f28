/**
 * What a start costs on the embedded store with 100,000 attempts in it, of 25,000 jobs that are on record too: the built
 * program as the bot of a sandbox, each start a fresh process, in turn with one on an empty folder. Goals: 2 s from its
 * start until it is ready, 200 MB resident at most until half a minute later, when what a bot does when it starts is over.
 *
 *   npm run build
 *   npx tsx bench/store-start.ts [--attempts 100000] [--rounds 5] [--after 30]
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type DemoSandbox, startDemoSandbox } from '../src/demo/sandbox.ts';
import { pause } from '../src/ground/pause.ts';
import { openLowdbStore } from '../src/stores/lowdb.ts';
import { attempt, completed } from './attempts.ts';
import { startBot } from './bot.ts';

const { values } = parseArgs({
  options: {
    attempts: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    after: { type: 'string', default: '30' },
  },
});
const ATTEMPTS = Number(values.attempts);
/** As `attempt` has them. */
const ATTEMPTS_OF_JOB = 4;
/** Writes at once. */
const AT_ONCE = 2_000;
const MINUTE = 60_000;
const READY_WITHIN = 2_000;
const RESIDENT_MB = 200;

/** What has gathered in a folder over the years: each job with its attempts, all at their end. As a kill leaves it. */
async function fill(filled: string): Promise<void> {
  const folder = `${filled}-open`;
  const store = await openLowdbStore(folder);
  const now = Date.now();
  for (let from = 0; from < ATTEMPTS; from += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, ATTEMPTS - from) }, (_, index) => from + index);
    await Promise.all(
      numbers.flatMap((number) => {
        const one = attempt(`a${number}`, number);
        const writes: Promise<unknown>[] = [store.addAttempt(completed(one))];
        if (number % ATTEMPTS_OF_JOB > 0) return writes;
        const createdAt = now - (ATTEMPTS - number) * MINUTE - 60 * 24 * 60 * MINUTE;
        const job = {
          ...{ name: one.job, useCase: one.useCase, provider: 'sagemaker' as const, createdAt },
          ...{ state: 'completed' as const, status: 'Completed', endedAt: createdAt + 30 * MINUTE },
          modelArtifact: `s3://line-3-models/${one.job}/output/model.tar.gz`,
          hyperparameters: { epochs: '90', 'learning-rate': '0.1', 'batch-size': '256' },
        };
        return [
          ...writes,
          store.changeJob(one.useCase, one.job, () => ({ job, seenAt: now, described: true })),
        ];
      }),
    );
  }
  // Closing it would take the journal into the state. Its lock is not of a process that was killed.
  await cp(folder, filled, { recursive: true, filter: (path) => !/in-use|starting/.test(basename(path)) });
  await store.close();
  await rm(folder, { recursive: true });
}

interface Side {
  called: string;
  sandbox: DemoSandbox;
  dir: string;
  /** As it was filled; a start changes its copy. */
  full: string | undefined;
  ready: number[];
  /** Milliseconds of CPU until then, which other work on the machine does not change much. */
  cpu: number[];
  peaks: number[];
}

async function side(called: string, full?: string): Promise<Side> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  const sandbox = await startDemoSandbox({
    dataDir: dir,
    manifestPath: fileURLToPath(new URL('../manifest.yml', import.meta.url)),
    slack: { rateLimits: false, shareDelayMs: 0 },
  });
  return { called, sandbox, dir, full, ready: [], cpu: [], peaks: [] };
}

/** Megabytes that a process has had resident at most; Linux. */
const peakOf = async ({ pid }: ChildProcess): Promise<number> =>
  Number(/^VmHWM:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1000;

/** In clock ticks of 10 ms; Linux. */
async function cpuOf({ pid }: ChildProcess): Promise<number> {
  const [, rest = ''] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ');
  const [user, system] = rest.split(' ').slice(11, 13).map(Number);
  return (user! + system!) * 10;
}

async function start({ sandbox, dir, full, ready, cpu, peaks }: Side): Promise<void> {
  const folder = join(dir, 'bot');
  await rm(folder, { recursive: true, force: true });
  if (full !== undefined) await cp(full, folder, { recursive: true });
  const began = performance.now();
  const bot = await startBot(sandbox, dir);
  ready.push(performance.now() - began);
  cpu.push(await cpuOf(bot));
  await pause(Number(values.after) * 1_000);
  peaks.push(await peakOf(bot));
  const gone = once(bot, 'exit');
  bot.kill();
  await gone;
}

async function megabytesIn(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1e6;
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const spread = (list: readonly number[]): string =>
  `${median(list).toFixed(0)} (${Math.min(...list).toFixed(0)} to ${Math.max(...list).toFixed(0)})`;

const filled = await mkdtemp(join(tmpdir(), 'signalbox-bench-full-'));
const sides: Side[] = [];
try {
  const began = performance.now();
  await fill(filled);
  console.log(
    `${ATTEMPTS.toLocaleString('en')} attempts and their jobs: ${(await megabytesIn(filled)).toFixed(0)} MB, written in ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  sides.push(await side('an empty folder'), await side('all of these', filled));
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const one of round % 2 === 0 ? sides : [...sides].reverse()) await start(one);
  console.log(
    `${cpus().length} cores, load ${loadavg()[0]!.toFixed(0)}, Node ${process.versions.node}; median of ${values.rounds} starts`,
  );
  for (const { called, ready, cpu, peaks } of sides)
    console.log(
      `${called.padEnd(16)} ready after ${spread(ready)} ms, ${spread(cpu)} ms of CPU; resident at most ${spread(peaks)} MB`,
    );
  const { ready, peaks } = sides[1]!;
  const isMet = median(ready) <= READY_WITHIN && median(peaks) <= RESIDENT_MB;
  console.log(isMet ? 'goals met' : 'GOALS MISSED');
  process.exitCode = isMet ? 0 : 1;
} finally {
  for (const { sandbox, dir } of sides) {
    await sandbox.close();
    await rm(dir, { recursive: true, force: true });
  }
  await rm(filled, { recursive: true, force: true });
}
