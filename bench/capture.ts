/**
 * `signalbox run` beside `script` and `tee`, in turn in one run: `npm run build && npx tsx bench/capture.ts [MB] [rounds]`.
 * The producer is the same program for all, its bytes go to a file, and nobody looks on (/dev/null). The last part is
 * memory over 1 GB: resident size of the capturing process, looked at every 100 ms.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [megabytes = '300', rounds = '5'] = process.argv.slice(2);
const bytes = Number(megabytes) * 1e6;
const PROGRAM = resolve(import.meta.dirname, '../dist/cli.js');

const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
// Such text as trainers print, no line end: a terminal would add a byte to each.
const line = (n: number): string =>
  `\repoch ${n % 90} ${n % 100}%|████▌     | loss=0.${(n * 7919) % 1000003} lr=3e-4   `;
const PART = 50_000_000;
const part = Buffer.from(Array.from({ length: 900_000 }, (_, n) => line(n)).join('')).subarray(0, PART);
await writeFile(join(folder, 'part'), part);
/** Says when it began and when it had got rid of all its bytes: how long whoever captures holds it up. */
await writeFile(join(folder, 'produce'), 'date +%s%N >began; cat "$@"; date +%s%N >ended');
const producer = (size: number): string => `sh produce${' part'.repeat(Math.round(size / PART))}`;

/** What runs, by a shell: the same producer, captured by each. */
const SIDES: readonly { name: string; command(size: number, n: number): string }[] = [
  {
    name: 'signalbox run',
    command: (size, n) =>
      `${node()} run --dir runs --name pty-${n} -- sh -c '${producer(size)}' >/dev/null 2>&1`,
  },
  { name: 'script -q', command: (size, n) => `script -q -c "${producer(size)}" typescript-${n} >/dev/null` },
  {
    name: 'signalbox run --pipe',
    command: (size, n) =>
      `${node()} run --pipe --dir runs --name pipe-${n} -- sh -c '${producer(size)}' >/dev/null 2>&1`,
  },
  { name: 'tee', command: (size, n) => `{ ${producer(size)}; } | tee tee-${n} >/dev/null` },
  { name: 'the producer alone', command: (size) => `${producer(size)} >/dev/null` },
];

function node(): string {
  return `${process.execPath} ${PROGRAM}`;
}

interface Measured {
  seconds: number;
  cpu: number;
}

/** CPU of all that it started, the producer included. */
async function measure(command: string): Promise<Measured> {
  const child = spawn('bash', ['-c', `${command}; times >times`], { cwd: folder, stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve));
  const at = (name: string): number => Number(readFileSync(join(folder, name), 'utf8')) / 1e9;
  const seconds = at('ended') - at('began');
  const [, children = ''] = readFileSync(join(folder, 'times'), 'utf8').split('\n');
  const cpu = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
  return { seconds, cpu };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const results = new Map<string, Measured[]>(SIDES.map(({ name }) => [name, []]));
for (let round = 0; round < Number(rounds); round += 1)
  for (const { name, command } of SIDES) {
    results.get(name)!.push(await measure(command(bytes, round)));
    await rm(join(folder, 'runs'), { recursive: true, force: true });
    for (const file of [`typescript-${round}`, `tee-${round}`]) await rm(join(folder, file), { force: true });
  }
const rate = (name: string): number => bytes / 1e6 / median(results.get(name)!.map(({ seconds }) => seconds));
console.log(
  `${megabytes} MB, ${rounds} rounds, medians; the rate is that at which the producer gets rid of its bytes, CPU is that of everything`,
);
for (const { name } of SIDES)
  console.log(
    `${name.padEnd(22)} ${rate(name).toFixed(0).padStart(5)} MB/s  CPU ${median(results.get(name)!.map(({ cpu }) => cpu)).toFixed(2)} s`,
  );
console.log(`to script: ${(rate('signalbox run') / rate('script -q')).toFixed(2)} ×`);
console.log(`to tee: ${(rate('signalbox run --pipe') / rate('tee')).toFixed(2)} ×`);

for (const flags of [[], ['--pipe']]) {
  const args = ['run', ...flags, '--dir', 'runs', '--', 'sh', '-c', producer(1e9)];
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder, stdio: 'ignore' });
  const sizes: number[] = [];
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      sizes.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
    } catch {
      // It has just ended.
    }
  }, 100);
  await new Promise((resolve) => child.once('close', resolve));
  clearInterval(look);
  const fifth = Math.floor(sizes.length / 5);
  const parts = Array.from({ length: 5 }, (_, n) =>
    Math.max(...sizes.slice(n * fifth, (n + 1) * fifth)).toFixed(0),
  );
  console.log(`1 GB ${flags[0] ?? 'terminal'}: RSS at most ${parts.join(', ')} MB in each fifth of the time`);
}
await rm(folder, { recursive: true, force: true });
