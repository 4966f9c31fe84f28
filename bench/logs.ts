/**
 * A whole training log by Signalbox and by others, against the sandbox's CloudWatch Logs in a process of its own.
 * Every reader is a fresh process, the order alternates between rounds, every event of every file is checked, and the
 * ratios are printed.
 *
 *   npm run build
 *   npx tsx bench/logs.ts [--events 1000000] [--streams 2] [--latency 150] [--jitter 0] [--quota 25] [--rounds 1]
 *                         [--readers signalbox,one-lane,sdk,sdk-parallel,boto3,aws-cli] [--graph docs/images/log-memory.svg]
 *
 * `--events` are of each stream; `--quota 0` is none; `--cli` names another build. Memory and processor time are read from /proc (Linux).
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ACCOUNT, BurstSchedule, GROUP, JOB, REGION } from './log-corpus.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    streams: { type: 'string', default: '2' },
    latency: { type: 'string', default: '150' },
    jitter: { type: 'string', default: '0' },
    quota: { type: 'string', default: '25' },
    rounds: { type: 'string', default: '1' },
    readers: { type: 'string', default: 'signalbox,one-lane,sdk,sdk-parallel,boto3,aws-cli' },
    graph: { type: 'string' },
    cli: { type: 'string' },
  },
});
const events = Number(values.events);
const streams = Number(values.streams);
const quota = Number(values.quota);

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const cli = values.cli ?? here('../dist/cli.js');
const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));

interface Sample {
  seconds: number;
  megabytes: number;
}

interface Result {
  wall: number;
  cpu: number;
  peak: number;
  requests: number;
  throttled: number;
  verdict: string;
  memory: Sample[];
}

interface Stats {
  requests: Record<string, number>;
  throttled: Record<string, number>;
}

const BOTO3 = `
import heapq, sys, boto3
group, prefix, out = sys.argv[1:4]
client = boto3.client('logs')
def events(name, number):
    token, n = None, 0
    while True:
        more = {'nextToken': token} if token else {}
        page = client.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True, **more)
        for event in page['events']:
            yield event['timestamp'], number, n, event['message']
            n += 1
        if page['nextForwardToken'] == token:
            return
        token = page['nextForwardToken']
found = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)['logStreams']
with open(out, 'w', newline='') as file:
    for event in heapq.merge(*[events(s['logStreamName'], i) for i, s in enumerate(found)]):
        file.write(event[3] + '\\n')
`;

/** Command and whether its standard output is the file; undefined when it is not on this machine. */
function reader(
  name: string,
  out: string,
): { command: string[]; stdout: boolean; config?: string } | undefined {
  const has = (...command: string[]): boolean =>
    spawnSync(command[0]!, command.slice(1), { stdio: 'ignore' }).status === 0;
  const signalbox = [process.execPath, cli, 'logs', JOB, '--use-case', 'bench', '--out', out];
  switch (name) {
    case 'signalbox':
      return { command: signalbox, stdout: false, config: 'auto' };
    case 'one-lane':
      return { command: signalbox, stdout: false, config: 'off' };
    case 'sdk':
      return {
        command: [process.execPath, here('log-peers.mjs'), 'sequential', GROUP, `${JOB}/`, out],
        stdout: false,
      };
    case 'sdk-parallel':
      return {
        command: [
          process.execPath,
          '--max-old-space-size=12000',
          here('log-peers.mjs'),
          'parallel',
          GROUP,
          `${JOB}/`,
          out,
        ],
        stdout: false,
      };
    case 'boto3':
      return has('python3', '-c', 'import boto3')
        ? { command: ['python3', '-c', BOTO3, GROUP, `${JOB}/`, out], stdout: false }
        : undefined;
    case 'aws-cli':
      return has('aws', '--version')
        ? {
            command: [
              'aws',
              'logs',
              'filter-log-events',
              '--log-group-name',
              GROUP,
              '--log-stream-name-prefix',
              `${JOB}/`,
              '--query',
              'events[].[message]',
              '--output',
              'text',
            ],
            stdout: true,
          }
        : undefined;
    default:
      throw new Error(`There is no reader ${name}`);
  }
}

const TICKS = 100;

/** Resident memory now and at most, and processor seconds, of a process; undefined when it is gone or unreadable. */
function usage(pid: number): { now: number; peak: number; cpu: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    const kilobytes = (key: string): number =>
      Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN);
    if (!status.includes('VmHWM')) return undefined;
    return {
      now: kilobytes('VmRSS') / 1024,
      peak: kilobytes('VmHWM') / 1024,
      cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
    };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Compares a file with what it must hold: every event once, by time, then stream, then the stream's order. */
async function check(path: string): Promise<string> {
  const schedules = Array.from({ length: streams }, (_, s) => new BurstSchedule(s, events));
  const seen = schedules.map(() => new Uint8Array(events));
  const next = schedules.map(() => 0);
  const times = schedules.map((schedule) => schedule.time(0));
  let misplaced = 0;
  let twice = 0;
  let total = 0;
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
    const text = rest + (chunk as string);
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    for (const [, s, i] of text.slice(0, end).matchAll(/@(\d+):(\d+)@/g)) {
      const stream = Number(s);
      const index = Number(i);
      total++;
      if (seen[stream]![index]) twice++;
      seen[stream]![index] = 1;
      const due = times.reduce((best, time, n) => (time < times[best]! ? n : best), 0);
      if (due !== stream || next[due] !== index) misplaced++;
      const after = ++next[due]!;
      times[due] = after < events ? schedules[due]!.time(after) : Number.POSITIVE_INFINITY;
    }
  }
  const lost = seen.reduce((sum, flags) => sum + flags.reduce((n, flag) => n + (flag ? 0 : 1), 0), 0);
  if (lost + twice + misplaced === 0) return 'exact';
  // Ties between streams are not ordered by every reader; loss and doubles count.
  return lost + twice === 0
    ? `complete, ${misplaced} in another order`
    : `${lost} LOST, ${twice} TWICE of ${total}`;
}

const server = fork(here('log-server.ts'), [String(streams), String(events)], {
  execArgv: ['--import', 'tsx'],
});
const answer = <T>(message?: unknown): Promise<T> =>
  new Promise((resolve) => {
    server.once('message', (value) => resolve(value as T));
    if (message !== undefined) server.send(message as string);
  });

async function measure(name: string, url: string): Promise<Result | undefined> {
  const out = join(dir, `${name}.txt`);
  const found = reader(name, out);
  if (!found) return undefined;
  const config = join(dir, 'signalbox.yaml');
  await writeFile(
    config,
    `storage: { dataDir: ${join(dir, 'data')} }
useCases:
  - id: bench
    name: Benchmark
    account: "${ACCOUNT}"
    region: ${REGION}
    channels: [C0BENCH]
    access: { viewer: [channel-members] }
    logs: { secondLane: ${found.config ?? 'auto'} }
    providers: { sagemaker: true }
`,
  );
  await answer({ latencyMs: Number(values.latency), jitterMs: Number(values.jitter), quota });
  const { openSync, closeSync } = await import('node:fs');
  const stdout = found.stdout ? openSync(out, 'w') : undefined;
  const started = performance.now();
  const child: ChildProcess = spawn(found.command[0]!, found.command.slice(1), {
    cwd: here('..'),
    stdio: ['ignore', stdout ?? 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      NODE_NO_WARNINGS: '1',
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: 'AKIABENCH',
      AWS_SECRET_ACCESS_KEY: 'bench-secret',
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
      SIGNALBOX_CONFIG: config,
      SIGNALBOX_DATA_DIR: join(dir, 'data'),
    },
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-400);
  });
  const memory: Sample[] = [];
  let last = { now: Number.NaN, peak: Number.NaN, cpu: Number.NaN };
  const sampling = setInterval(() => {
    last = usage(child.pid!) ?? last;
    memory.push({ seconds: (performance.now() - started) / 1000, megabytes: last.now });
  }, 20);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  const wall = (performance.now() - started) / 1000;
  clearInterval(sampling);
  if (stdout !== undefined) closeSync(stdout);
  const stats = await answer<Stats>('stats');
  const verdict = code === 0 ? await check(out) : `failed (${code}): ${errors.trim().split('\n').at(-1)}`;
  await rm(out, { force: true });
  const pages = (counts: Record<string, number>): number =>
    (counts.GetLogEvents ?? 0) + (counts.FilterLogEvents ?? 0);
  return {
    wall,
    cpu: last.cpu,
    peak: last.peak,
    requests: pages(stats.requests),
    throttled: pages(stats.throttled),
    verdict,
    memory,
  };
}

/** Resident memory over time as a small SVG. */
function graph(samples: readonly Sample[], title: string): string {
  const width = 760;
  const height = 260;
  const end = samples.at(-1)!.seconds;
  const top = Math.ceil((Math.max(...samples.map(({ megabytes }) => megabytes)) * 1.15) / 20) * 20;
  const x = (seconds: number): number => 50 + (seconds / end) * (width - 70);
  const y = (megabytes: number): number => height - 35 - (megabytes / top) * (height - 75);
  const known = samples.filter(({ megabytes }) => Number.isFinite(megabytes));
  const every = Math.max(1, Math.floor(known.length / 600));
  const line = known
    .filter((_, i) => i % every === 0)
    .map(({ seconds, megabytes }) => `${x(seconds).toFixed(1)},${y(megabytes).toFixed(1)}`)
    .join(' ');
  const steps = Array.from({ length: 5 }, (_, i) => Math.round((top / 4) * i));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="50" y="22" font-size="14">${title}</text>
${steps.map((mb) => `<line x1="50" x2="${width - 20}" y1="${y(mb)}" y2="${y(mb)}" stroke="#ddd"/><text x="44" y="${y(mb) + 4}" text-anchor="end">${mb}</text>`).join('\n')}
${Array.from({ length: 6 }, (_, i) => `<text x="${x((end / 5) * i)}" y="${height - 14}" text-anchor="middle">${Math.round((end / 5) * i)} s</text>`).join('\n')}
<polyline fill="none" stroke="#4a154b" stroke-width="1.5" points="${line}"/>
</svg>
`;
}

try {
  if (!existsSync(cli)) throw new Error('dist/cli.js is not there: npm run build');
  const { url } = await answer<{ url: string }>();
  const names = values.readers.split(',');
  const results = new Map<string, Result[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const result = await measure(name, url);
      if (!result) console.log(`${name}: not on this machine`);
      else {
        results.set(name, [...(results.get(name) ?? []), result]);
        process.stderr.write(`${name} ${result.wall.toFixed(2)} s ${result.verdict}\n`);
      }
    }
  }
  const limit = quota === 0 ? 'no quota' : `${quota} requests/s`;
  console.log(
    `\n${streams} × ${events.toLocaleString('en-US')} events, ${values.latency} ms${values.jitter === '0' ? '' : ` + up to ${values.jitter} ms`}, ${limit}; ${cpus().length} cores (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}\n`,
  );
  const median = (list: Result[]): Result => [...list].sort((a, b) => a.wall - b.wall)[list.length >> 1]!;
  const best = results.get('one-lane') ?? results.get('signalbox');
  const rows = [...results].map(([name, list]) => {
    const { wall, cpu, peak, requests, throttled, verdict } = median(list);
    const ratio = best ? `${(wall / median(best).wall).toFixed(2)} ×` : '';
    return [
      name,
      `${wall.toFixed(2)} s`,
      ratio,
      `${cpu.toFixed(1)} s`,
      `${peak.toFixed(0)} MB`,
      String(requests),
      String(throttled),
      verdict,
    ];
  });
  const head = ['reader', 'wall', 'to one lane', 'CPU', 'peak RSS', 'page requests', 'refused', 'events'];
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
  const drawn = results.get('signalbox')?.[0] ?? results.get('one-lane')?.[0];
  if (values.graph && drawn) {
    await writeFile(
      values.graph,
      graph(
        drawn.memory,
        `Resident memory, MB: ${streams} × ${events.toLocaleString('en-US')} events, ${limit}`,
      ),
    );
  }
} finally {
  server.disconnect();
  await rm(dir, { recursive: true, force: true });
}
