/** A use case that has nothing in AWS and trains on a provider that is not SageMaker: everything that is not AWS's works. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Context } from '../../src/commands/context.ts';
import { allCommands } from '../../src/commands/index.ts';
import type { Services } from '../../src/commands/services.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { Notifiers } from '../../src/notifiers/index.ts';
import { AlertManager } from '../../src/operations/alert-manager.ts';
import { DownloadQueue } from '../../src/operations/download-queue.ts';
import { DeviceFinder } from '../../src/operations/find-devices.ts';
import { JobSuggestions } from '../../src/operations/find-jobs.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import { JobRefresher } from '../../src/operations/refresh-jobs.ts';
import type { Store } from '../../src/ports/store.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { memoryNotices, type Posted } from '../notifiers/memory-notices.ts';

const MINUTE = 60_000;
const LAB: UseCase = {
  ...{ id: 'lab', name: 'Lab', channels: ['C0LAB'], alertsChannel: 'C0ALERTS' },
  access: { admin: ['U0ADA'] },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
  onCall: { levels: [['U0ADA']], escalateAfterMs: 10 * MINUTE },
  stuckAfterMs: 30 * MINUTE,
};

let dir: string;
let now: number;
let runner: MemoryRunner;
let store: Store;
let shown: Posted[];
let errors: unknown[];
let changes: JobChanges;
let refresher: JobRefresher;
let notifiers: Notifiers;
let services: Services;
let said: unknown[];
let files: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-lab-'));
  now = Date.UTC(2026, 0, 5, 12);
  runner = new MemoryRunner('lab');
  [shown, errors, said, files] = [[], [], [], []];
  const clock = { now: () => now };
  store = await openLowdbStore(dir, clock);
  const notices = memoryNotices(store, shown);
  const onError = (error: unknown): void => void errors.push(error);
  changes = new JobChanges(onError);
  const gateway = createUseCaseGateway({
    clock,
    providers: [runner],
    accounts: { open: () => Promise.reject(new Error('there is no account to open')) },
  });
  const useCases = [LAB];
  const directory = { isInGroup: async () => false, isInChannel: async () => false };
  const alerts = new AlertManager({
    ...{ store, clock, directory: {}, useCases, admins: [], onError },
    show: alertBoard(notices),
  });
  const common = { store, clock, gateway, changes, useCases, team: 'T', onError };
  const ticker = () => ({ stop: () => undefined });
  refresher = new JobRefresher({ ...common, ticker });
  notifiers = new Notifiers({
    ...{ ...common, notices, alerts, refresher, ticker },
    files: { deliver: async () => ({ shared: Promise.resolve(true) }) },
  });
  notifiers.start();
  services = {
    ...{ ...common, alerts, directory, refresher, admins: [] },
    downloads: new DownloadQueue(clock),
    fleet: new DeviceFinder({ gateway, clock }, 0),
    engine: createLogEngine({ spoolDir: join(dir, 'spool'), clock }),
    suggestions: new JobSuggestions(gateway, clock, 0),
    files: {
      maxBytes: 1e9,
      hasArrived: async () => undefined,
      deliver: async (order) => {
        said.push(order);
        for (const { path } of order.files) files.push(await readFile(path, 'utf8'));
        return { shared: Promise.resolve(true) };
      },
    },
  };
  // The first look at the list makes news of nothing.
  runner.put('before', 'EXITED_0', { createdAt: now - 100 * MINUTE, endedAt: now - 90 * MINUTE });
  await pass(0);
});
afterEach(async () => {
  await refresher.stop();
  await notifiers.stop();
  await services.downloads.close('the end');
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

/** Time passes, and everything looks at what there is. */
async function pass(ms: number): Promise<void> {
  now += ms;
  await refresher.tick();
  await changes.idle();
  await notifiers.tick();
  await notifiers.idle();
}

/** What one person is shown for what they typed, as text. */
async function type(command: string, text: string): Promise<string> {
  said = [];
  const show = async (what: unknown): Promise<void> => void said.push(what);
  const live = { channel: 'C0LAB', ts: '1', edit: show, finish: show, remove: async () => {} };
  const post = async (what: unknown) => {
    said.push(what);
    return live;
  };
  const context = {
    ...{ actor: { team: 'T', user: 'U0ADA' }, userName: 'ada', invocation: `/${command}`, slash: '/' },
    place: { channel: 'C0LAB', isDirect: false },
    log: pino({ level: 'silent' }),
    reply: { privately: show, publicly: post, directly: post, retire: show, replace: show },
    openModal: async (view: unknown) => {
      said.push(view);
      return { id: 'V1', update: async (next: unknown) => Boolean(said.push(next)) };
    },
  } as unknown as Context;
  try {
    await allCommands(services)
      .find(({ name }) => name === command)!
      .run(context, text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    said.push(`${error.message} ${error.hint ?? ''}`);
  }
  return JSON.stringify(said);
}

const on = (channel: string): string =>
  JSON.stringify(shown.filter((one) => one.channel === channel).map(({ message }) => message));

describe('a use case without AWS, on a provider that is not SageMaker', () => {
  it('has cards that follow its jobs, and one alert for a failure, with the provider’s own page', async () => {
    runner.put('run-7', 'QUEUED', { createdAt: now + 1 });
    await pass(MINUTE);
    expect((await store.getJob('lab', 'local:run-7'))?.job).toMatchObject({
      state: 'pending',
      status: 'QUEUED',
    });
    expect(on('C0LAB')).toContain('Training pending');
    runner.put('run-7', 'EXECUTING', { createdAt: now, startedAt: now });
    await pass(MINUTE);
    expect(on('C0LAB')).toContain('Training running');
    runner.print('run-7', now, 'RuntimeError: CUDA out of memory. Tried to allocate 2 GiB');
    runner.put('run-7', 'CRASHED', { createdAt: now, endedAt: now, failureReason: 'exit code 1' });
    await pass(MINUTE);
    await pass(MINUTE);
    expect(on('C0LAB')).toContain('Training failed');
    const [alert] = await store.listAlerts({ useCase: 'lab', limit: 9 });
    expect(alert).toMatchObject({
      kind: 'training',
      subjects: [{ console: 'https://lab.example/runs/run-7' }],
    });
    expect(on('C0ALERTS')).toContain('Training failed');
    expect(on('C0ALERTS')).toContain('Open in the lab');
    expect(`${on('C0LAB')}${on('C0ALERTS')}`).not.toMatch(/console\.aws|train\.again/);
    expect(errors).toEqual([]);
  });

  it('is warned of a run that falls silent, and not while it waits for machines', async () => {
    runner.put('run-8', 'EXECUTING', { createdAt: now + 1, startedAt: now });
    runner.put('run-9', 'PREEMPTED', { createdAt: now + 2, startedAt: now });
    await pass(MINUTE);
    for (const name of ['run-8', 'run-9']) runner.print(name, now, 'epoch 1');
    for (let minute = 0; minute < 40; minute += 5) await pass(5 * MINUTE);
    expect(on('C0ALERTS')).toMatch(/No log line for 3\d minutes/);
    expect(on('C0ALERTS')).toContain('run-8');
    expect(on('C0ALERTS')).not.toContain('run-9');
    expect(errors).toEqual([]);
  });

  it('is in the digest', async () => {
    await store.changeChannelSettings('C0LAB', () => ({
      channel: 'C0LAB',
      digest: { cron: '0 13 * * *', timeZone: 'UTC', useCases: ['lab'] },
      changedBy: { team: 'T', user: 'U0ADA' },
      changedAt: now,
    }));
    runner.put('run-1', 'EXECUTING', { createdAt: now + 1 });
    runner.put('run-2', 'EXECUTING', { createdAt: now + 2 });
    await pass(MINUTE);
    runner.put('run-1', 'EXITED_0', { createdAt: now, endedAt: now });
    await pass(MINUTE);
    await pass(60 * MINUTE);
    expect(on('C0LAB')).toContain('Training: 2 completed, 1 running now');
  });

  it('lists its jobs for /jobs, and gives their logs for /logs', async () => {
    runner.put('run-3', 'CRASHED', { createdAt: now + 1, endedAt: now, failureReason: 'exit code 137' });
    for (let line = 1; line <= 5; line += 1) runner.print('run-3', now - 10 + line, `epoch ${line}`);
    runner.put('run-4', 'HIBERNATING', { createdAt: now + 2 });
    await pass(MINUTE);
    const table = await type('jobs', '');
    expect(table).toContain('run-3');
    expect(table).toContain('HIBERNATING');
    expect(await type('jobs', 'state:failed provider:local')).toContain('1 job');

    const answer = await type('logs', 'run-3 --raw');
    expect(files).toEqual(['epoch 1\nepoch 2\nepoch 3\nepoch 4\nepoch 5\n']);
    expect(answer).toContain('https://lab.example/runs/run-3');
    expect(await type('logs', 'run-4')).toContain('The local runner shows them');
    await type('logs', 'run-3');
    expect(files.at(-1)).toContain('# provider     the local runner');
  });

  it('says that there is no AWS account where something of AWS is asked of it', async () => {
    runner.put('run-5', 'EXITED_0', { createdAt: now + 1, endedAt: now });
    await pass(MINUTE);
    for (const [command, text] of [
      ['compile', 'run-5 x86_64-cpu'],
      ['components', ''],
      ['devices', ''],
    ] as const)
      if (allCommands(services).some(({ name }) => name === command))
        expect(await type(command, text), command).toContain('The use case Lab has no AWS account.');
  });

  it('says that the provider does not answer, and goes on when it does', async () => {
    runner.put('run-6', 'EXECUTING', { createdAt: now + 1 });
    await pass(MINUTE);
    runner.outage = new AppError('unavailable', 'The lab does not answer.');
    await pass(MINUTE);
    expect((await store.getJob('lab', 'local:run-6'))?.failedCheck?.message).toBe('The lab does not answer.');
    expect(await type('logs', 'run-6')).toContain('The lab does not answer.');
    runner.outage = undefined;
    runner.put('run-6', 'EXITED_0', { createdAt: now, endedAt: now });
    await pass(2 * MINUTE);
    expect((await store.getJob('lab', 'local:run-6'))?.job.state).toBe('completed');
  });
});
