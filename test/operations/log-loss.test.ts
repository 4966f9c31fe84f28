/** [L13] What is missing in a log, in its file and beside it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileLogDelivered, compileLogNone } from '../../src/blocks/compile-log.ts';
import type { CompilationAttempt } from '../../src/domain/compilations.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { LogKeeping } from '../../src/domain/log-keeping.ts';
import { parseLogQuery } from '../../src/domain/log-query.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import { downloadCompileLog } from '../../src/operations/download-compile-log.ts';
import { type DownloadOutcome, downloadLogs } from '../../src/operations/download-logs.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import { memoryStore } from '../fixtures/memory-store.ts';
import { PERFECT, SimulatedService } from '../logs/simulated-service.ts';
import { ADA, Background, LINE_3, SimulatedAccount } from './simulated-account.ts';

const DAY = 86_400_000;
const KEPT: LogKeeping = { place: 'the log group /aws/sagemaker/TrainingJobs', days: 7 };

let dir: string;
let account: SimulatedAccount;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'log-loss-'));
  account = new SimulatedAccount();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Case {
  job?: Partial<TrainingJob>;
  /** Days ago; none: the stream is empty. `undefined`: there is no stream. */
  events?: readonly number[] | undefined;
  keeping?: LogSource['keeping'] | undefined;
  flags?: readonly string[];
}

/** A job of nine days ago that ended three days ago, whose log is kept for seven days. */
async function download(given: Case): Promise<{ outcome: DownloadOutcome; header: string }> {
  const { now } = account;
  const { job, keeping = async () => KEPT, flags = [] } = given;
  const events = 'events' in given ? given.events : [6, 5, 3];
  const { name } = account.train('resnet', { createdAt: now - 9 * DAY, endedAt: now - 3 * DAY, ...job });
  const streams = (events ?? []).map((days) => ({ time: now - days * DAY, message: `${days} days ago` }));
  const log: LogSource = Object.assign(
    new SimulatedService(events ? [{ name: `${name}/algo-1`, events: streams }] : [], PERFECT),
    'keeping' in given && !given.keeping ? {} : { keeping },
  );
  account.log = () => log;
  const outcome = await downloadLogs(
    {
      gateway: account.gateway,
      engine: createLogEngine({ spoolDir: join(dir, 'spool'), clock: account.clock }),
      store: memoryStore(),
      clock: account.clock,
    },
    { actor: ADA, by: 'ada', useCases: [LINE_3], query: parseLogQuery([name, ...flags], now) },
  );
  if (outcome.kind !== 'done') return { outcome, header: '' };
  const [file] = outcome.download.files;
  const header = file ? (await readFile(file.path, 'utf8')).split('\n\n')[0]! : '';
  await outcome.download.dispose();
  return { outcome, header };
}

const lossOf = (outcome: DownloadOutcome) => ('loss' in outcome ? outcome.loss : undefined);

describe('[L13] a log whose beginning is removed', () => {
  it('says in its header and beside it from when on it is complete', async () => {
    const { outcome, header } = await download({});
    expect(header).toMatch(
      /^# complete {5}from 2026-01-24 12:00:00 UTC on: the log group \/aws\/sagemaker\/TrainingJobs keeps 7 days, and what is older may be removed *$/m,
    );
    expect(lossOf(outcome)).toMatchObject({ removed: { days: 7, whole: false } });
  });

  it('says nothing where the job began later, or more is kept', async () => {
    for (const one of [
      { job: { createdAt: account.now - 7 * DAY } },
      { keeping: async () => ({ ...KEPT, days: 9 }) },
      { keeping: async () => ({ place: KEPT.place }) },
    ]) {
      const { outcome, header } = await download(one);
      expect(header).toContain('# events       3');
      expect(header).not.toContain('# complete');
      expect(lossOf(outcome)).toBeUndefined();
    }
  });

  it('says nothing of it to whoever asks for its end only', async () => {
    for (const flags of [
      ['--tail', '2'],
      ['--last', '4d'],
    ]) {
      const { outcome, header } = await download({ flags });
      expect(header).not.toContain('# complete');
      expect(lossOf(outcome)).toBeUndefined();
    }
    expect((await download({ flags: ['--last', '8d'] })).header).toContain('# complete');
  });

  it('is known to be removed wholly where its job ended before, with a stream left or without', async () => {
    for (const events of [[], undefined]) {
      const { outcome } = await download({ job: { endedAt: account.now - 8 * DAY }, events });
      expect(outcome.kind).toBe(events ? 'done' : 'no_log');
      expect(lossOf(outcome)).toMatchObject({ removed: { whole: true } });
    }
  });
});

describe('[L13] a log with masked values', () => {
  it('says so in its header and beside it', async () => {
    const { outcome, header } = await download({
      keeping: async () => ({ place: KEPT.place, masks: 'now' }),
    });
    expect(header).toMatch(/^# masked {7}by a data-protection policy on the log group/m);
    expect(lossOf(outcome)).toEqual({ place: KEPT.place, removed: undefined, masks: 'now' });
  });
});

describe('[L13] what is not known of a log', () => {
  it.each([
    ['its place does nothing to it', undefined],
    ['it cannot be asked', () => Promise.reject(new Error('no right'))],
    ['it is not there', async () => undefined],
    ['it never answers', () => new Promise<undefined>(() => {})],
  ])('does not keep it from being read: %s', async (_, keeping) => {
    const { outcome, header } = await download({ keeping });
    expect(outcome).toMatchObject({ kind: 'done', loss: undefined });
    expect(header).toContain('# events       3');
    expect(header).not.toMatch(/# (complete|masked)/);
  });

  it('is what is older than what is kept, where nobody says when the job began', async () => {
    expect((await download({ job: { createdAt: 0 } })).header).not.toContain('# complete');
  });
});

describe('[L13] the log of a compilation', () => {
  const attempt = (endedDaysAgo: number): CompilationAttempt => ({
    ...{ id: 'a', useCase: 'line-3', job: 'resnet', target: 'x86_64-cpu', compilationJob: 'resnet-x86' },
    ...{ startedBy: ADA, why: 'manual', askedAt: account.now - 9 * DAY },
    statuses: [{ status: 'COMPLETED', at: account.now - endedDaysAgo * DAY }],
    endedAt: account.now - endedDaysAgo * DAY,
  });
  const fetched = async (one: CompilationAttempt, events: readonly number[]) => {
    const streams = events.map((days) => ({ time: account.now - days * DAY, message: 'compiling' }));
    const log = new SimulatedService([{ name: one.compilationJob, events: streams }], PERFECT);
    account.log = () => Object.assign(log, { keeping: async () => KEPT });
    const engine = createLogEngine({ spoolDir: join(dir, 'spool'), clock: account.clock });
    const outcome = await downloadCompileLog(
      { ...new Background(account).deps, engine },
      { actor: ADA, useCase: LINE_3, attempt: one },
      {},
    );
    await outcome.download?.dispose();
    return outcome;
  };

  it('says it too, of a part and of the whole', async () => {
    const part = await fetched(attempt(6), [6]);
    expect(part.loss).toMatchObject({ removed: { whole: false } });
    expect(
      compileLogDelivered({ attempt: attempt(6), events: 1, bytes: 9, by: 'ada', ...part }).text,
    ).toContain('_Complete_ from ');
    const whole = await fetched(attempt(8), []);
    expect(whole.download).toBeUndefined();
    expect(compileLogNone(attempt(8), whole).text).toContain(
      'keeps 7 days, and the job ended before that: whatever it printed is removed.',
    );
  });
});
