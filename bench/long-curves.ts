/**
 * The curves of a log with ten million lines of metrics: through the log engine and the reader, as for *Curves*, in a
 * process of its own, whose most memory is told. The log is made while it is read; first, last, lowest and highest value
 * are checked.
 *
 * npx tsx bench/long-curves.ts [lines]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainingJob } from '../src/domain/jobs.ts';
import type { UseCase } from '../src/domain/use-cases.ts';
import { createLogEngine } from '../src/logs/index.ts';
import { type CurveDeps, CurveReader } from '../src/operations/read-curves.ts';
import type { LogPage, LogSource } from '../src/ports/log-source.ts';
import { metricReader } from '../src/roots.ts';

const LINES = Number(process.argv[2] ?? 10e6);
const PAGE = 10_000;
const START = Date.UTC(2026, 10, 1);
const LOWEST = Math.floor(LINES * 0.77);
const HIGHEST = Math.floor(LINES * 0.33);

const lossAt = (n: number): string =>
  n === LOWEST ? '-5.25' : n === HIGHEST ? '99.5' : (0.1 + 2 / (1 + n / 5000)).toFixed(4);

/** So many a page, each a line that ends. */
function page(from: number, to: number): Omit<LogPage, 'nextToken'> {
  const lines = Array.from(
    { length: to - from },
    (_, k) => `step ${from + k} loss=${lossAt(from + k)} lr=2.5e-4\n`,
  );
  let end = 0;
  return {
    count: lines.length,
    text: Buffer.from(lines.join('')),
    ends: Uint32Array.from(lines, ({ length }) => (end += length)),
    times: Float64Array.from(lines, (_, k) => START + from + k),
  };
}

const stream = { name: 'stdout', shortName: 'stdout', firstEventAt: START, lastEventAt: START + LINES - 1 };
const source: LogSource = {
  id: 'bench/long',
  forwardOnly: true,
  listStreams: async () => [stream],
  readPage: async ({ from = START, to = Number.POSITIVE_INFINITY, token }) => {
    const first = token === undefined ? Math.max(0, from - START) : Number(token);
    const last = Math.min(LINES, first + PAGE, Math.max(first, to - START));
    return { ...page(first, last), nextToken: String(last) };
  },
};

const dir = await mkdtemp(join(tmpdir(), 'signalbox-long-'));
const useCase = { id: 'lab', name: 'Lab' } as UseCase;
const job: TrainingJob = {
  ...{ name: 'long', useCase: 'lab', provider: 'local', state: 'completed', status: 'EXITED' },
  ...{ createdAt: START, endedAt: START + LINES },
};
const clock = { now: () => START + LINES + 86_400_000 };
const provider = { name: 'local', getStatus: async () => job, log: () => source };
const deps = {
  ...{ clock, metricReader, changes: { emit: () => {} } },
  engine: createLogEngine({ spoolDir: dir }),
  gateway: { open: async () => ({ providers: [provider], sessionName: 'bench' }) },
  store: { changeJob: async () => ({ job }), appendAudit: async () => {} },
};

const began = performance.now();
const cpuBefore = process.cpuUsage();
const curves = await new CurveReader(deps as unknown as CurveDeps).read({
  ...{ actor: { team: 'T', user: 'U' }, useCase, job: 'local:long' },
});
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
await rm(dir, { recursive: true, force: true });

const loss = curves.series.find(({ name }) => name === 'loss')!;
const told = [loss.count, loss.first, loss.last, loss.min, loss.max];
const expected = [
  ...[LINES, { x: 0, value: Number(lossAt(0)) }, { x: LINES - 1, value: Number(lossAt(LINES - 1)) }],
  ...[
    { x: LOWEST, value: -5.25 },
    { x: HIGHEST, value: 99.5 },
  ],
];
const isRight = JSON.stringify(told) === JSON.stringify(expected) && curves.cut === undefined;
console.log(
  `${curves.linesRead.toLocaleString('en')} lines, ${loss.points.length} points kept of ${loss.count.toLocaleString('en')}: ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU, at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB resident`,
);
if (!isRight) {
  console.error('not as it should be:', told, curves.cut);
  process.exitCode = 1;
}
