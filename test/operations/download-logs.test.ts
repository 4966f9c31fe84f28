import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { LogQuery } from '../../src/domain/log-order.ts';
import { parseLogQuery } from '../../src/domain/log-query.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import { downloadLogs } from '../../src/operations/download-logs.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import { memoryStore } from '../fixtures/memory-store.ts';
import { CountedService } from '../logs/library/lab.ts';
import { PERFECT, SimulatedService } from '../logs/simulated-service.ts';
import { ADA, LINE_3, SimulatedAccount } from './simulated-account.ts';

const HOUR = 3_600_000;

let dir: string;
let account: SimulatedAccount;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'download-'));
  account = new SimulatedAccount();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Downloads a log of three lines: an hour old, half an hour ahead of this machine's clock, and three hours ahead. */
async function messages(job: Partial<TrainingJob>, flags: readonly string[] = []): Promise<string[]> {
  const { now } = account;
  const { name } = account.train('resnet', job);
  const log: LogSource = Object.assign(
    new SimulatedService(
      [
        {
          name: `${name}/algo-1`,
          events: [
            { time: now - HOUR, message: 'past' },
            { time: now + HOUR / 2, message: 'ahead' },
            { time: now + 3 * HOUR, message: 'far ahead' },
          ],
        },
      ],
      PERFECT,
    ),
    { aheadMs: 2 * HOUR },
  );
  account.log = () => log;
  const query: LogQuery = parseLogQuery([name, '--raw', ...flags], now);
  const outcome = await downloadLogs(
    {
      gateway: account.gateway,
      engine: createLogEngine({ spoolDir: join(dir, 'spool'), clock: account.clock }),
      store: memoryStore(),
      clock: account.clock,
    },
    { actor: ADA, by: 'ada', useCases: [LINE_3], query },
  );
  if (outcome.kind !== 'done') throw new Error(`Expected a download, got ${outcome.kind}`);
  const text = await readFile(outcome.download.files[0]!.path, 'utf8');
  await outcome.download.dispose();
  return text.split('\n').slice(0, -1);
}

describe('[L3] the end of the time range', () => {
  it('of a job that has ended leaves room for clocks that differ', async () => {
    expect(await messages({ status: 'Completed' })).toEqual(['past', 'ahead']);
  });

  it('is never before the end that the service reports', async () => {
    expect(await messages({ status: 'Failed', endedAt: account.now + 2 * HOUR })).toEqual([
      'past',
      'ahead',
      'far ahead',
    ]);
  });

  it('of a running job is the moment of the request, so that the download ends', async () => {
    expect(await messages({ status: 'InProgress' })).toEqual(['past']);
  });

  it('is what --until says where that is earlier', async () => {
    const until = new Date(account.now - HOUR / 2).toISOString().slice(0, 16);
    expect(await messages({ status: 'Completed' }, ['--until', `${until}Z`])).toEqual(['past']);
  });
});

it('[L11] explains a failed job from what is kept of its log', async () => {
  const { now, clock } = account;
  const { name } = account.train('resnet', {
    status: 'Failed',
    failureReason: 'AlgorithmError: ExecuteUserScriptError: ExitCode 1',
    endedAt: now - HOUR,
  });
  const service = new CountedService([
    {
      name: `${name}/algo-1`,
      events: [
        'epoch 1',
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nValueError: no data',
      ].map((message) => ({ time: now - HOUR, message })),
    },
  ]);
  account.log = () => service;
  const engine = createLogEngine({
    ...{ spoolDir: join(dir, 'spool'), clock },
    library: { dir: join(dir, 'library'), disk: 1e9, keepFor: 1e9, onProblem: () => undefined },
  });
  const ask = async (flags: readonly string[] = []): Promise<string | undefined> => {
    service.pages = 0;
    const outcome = await downloadLogs(
      { gateway: account.gateway, engine, store: memoryStore(), clock },
      { actor: ADA, by: 'ada', useCases: [LINE_3], query: parseLogQuery([name, ...flags], now) },
    );
    if (outcome.kind !== 'done') throw new Error(`Expected a download, got ${outcome.kind}`);
    await outcome.download.dispose();
    return outcome.failure?.excerpt?.text;
  };
  const first = await ask();
  expect(first).toContain('ValueError: no data');
  expect(service.pages).toBeGreaterThan(0);
  expect(await ask()).toBe(first);
  expect(service.pages).toBe(0);
  expect(await ask(['--fresh'])).toBe(first);
  expect(service.pages).toBeGreaterThan(1);
});
