/**
 * `/logs` in Slack against `signalbox logs`: the same whole log from the same sandbox on loopback.
 * In Slack the file is also compressed and uploaded; its time runs from the command to the message with the file.
 * The bot is the built program in a process of its own, the order alternates, what was uploaded is compared.
 *
 *   npm run build
 *   npx tsx bench/logs-in-slack.ts [--rounds 3] [--latency 0] [--quota 0]
 *
 * `--quota` is requests a second for each way of reading, 0 none; the job's region, eu-west-1, has 10.
 * Memory is read from /proc (Linux).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { arch, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { SandboxFile } from '#sandbox';
import { type DemoSandbox, startDemoSandbox } from '../src/demo/sandbox.ts';
import { CLI, environment, slack, startBot } from './bot.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    latency: { type: 'string', default: '0' },
    quota: { type: 'string', default: '0' },
    job: { type: 'string', default: 'line3-pretrain-2m' },
  },
});
const quota = Number(values.quota);
const CHANNEL = 'C0LINE3';
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));

/** Megabytes at most so far. */
function peak(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Seconds of processor time so far, of all threads. Other work on the machine changes it less than the time on the clock. */
function processor(pid: number): number {
  // Behind the name, which may have spaces, user and system time are the 12th and 13th, in hundredths.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Lines of events and their bytes, without the header. */
async function eventsIn(source: NodeJS.ReadableStream): Promise<string> {
  let bytes = 0;
  let lines = 0;
  let inHeader = true;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    let chunk = piece as Buffer;
    if (inHeader) {
      chunk = rest = Buffer.concat([rest, chunk]);
      const end = chunk.indexOf('\n\n');
      if (end < 0) continue;
      inHeader = false;
      chunk = chunk.subarray(end + 2);
    }
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  }
  return `${lines} lines, ${bytes} bytes`;
}

async function inSlack(sandbox: DemoSandbox): Promise<{ seconds: number; file: SandboxFile }> {
  const query = new URLSearchParams({ channel: CHANNEL });
  const before = (await slack(sandbox, `messages?${query}`)).messages?.at(-1)?.ts ?? '0';
  const started = performance.now();
  await slack(sandbox, 'command', {
    user: 'ada',
    channel: CHANNEL,
    command: '/logs',
    text: `${values.job} --fresh`,
  });
  query.set('since', before);
  query.set('contains', 'Requested by');
  query.set('wait', '30');
  for (let tries = 0; tries < 10; tries++) {
    const { messages = [] } = await slack(sandbox, `messages?${query}`);
    const file = messages.flatMap((message) => message.files ?? []).at(0);
    if (file) return { seconds: (performance.now() - started) / 1000, file };
  }
  throw new Error('No file came.');
}

async function byCommandLine(sandbox: DemoSandbox, out: string): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [CLI, 'logs', values.job, '--use-case', 'line-3', '--out', out], {
    env: { ...environment(sandbox, dir), SIGNALBOX_DATA_DIR: join(dir, 'command-line') },
    stdio: 'ignore',
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`signalbox logs ended with ${code}`);
  return (performance.now() - started) / 1000;
}

const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

const sandbox = await startDemoSandbox({
  dataDir: dir,
  manifestPath: here('../manifest.yml'),
  aws: {
    quotas: quota === 0 ? 'off' : { GetLogEvents: quota, FilterLogEvents: quota },
    latencyMs: Number(values.latency),
  },
  slack: { rateLimits: false, shareDelayMs: 0 },
});
let bot: ChildProcess | undefined;
try {
  bot = await startBot(sandbox, dir);
  const idle = peak(bot.pid!);
  const busy = processor(bot.pid!);
  const out = join(dir, 'log.txt');
  // The sandbox makes its log when it is first read.
  await byCommandLine(sandbox, out);
  const inChannel: number[] = [];
  const line: number[] = [];
  let uploaded = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    if (round % 2 === 1) line.push(await byCommandLine(sandbox, out));
    const { seconds, file } = await inSlack(sandbox);
    inChannel.push(seconds);
    uploaded = file.size;
    if (round % 2 === 0) line.push(await byCommandLine(sandbox, out));
    const content = await fetch(`${sandbox.url}/sandbox/slack/files/${file.id}/content`);
    const body = Readable.fromWeb(content.body as ReadableStream);
    const got = await eventsIn(file.name.endsWith('.gz') ? body.pipe(createGunzip()) : body);
    const expected = await eventsIn(createReadStream(out));
    if (got !== expected) throw new Error(`Slack got ${got}, the command line ${expected}`);
  }
  const megabytes = ((await stat(out)).size / 1e6).toFixed(0);
  console.log(
    `${megabytes} MB of text, ${(uploaded / 1e6).toFixed(0)} MB uploaded; ${cpus().length} cores (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`,
  );
  console.log(`signalbox logs  ${median(line).toFixed(2)} s   (${line.map((s) => s.toFixed(2)).join(', ')})`);
  console.log(
    `/logs in Slack  ${median(inChannel).toFixed(2)} s   (${inChannel.map((s) => s.toFixed(2)).join(', ')})`,
  );
  console.log(`ratio ${(median(inChannel) / median(line)).toFixed(2)}`);
  const each = (processor(bot.pid!) - busy) / inChannel.length;
  console.log(`bot: ${each.toFixed(1)} s of processor time for each file`);
  console.log(
    `bot: peak RSS ${peak(bot.pid!).toFixed(0)} MB, ${idle.toFixed(0)} MB before the first download`,
  );
} finally {
  if (bot?.kill('SIGTERM')) await once(bot, 'exit');
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
}
