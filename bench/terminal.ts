/**
 * `--plain`: pages of messages into the terminal's picture, MB of messages a second:
 * `npx tsx bench/terminal.ts [--against path/to/another/src/logs/format.ts]`. Each way warms up, then they alternate.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { LineFormatter } from '../src/logs/format.ts';
import type { LogPage } from '../src/ports/log-source.ts';
import { message } from './log-corpus.ts';

const ROUNDS = 20;
const EVENTS = 4_000;
const { values } = parseArgs({ options: { against: { type: 'string' } } });

const bar = (i: number, steps: number): string =>
  Array.from(
    { length: steps },
    (_, step) =>
      `\repoch ${i}: ${String(step).padStart(3)}%|${'█'.repeat(step / 10).padEnd(10)}| ${step}/100 [00:0${step % 10}<00:09, 9.1it/s, loss=0.${step}]`,
  ).join('');
const nested = (i: number): string =>
  Array.from({ length: 20 }, (_, step) => `\rinner ${i}: ${step * 5}%|\u001b[A\router ${step}\n`).join('');

const corpora: Record<string, (i: number) => string> = {
  'training log as in the other benchmarks': (i) => message(0, i),
  'no controls at all': (i) =>
    `2026-11-20 10:00:00 INFO step ${i} loss=0.123 lr=0.0001 throughput=1234.5 samples/s`,
  colours: (i) => `\u001b[32mINFO\u001b[0m step \u001b[1m${i}\u001b[0m loss=0.123 \u001b(B\u001b[m`,
  'progress bars of 100 steps': (i) => bar(i, 100),
  'nested bars': nested,
  'wide characters': (i) => `\r学習 ${i} 回目 ${'進'.repeat(20)} 🚀\r学習 ${i} 完了`,
};

function pageOf(make: (i: number) => string): LogPage {
  const texts = Array.from({ length: EVENTS }, (_, i) => Buffer.from(make(i)));
  let end = 0;
  return {
    count: EVENTS,
    text: Buffer.concat(texts),
    ends: Uint32Array.from(texts, (text) => (end += text.length)),
    times: Float64Array.from(texts, (_, i) => i),
    nextToken: undefined,
    lead: undefined,
  };
}

const ways: [string, typeof LineFormatter][] = [['here', LineFormatter]];
if (values.against) {
  const other = (await import(pathToFileURL(resolve(values.against)).href)) as {
    LineFormatter: typeof LineFormatter;
  };
  ways.push(['there', other.LineFormatter]);
}
console.log(`${EVENTS} messages a page, Node ${process.versions.node}, median of ${ROUNDS} rounds`);
for (const [name, make] of Object.entries(corpora)) {
  const page = pageOf(make);
  const megabytes = page.text.length / 1e6;
  const spent = new Map<string, number[]>(ways.map(([way]) => [way, []]));
  for (let round = -5; round < ROUNDS; round++) {
    for (const [way, Formatter] of ways) {
      const formatter = new Formatter({ form: 'plain', streamColumn: '' });
      const started = performance.now();
      formatter.format(page);
      if (round >= 0) spent.get(way)!.push(performance.now() - started);
    }
  }
  const rate = (way: string): number =>
    (megabytes / spent.get(way)!.sort((a, b) => a - b)[ROUNDS >> 1]!) * 1000;
  const rates = ways.map(([way]) => `${way} ${rate(way).toFixed(0).padStart(5)} MB/s`).join('  ');
  const ratio = values.against ? `  ${(rate('here') / rate('there')).toFixed(1)} ×` : '';
  console.log(`${name.padEnd(40)} ${megabytes.toFixed(1).padStart(5)} MB  ${rates}${ratio}`);
}
