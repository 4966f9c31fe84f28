import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { parseLogQuery } from '../../src/domain/log-query.ts';
import { AppError } from '../../src/ground/errors.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import { type DownloadOutcome, downloadLogs } from '../../src/operations/download-logs.ts';
import { EnoughError, type FirstLines } from '../../src/operations/first-lines.ts';
import type { AuditRecord, AuditTrail } from '../../src/ports/audit-trail.ts';
import type { LogPageRequest, LogSource } from '../../src/ports/log-source.ts';
import { PERFECT, type SimulatedEvent, SimulatedService } from '../logs/simulated-service.ts';
import { ADA, LINE_3, SimulatedAccount } from './simulated-account.ts';

const MINUTE = 60_000;
const NAME = 'resnet';

let dir: string;
let account: SimulatedAccount;
let store: Pick<AuditTrail, 'appendAudit'>;
let audit: AuditRecord[];
/** Requests for the ends, and how often the streams were listed. */
let asked: { ends: LogPageRequest[]; listings: number };
let shown: FirstLines[];
/** What was on record when they were shown. */
let before: string[];
let mayRead: boolean;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'first-lines-'));
  account = new SimulatedAccount();
  newTrail();
  asked = { ends: [], listings: 0 };
  [shown, before, mayRead] = [[], [], true];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function newTrail(): void {
  audit = [];
  store = { appendAudit: async (record) => void audit.push(record) };
}

type Streams = Record<string, readonly SimulatedEvent[]>;

interface World {
  job?: Partial<TrainingJob>;
  flags?: readonly string[];
  /** Comes before each answer about the log's end. */
  onEnd?: () => void;
  signal?: AbortSignal;
  /** Milliseconds that each request takes. */
  took?: number;
  /** The way there and back, of each request. */
  trip?: (isWhole: boolean) => Promise<void>;
  pageEvents?: number;
  /** The whole has to wait until they are shown, or until it is known that they are not. */
  whole?: Promise<unknown>;
  onShown?: () => void;
}

/** Downloads a log, of which somebody would like to see the end first. */
async function download(streams: Streams, world: World = {}): Promise<DownloadOutcome> {
  const { job = {}, flags = [], onEnd, signal, took = 600, trip, pageEvents = 10, whole, onShown } = world;
  account.train(NAME, job);
  const service = new SimulatedService(
    Object.entries(streams).map(([name, events]) => ({ name: `${NAME}/${name}`, events: [...events] })),
    { ...PERFECT, pageEvents },
  );
  let pages = 0;
  const source: LogSource = {
    id: service.id,
    listStreams: async () => {
      asked.listings += 1;
      await trip?.(false);
      return service.listStreams();
    },
    readPage: async (request, aborted) => {
      account.now += took;
      if (request.lead === undefined) {
        asked.ends.push(request);
        onEnd?.();
      } else if (++pages > 4) await whole;
      await trip?.(request.lead !== undefined);
      return service.readPage(request, aborted);
    },
  };
  account.log = () => source;
  return downloadLogs(
    {
      gateway: account.gateway,
      engine: createLogEngine({ spoolDir: join(dir, 'spool'), clock: account.clock }),
      store,
      clock: account.clock,
    },
    { actor: ADA, by: 'ada', useCases: [LINE_3], query: parseLogQuery([NAME, ...flags], account.now) },
    {
      ...(signal ? { signal } : {}),
      firstLines: {
        mayRead: async () => mayRead,
        show: (lines) => {
          shown.push(lines);
          before = actions();
          onShown?.();
        },
      },
    },
  );
}

const actions = (): string[] => audit.map(({ action }) => action);
const events = (count: number, words: (n: number) => string = (n) => `step ${n}`): SimulatedEvent[] =>
  Array.from({ length: count }, (_, n) => ({ time: account.now - MINUTE * 10 + n * 100, message: words(n) }));
/** Something that happens, to wait for. */
function moment(): { happens: Promise<void>; happen: () => void } {
  let happen = (): void => {};
  const happens = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happens, happen };
}
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}
const fileOf = async (outcome: DownloadOutcome): Promise<string> => {
  if (outcome.kind !== 'done') throw new Error(`Expected a download, got ${outcome.kind}`);
  const [file] = outcome.download.files;
  const text = file ? await readFile(file.path, 'utf8') : '';
  await outcome.download.dispose();
  return text;
};

describe('[L12] the end of a log that is being fetched', () => {
  it('is shown before the whole is there, once it is on record', async () => {
    const { happens, happen } = moment();
    const lines = events(300);
    const outcome = await download({ 'algo-1': lines }, { whole: happens, onShown: happen });
    expect(shown).toHaveLength(1);
    const { useCase, job, excerpt, at } = shown[0]!;
    expect([useCase.id, job?.name, excerpt.stream, excerpt.kind]).toEqual([
      'line-3',
      NAME,
      'algo-1',
      'last lines',
    ]);
    expect(excerpt.text.split('\n')).toEqual(Array.from({ length: 10 }, (_, n) => `step ${290 + n}`));
    expect(at).toBe(lines.at(-1)!.time);
    expect(before).toEqual(['logs.lines_shown']);
    expect(actions()).toEqual(['logs.lines_shown', 'logs.downloaded']);
    expect(asked.listings).toBe(1);
    expect(await fileOf(outcome)).toContain('step 0\n');
  });

  it.each([
    ['of a run that completed: the streams, the first pages, the end', {}],
    ['of one that failed: the streams, the first pages and the end', { status: 'Failed', endedAt: 1 }],
  ])('is there after as few round trips as it takes, %s', async (_, job: Partial<TrainingJob>) => {
    const waiting: (() => void)[] = [];
    let asksForWhole = false;
    let [trips, tripsUntilShown, isOver] = [0, 0, false];
    const whole = download(
      { 'algo-1': events(2_000, (n) => `${n} ${'x'.repeat(5_000)}`) },
      {
        job,
        pageEvents: 200,
        took: 0,
        trip: (isWhole) =>
          new Promise((resolve) => {
            waiting.push(resolve);
            asksForWhole ||= isWhole;
          }),
        onShown: () => {
          tripsUntilShown = trips;
        },
      },
    ).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await turns(20);
      // What the disk takes is no round trip.
      while (trips > 0 && !asksForWhole && !isOver) await turns(1);
      if (waiting.length === 0) continue;
      account.now += 150;
      trips += 1;
      asksForWhole = false;
      for (const arrive of waiting.splice(0)) arrive();
    }
    await whole;
    expect(shown).toHaveLength(1);
    expect(tripsUntilShown).toBe(job.status === 'Failed' ? 2 : 3);
  });

  it('is not read where the whole is there at once', async () => {
    await download({ 'algo-1': events(30), 'algo-2': events(30) }, { took: 1 });
    expect({ shown, actions: actions(), asked }).toEqual({
      shown: [],
      actions: ['logs.downloaded'],
      asked: { ends: [], listings: 1 },
    });
  });

  it('of a run that failed is its traceback, with cause and fix, and is read once', async () => {
    const { happens, happen } = moment();
    const trace =
      'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nKeyError: \'lr\'';
    const lines = [...events(300), { time: account.now - MINUTE, message: trace }];
    const job = { status: 'Failed', failureReason: 'AlgorithmError: exit code: 1', endedAt: account.now };
    const outcome = await download(
      { 'algo-1': lines, 'algo-2': events(40) },
      { job, whole: happens, onShown: happen },
    );
    expect(shown[0]!.excerpt).toEqual({ stream: 'algo-1', text: trace, kind: 'traceback' });
    expect(shown[0]!.advice?.cause).toBeTruthy();
    expect(asked.listings).toBe(1);
    // Each page of the end once: no request is made twice.
    const requests = asked.ends.map(({ stream, token }) => `${stream} ${token}`);
    expect(new Set(requests).size).toBe(requests.length);
    expect(outcome).toMatchObject({ failure: { excerpt: shown[0]!.excerpt } });
  });

  it('is not shown to somebody whose right was withdrawn meanwhile', async () => {
    mayRead = false;
    await download({ 'algo-1': events(300) });
    expect({ shown, actions: actions() }).toEqual({ shown: [], actions: ['logs.downloaded'] });
  });

  it('is not shown where that cannot be put on record, and the whole comes all the same', async () => {
    store.appendAudit = async ({ action }) => {
      if (action === 'logs.lines_shown') throw new AppError('unavailable', 'The disk is full.');
    };
    const outcome = await download({ 'algo-1': events(300) });
    expect(shown).toEqual([]);
    expect(await fileOf(outcome)).toContain('step 299\n');
  });

  it('that cannot be read does not keep the whole from coming', async () => {
    const onEnd = (): never => {
      throw new AppError('unavailable', 'The connection was cut.');
    };
    expect(await fileOf(await download({ 'algo-1': events(300) }, { onEnd }))).toContain('step 299\n');
    expect(shown).toEqual([]);
  });

  it('is asked for again while the service refuses for want of quota', async () => {
    const { happens, happen } = moment();
    let refusals = 2;
    const onEnd = (): void => {
      if (refusals-- > 0) throw new AppError('rate_limited', 'Too fast.');
    };
    await download({ 'algo-1': events(300) }, { onEnd, whole: happens, onShown: happen });
    expect(shown[0]!.excerpt.text).toContain('step 299');
  });

  it('is enough for some, which is told apart from a cancelled download', async () => {
    for (const [reason, action] of [
      [new EnoughError('by ada'), 'logs.enough'],
      [new AppError('unavailable', 'Restarting.'), 'logs.cancelled'],
    ] as const) {
      newTrail();
      const stop = new AbortController();
      const onShown = () => stop.abort(reason);
      const never = new Promise((_, reject) => stop.signal.addEventListener('abort', () => reject(reason)));
      const ended = download({ 'algo-1': events(300) }, { whole: never, signal: stop.signal, onShown });
      await expect(ended).rejects.toThrow();
      expect(actions()).toEqual(['logs.lines_shown', action]);
    }
  });

  it.each([
    ['--grep', 'step'],
    ['--regex', 'step'],
    ['--tail', '50'],
  ])('is not shown with %s %s, which asks for something else', async (...flags) => {
    await download({ 'algo-1': events(300) }, { flags });
    expect({ shown, ends: asked.ends }).toEqual({ shown: [], ends: [] });
  });

  it('is what the file then ends with, whatever part of any log was asked for', async () => {
    const stream = fc.array(fc.nat(2_000), { minLength: 1, maxLength: 60 });
    const flags = fc.record(
      { since: fc.nat(2_000), until: fc.nat(2_000), stream: fc.constantFrom('algo-1', 'algo-*', 'algo-3') },
      { requiredKeys: [] },
    );
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(stream, { minLength: 1, maxLength: 3 }), flags, async (streams, asks) => {
        if (asks.since !== undefined && asks.until !== undefined && asks.since >= asks.until) return;
        if (asks.stream === 'algo-3' && streams.length < 3) return;
        account.now = Date.UTC(2026, 0, 31, 12);
        shown = [];
        newTrail();
        const start = account.now - MINUTE;
        const at = (ms: number): string => new Date(start + ms).toISOString();
        const world = Object.fromEntries(
          streams.map((times, index) => [
            `algo-${index + 1}`,
            times.map((time, n) => ({ time: start + time, message: `${index}.${n}` })),
          ]),
        );
        const { happens, happen } = moment();
        const outcome = await download(world, {
          flags: [
            ...(asks.since === undefined ? [] : ['--since', at(asks.since)]),
            ...(asks.until === undefined ? [] : ['--until', at(asks.until)]),
            ...(asks.stream === undefined ? [] : ['--stream', asks.stream]),
          ],
          whole: Promise.race([happens, turns(60)]),
          onShown: happen,
        });
        const text = await fileOf(outcome);
        const file = text
          .slice(text.indexOf('\n\n') + 2)
          .split('\n')
          .slice(0, -1);
        for (const { excerpt } of shown) {
          compared += 1;
          const lines = excerpt.text.split('\n').map((line) => line.split(' ').at(-1));
          expect(lines).toEqual(file.slice(-lines.length).map((line) => line.split(' ').at(-1)));
          expect(lines.length).toBe(Math.min(10, file.length));
        }
      }),
      { numRuns: 150 },
    );
    expect(compared).toBeGreaterThan(30);
  });
});
