/**
 * How long `npm run demo` takes until its page answers and its bot is connected:
 * `npx tsx bench/demo-start.ts [rounds] [folder of a checkout …]`, each built. Left out: this one. Several checkouts
 * take turns, so that a busy machine is busy for all.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

/** @returns milliseconds from the command on */
async function started(folder: string): Promise<number> {
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
    return performance.now() - begun;
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

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const [rounds = '5', ...given] = process.argv.slice(2);
const folders = (given.length > 0 ? given : ['.']).map((folder) => resolve(folder));
const starts = new Map(folders.map((folder) => [folder, [] as number[]]));
// The first start of each reads its files from the disk and is not counted.
for (let round = 0; round <= Number(rounds); round++)
  // Who goes first changes too.
  for (const folder of round % 2 === 0 ? folders : [...folders].reverse()) {
    const ms = await started(folder);
    if (round > 0) starts.get(folder)!.push(ms);
  }
const first = median(starts.get(folders[0]!)!);
console.log('| checkout | median | to the first | each |\n|---|---|---|---|');
for (const [folder, each] of starts)
  console.log(
    `| ${folder} | ${seconds(median(each))} | ${(median(each) / first).toFixed(2)} × | ${each.map(seconds).join(', ')} |`,
  );
