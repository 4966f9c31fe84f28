import { access, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLogEngine, type LogForm } from '../../src/logs/index.ts';
import { textOf } from '../fixtures/text-of.ts';
import { type Arrival, growingJob, SETTLING } from '../logs/library/growing-job.ts';
import { type Behaviour, generator, SimulatedService } from '../logs/simulated-service.ts';

const RUNS = Number(process.env.LOG_LIBRARY_RUNS ?? 150);
const START = 1_790_000_000_000;
const AHEAD = 7_200_000;

const behaviours: fc.Arbitrary<Behaviour> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  pageEvents: fc.constantFrom(1, 3, 7, 20, 50),
  partial: fc.constantFrom(0, 0.3),
  empty: fc.constantFrom(0, 0, 0.2),
  emptyRun: fc.constantFrom(1, 4),
  throttle: fc.constantFrom(0, 0.2),
  fail: fc.constantFrom(0, 0.1),
  tokenLife: fc.constant(0),
  secondLane: fc.boolean(),
  quotaLasts: fc.constantFrom(Number.POSITIVE_INFINITY, 30),
  secondLaneDenied: fc.constantFrom(false, false, true),
  hintError: fc.constantFrom(0, 3_600_000),
  lead: fc.boolean(),
  paced: fc.constant(true),
});

interface Wish {
  process: number;
  form: LogForm;
  match: string | undefined;
  range: [number, number] | undefined;
  isOpen: boolean;
  tail: number | undefined;
  stream: string | undefined;
  fresh: boolean;
  gzipAbove: number | undefined;
  partLimit: number | undefined;
}

/** What somebody asks for; times as shares of the log so far. */
const requests: fc.Arbitrary<Wish> = fc.record({
  process: fc.constantFrom(0, 0, 1),
  form: fc.constantFrom<LogForm>('lines', 'lines', 'raw'),
  match: fc.constantFrom(undefined, undefined, undefined, 'loss'),
  range: fc.option(
    fc.tuple(fc.double({ min: 0, max: 1.2, noNaN: true }), fc.double({ min: 0, max: 1.2, noNaN: true })),
    {
      nil: undefined,
      freq: 3,
    },
  ),
  isOpen: fc.boolean(),
  tail: fc.option(fc.constantFrom(1, 5, 1000), { nil: undefined, freq: 4 }),
  stream: fc.option(fc.constantFrom('algo-1', 'algo-*'), { nil: undefined, freq: 4 }),
  fresh: fc.constantFrom(false, false, false, false, true),
  gzipAbove: fc.constantFrom(undefined, 0, 1500),
  partLimit: fc.constantFrom(undefined, undefined, 700),
});

const WHOLE: Wish = {
  ...{ process: 0, form: 'lines', match: undefined, range: undefined, isOpen: true, tail: undefined },
  ...{ stream: undefined, fresh: false, gzipAbove: 0, partLimit: undefined },
};

const steps = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask'), of: requests }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ask'), of: fc.constant(WHOLE) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('askTogether'),
      of: fc.array(requests, { minLength: 2, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('damage'),
      place: fc.nat(),
      how: fc.constantFrom('flip', 'truncate', 'remove', 'forget', 'litter'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clock'), offset: fc.constantFrom(0, -60_000, -3_600_000) }),
  },
);

/** So many events arrive, or so many ms pass. */
const pauses = fc.oneof(
  { weight: 3, arbitrary: fc.record({ events: fc.integer({ min: 0, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ ms: fc.integer({ min: 0, max: 1_500_000 }) }) },
);

type Life = typeof cases extends fc.Arbitrary<infer T> ? T : never;
const cases = fc.record({
  behaviour: behaviours,
  shape: fc.record({
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
    streams: fc.integer({ min: 1, max: 3 }),
    events: fc.constantFrom<number>(0, 3, 30, 90),
    ties: fc.constantFrom<number>(0, 0.3, 0.9),
  }),
  isBusy: fc.boolean(),
  pieceBytes: fc.constantFrom(1, 200, 1000, 2_000_000),
  steps: fc.array(fc.tuple(pauses, steps), { minLength: 2, maxLength: 8 }),
});

const ODD: Wish = { ...WHOLE, process: 1, form: 'raw', match: 'loss', gzipAbove: 1500, partLimit: 700 };
/** A file that lost pieces which all begin in one millisecond: one after the other was found damaged, and the log never kept again. */
const LOST_ITS_END: Life = {
  behaviour: {
    ...{ seed: 2_147_483_641, pageEvents: 20, partial: 0, empty: 0, emptyRun: 1, throttle: 0, fail: 0 },
    ...{ tokenLife: 0, secondLane: false, quotaLasts: Number.POSITIVE_INFINITY, secondLaneDenied: false },
    ...{ hintError: 3_600_000, lead: true, paced: true },
  },
  shape: { seed: 1_379_036_483, streams: 3, events: 90, ties: 0.9 },
  isBusy: true,
  pieceBytes: 1000,
  steps: [
    [{ events: 16 }, { kind: 'damage', place: 0, how: 'forget' }],
    [{ events: 10 }, { kind: 'ask', of: { ...ODD, range: [0, 0], tail: 1 } }],
    [{ events: 11 }, { kind: 'damage', place: 16, how: 'litter' }],
    [{ events: 20 }, { kind: 'ask', of: { ...WHOLE, process: 1, range: [0, 0], tail: 1, fresh: true } }],
    [{ events: 1 }, { kind: 'damage', place: 0, how: 'truncate' }],
    [{ events: 20 }, { kind: 'ask', of: { ...ODD, isOpen: false, tail: 5, fresh: true } }],
    [{ events: 6 }, { kind: 'ask', of: WHOLE }],
    [{ events: 3 }, { kind: 'damage', place: 1_407_105_641, how: 'truncate' }],
  ],
};

const natural = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** What a request has to give, of the events that have arrived. */
function render(arrived: readonly Arrival[], of: Wish, { from, to }: { from: number; to: number }): string[] {
  const all = [...new Set(arrived.map(({ stream }) => stream))].sort(natural);
  const chosen = of.stream === 'algo-1' ? all.filter((name) => name === 'job/algo-1') : all;
  const events = arrived
    .filter(({ stream, time }) => chosen.includes(stream) && time >= from && time < to)
    .filter(({ message }) => of.match === undefined || message.includes(of.match))
    .map((event, order) => ({ ...event, order }))
    .sort((a, b) => a.time - b.time || natural(a.stream, b.stream) || a.order - b.order);
  return events.slice(of.tail === undefined ? 0 : -of.tail).map(({ stream, time, message }) => {
    const line = message.endsWith('\n') ? message : `${message}\n`;
    if (of.form === 'raw') return line;
    return `${new Date(time).toISOString()} ${chosen.length > 1 ? `${stream.split('/')[1]} ` : ''}${line}`;
  });
}

/** Does to one file of the library what disks, people and killed processes do. */
async function damage(dir: string, place: number, how: string): Promise<void> {
  const names = await readdir(dir, { recursive: true }).catch(() => [] as string[]);
  const files: string[] = [];
  for (const name of names) if ((await stat(join(dir, name))).isFile()) files.push(join(dir, name));
  const file = files[place % Math.max(1, files.length)];
  if (how === 'forget') await rm(dir, { recursive: true, force: true });
  if (!file || how === 'forget') return;
  const bytes = await readFile(file);
  const at = place % Math.max(1, bytes.length);
  if (how === 'remove') await rm(file);
  else if (how === 'truncate') await truncate(file, at);
  else if (how === 'litter') {
    // Killed in the middle of a write: what was being written is there in part, and nothing names it.
    await writeFile(join(file, '..', `segment-${place.toString(16)}`), bytes.subarray(0, at));
    await writeFile(join(file, '..', `manifest-${place.toString(16)}`), bytes.subarray(0, at));
  } else if (bytes.length > 0) {
    bytes[at]! ^= 1 << (place % 8);
    await writeFile(file, bytes);
  }
}

/** Whether all lines of one are in the other in the same order. */
function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const line of whole) if (line === part[at]) at += 1;
  return at === part.length;
}

it(`gives what is at the service, whatever is kept, in ${RUNS} lives of a job`, {
  timeout: 36_000_000,
}, async () => {
  const memory = await access('/dev/shm').then(
    () => '/dev/shm',
    () => tmpdir(),
  );
  const dir = await mkdtemp(join(memory, 'log-library-'));
  let served = 0;
  try {
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        const libraryDir = join(dir, 'library');
        const spoolDir = join(dir, 'spool');
        await rm(dir, { recursive: true, force: true });
        const { arrivals, endedAt } = growingJob(START, c.shape);
        const service = Object.assign(new SimulatedService([], c.behaviour), { aheadMs: AHEAD });
        const random = generator(c.behaviour.seed + 1);
        let now = START;
        let offset = 0;
        let next = 0;
        const arrive = (): void => {
          for (; next < arrivals.length && arrivals[next]!.at <= now; next++) {
            service.arrive(arrivals[next]!.stream, arrivals[next]!);
          }
        };
        service.onRequest = () => {
          if (!c.isBusy || random() > 0.3) return;
          now += Math.floor(random() * 4_000);
          arrive();
        };
        const processes = [0, 1].map(() =>
          createLogEngine({
            spoolDir,
            timing: {
              now: () => now + offset,
              wait: async (ms) => {
                await new Promise((resolve) => setImmediate(resolve));
                now += ms;
                arrive();
              },
              random: () => 0.5,
            },
            library: {
              ...{ dir: libraryDir, disk: 1e9, keepFor: 30 * 86_400_000, onProblem: () => undefined },
              pieceBytes: c.pieceBytes,
            },
          }),
        );
        const ask = async (of: Wish): Promise<void> => {
          const clock = now + offset;
          const ended = now >= endedAt ? endedAt : undefined;
          const end = ended === undefined ? clock : Math.max(clock, ended) + AHEAD;
          const span = Math.max(1, clock - START);
          const [a, b] = [...(of.range ?? [])]
            .sort((x, y) => x - y)
            .map((share) => Math.round(START + span * share));
          const to = Math.min(end, of.isOpen ? end : (b ?? end));
          const from = a === undefined ? 0 : Math.min(a, to);
          const before = arrivals.slice(0, next);
          if (before.length === 0) return;
          const known = new Set(before.map(({ stream }) => stream));
          if (of.stream === 'algo-1' && !known.has('job/algo-1')) return;
          const isTail = of.tail !== undefined;
          const download = await processes[of.process]!.download({
            source: service,
            keep: { edition: '1', endedAt: ended },
            ...{
              form: of.form,
              tail: of.tail,
              fresh: of.fresh,
              gzipAbove: of.gzipAbove,
              partLimit: of.partLimit,
            },
            ...(a === undefined ? {} : { from }),
            to,
            match: of.match === undefined ? undefined : { kind: 'text', pattern: of.match },
            ...(of.stream === undefined ? {} : { streams: [of.stream] }),
            fileName: 'training.log',
          });
          served += 1;
          const text = await textOf(download);
          const after = arrivals.slice(0, next);
          const least = render(before, of, { from, to });
          const most = render(after, of, { from, to });
          const streamsBegan = after.some(({ stream }) => !known.has(stream));
          if (before.length === after.length) {
            expect(text).toBe(least.join(''));
            expect(download.facts.events).toBe(least.length);
          } else if (!isTail && !streamsBegan) {
            // Which of those that came meanwhile are in it is chance, but nothing else is.
            const lines = (of: readonly string[]): string[] => of.join('').split('\n');
            expect(isSubsequence(lines(least), text.split('\n'))).toBe(true);
            expect(isSubsequence(text.split('\n'), lines(most))).toBe(true);
          }
          for (const file of download.files) expect(file.bytes).toBeLessThanOrEqual(of.partLimit ?? Infinity);
          await download.dispose();
        };
        for (const [pause, step] of c.steps) {
          now = 'ms' in pause ? now + pause.ms : Math.max(now, arrivals[next + pause.events]?.at ?? now);
          arrive();
          if (step.kind === 'ask') await ask(step.of);
          else if (step.kind === 'askTogether') await Promise.all(step.of.map(ask));
          else if (step.kind === 'damage') await damage(libraryDir, step.place, step.how);
          else offset = step.offset;
        }
        offset = 0;
        now = Math.max(now, endedAt + SETTLING + 60_000);
        arrive();
        await ask(WHOLE);
        const requested = service.requests;
        await ask({ ...WHOLE, process: 1 });
        // One page of one event; more only where something came that was not within the rule's reach.
        if (arrivals.length > 0 && c.behaviour.throttle + c.behaviour.fail === 0) {
          expect(service.requests - requested).toBe(1);
        }
        expect(service.inFlight).toBe(0);
        expect(await readdir(spoolDir).catch(() => [])).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: RUNS > 1000, examples: [[LOST_ITS_END]] },
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  expect(served).toBeGreaterThan(RUNS);
});
