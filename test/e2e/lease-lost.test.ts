/**
 * Two whole watches, and the one that works loses its lease in the middle of something: the other goes on, nothing is
 * told, done or lost twice, and the first one stands by from then on. Slack's and AWS's answers come when the test lets
 * them, and a lease's time passes when the test says so.
 */
import { rm } from 'node:fs/promises';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SandboxMessage } from '#sandbox';
import { type Config, loadConfig, type SlackConfig } from '../../src/config.ts';
import type { DemoSandbox } from '../../src/demo/sandbox.ts';
import type { Ticker } from '../../src/operations/ticker.ts';
import type { Store } from '../../src/ports/store.ts';
import { EditBudget } from '../../src/slack/edit-budget.ts';
import { type InProcessCoordination, InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { Watch } from '../../src/watch.ts';
import { type HandTimers, handTimers } from '../fixtures/hand-timers.ts';
import { type SlackClient, slackClient, wordsOf } from '../slack/sandbox-client.ts';
import { alarmEvent, sendEvents, sendRaw, trainingEvent } from './aws-events.ts';
import { type Bot, botEnvironment, startSandboxOnly, withoutCompilationsOf } from './bot.ts';
import { type HeldAnswers, holdAnswers } from './held-answers.ts';
import { line3Client, train, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
/** Longer than a lease lasts that nobody renews. */
const LEASE_ENDS = 120_000;
/** Longer than between two looks at a list of jobs. */
const LIST_AGAIN = 61_000;
const JOB = 'defects-resnet101-ddp';
const TARGET = 'x86_64-cpu';
/** Milliseconds by which the watches' time is before the machine's. */
let ahead = 0;
const clock = { now: () => Date.now() + ahead, elapsed: () => performance.now() + ahead };

interface Instance {
  watch: Watch;
  coordination: InProcessCoordination;
  /** Its way to Slack. */
  slack: HeldAnswers;
  /** Its work at intervals is due. */
  tick(): void;
  /** Whether it works now; it stands by otherwise. */
  works(): boolean;
}

let sandbox: DemoSandbox;
let dataDir: string;
let people: SlackClient;
let aws: HeldAnswers;
let store: Store;
let time: HandTimers;
let hub: InProcessHub;
let instances: Instance[];
const before = { ...process.env };

beforeEach(async () => {
  ({ sandbox, dataDir } = await startSandboxOnly({ world: withoutCompilationsOf(JOB) }));
  ahead = 0;
  aws = await holdAnswers(sandbox.awsEndpoint);
  Object.assign(process.env, botEnvironment(sandbox), { AWS_ENDPOINT_URL: aws.url });
  people = slackClient(sandbox.url);
  store = await openLowdbStore(configured().dataDir);
  time = handTimers();
  hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  instances = [];
}, 60_000);

afterEach(async () => {
  await aws.close();
  for (const { slack, watch } of instances) {
    await slack.close();
    await watch.stop();
  }
  await store.close();
  await sandbox.close();
  await rm(dataDir, { recursive: true, force: true });
  for (const name of Object.keys(botEnvironment(sandbox))) delete process.env[name];
  Object.assign(process.env, before);
});

const configured = (): Config & { slack: SlackConfig } =>
  loadConfig({ env: botEnvironment(sandbox), requireSlack: true });

/**
 * @param options.takesEvents whether it polls the queue
 * @param options.compile targets that every completed job is compiled for by itself
 */
async function startWatch({
  takesEvents = true,
  compile: targets = [],
}: {
  takesEvents?: boolean;
  compile?: string[];
} = {}): Promise<Instance> {
  const slack = await holdAnswers(sandbox.slackApiUrl);
  const { events, ...config } = configured();
  const ticks = new Set<() => void>();
  const ticker: Ticker = (tick) => {
    ticks.add(tick);
    return { stop: () => void ticks.delete(tick) };
  };
  const coordination = hub.join();
  const watch = new Watch({
    config: {
      ...config,
      useCases: config.useCases.map((useCase) =>
        useCase.compile && targets.length > 0
          ? { ...useCase, compile: { ...useCase.compile, auto: true, targets } }
          : useCase,
      ),
      slack: { ...config.slack, apiUrl: `${slack.url}/api/` },
      // By the same way as all other questions to AWS.
      events: takesEvents
        ? events && { ...events, queueUrl: events.queueUrl.replace(sandbox.awsEndpoint, aws.url) }
        : undefined,
    },
    logger: pino({ level: 'silent' }),
    clock,
    store,
    coordination,
    edits: new EditBudget({ clock, interval: 1 }),
    pace: { ticker, editInterval: 1, rememberMembers: 0, watchAgain: 1 },
  });
  await watch.start();
  const instance: Instance = {
    ...{ watch, coordination, slack },
    tick: () => {
      for (const tick of ticks) tick();
    },
    works: () => ticks.size > 0,
  };
  instances.push(instance);
  return instance;
}

/** It reaches the others no more, until its lease is somebody else's. */
async function loseLease(from: Instance, to: Instance): Promise<void> {
  from.coordination.cutOff();
  await time.advance(LEASE_ENDS);
  await expect.poll(to.works).toBe(true);
}

/** It is back, and everything that it was doing has come to an end. */
async function comesBack(instance: Instance): Promise<void> {
  instance.coordination.reconnect();
  await expect.poll(instance.works).toBe(false);
}

/** Asks again until it is there; what the instance does at intervals is due each time. */
const untilTicked = <T>(instance: Instance, look: () => Promise<T | undefined>, what: string): Promise<T> =>
  until(
    async () => {
      instance.tick();
      return look();
    },
    what,
    30_000,
  );

const bot = (): Bot => ({ ...people, sandbox }) as unknown as Bot;
const send = (...events: unknown[]) => sendEvents(bot(), ...events);
const attempts = () => store.listAttempts({ useCase: 'line-3', job: JOB });
const requests = (operation: string): number =>
  Object.entries(sandbox.aws.stats().requests).reduce(
    (sum, [name, count]) => (name.endsWith(operation) ? sum + count : sum),
    0,
  );

/** Not answers in a thread. */
const posts = async (channel: string, about: string): Promise<SandboxMessage[]> =>
  (await people.messages(channel)).filter(
    (one) => wordsOf(one).includes(about) && (!one.thread_ts || one.thread_ts === one.ts),
  );
const posted = (channel: string, about: string) =>
  until(async () => (await posts(channel, about))[0], `a message about ${about} in ${channel}`, 30_000);

const settled = async (): Promise<void> => {
  await expect.poll(async () => (await store.countEvents()).pending, { timeout: 30_000 }).toBe(0);
  await expect.poll(async () => (await store.listUnsent()).length, { timeout: 30_000 }).toBe(0);
};

it('[N7] in the middle of a send: the message is in the channel once, and people are called once', async () => {
  const first = await startWatch();
  const second = await startWatch();
  expect([first.works(), second.works()]).toEqual([true, false]);
  const alert = first.slack.holdNext('chat.postMessage', 'press-sent');
  await send(trainingEvent('press-sent', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await alert.answered;

  await loseLease(first, second);
  await settled();
  // Only now does the first one hear that its message has arrived.
  alert.release();
  await comesBack(first);
  await settled();
  const all = await posts(ALERTS, 'press-sent');
  expect(all).toHaveLength(1);
  expect(await people.calledBy(all[0]!)).toHaveLength(1);

  // Some time later it is the first one's turn again.
  await loseLease(second, first);
  await send(trainingEvent('press-later', 'Failed', { FailureReason: 'AlgorithmError: it broke again' }));
  for (let ticks = 0; ticks < 15; ticks += 1) first.tick();
  await posted(ALERTS, 'press-later');
  await settled();
  expect(await posts(ALERTS, 'press-later')).toHaveLength(1);
}, 90_000);

it('[N7] in the middle of handling an event: it is handled by the next one, and only what that one writes counts', async () => {
  const first = await startWatch();
  const second = await startWatch();
  const question = aws.holdNext('DescribeTrainingJob', 'press-handled');
  await send(trainingEvent('press-handled', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await question.answered;

  await loseLease(first, second);
  await posted(ALERTS, 'press-handled');
  await settled();
  const alerts = await store.listAlerts({ useCase: 'line-3', limit: 100 });
  question.release();
  await comesBack(first);
  await settled();
  expect(await store.listAlerts({ useCase: 'line-3', limit: 100 })).toEqual(alerts);
  const all = await posts(ALERTS, 'press-handled');
  expect(all).toHaveLength(1);
  expect(await people.calledBy(all[0]!)).toHaveLength(1);
}, 90_000);

it('[N7] in the middle of a look at AWS: a new job gets one card, whoever hears of it', async () => {
  const first = await startWatch();
  const second = await startWatch();
  await untilTicked(first, async () => (await store.listJobs({ useCase: 'line-3', limit: 1 }))[0], 'jobs');
  const sagemaker = await line3Client(sandbox, SageMakerClient);
  await train(sagemaker, 'press-seen', { epochs: '1' });
  sagemaker.destroy();
  const list = aws.holdNext('ListTrainingJobs');
  ahead += LIST_AGAIN;
  first.tick();
  await list.answered;

  await loseLease(first, second);
  await untilTicked(second, async () => (await posts(CHANNEL, 'press-seen'))[0], 'its card');
  list.release();
  await comesBack(first);
  await settled();
  expect(await posts(CHANNEL, 'press-seen')).toHaveLength(1);
}, 90_000);

it('[N7] in the middle of starting a compilation by itself: SageMaker is asked once', async () => {
  const first = await startWatch({ compile: [TARGET] });
  const second = await startWatch({ compile: [TARGET] });
  const start = aws.holdNext('CreateCompilationJob');
  await sendRaw(bot(), [JSON.stringify(trainingEvent(JOB, 'Completed'))]);
  await untilTicked(first, async () => (await attempts())[0], 'an attempt');
  await start.answered;

  await loseLease(first, second);
  await untilTicked(
    second,
    async () => ((await attempts())[0]!.startedAt === undefined ? undefined : true),
    'that it has begun',
  );
  start.release();
  await comesBack(first);
  await untilTicked(
    second,
    async () => ((await store.getJob('line-3', JOB))?.compileDue ? undefined : true),
    'that no more is to be done',
  );
  await settled();
  expect(await attempts()).toHaveLength(1);
  expect(requests('CreateCompilationJob')).toBe(1);
  expect(await posts(CHANNEL, JOB)).toHaveLength(1);
}, 90_000);

it('what an instance without connection takes in is found by the one that works', async () => {
  const working = await startWatch({ takesEvents: false });
  const other = await startWatch();
  other.coordination.cutOff();
  await send(alarmEvent('line-3-press-temperature', 'ALARM'));
  await untilTicked(working, async () => (await posts(ALERTS, 'line-3-press-temperature'))[0], 'the alert');
  await settled();
  expect(await posts(ALERTS, 'line-3-press-temperature')).toHaveLength(1);
}, 90_000);
