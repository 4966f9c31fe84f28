/** Notifiers on the embedded store with a clock of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlarmEvent, DeploymentEvent } from '../../src/domain/aws-events.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { Subscription } from '../../src/domain/subscriptions.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { type EventSourceOf, Notifiers } from '../../src/notifiers/index.ts';
import { AlertDesk } from '../../src/operations/alert-desk.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import { observeJob } from '../../src/operations/observe-jobs.ts';
import type { LogSource, Store, UseCaseGateway } from '../../src/ports.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { LINE_3 } from '../slack/workspace.ts';
import { type MemoryNotices, memoryNotices, type Posted } from './memory-notices.ts';

const MINUTE = 60_000;
const useCase: UseCase = {
  ...LINE_3,
  stuckAfterMs: 30 * MINUTE,
  onCall: { levels: [['U0ADA']], escalateAfterMs: 10 * MINUTE },
};
const ALERTS = 'C0ALERTS';
const TEAM = 'C0TEAM';

let dir: string;
let store: Store;
let now: number;
let notices: MemoryNotices;
let shown: Posted[];
let changes: JobChanges;
let notifiers: Notifiers;
let errors: unknown[];
/** When the job printed last; undefined: never. */
let printedAt: number | undefined;
const handlers: Record<string, (event: never, useCase: UseCase, signal: AbortSignal) => Promise<void>> = {};

const log = (): LogSource => ({
  id: 'log',
  listStreams: async () => (printedAt === undefined ? [] : [{ name: 'j/algo-1', shortName: 'algo-1' }]),
  readPage: async () => ({
    count: 1,
    text: Buffer.from('epoch 3'),
    ends: Uint32Array.of(7),
    times: Float64Array.of(printedAt!),
    nextToken: undefined,
  }),
});

async function open(): Promise<void> {
  store = await openLowdbStore(dir);
  notices = memoryNotices(store, shown);
  changes = new JobChanges((error) => void errors.push(error));
  const clock = { now: () => now };
  const gateway = {
    open: async () => ({ trainingLog: log, jobs: { find: async () => undefined, list: async () => [] } }),
  } as unknown as UseCaseGateway;
  const onError = (error: unknown): void => void errors.push(error);
  const alerts = new AlertDesk({
    store,
    clock,
    directory: {},
    useCases: [useCase],
    admins: [],
    show: alertBoard(notices),
    onError,
  });
  notifiers = new Notifiers({
    store,
    clock,
    gateway,
    changes,
    notices,
    alerts,
    useCases: [useCase],
    team: 'T',
    files: { deliver: async () => ({ shared: Promise.resolve(true) }) },
    refresher: { refreshNow: async () => {} },
    beat: () => ({ stop: () => {} }),
    onError,
  });
  const source: EventSourceOf = {
    on: (kind, handler) => {
      handlers[kind] = handler as never;
    },
  };
  notifiers.attach(source);
  notifiers.start();
  await notifiers.idle();
}

async function restart(): Promise<void> {
  await notifiers.stop();
  await store.close();
  await open();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-notifiers-'));
  now = Date.UTC(2026, 0, 5, 12);
  shown = [];
  errors = [];
  printedAt = undefined;
  await open();
});
afterEach(async () => {
  await notifiers.stop();
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

const job = (status: string, more: Partial<TrainingJob> = {}): TrainingJob => ({
  name: 'resnet-20260105',
  useCase: 'line-3',
  provider: 'sagemaker',
  status,
  createdAt: now - 60 * MINUTE,
  startedAt: now - 50 * MINUTE,
  ...(status === 'InProgress' ? {} : { endedAt: now }),
  ...more,
});

async function see(seen: TrainingJob): Promise<void> {
  await observeJob({ store, changes }, useCase, { job: seen, at: now, announce: true });
  await changes.idle();
  await notifiers.idle();
}

async function subscribe(more: Partial<Subscription> = {}): Promise<void> {
  await store.putSubscription({
    id: `s${Math.random()}`,
    useCase: 'line-3',
    channel: TEAM,
    kinds: [],
    failuresOnly: false,
    createdBy: { team: 'T', user: 'U' },
    createdAt: 1,
    ...more,
  });
}

const on = (channel: string): Posted[] => shown.filter((one) => one.channel === channel);
const emit = (event: { kind: string }): Promise<void> =>
  handlers[event.kind]!(event as never, useCase, new AbortController().signal);

describe('[N3] training jobs', () => {
  it('have one card, their end once in its thread, and one announcement where somebody subscribed', async () => {
    await subscribe();
    await see(job('InProgress'));
    await see(job('Completed'));
    await restart();
    await see(job('Completed'));
    const mine = on('C0LINE3');
    expect(mine.filter(({ thread }) => thread === undefined)).toHaveLength(1);
    expect(mine.filter(({ thread }) => thread !== undefined).map(({ message }) => message.text)).toEqual([
      expect.stringContaining('Training completed'),
    ]);
    expect(on(TEAM)).toHaveLength(1);
    expect(on(ALERTS)).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('[N4] that fail are an alert, also when the crash came before it was told', async () => {
    await changes.idle();
    // Stored, and the process ends before anybody hears of it.
    const deaf = new JobChanges(() => {});
    const deps = { store, changes: deaf };
    await observeJob(deps, useCase, { job: job('InProgress'), at: now, announce: true });
    await observeJob(deps, useCase, { job: job('Failed', { failureReason: 'boom' }), at: now + 1 });
    expect(on(ALERTS)).toEqual([]);
    await restart();
    expect(on(ALERTS)).toHaveLength(1);
    await restart();
    expect(on(ALERTS)).toHaveLength(1);
    expect(on('C0LINE3').filter(({ thread }) => thread === undefined)).toHaveLength(1);
  });

  it('[N6] that a limit or a spot reclaim ended or paused are no failures', async () => {
    await subscribe({ failuresOnly: true });
    await see(job('InProgress', { secondaryStatus: 'Training' }));
    await see(job('InProgress', { secondaryStatus: 'Interrupted' }));
    now += MINUTE;
    await see(job('Stopped', { secondaryStatus: 'MaxRuntimeExceeded' }));
    expect(on(ALERTS)).toEqual([]);
    expect(on(TEAM)).toEqual([]);
    const said = JSON.stringify(on('C0LINE3').map(({ message }) => message));
    expect(said).toContain('runtime limit');
  });

  it('from long before raise nothing', async () => {
    await observeJob({ store, changes }, useCase, { job: job('Failed'), at: now });
    await changes.idle();
    await restart();
    expect(shown).toEqual([]);
  });
});

describe('[N6] a run that prints nothing any more', () => {
  it('is warned of once for each silence, and is good again when it prints', async () => {
    await see(job('InProgress', { secondaryStatus: 'Training' }));
    printedAt = now - 10 * MINUTE;
    await notifiers.tick();
    expect(on(ALERTS)).toEqual([]);
    now += 25 * MINUTE;
    await notifiers.tick();
    expect(on(ALERTS)).toHaveLength(1);
    await restart();
    now += 20 * MINUTE;
    await notifiers.tick();
    expect(on(ALERTS).filter(({ thread }) => thread === undefined)).toHaveLength(1);
    printedAt = now;
    now += 40 * MINUTE;
    await notifiers.tick();
    const [first] = await store.listAlerts({ unresolved: false, limit: 5 });
    expect(first?.resolved?.why).toBe('succeeded');
  });

  it('is none when it never printed, waits for machines, or has ended', async () => {
    await see(job('InProgress', { secondaryStatus: 'Training' }));
    now += 120 * MINUTE;
    await notifiers.tick();
    printedAt = now - 100 * MINUTE;
    await see(job('InProgress', { secondaryStatus: 'Interrupted' }));
    now += 60 * MINUTE;
    await notifiers.tick();
    expect(on(ALERTS)).toEqual([]);
  });
});

const deployment = (device: string, status: string, at: number): DeploymentEvent => ({
  id: `${device}${status}${at}`,
  account: useCase.account,
  region: useCase.region,
  at,
  resource: `coreDevices:${device}`,
  replayed: false,
  kind: 'deployment',
  deployment: 'd-1',
  device,
  status,
  reason: 'no space left on device',
});

describe('[N1] devices and alarms', () => {
  it('forty devices that one deployment fails on are one alert; each good one makes its failure good', async () => {
    for (let at = 0; at < 40; at += 1) await emit(deployment(`box-${at}`, 'FAILED', now));
    await emit(deployment('box-1', 'FAILED', now));
    const [alert] = await store.listAlerts({ limit: 5 });
    expect(alert?.count).toBe(40);
    expect(on(ALERTS)).toHaveLength(1);
    for (let at = 0; at < 40; at += 1) await emit(deployment(`box-${at}`, 'SUCCEEDED', now + 1));
    expect((await store.listAlerts({ limit: 5 }))[0]?.state).toBe('resolved');
  });

  it('[N2] a failure that comes after the later success is no news', async () => {
    await emit(deployment('box', 'SUCCEEDED', now + 1));
    await emit(deployment('box', 'FAILED', now));
    expect(on(ALERTS)).toEqual([]);
  });

  it('an alarm is told where it is wanted, and is an alert only then', async () => {
    const alarm: AlarmEvent = {
      ...deployment('x', 'x', now),
      kind: 'alarm',
      alarm: 'gpu-hot',
      state: 'ALARM',
      resource: 'arn:alarm',
    };
    await emit(alarm);
    expect(shown).toEqual([]);
    await subscribe({ kinds: ['alarm'] });
    await emit({ ...alarm, at: now + 1 } as AlarmEvent);
    await emit({ ...alarm, at: now + 1 } as AlarmEvent);
    expect(on(ALERTS)).toHaveLength(1);
    expect(on(TEAM)).toHaveLength(1);
    await emit({ ...alarm, state: 'OK', at: now + 2 } as AlarmEvent);
    expect((await store.listAlerts({ limit: 5 }))[0]?.state).toBe('resolved');
  });
});

describe('[N5] a channel', () => {
  it('is left alone in its quiet hours; the alert goes out at once', async () => {
    await subscribe();
    await store.putChannelSettings({
      channel: TEAM,
      quietHours: { from: '11:00', to: '13:30', timeZone: 'UTC' },
      changedBy: { team: 'T', user: 'U' },
      changedAt: 1,
    });
    await see(job('InProgress'));
    await see(job('Failed', { failureReason: 'boom' }));
    expect(on(TEAM)[0]?.notBefore).toBe(Date.UTC(2026, 0, 5, 13, 30));
    expect(on(ALERTS)[0]?.notBefore).toBeUndefined();
  });

  it('gets its digest at its time, once, also after a stop', async () => {
    await store.putChannelSettings({
      channel: TEAM,
      digest: { cron: '0 9 * * *', timeZone: 'UTC', useCases: ['line-3'] },
      changedBy: { team: 'T', user: 'U' },
      changedAt: 1,
    });
    await notifiers.tick();
    await see(job('InProgress'));
    await see(job('Failed', { failureReason: 'boom' }));
    now = Date.UTC(2026, 0, 6, 8, 59);
    await notifiers.tick();
    expect(on(TEAM)).toEqual([]);
    now = Date.UTC(2026, 0, 6, 11);
    await restart();
    await notifiers.tick();
    await notifiers.tick();
    expect(on(TEAM)).toHaveLength(1);
    expect(JSON.stringify(on(TEAM)[0]?.message)).toContain('1 failed');
  });
});
