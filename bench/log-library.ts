/**
 * The log library: what a second reader, ten at once and somebody who asks every minute pay, against the engine without it in
 * the same process. The log is the corpus of bench/logs.ts in the sandbox's CloudWatch Logs, in a process of its own; the
 * running job is a log of so many megabytes a minute in memory, in pages of AWS's size.
 *
 *   npx tsx bench/log-library.ts [--events 1000000] [--streams 2] [--latency 150] [--quota 25] [--rounds 3] [--minutes 60]
 *
 * Every file's text is compared by its hash.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { arch, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { createCloudWatchLogSource } from '../src/aws/cloudwatch-logs.ts';
import { createLogEngine, type LogDownload, type LogDownloadRequest } from '../src/logs/index.ts';
import type { LogPage, LogPageRequest, LogSource } from '../src/ports/log-source.ts';
import { ACCOUNT, GROUP, JOB, REGION } from './log-corpus.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    streams: { type: 'string', default: '2' },
    latency: { type: 'string', default: '150' },
    quota: { type: 'string', default: '25' },
    rounds: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '60' },
  },
});
const quota = Number(values.quota);
const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What was read before is forgotten where `kept` is a new name. */
const engineOf = (kept: string | undefined, now?: () => number) =>
  createLogEngine({
    spoolDir: join(dir, 'spool'),
    ...(now ? { clock: { now } } : {}),
    library:
      kept === undefined
        ? undefined
        : {
            ...{ dir: join(dir, kept), disk: 50e9, keepFor: 30 * 86_400_000 },
            onProblem: (error) => console.error('not kept:', error),
          },
  });

async function hashOf({ files }: LogDownload): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, gzipped } of files) {
    const bytes = createReadStream(path);
    for await (const chunk of gzipped ? bytes.pipe(createGunzip()) : bytes) hash.update(chunk as Buffer);
  }
  return hash.digest('hex').slice(0, 12);
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const of = await stat(join(folder, name));
    if (of.isFile()) bytes += of.size;
  }
  return bytes;
}

const server = fork(here('log-server.ts'), [values.streams, values.events], {
  execArgv: ['--import', 'tsx'],
});
const answer = <T>(message?: unknown): Promise<T> =>
  new Promise((resolve) => {
    server.once('message', (value) => resolve(value as T));
    if (message !== undefined) server.send(message as string);
  });
const settings = { latencyMs: Number(values.latency), jitterMs: 0, quota };

interface Measured {
  seconds: number;
  pages: number;
  textBytes: number;
  hash: string;
}

/** Several downloads at the same time. */
async function measure(work: () => Promise<LogDownload>[]): Promise<Measured> {
  await answer(settings);
  const started = performance.now();
  const downloads = await Promise.all(work());
  const seconds = (performance.now() - started) / 1000;
  const { requests } = await answer<{ requests: Record<string, number> }>('stats');
  const hashes = new Set<string>();
  for (const download of downloads) hashes.add(await hashOf(download));
  for (const download of downloads) await download.dispose();
  return {
    seconds,
    pages: (requests.GetLogEvents ?? 0) + (requests.FilterLogEvents ?? 0),
    textBytes: downloads[0]!.facts.textBytes,
    hash: [...hashes].join(' and '),
  };
}

/** One stream that is written to evenly; everything follows from the number of an event. */
class RunningLog implements LogSource {
  readonly id = 'running';
  readonly pace = { turn: async () => undefined, handBack: () => undefined, rate: 25, slowed: false };
  pages = 0;
  readonly #perMs: number;
  readonly #pageEvents: number;
  readonly #message: Buffer;

  constructor(megabytesAMinute: number) {
    this.#message = Buffer.from(`step loss=0.1234 lr=3.0e-4 ${'x'.repeat(62)} 0000000000`);
    this.#perMs = (megabytesAMinute * 1e6) / 60_000 / (this.#message.length + 26);
    this.#pageEvents = Math.min(10_000, Math.floor(2 ** 20 / (this.#message.length + 26)));
  }

  async listStreams() {
    return [{ name: 'running/algo-1', shortName: 'algo-1' }];
  }

  async readPage({ from = 0, to = 0, direction, token }: LogPageRequest): Promise<LogPage> {
    this.pages += 1;
    const begin = Math.ceil(from * this.#perMs);
    const end = Math.ceil(to * this.#perMs);
    const forward = direction === 'forward';
    const at = token === undefined ? (forward ? begin : end) : Number(token);
    const first = forward ? at : Math.max(begin, at - this.#pageEvents);
    const last = forward ? Math.min(end, at + this.#pageEvents) : at;
    const count = Math.max(0, last - first);
    const length = this.#message.length;
    const text = Buffer.alloc(count * length, this.#message);
    const ends = new Uint32Array(count);
    const times = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      ends[i] = (i + 1) * length;
      times[i] = Math.floor((first + i) / this.#perMs);
      text.write(String(first + i).padStart(10, '0'), ends[i]! - 10, 'latin1');
    }
    return { count, text, ends, times, nextToken: String(forward ? last : first) };
  }
}

async function running(minutes: number): Promise<[string, string, string][]> {
  let now = 0;
  const log = new RunningLog(10);
  const ask = async (engine: ReturnType<typeof engineOf>): Promise<string> => {
    const download = await engine.download({
      ...{ source: log, to: now, form: 'lines', fileName: 'running.log', gzipAbove: 0 },
      keep: { edition: '1', endedAt: undefined },
    });
    const hash = now === minutes * 60_000 ? await hashOf(download) : '';
    await download.dispose();
    return hash;
  };
  const kept = engineOf('running', () => now);
  let hash = '';
  for (let minute = 1; minute <= minutes; minute++) {
    now = minute * 60_000;
    hash = await ask(kept);
  }
  const pages = log.pages;
  log.pages = 0;
  const same = (await ask(engineOf(undefined, () => now))) === hash;
  return [
    [
      `a running job asked every minute, ${minutes} minutes, 10 MB each ÷ one download at the end`,
      `${pages} ÷ ${log.pages} page requests`,
      `${(pages / log.pages).toFixed(2)} ×${same ? '' : ' DIFFERENT'}`,
    ],
  ];
}

const median = (list: readonly Measured[]): Measured =>
  [...list].sort((a, b) => a.seconds - b.seconds)[list.length >> 1]!;

try {
  const { url } = await answer<{ url: string }>();
  const source = createCloudWatchLogSource({
    ...{ account: ACCOUNT, region: REGION, group: GROUP, job: JOB, secondLane: 'auto' },
    credentials: { accessKeyId: 'AKIABENCH', secretAccessKey: 'bench-secret' },
    clientConfig: { endpoint: url },
    ...(quota === 0 ? {} : { quota: { GetLogEvents: quota, FilterLogEvents: quota } }),
  });
  // The corpus ends in the future of some machines: whole, and long ago, by any clock.
  const request = (more: Partial<LogDownloadRequest> = {}): LogDownloadRequest => ({
    ...{ source, to: Date.now() + 4e11, form: 'lines', fileName: 'training.log', gzipAbove: 50e6 },
    keep: { edition: '1', endedAt: Date.now() - 3_600_000 },
    ...more,
  });
  const ways: Record<string, (kept: string) => Promise<LogDownload>[]> = {
    'without library': () => [engineOf(undefined).download(request())],
    first: (kept) => [engineOf(kept).download(request())],
    again: (kept) => [engineOf(kept).download(request())],
    'again, not gzipped': (kept) => [engineOf(kept).download(request({ gzipAbove: Infinity }))],
    'again, --raw': (kept) => [engineOf(kept).download(request({ form: 'raw' }))],
    'again, --grep': (kept) => [
      engineOf(kept).download(request({ match: { kind: 'text', pattern: 'loss' } })),
    ],
    'again, --tail 500': (kept) => [engineOf(kept).download(request({ tail: 500 }))],
    'ten at once': (kept) => {
      const engine = engineOf(`${kept}-ten`);
      return Array.from({ length: 10 }, () => engine.download(request()));
    },
  };
  const results = new Map<string, Measured[]>();
  let stored = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    const kept = `kept-${round}`;
    for (const [name, way] of Object.entries(ways)) {
      const result = await measure(() => way(kept));
      results.set(name, [...(results.get(name) ?? []), result]);
      process.stderr.write(`${name} ${result.seconds.toFixed(2)} s, ${result.pages} pages, ${result.hash}\n`);
    }
    stored = await bytesIn(join(dir, kept));
    await rm(join(dir, kept), { recursive: true });
    await rm(join(dir, `${kept}-ten`), { recursive: true });
  }
  const first = median(results.get('first')!);
  console.log(
    `\n${(first.textBytes / 1e6).toFixed(0)} MB of text, ${values.latency} ms, ${quota === 0 ? 'no quota' : `${quota} requests/s`}; ${cpus().length} cores (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}\n`,
  );
  for (const [name, list] of results) {
    const { seconds, pages, hash } = median(list);
    console.log(
      `| ${name} | ${seconds.toFixed(2)} s | ${(first.seconds / seconds).toFixed(2)} × | ${pages} | ${hash} |`,
    );
  }
  console.log(`\nstored ÷ text: ${(stored / first.textBytes).toFixed(3)}`);
  for (const row of await running(Number(values.minutes))) console.log(row.join(' | '));
} finally {
  server.disconnect();
  await rm(dir, { recursive: true, force: true });
}
