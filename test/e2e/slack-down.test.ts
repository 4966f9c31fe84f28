/**
 * The way of events, from the queue to Slack, in a time of its own: ten minutes without Slack and a channel that is
 * archived in the middle pass in a moment. Everything is real but the clock.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SQSClient } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type AwsSandbox, FaultPlan, type SlackSandbox, startAwsSandbox, startSlackSandbox } from '#sandbox';
import { ACCOUNT, KEYS, REGION, twoAccounts } from '../../sandbox/test/aws/support.ts';
import { DEMO_WORKSPACE } from '../../src/demo/workspace.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { Ingest } from '../../src/events/ingest.ts';
import { SqsIntake } from '../../src/events/sqs.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { Notifiers } from '../../src/notifiers/index.ts';
import { attachReports } from '../../src/notifiers/reports.ts';
import { AlertManager } from '../../src/operations/alert-manager.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import type { Store } from '../../src/ports/store.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { createClients } from '../../src/slack/clients.ts';
import { Outbox } from '../../src/slack/outbox.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { body, envelope, SILENT } from '../events/support.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { LINE_3 } from '../slack/workspace.ts';

const MINUTE = 60_000;
const TEAM = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const log = pino({ level: 'silent' });
const useCase: UseCase = { ...LINE_3, onCall: { levels: [['U0ADA']], escalateAfterMs: 60 * MINUTE } };

let dir: string;
let now: number;
/** What happens when a time has come. */
let later: { at: number; run: () => void }[];
let faults: FaultPlan;
let aws: AwsSandbox;
let slack: SlackSandbox;
let sqs: SQSClient;
let store: Store;
let outbox: Outbox;
let notifiers: Notifiers;
let ingest: Ingest;
let queue: SqsIntake;
/** Messages that were put into the queue, and those of them that the store has or knows. */
let sent: number;
let stored: number;
/** How often a message had left the queue that was not stored. */
let unstored: number;
/** No time passes before `go`. */
let ready: Promise<void>;
let go: () => void;

const clock = { now: () => now, elapsed: () => now };
/** Time passes by being waited for; those who wait at the same time wait together. */
async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([ready, aborted]);
  signal?.throwIfAborted();
  const until = now + ms;
  await new Promise((resolve) => setImmediate(resolve));
  now = Math.max(now, until);
  const due = later.filter(({ at }) => at <= now);
  later = later.filter(({ at }) => at > now);
  for (const { run } of due) run();
}

/** No time passes from now on, until `go`. */
function hold(): void {
  ready = new Promise((resolve) => {
    go = resolve;
  });
}

async function start(): Promise<void> {
  store = await openLowdbStore(join(dir, 'data'), { now: () => now });
  const { outbox: client } = createClients({ token: slack.botToken, apiUrl: slack.apiUrl, logger: log });
  const edits = editBudget({ clock, sleep });
  outbox = new Outbox({ client, store, clock, log, edits, sleep, admins: () => ['U0DEV'] });
  const onError = (error: unknown): void => log.error({ err: error });
  const alerts = new AlertManager({
    store,
    clock,
    directory: {},
    useCases: [useCase],
    admins: [],
    show: alertBoard(outbox),
    onError,
  });
  notifiers = new Notifiers({
    store,
    clock,
    gateway: {} as UseCaseGateway,
    changes: new JobChanges(onError),
    notices: outbox,
    alerts,
    useCases: [useCase],
    team: 'T0LINE',
    files: { deliver: async () => ({ shared: Promise.resolve(true) }) },
    refresher: { refreshNow: async () => {} },
    ticker: () => ({ stop: () => {} }),
    onError,
  });
  ingest = new Ingest({ store, clock, useCases: [useCase], log: SILENT });
  notifiers.attach(ingest);
  attachReports({ store, clock, alerts, notices: outbox }, ingest);
  await outbox.start();
  notifiers.start();
  await ingest.start();
  queue = new SqsIntake({
    queueUrl: `${aws.url}/${ACCOUNT}/events`,
    client: sqs,
    log: SILENT,
    waitSeconds: 1,
    intake: {
      problem: () => ingest.problem(),
      receive: async (text, via) => {
        // What has left the queue is stored, at any moment.
        if (waiting() < sent - stored) unstored += 1;
        const receipt = await ingest.receive(text, via);
        stored += 1;
        return receipt;
      },
    },
  });
  queue.start();
}

async function stop(): Promise<void> {
  await queue.stop();
  await ingest.stop();
  await notifiers.stop();
  await outbox.stop();
  await store.close();
}

const waiting = (): number =>
  aws.events.queues().reduce((sum, { visible, inFlight }) => sum + visible + inFlight, 0);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-down-'));
  now = Date.now();
  later = [];
  sent = 0;
  stored = 0;
  unstored = 0;
  hold();
  faults = new FaultPlan();
  aws = await startAwsSandbox({
    world: twoAccounts({ queues: [{ name: 'events' }] }),
    clock: { now: Date.now },
    faults,
    dataDir: join(dir, 'aws'),
  });
  slack = await startSlackSandbox({
    dataDir: join(dir, 'slack'),
    manifestPath: join(import.meta.dirname, '../../manifest.yml'),
    world: DEMO_WORKSPACE,
    rateLimits: false,
    faults,
  });
  sqs = new SQSClient({ endpoint: aws.url, region: REGION, credentials: KEYS, maxAttempts: 1 });
  await start();
  await store.putSubscription({
    id: 's',
    useCase: 'line-3',
    channel: TEAM,
    kinds: ['deployment', 'alarm'],
    failuresOnly: false,
    createdBy: { team: 'T', user: 'U' },
    createdAt: 1,
  });
});
afterEach(async () => {
  go();
  await stop();
  sqs.destroy();
  await Promise.all([aws.close(), slack.close()]);
  await rm(dir, { recursive: true, force: true });
});

/** So many devices that got their deployment, and every twentieth an alarm instead. @returns their names */
function events(count: number, prefix: string): { names: string[]; alarms: string[]; bodies: string[] } {
  const names: string[] = [];
  const alarms: string[] = [];
  const bodies = Array.from({ length: count }, (_, number) => {
    const name = `${prefix}-${number}-end`;
    const time = new Date(now).toISOString();
    names.push(name);
    if (number % 20 !== 0)
      return body(
        envelope(
          'Greengrass V2 Effective Deployment Status Change',
          { deploymentId: 'd-1', coreDeviceThingName: name, effectiveDeploymentExecutionStatus: 'SUCCEEDED' },
          { time, resources: [`arn:aws:greengrass:${REGION}:${ACCOUNT}:coreDevices:${name}`] },
        ),
      );
    alarms.push(name);
    return body(
      envelope(
        'CloudWatch Alarm State Change',
        { alarmName: name, state: { value: 'ALARM', reason: `${name} is too hot`, timestamp: time } },
        { time, resources: [`arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${name}`] },
      ),
    );
  });
  return { names, alarms, bodies };
}

/** Everything is in the store and out of the queue. */
async function taken(): Promise<void> {
  await expect.poll(waiting).toBe(0);
  await ingest.idle();
}

/** Alarms that go off together are few alerts: none is left out, and each alert stands in its channel once. */
async function alertsOf(alarms: readonly string[]): Promise<{ id: string }[]> {
  const alerts = await store.listAlerts({ limit: 100 });
  const inAlerts = alerts.flatMap(({ subjects }) => subjects.map(({ name }) => name));
  expect(inAlerts.toSorted()).toEqual(alarms.toSorted());
  return alerts;
}

/** Names in the posts of a channel, in their order. */
const named = (channel: string): string[] =>
  slack.workspace
    .messages(channel)
    .filter(({ metadata }) => metadata !== undefined)
    .flatMap(({ text }) => /\w+-\d+-end/.exec(text)?.[0] ?? []);

it('[N2, N7] Slack is away for ten minutes with 500 events waiting: nothing is lost, nothing comes twice', async () => {
  const { names, alarms, bodies } = events(500, 'away');
  const back = now + 10 * MINUTE;
  const [begun, restarted] = [now, now + 4 * MINUTE];
  let stopped: Promise<void> | undefined;
  faults.add([
    // Some of what Slack seems to refuse it has taken.
    { on: 'chat.postMessage', kind: 'lost_answer', times: 2 },
    { on: 'chat.postMessage', kind: 'drop', times: 0, every: 2 },
    { on: 'chat.postMessage', kind: '500', times: 0 },
    { on: 'conversations.history', kind: '500', times: 0 },
  ]);
  const stopHere = (): void => {
    hold();
    stopped ??= stop();
  };
  later.push({ at: restarted, run: stopHere }, { at: back, run: () => faults.clear() });
  sent = 2 * bodies.length;
  // Twice each, in another order: what comes again is known.
  aws.events.send('events', bodies);
  aws.events.send('events', bodies.toReversed());
  await taken();
  expect((await store.countEvents()).handled).toBe(500);
  expect(unstored).toBe(0);
  go();
  await expect.poll(() => stopped !== undefined).toBe(true);
  await stopped;
  expect(now).toBeGreaterThanOrEqual(restarted);
  expect(now).toBeLessThan(back);
  expect(named(TEAM).length + named(ALERTS).length).toBeLessThanOrEqual(2);

  await start();
  // Of an alarm the team hears too, and not only whom it calls.
  const alerts = await alertsOf(alarms);
  expect(outbox.waiting).toBe(names.length + alerts.length);
  go();
  await outbox.drain();
  expect(now - begun).toBeGreaterThan(10 * MINUTE);
  expect(named(ALERTS)).toHaveLength(alerts.length);
  expect(named(TEAM).toSorted()).toEqual(names.toSorted());
  expect(outbox.waiting).toBe(0);
  expect(outbox.problem()).toBeUndefined();
});

it('[N7] a channel that is archived in the middle holds nobody else up, is told of once, and misses nothing', async () => {
  const { names, alarms, bodies } = events(120, 'middle');
  const archive = (is_archived: boolean) =>
    fetch(`${slack.url}/sandbox/slack/channel`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ channel: TEAM, is_archived }),
    });
  let archived: Promise<unknown> | undefined;
  const end = slack.workspace.listen((event) => {
    if (event.type === 'message' && named(TEAM).length >= 30) archived ??= archive(true);
  });
  sent = bodies.length;
  aws.events.send('events', bodies);
  await taken();
  go();
  await expect.poll(() => store.listDeadChannels()).toMatchObject([{ channel: TEAM }]);
  end();
  await archived;
  await outbox.drain();
  expect(named(ALERTS)).toHaveLength((await alertsOf(alarms)).length);
  const before = named(TEAM).length;
  expect(before).toBeLessThan(names.length);
  expect(outbox.waiting).toBe(names.length - before);

  await archive(false);
  await outbox.revive(TEAM);
  await outbox.drain();
  expect(named(TEAM).toSorted()).toEqual(names.toSorted());
  expect(await store.listDeadChannels()).toEqual([]);
  const told = slack.workspace.messages(slack.workspace.im('U0DEV').id);
  expect(told.filter(({ text }) => text.includes('it is archived'))).toHaveLength(1);
});
