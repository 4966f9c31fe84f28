/**
 * From `/logs` to the last lines of the log in its message, while more than a gigabyte is fetched: as somebody at the
 * sandbox's Slack sees it, with Slack's limits on. Each round asks, sees the lines, and ends the download with This will do.
 * The bot is the built program in a process of its own; the sandbox shares this one's.
 *
 *   npm run build
 *   npx tsx bench/first-lines.ts [--rounds 40] [--latency 150] [--quota 25] [--events 5000000] [--failed]
 *
 * `--quota` is requests a second for each way of reading; `--failed`: the job has failed, and its traceback is shown.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { arch, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { SandboxMessage } from '#sandbox';
import { type AwsWorld, type TrainingJobSeed, writtenSeries } from '#sandbox/seeds';
import { type DemoSandbox, startDemoSandbox } from '../src/demo/sandbox.ts';
import { slack, startBot } from './bot.ts';
import { JOB as CORPUS, corpus } from './log-corpus.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    latency: { type: 'string', default: '150' },
    quota: { type: 'string', default: '25' },
    events: { type: 'string', default: '5000000' },
    failed: { type: 'boolean', default: false },
  },
});
/** Seeded; its log is replaced. */
const JOB = 'line3-pretrain-2m';
const CHANNEL = 'C0LINE3';
/** Milliseconds between rounds: a round takes two or three of the 50 edits a minute. */
const REST = 4_000;
const quota = Number(values.quota);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));

const { seeds, schedules } = corpus(2, Number(values.events));
const end = Math.max(...schedules.map((schedule) => schedule.time(schedule.length - 1)));
const trace =
  'Traceback (most recent call last):\n  File "train.py", line 88, in <module>\n    fit()\nKeyError: \'lr\'';

function large(job: TrainingJobSeed): TrainingJobSeed {
  if (job.name !== JOB) return job;
  const streams = seeds.map((seed) => ({ ...seed, name: seed.name.replace(CORPUS, JOB) }));
  if (!values.failed) return { ...job, streams };
  const last = writtenSeries(() => [{ at: end + 1_000, message: trace }]);
  return {
    ...job,
    transitions: [
      ...job.transitions.slice(0, -1),
      { ...job.transitions.at(-1)!, status: 'Failed', secondary: 'Failed' },
    ],
    failureReason: 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1',
    streams: [...streams, { ...streams[0]!, name: `${JOB}/algo-3-1759276800`, series: last }],
  };
}

const world = ({ accounts }: AwsWorld): AwsWorld => ({
  accounts: accounts.map((account) => ({
    ...account,
    regions: Object.fromEntries(
      Object.entries(account.regions ?? {}).map(([name, region]) => [
        name,
        { ...region, ...(region.trainingJobs ? { trainingJobs: region.trainingJobs.map(large) } : {}) },
      ]),
    ),
  })),
});

async function seen(sandbox: DemoSandbox, words: string, since: string): Promise<SandboxMessage> {
  const query = new URLSearchParams({ channel: CHANNEL, contains: words, since, wait: '30' });
  const { messages = [] } = await slack(sandbox, `messages?${query}`);
  const found = messages.at(-1);
  if (!found) throw new Error(`Nobody said “${words}”.`);
  return found;
}

async function round(sandbox: DemoSandbox): Promise<number> {
  const since = (await slack(sandbox, `messages?channel=${CHANNEL}`)).messages?.at(-1)?.ts ?? '0';
  const began = performance.now();
  await slack(sandbox, 'command', { user: 'ada', channel: CHANNEL, command: '/logs', text: JOB });
  const { ts, blocks } = await seen(sandbox, values.failed ? 'The traceback' : 'The end of the log', since);
  const took = performance.now() - began;
  const shown = JSON.stringify(blocks);
  // Each event says which it is: these must be among the last hundred of their stream.
  const places = [...shown.matchAll(/@\d+:(\d+)@/g)].map(([, index]) => Number(index));
  const isRight = values.failed
    ? // The corpus has tracebacks of its own.
      shown.includes('Traceback (most recent call last)')
    : places.length > 4 && places.every((index) => index >= Number(values.events) - 100);
  if (!isRight) throw new Error(`These are not the last lines: ${shown}`);
  await slack(sandbox, 'action', {
    user: 'ada',
    action_id: 'logs.enough',
    channel: CHANNEL,
    message_ts: ts,
  });
  await seen(sandbox, 'because this was enough', since);
  return took;
}

const sandbox = await startDemoSandbox({
  dataDir: dir,
  manifestPath: here('../manifest.yml'),
  aws: {
    latencyMs: Number(values.latency),
    quotas: { GetLogEvents: quota, FilterLogEvents: quota },
  },
  slack: { rateLimits: true },
  world,
});
let bot: ChildProcess | undefined;
try {
  bot = await startBot(sandbox, dir);
  const times: number[] = [];
  for (let n = 0; n < Number(values.rounds); n++) {
    times.push(await round(sandbox));
    console.error(`round ${n + 1}: ${(times.at(-1)! / 1000).toFixed(2)} s`);
    await pause(REST);
  }
  const [first] = times;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]! / 1000).toFixed(2);
  console.log(
    `2 × ${values.events} events, ${values.latency} ms, ${quota}/s${values.failed ? ', failed' : ''}; ${cpus().length} cores (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`,
  );
  console.log(
    `command to last lines, ${times.length} rounds: p50 ${at(0.5)} s, p95 ${at(0.95)} s, longest ${at(1)} s; the first ${(first! / 1000).toFixed(2)} s`,
  );
} finally {
  if (bot?.kill('SIGTERM')) await once(bot, 'exit');
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
}
