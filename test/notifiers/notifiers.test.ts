/** Notifiers on the embedded store with a clock of their own. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { Subscription } from '../../src/domain/subscriptions.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { Ingest } from '../../src/events/ingest.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { Notifiers } from '../../src/notifiers/index.ts';
import { attachReports } from '../../src/notifiers/reports.ts';
import { AlertManager } from '../../src/operations/alert-manager.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import { observeJob } from '../../src/operations/observe-jobs.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { Store } from '../../src/ports/store.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { body, envelope, SILENT } from '../events/support.ts';
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
/** Milliseconds by which the machine's clock was set forward. */
let set = 0;
/** Requests to AWS. */
let asked: string[];
/** What describing the job gives. */
let described: TrainingJob | undefined;
let notices: MemoryNotices;
let shown: Posted[];
let changes: JobChanges;
let notifiers: Notifiers;
let errors: unknown[];
/** What every look into a log waits for. */
let hung: Promise<void> | undefined;
/** When the job printed last; undefined: never. */
let printedAt: number | undefined;
/** Jobs whose run is in the store of run logs. */
let stored: Set<string>;
let ingest: Ingest;

const log = (): LogSource => ({
  id: 'log',
  listStreams: async () => {
    asked.push('streams');
    await hung;
    return printedAt === undefined ? [] : [{ name: 'j/algo-1', shortName: 'algo-1' }];
  },
  readPage: async () => ({
    count: 1,
    text: Buffer.from('epoch 3'),
    ends: Uint32Array.of(7),
    times: Float64Array.of(printedAt!),
    nextToken: undefined,
  }),
});

async function open(): Promise<void> {
  store = await openLowdbStore(dir, { now: () => now + set });
  notices = memoryNotices(store, shown);
  changes = new JobChanges((error) => void errors.push(error));
  const clock = { now: () => now + set, elapsed: () => now };
  const find = async (name: string) => {
    asked.push(`find ${name}`);
    return described;
  };
  const gateway = {
    links: (useCase: UseCase, { name }: TrainingJob) => sageMaker.links(useCase, name),
    trainsOn: () => ['sagemaker'],
    open: async () => ({
      providers: [{ name: 'sagemaker', log: log, getStatus: find, jobs: { list: async () => [] } }],
    }),
  } as unknown as UseCaseGateway;
  const onError = (error: unknown): void => void errors.push(error);
  const alerts = new AlertManager({
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
    liveRuns: { of: async (_, job) => (stored.has(job) ? `line-3~sagemaker~${job}` : undefined) },
    files: { deliver: async () => ({ shared: Promise.resolve(true) }) },
    refresher: { refreshNow: async () => {} },
    ticker: () => ({ stop: () => {} }),
    onError,
  });
  ingest = new Ingest({ store, clock, useCases: [useCase], log: SILENT, backoff: [0, 0] });
  notifiers.attach(ingest);
  attachReports({ store, clock, alerts, notices }, ingest);
  notifiers.start();
  await ingest.start();
  await notifiers.idle();
}

const digestAt = async (cron: string): Promise<void> =>
  void (await store.changeChannelSettings(TEAM, () => ({
    channel: TEAM,
    digest: { cron, timeZone: 'UTC', useCases: ['line-3'] },
    changedBy: { team: 'T', user: 'U' },
    changedAt: 1,
  })));

async function restart(): Promise<void> {
  await ingest.stop();
  await notifiers.stop();
  await store.close();
  await open();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-notifiers-'));
  now = Date.UTC(2026, 0, 5, 12);
  shown = [];
  errors = [];
  set = 0;
  asked = [];
  described = undefined;
  hung = undefined;
  printedAt = undefined;
  stored = new Set();
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
  ...sageMakerState(status, more.secondaryStatus),
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
async function emit(event: object): Promise<void> {
  await ingest.receive(body(event), 'sqs');
  await ingest.idle();
}

describe('[N4] a job that is run again', () => {
  const OLD = 'resnet-20260105';
  const again = (name: string, status: string) => ({
    job: job(status, { name, createdAt: now }),
    at: now,
    announce: true,
    rerun: {
      of: OLD,
      pipeline: 'resnet',
      by: { team: 'T', user: 'U0ADA' },
      byName: 'ada',
      at: now,
      changes: ['batch-size: 8 → 4'],
    },
  });
  const start = async (name: string): Promise<void> => {
    await observeJob({ store, changes }, useCase, again(name, 'InProgress'));
    changes.emit({ useCase: 'line-3', job: OLD, kind: 'run-again', as: name });
    await changes.idle();
  };
  const told = () => shown.filter(({ message }) => message.text.includes('Run again'));

  it('is told once in the thread of its alert and of its card, also when a crash came first', async () => {
    await see(job('InProgress'));
    await see(job('Failed'));
    const deaf = new JobChanges(() => {});
    await observeJob({ store, changes: deaf }, useCase, again('my-own-name', 'InProgress'));
    await restart();
    await restart();
    const [alert] = await store.listAlerts({ useCase: 'line-3', limit: 1 });
    expect(told().map(({ thread, channel }) => [channel, thread])).toEqual([
      [ALERTS, `alert/${alert!.id}`],
      ['C0LINE3', `card/line-3/${OLD}`],
    ]);
    expect(told()[0]!.message.text).toBe(':repeat: *Run again* as `my-own-name` by ada');
  });

  it.each([true, false])(
    '[W5] of one that failed, offers to open its log if there is something to be seen: %s',
    async (isStored) => {
      if (isStored) stored.add('resnet-20260105');
      await see(job('InProgress'));
      await see(job('Failed'));
      expect(JSON.stringify(on(ALERTS)[0]!.message.blocks).includes('"Open log"')).toBe(isStored);
    },
  );

  it('makes the failure good by its success, whatever it is called', async () => {
    await see(job('Failed'));
    now += MINUTE;
    await start('my-own-name');
    now += MINUTE;
    await see(job('Completed', { name: 'my-own-name' }));
    const [alert] = await store.listAlerts({ useCase: 'line-3', limit: 1 });
    expect(alert).toMatchObject({ state: 'resolved', resolved: { why: 'succeeded' } });
  });

  it('joins the alert when it fails for the same cause, and calls nobody for what they did themselves', async () => {
    await see(job('Failed', { failureReason: 'AlgorithmError: Exit Code: 1' }));
    now += MINUTE;
    await start('my-own-name');
    await see(job('Failed', { name: 'my-own-name', failureReason: 'AlgorithmError: Exit Code: 1' }));
    const alerts = await store.listAlerts({ useCase: 'line-3', limit: 5 });
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ count: 2, state: 'open' });
    await start('another');
    await see(job('Failed', { name: 'another', failureReason: 'ClientError: Data download failed: 403' }));
    const own = (await store.listAlerts({ useCase: 'line-3', limit: 5 })).find(
      ({ job: of }) => of === 'another',
    );
    // On call is Ada, who started it.
    expect(own?.calls?.[0]?.to).toEqual([]);
  });

  it('gives the old job no card that it did not have', async () => {
    await start('my-own-name');
    expect(on('C0LINE3').map(({ key }) => key)).toEqual(['card/line-3/my-own-name']);
  });
});

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

  it('[N4] whose log says nothing are looked into a few times, whatever restarts come', async () => {
    described = job('Failed', { failureReason: 'boom' });
    await see(job('InProgress'));
    await see(described);
    for (let round = 0; round < 6; round += 1) await restart();
    // The first minutes' lines may be late; then what is not there does not come.
    expect(asked.filter((one) => one === 'streams')).toHaveLength(3);
    expect(asked.filter((one) => one.startsWith('find'))).toHaveLength(3);
    expect(on(ALERTS)).toHaveLength(1);
  });

  it('[N4] whose log is whole and says nothing are looked into once more and never again', async () => {
    described = job('Failed', { failureReason: 'boom' });
    await see(job('InProgress'));
    await see(described);
    now += 20 * MINUTE;
    for (let round = 0; round < 4; round += 1) await restart();
    expect(asked.filter((one) => one === 'streams')).toHaveLength(2);
  });

  it('[N4] whose job cannot even be asked for are not asked for without end', async () => {
    await see(job('InProgress'));
    await see(job('Failed', { failureReason: 'boom' }));
    for (let round = 0; round < 6; round += 1) await restart();
    expect(asked).toEqual(Array.from({ length: 3 }, () => 'find resnet-20260105'));
  });

  it('[N2] are told as soon as something can be stored again, without a restart', async () => {
    await see(job('InProgress'));
    notices.broken = true;
    await see(job('Failed', { failureReason: 'boom' }));
    await notifiers.tick();
    expect(on(ALERTS)).toEqual([]);
    notices.broken = false;
    now += 10 * MINUTE;
    await notifiers.tick();
    expect(on(ALERTS)).toHaveLength(1);
    expect(on('C0LINE3').map(({ message }) => message.text)).toContainEqual(
      expect.stringContaining('Training failed'),
    );
    now += 10 * MINUTE;
    await notifiers.tick();
    expect(on(ALERTS)).toHaveLength(1);
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

  it('is looked for without holding up anything else, however long its log takes to answer', async () => {
    await digestAt('0 8 * * *');
    await see(job('InProgress', { secondaryStatus: 'Training' }));
    await notifiers.tick();
    const looks = (): number => asked.filter((what) => what === 'streams').length;
    const digests = () => on(TEAM).filter(({ key }) => key.startsWith('digest/'));
    const before = looks();
    let answer = (): void => {};
    hung = new Promise((resolve) => {
      answer = resolve;
    });
    printedAt = now;
    const ticks: Promise<void>[] = [];
    for (const days of [1, 2]) {
      now += 24 * 60 * MINUTE;
      // What is still about its last tick when the next one comes is passed over until the one after.
      const tickAgain = () => {
        ticks.push(notifiers.tick());
        return digests();
      };
      await expect.poll(tickAgain).toHaveLength(days);
      expect(looks()).toBe(before + 1);
    }
    expect(on(ALERTS)).toEqual([]);
    answer();
    await Promise.all(ticks);
    expect(on(ALERTS)).toHaveLength(1);
  });

  it.each([true, false])(
    '[W5] offers to open the run if there is something to be seen: %s',
    async (isStored) => {
      if (isStored) stored.add('resnet-20260105');
      await see(job('InProgress', { secondaryStatus: 'Training' }));
      printedAt = now;
      for (let minute = 0; minute < 45; minute += 1) {
        await notifiers.tick();
        now += MINUTE;
      }
      expect(JSON.stringify(on(ALERTS)[0]!.message.blocks).includes('"Open live"')).toBe(isStored);
    },
  );

  it('is none when the clock is set forward by hours, and is one when it really is silent then', async () => {
    await see(job('InProgress', { secondaryStatus: 'Training' }));
    for (let minute = 0; minute < 60; minute += 1) {
      if (minute === 5) set = 5 * 60 * MINUTE;
      printedAt = now - 20_000;
      await notifiers.tick();
      now += MINUTE;
    }
    expect(on(ALERTS)).toEqual([]);
    for (let minute = 0; minute < 45; minute += 1) {
      await notifiers.tick();
      now += MINUTE;
    }
    expect(on(ALERTS)).toHaveLength(1);
    expect(on(ALERTS)[0]?.message.text).toMatch(/No log line for 3\d minutes/);
  });

  it('is told of also when the clock is set back by hours', async () => {
    await see(job('InProgress', { secondaryStatus: 'Training' }));
    printedAt = now;
    await notifiers.tick();
    set = -7 * 60 * MINUTE;
    for (let minute = 0; minute < 90; minute += 1) {
      await notifiers.tick();
      now += MINUTE;
    }
    expect(on(ALERTS)).toHaveLength(1);
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

const iso = (at: number): string => new Date(at).toISOString();

const deployment = (device: string, status: string, at: number) =>
  envelope(
    'Greengrass V2 Effective Deployment Status Change',
    {
      deploymentId: 'd-1',
      coreDeviceThingName: device,
      effectiveDeploymentExecutionStatus: status,
      reason: 'no space left on device',
    },
    { time: iso(at), resources: [`arn:aws:greengrass:eu-west-1:123456789012:coreDevices:${device}`] },
  );

const installed = (device: string, states: Record<string, string>, at: number) =>
  envelope(
    'Greengrass V2 Installed Component Status Change',
    {
      coreDeviceThingName: device,
      components: Object.entries(states).map(([componentName, lifecycleState]) => ({
        componentName,
        componentVersion: '1.0.0',
        lifecycleState,
      })),
    },
    { time: iso(at), resources: [`arn:aws:greengrass:eu-west-1:123456789012:coreDevices:${device}`] },
  );

const alarm = (state: string, at: number) =>
  envelope(
    'CloudWatch Alarm State Change',
    { alarmName: 'gpu-hot', state: { value: state, reason: 'Threshold Crossed', timestamp: iso(at) } },
    { time: iso(at), resources: ['arn:aws:cloudwatch:eu-west-1:123456789012:alarm:gpu-hot'] },
  );

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

  it('a component that failed says what the device says of it: code, words, and the true cause', async () => {
    await subscribe();
    const said = 'An error occurred during installation. The install script exited with code 127.';
    const told = {
      componentName: 'nozzle',
      componentVersion: '1.0.0',
      lifecycleState: 'BROKEN',
      lifecycleStatusCodes: ['INSTALL_ERROR'],
      lifecycleStateDetails: said,
    };
    const event = installed('box', {}, now);
    await emit({ ...event, detail: { ...event.detail, components: [told] } });
    const words = JSON.stringify(on(ALERTS).map(({ message }) => message));
    expect(words).toContain(`INSTALL_ERROR: ${said}`);
    expect(words).toContain('calls a command that is not on the device (exit code 127)');
    expect(words).not.toContain('did not stay up');
    expect(JSON.stringify(on(TEAM))).toContain(said);
  });

  it('an alarm is told where it is wanted, and is an alert only then', async () => {
    await emit(alarm('ALARM', now));
    expect(shown).toEqual([]);
    await subscribe({ kinds: ['alarm'] });
    await emit(alarm('ALARM', now + 1));
    await emit(alarm('ALARM', now + 1));
    expect(on(ALERTS)).toHaveLength(1);
    expect(on(TEAM)).toHaveLength(1);
    await emit(alarm('OK', now + 2));
    expect((await store.listAlerts({ limit: 5 }))[0]?.state).toBe('resolved');
  });

  it('[N2] what is over by a newer event raises and reopens nothing, also when a restart lay between', async () => {
    await subscribe();
    await emit(deployment('box', 'FAILED', now));
    await emit(deployment('box', 'SUCCEEDED', now + 20));
    await emit(alarm('ALARM', now));
    await emit(alarm('OK', now + 20));
    await emit(installed('box', { nozzle: 'ERRORED' }, now));
    await emit(installed('box', { nozzle: 'RUNNING' }, now + 20));
    const alerts = async () => (await store.listAlerts({ limit: 9 })).map(({ state }) => state);
    expect(await alerts()).toEqual(['resolved', 'resolved', 'resolved']);
    const told = shown.length;

    await restart();
    // Late, each of a moment of its own: no duplicates.
    await emit(deployment('box', 'REJECTED', now + 10));
    await emit(alarm('ALARM', now + 10));
    await emit(installed('box', { nozzle: 'BROKEN' }, now + 10));
    expect(await alerts()).toEqual(['resolved', 'resolved', 'resolved']);
    expect(shown).toHaveLength(told);

    // One of two components is over, the other is news.
    await emit(installed('box', { nozzle: 'BROKEN', belt: 'BROKEN' }, now + 15));
    const open = await store.listAlerts({ unresolved: true, limit: 9 });
    expect(open.map(({ subjects }) => subjects.map(({ name }) => name))).toEqual([['belt 1.0.0 on box']]);
    await emit(deployment('box', 'REJECTED', now + 30));
    expect(await store.listAlerts({ unresolved: true, limit: 9 })).toHaveLength(2);
  });
});

describe('[N5] a channel', () => {
  it('is left alone in its quiet hours; the alert goes out at once', async () => {
    await subscribe();
    await store.changeChannelSettings(TEAM, () => ({
      channel: TEAM,
      quietHours: { from: '11:00', to: '13:30', timeZone: 'UTC' },
      changedBy: { team: 'T', user: 'U' },
      changedAt: 1,
    }));
    await see(job('InProgress'));
    await see(job('Failed', { failureReason: 'boom' }));
    expect(on(TEAM)[0]?.notBefore).toBe(Date.UTC(2026, 0, 5, 13, 30));
    expect(on(ALERTS)[0]?.notBefore).toBeUndefined();
  });

  it('gets its digest once a day, also when the clock was a year ahead for a while', async () => {
    await digestAt('0 9 * * *');
    await notifiers.tick();
    set = 366 * 24 * 60 * MINUTE;
    await notifiers.tick();
    await notifiers.tick();
    expect(on(TEAM)).toHaveLength(1);
    set = 0;
    await notifiers.tick();
    for (let hour = 0; hour < 48; hour += 1) {
      now += 60 * MINUTE;
      await notifiers.tick();
    }
    // That of the next morning was told when its time seemed to be past; then the mornings go on.
    expect(on(TEAM)).toHaveLength(2);
  });

  it('gets its digest at its time, once, also after a stop', async () => {
    await digestAt('0 9 * * *');
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
