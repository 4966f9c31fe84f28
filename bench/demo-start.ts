/**
 * How long `npm run demo` takes until its page answers and its bot is connected, and how much processor time (Linux), which
 * says more on a machine that has other work:
 * `npx tsx bench/demo-start.ts [rounds] [folder of a checkout …]`, each built. Left out: this one. Several checkouts
 * take turns, so that a busy machine is busy for all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

interface Start {
  /** Milliseconds from the command on. */
  wall: number;
  /** Milliseconds of all processes of the command. */
  cpu: number;
}

async function started(folder: string): Promise<Start> {
  const begun = performance.now();
  const child = spawn('npm', ['run', 'demo', '--', '--port', '0'], { cwd: folder, detached: true });
  const ended = once(child, 'exit');
  const failed = ended.then(([code]) => {
    throw new Error(`The demo of ${folder} ended with ${code} before it was ready.`);
  });
  try {
    await Promise.race([
      Promise.all([
        whenLine(child, 'stdout', /^Sandbox ready: (\S+)/).then(async (url) => {
          const { ok, status } = await fetch(url);
          if (!ok) throw new Error(`The page of ${folder} answers ${status}.`);
        }),
        whenLine(child, 'stderr', /^(Bot connected)/),
      ]),
      failed,
    ]);
    return { wall: performance.now() - begun, cpu: cpuBelow(child.pid!) };
  } finally {
    failed.catch(() => undefined);
    // npm and what it runs.
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGTERM');
    await ended;
  }
}

function whenLine(child: ChildProcess, stream: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
  return new Promise((found) => {
    createInterface({ input: child[stream]! }).on('line', (text) => {
      const match = pattern.exec(text);
      if (match) found(match[1]!);
    });
  });
}

/** @returns NaN where there is no /proc */
function cpuBelow(pid: number): number {
  const known = new Map(processes().map((one) => [one.id, one]));
  const below = (of: number): number =>
    [...known.values()]
      .filter(({ parent }) => parent === of)
      .reduce((sum, { id }) => sum + below(id), known.get(of)?.cpu ?? Number.NaN);
  return below(pid);
}

function processes(): { id: number; parent: number; cpu: number }[] {
  const TICK_MS = 10;
  if (!existsSync('/proc/self/stat')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // Behind the command's name, which may have spaces: state, parent, …, from the 12th on user and system time.
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        const cpu = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
        return [{ id: Number(name), parent: Number(fields[1]), cpu }];
      } catch {
        // Ended meanwhile.
        return [];
      }
    });
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const [rounds = '5', ...given] = process.argv.slice(2);
const folders = (given.length > 0 ? given : ['.']).map((folder) => resolve(folder));
const starts = new Map(folders.map((folder) => [folder, [] as Start[]]));
// The first start of each reads its files from the disk and is not counted.
for (let round = 0; round <= Number(rounds); round++)
  // Who goes first changes too.
  for (const folder of round % 2 === 0 ? folders : [...folders].reverse()) {
    const start = await started(folder);
    if (round > 0) starts.get(folder)!.push(start);
  }
console.log('| checkout | median | slowest, fastest | processor time, median |\n|---|---|---|---|');
for (const [folder, each] of starts) {
  const walls = each.map(({ wall }) => wall);
  const range = `${seconds(Math.max(...walls))}, ${seconds(Math.min(...walls))}`;
  console.log(
    `| ${folder} | ${seconds(median(walls))} | ${range} | ${seconds(median(each.map(({ cpu }) => cpu)))} |`,
  );
}
