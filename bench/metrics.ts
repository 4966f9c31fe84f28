/**
 * Metrics out of a log: the reader in src/metrics against the way it is usually done, a line at a time and every format's
 * regular expression on it. Both in the same run, by turns, on one core, each in a process of its own, so that neither is
 * charged with what the other leaves behind; the CPU's time counts, so that other programs disturb little. The peer does
 * less: it finds matches and their numbers, and draws no curves.
 *
 * npx tsx bench/metrics.ts
 */
import { spawnSync } from 'node:child_process';
import { createMetricReader } from '../src/metrics/reader.ts';
import { message } from './log-corpus.ts';

const LOG_BYTES = 48e6;
/** Of it, what the peer reads: its speed is the same. */
const PEER_BYTES = 6e6;
const CHUNK = 1 << 18;
/** Processes of each, by turns, and how often each of them reads; the best counts. */
const TURNS = 2;
const TIMES = 8;

const NUMBER = '([-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eEdD][-+]?\\d+)?|[-+]?(?:nan|inf(?:inity)?))';
const WORDS =
  'loss|acc|accuracy|auc|rmse|mae|mse|logloss|error|f1|recall|precision|iou|ppl|perplexity|bleu|reward|score|lr|grad_norm|inertia';
/** One for each way in which the formats write a number: the same that the reader knows. */
const PATTERNS: readonly RegExp[] = [
  // {'loss': 0.5}, {"loss": 0.5}, JSON in a string
  new RegExp(`["']([^"'\\\\]{1,64})\\\\?["']\\s*:\\s*["']?${NUMBER}(?![\\w./:])`, 'gi'),
  // loss=0.5, train-rmse:0.1, val loss: 0.1, training's auc : 0.1, tensor(0.5)
  new RegExp(
    `((?:(?:train(?:ing)?|val(?:id(?:ation)?)?|test|eval|average|avg\\.?|learning|grad|lm|\\w+'s) )*[A-Za-z_][\\w./@&+-]*(?:\\([^()\\s]*\\)|\\[[^[\\]\\s]*\\])?)[ \\t]{0,2}[=:][ \\t]*(?:tensor\\(|np\\.float\\d\\d\\()?${NUMBER}(?![\\w./:])`,
    'gi',
  ),
  // loss 0.5
  new RegExp(`\\b([\\w./@]*(?:${WORDS})[\\w./@]*)[ \\t]+${NUMBER}(?![\\w./:])`, 'gi'),
  // epoch 3/10, Epoch [3][10/100], step 5 of 10, iter: 7
  /\b(epoch|step|iter(?:ation)?|round|batch)s?[ \t]*[:=]?[ \t]*\[?[ \t]*(\d+)(?:[ \t]*(?:\/|of)[ \t]*(\d+))?\]?(?:\[[ \t]*(\d+)\/(\d+))?/gi,
  // [12]\t, [12]#011, 12:\t
  /^\[(\d+)\](?:\t|#011)|^(\d+):\t/g,
  // 12/938 [====>
  /(\d+)\/(\d+) [[━]/g,
  // | loss | 0.5 |
  new RegExp(`[|│][ \\t]*([\\w./@]+)[ \\t]*[|│][ \\t]*${NUMBER}`, 'gi'),
  // Tables: a header, a row.
  /^[\s|]*(?:epoch|iter(?:ation)?|step|class)(?:\s{2,}|\t|\s*\|)/gi,
  /^[\s|]*\d+(?:\/\d+)?(?:[\s|]+[-+]?[\d.]+(?:[eE][-+]?\d+)?)+/g,
];
const COLOURS = new RegExp(`${String.fromCharCode(0x1b)}\\[[ -?]*[@-~]`, 'g');

const OWN = [{ pattern: 'all-reduced in (?P<value>[\\d.]+) ms', name: 'all-reduce' }];
const OWN_REGEXP = /all-reduced in (?<value>[\d.]+) ms/g;

/** So many bytes of lines that go on. */
type MakeLog = (size: number) => Buffer;

const repeated =
  (line: (n: number) => string): MakeLog =>
  (size) => {
    const parts: string[] = [];
    for (let n = 0, bytes = 0; bytes < size; n++) {
      const text = line(n);
      bytes += text.length;
      parts.push(text);
    }
    return Buffer.from(parts.join(''));
  };
const falling = (n: number): string => (0.1 + 2 / (1 + n / 5000)).toFixed(4);

const LOGS: readonly (readonly [name: string, log: MakeLog])[] = [
  ['a training’s log: steps, bars, JSON, colours, tracebacks, text', repeated((n) => `${message(0, n)}\n`)],
  [
    'a step in each tenth line, else text',
    repeated((n) =>
      n % 10 === 0
        ? `2026-11-01T10:00:00.123Z INFO train step ${n} loss=${falling(n)} lr=2.5e-4\n`
        : `2026-11-01T10:00:00.123Z DEBUG loader worker ${n % 16} read s3://line-3/frames/part-${n}.tfrecord, 26 MB in 9.3 ms\n`,
    ),
  ],
  [
    'metrics in every line',
    repeated(
      (n) =>
        `2026-11-01 10:00:00,123 INFO train.py:88 step ${n} loss=${falling(n)} lr=2.5e-4 grad_norm=0.98\n`,
    ),
  ],
  [
    'Hugging Face’s dictionaries',
    repeated(
      (n) => `{'loss': ${falling(n)}, 'grad_norm': 1.2345, 'learning_rate': 5e-05, 'epoch': ${n / 1000}}\n`,
    ),
  ],
  [
    'XGBoost’s rounds',
    repeated((n) => `[${n}]\ttrain-rmse:${falling(n)}1\tvalidation-rmse:${falling(n)}2\n`),
  ],
  [
    'Keras’ bars',
    repeated((n) =>
      n % 100 === 0
        ? `\nEpoch ${n / 100 + 1}/100000\n`
        : `\r ${n % 100}/99 [${'='.repeat(n % 30)}>${'.'.repeat(30 - (n % 30))}] - ETA: 0:18 - loss: ${falling(n)} - accuracy: 0.9011`,
    ),
  ],
];

function seconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function read(log: Buffer, own: boolean): number {
  const reader = createMetricReader(own ? OWN : []);
  for (let at = 0; at < log.length; at += CHUNK) reader.feed(log.subarray(at, at + CHUNK));
  return reader.end().series.reduce((sum, { count }) => sum + count, 0);
}

function linesOf(log: Buffer): string[] {
  const lines = log.toString('utf8').split(/[\n\r]/);
  return lines.map((line) => (line.includes('\u001b') ? line.replace(COLOURS, '') : line));
}

function matchLines(log: Buffer, own: boolean): number {
  const patterns = own ? [...PATTERNS, OWN_REGEXP] : PATTERNS;
  let found = 0;
  for (const line of linesOf(log)) {
    for (const pattern of patterns)
      for (const match of line.matchAll(pattern)) found += Number.isNaN(Number(match[2])) ? 0 : 1;
  }
  return found;
}

/** It is a fair peer: whatever the reader reports of a log's beginning, one of its patterns finds. */
function checkPeer(make: MakeLog): void {
  const log = make(60_000);
  const reader = createMetricReader();
  reader.feed(log);
  const found = new Set<number>();
  for (const line of linesOf(log))
    for (const pattern of PATTERNS)
      for (const groups of line.matchAll(pattern)) for (const group of groups) found.add(Number(group));
  for (const { name, points } of reader.end().series)
    for (const { value } of points)
      if (!found.has(value))
        throw new Error(`${name} ${value} is reported, and the peer finds no such number`);
}

type Side = 'reader' | 'peer';

interface Measured {
  /** Megabytes of log a second of CPU. */
  speed: number;
  reports: number;
}

function measure(make: MakeLog, side: Side, own: boolean): Measured {
  const log = make(side === 'peer' ? PEER_BYTES : LOG_BYTES);
  let best = Number.POSITIVE_INFINITY;
  let reports = 0;
  for (let time = 0; time < TIMES; time++)
    best = Math.min(
      best,
      seconds(() => (reports = (side === 'peer' ? matchLines : read)(log, own))),
    );
  return { speed: log.length / 1e6 / best, reports };
}

/** In a process of its own. */
function measured(row: number, side: Side): Measured {
  const args = [...process.execArgv, process.argv[1]!, side, String(row)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Measured;
}

const ROWS = [
  ...LOGS.map(([name, log]) => ({ name, log, own: false })),
  { name: `${LOGS[0]![0]}; an own pattern more`, log: LOGS[0]![1], own: true },
];

function compare(): void {
  console.log('| log | reader | reports | line by line, RegExp | ratio |\n|---|---|---|---|---|');
  let slowest = Number.POSITIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (const [row, { name, log }] of ROWS.entries()) {
    checkPeer(log);
    const best = { reader: 0, peer: 0 };
    let reports = 0;
    for (let turn = 0; turn < TURNS; turn++)
      for (const side of ['reader', 'peer'] as const) {
        const found = measured(row, side);
        best[side] = Math.max(best[side], found.speed);
        if (side === 'reader') reports = found.reports;
      }
    const ratio = best.reader / best.peer;
    slowest = Math.min(slowest, best.reader);
    least = Math.min(least, ratio);
    console.log(
      `| ${name} | ${best.reader.toFixed(0)} MB/s | ${reports.toLocaleString('en')} | ${best.peer.toFixed(1)} MB/s | ${ratio.toFixed(1)} × |`,
    );
  }
  console.log(`\nSlowest: ${slowest.toFixed(0)} MB/s; least ratio: ${least.toFixed(1)} ×.`);
}

const [side, row] = process.argv.slice(2);
if (side === undefined) compare();
else {
  const { log, own } = ROWS[Number(row)]!;
  console.log(JSON.stringify(measure(log, side === 'peer' ? 'peer' : 'reader', own)));
}
