/**
 * Two whole watches, and the one that works loses its lease in the middle of something: the other goes on, nothing is
 * told, done or lost twice, and the first one stands by from then on. Slack's and AWS's answers come when the test lets
 * them, and a lease's time passes when the test says so.
 */
import { rm } from 'node:fs/promises';
import { ListCompilationJobsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
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
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { type SlackClient, slackClient, wordsOf } from '../slack/sandbox-client.ts';
import { sendEvents, sendRaw, trainingEvent } from './aws-events.ts';
import { type Bot, botEnvironment, startSandboxOnly, withoutCompilationsOf } from './bot.ts';
import { type HeldAnswers, holdAnswers } from './held-answers.ts';
import { line3Client, train, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
/** Longer than a lease lasts that nobody renews. */
const LEASE_ENDS = 120_000;
/** Milliseconds, for a busy machine. */
const PATIENT = { timeout: 30_000 };
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
  /** How many things it does at intervals. */
  tickers(): number;
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
    runLogs: new MemoryRunLogs(),
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
    tickers: () => ticks.size,
  };
  instances.push(instance);
  return instance;
}

/** It reaches the others no more, until its lease is somebody else's. */
async function loseLease(from: Instance, to: Instance): Promise<void> {
  from.coordination.cutOff();
  await time.advance(LEASE_ENDS);
  await expect.poll(to.works, PATIENT).toBe(true);
}

/** It is back, and everything that it was doing has come to an end. */
async function comesBack(instance: Instance): Promise<void> {
  instance.coordination.reconnect();
  await expect.poll(instance.works, PATIENT).toBe(false);
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

/** On the first look ever at a list of jobs nothing is news. */
const looksFirst = (instance: Instance) =>
  untilTicked(instance, async () => (await store.listJobs({ useCase: 'line-3', limit: 1 }))[0], 'jobs');

const bot = (): Bot => ({ ...people, sandbox }) as unknown as Bot;
const send = (...events: unknown[]) => sendEvents(bot(), ...events);
const attempts = () => store.listAttempts({ useCase: 'line-3', job: JOB });

/** Not answers in a thread. */
const posts = async (channel: string, about: string): Promise<SandboxMessage[]> =>
  (await people.messages(channel)).filter(
    (one) => wordsOf(one).includes(about) && (!one.thread_ts || one.thread_ts === one.ts),
  );
const posted = (channel: string, about: string) =>
  until(async () => (await posts(channel, about))[0], `a message about ${about} in ${channel}`, 30_000);

/** Every event is handled, every message posted by the one that works. */
const settled = (working: Instance) =>
  untilTicked(
    working,
    async () => {
      const { pending } = await store.countEvents();
      const unposted = (await store.listUnsent()).filter((record) => !record.posted);
      return pending + unposted.length === 0 || undefined;
    },
    'the end of everything that was begun',
  );

it('[N7] in the middle of a send: the message is in the channel once, and people are called once', async () => {
  const first = await startWatch();
  const second = await startWatch();
  expect([first.works(), second.works()]).toEqual([true, false]);
  await looksFirst(first);
  const alert = first.slack.holdNext('chat.postMessage', 'press-sent');
  await send(trainingEvent('press-sent', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await alert.answered;

  await loseLease(first, second);
  await settled(second);
  // Only now does the first one hear that its message has arrived.
  const asked = vi.spyOn(first.coordination, 'lease');
  alert.release();
  // It asks for the lease again, in vain until its connection is back.
  await expect.poll(() => asked.mock.calls.length, PATIENT).toBeGreaterThan(0);
  await comesBack(first);
  await settled(second);
  const all = await posts(ALERTS, 'press-sent');
  expect(all).toHaveLength(1);
  expect(await people.calledBy(all[0]!)).toHaveLength(1);

  // Some time later it is the first one's turn again.
  await loseLease(second, first);
  await send(trainingEvent('press-later', 'Failed', { FailureReason: 'AlgorithmError: it broke again' }));
  // The other may have taken it in, and cannot say so.
  await untilTicked(first, async () => (await posts(ALERTS, 'press-later'))[0], 'the next alert');
  await settled(first);
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
  await settled(second);
  const alerts = await store.listAlerts({ useCase: 'line-3', limit: 100 });
  question.release();
  await comesBack(first);
  await settled(second);
  expect(await store.listAlerts({ useCase: 'line-3', limit: 100 })).toEqual(alerts);
  const all = await posts(ALERTS, 'press-handled');
  expect(all).toHaveLength(1);
  expect(await people.calledBy(all[0]!)).toHaveLength(1);
}, 90_000);

it('[N7] in the middle of a look at AWS: a new job gets one card, whoever hears of it', async () => {
  const first = await startWatch();
  const second = await startWatch();
  await looksFirst(first);
  const sagemaker = await line3Client(sandbox, SageMakerClient);
  await train(sagemaker, 'press-seen', { epochs: '1' });
  sagemaker.destroy();
  const list = aws.holdNext('ListTrainingJobs');
  const looked = async (): Promise<true | undefined> => {
    if (list.hasAnswered()) return true;
    // Each time: the look before may have come to its end only now.
    ahead += LIST_AGAIN;
    return undefined;
  };
  await untilTicked(first, looked, 'a look at the list');

  await loseLease(first, second);
  await untilTicked(second, async () => (await posts(CHANNEL, 'press-seen'))[0], 'its card');
  list.release();
  await comesBack(first);
  await settled(second);
  expect(await posts(CHANNEL, 'press-seen')).toHaveLength(1);
}, 90_000);

it('[N7] in the middle of starting a compilation by itself: SageMaker makes one', async () => {
  const first = await startWatch({ compile: [TARGET] });
  const second = await startWatch({ compile: [TARGET] });
  const start = aws.holdNext('CreateCompilationJob');
  await sendRaw(bot(), [JSON.stringify(trainingEvent(JOB, 'Completed'))]);
  await untilTicked(first, async () => (await attempts())[0], 'an attempt');
  await start.answered;

  await loseLease(first, second);
  await untilTicked(
    second,
    async () => ((await attempts())[0]!.lastCheckedAt === undefined ? undefined : true),
    'that SageMaker has it',
  );
  start.release();
  await comesBack(first);
  await untilTicked(
    second,
    async () => ((await store.getJob('line-3', JOB))?.compileDue ? undefined : true),
    'that no more is to be done',
  );
  await settled(second);
  expect(await attempts()).toHaveLength(1);
  // Whoever goes on may ask again, by the same name.
  const sagemaker = await line3Client(sandbox, SageMakerClient);
  const made = await sagemaker.send(new ListCompilationJobsCommand({ NameContains: JOB }));
  sagemaker.destroy();
  expect(made.CompilationJobSummaries).toHaveLength(1);
  expect(await posts(CHANNEL, JOB)).toHaveLength(1);
}, 90_000);

it('what an instance without connection takes in is found by the one that works', async () => {
  const working = await startWatch({ takesEvents: false });
  const other = await startWatch();
  await looksFirst(working);
  other.coordination.cutOff();
  await send(trainingEvent('press-taken', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await untilTicked(working, async () => (await posts(ALERTS, 'press-taken'))[0], 'the alert');
  await settled(working);
  expect(await posts(ALERTS, 'press-taken')).toHaveLength(1);
}, 90_000);

it('a term that cannot begin leaves nothing running behind, and begins later', async () => {
  const first = await startWatch();
  const second = await startWatch();
  const usual = first.tickers();
  const { under } = store;
  vi.spyOn(store, 'under').mockImplementationOnce(async (fence) => {
    const fenced = await under.call(store, fence);
    vi.spyOn(fenced, 'listEvents').mockRejectedValueOnce(new Error('the disk does not answer'));
    return fenced;
  });
  await loseLease(first, second);
  await expect.poll(second.tickers, PATIENT).toBe(usual);
  await comesBack(first);
  await send(trainingEvent('press-begun', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await untilTicked(second, async () => (await posts(ALERTS, 'press-begun'))[0], 'the alert');
}, 90_000);
