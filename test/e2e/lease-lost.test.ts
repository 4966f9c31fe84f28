/**
 * Two whole watches, and the one that works loses its lease in the middle of something: the other goes on, nothing is
 * told, done or lost twice, and the first one stands by from then on. Slack's and AWS's answers come when the test lets
 * them, and a lease's time passes when the test says so. One file because all of it needs the same two watches, whose
 * every answer can be held.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ListCompilationJobsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { SandboxMessage } from '#sandbox';
import { type Config, loadConfig, type SlackConfig } from '../../src/config.ts';
import type { DemoSandbox } from '../../src/demo/sandbox.ts';
import { startTail } from '../../src/operations/start-tails.ts';
import type { Ticker } from '../../src/operations/ticker.ts';
import type { Store } from '../../src/ports/store.ts';
import { PushedTimes } from '../../src/runs/pushed-times.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';
import { type InProcessCoordination, InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { Watch } from '../../src/watch.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { type HandTimers, handTimers } from '../fixtures/hand-timers.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { type SlackClient, slackClient, wordsOf } from '../slack/sandbox-client.ts';
import { awsEvent, sendEvents, sendRaw, trainingEvent } from './aws-events.ts';
import { type Bot, botEnvironment, startSandboxOnly, withoutCompilationsOf } from './bot.ts';
import { type HeldAnswers, holdAnswers } from './held-answers.ts';
import { line3Client, train, until } from './jobs.ts';
import { openStore } from './state.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
/** Longer than a lease lasts that nobody renews. */
const LEASE_ENDS = 120_000;
/** Longer than between two looks at a list of jobs. */
const LIST_AGAIN = 61_000;
const JOB = 'defects-resnet101-ddp';
const TARGET = 'x86_64-cpu';
/** Longer than between two pictures of a run that is watched. */
const DRAW_AGAIN = 5_000;
const PUSH = { token: { variable: 'PUSH_TOKEN', read: () => 'a-token-of-the-tests-0123456789' } };
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
  /** Whether it has the lease; it stands by otherwise. */
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
let budgets: InProcessBudgets;
let instances: Instance[];
const before = { ...process.env };

beforeEach(async () => {
  ({ sandbox, dataDir } = await startSandboxOnly({ world: withoutCompilationsOf(JOB) }));
  ahead = 0;
  aws = await holdAnswers(sandbox.awsEndpoint);
  Object.assign(process.env, botEnvironment(sandbox), { AWS_ENDPOINT_URL: aws.url });
  people = slackClient(sandbox.url);
  store = await openStore(botEnvironment(sandbox));
  time = handTimers();
  budgets = new InProcessBudgets(clock);
  hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  instances = [];
});

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
 * @param options.runLogs what runs printed that were pushed to line 3
 */
async function startWatch({
  takesEvents = true,
  compile: targets = [],
  runLogs,
}: {
  takesEvents?: boolean;
  compile?: string[];
  runLogs?: MemoryRunLogs;
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
      useCases: config.useCases.map((useCase) => ({
        ...useCase,
        ...(useCase.compile && targets.length > 0
          ? { compile: { ...useCase.compile, auto: true, targets } }
          : {}),
        ...(runLogs && useCase.id === 'line-3' ? { providers: { sagemaker: true, push: PUSH } } : {}),
      })),
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
    runLogs: runLogs ?? new MemoryRunLogs(),
    runTimes: new PushedTimes(join(config.dataDir, 'run-times')),
    budgets,
    edits: editBudget({ budgets, clock, interval: 1 }),
    pace: { ticker, editInterval: 1, quotaFactor: 100, rememberMembers: 0, watchAgain: 1 },
  });
  await watch.start();
  const instance: Instance = {
    ...{ watch, coordination, slack },
    tick: () => {
      for (const tick of ticks) tick();
    },
    // Besides what it does in any case: its part of the events that any instance handles.
    works: () => ticks.size > 1,
    tickers: () => ticks.size,
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
  until(async () => {
    instance.tick();
    return look();
  }, what);

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
  until(async () => (await posts(channel, about))[0], `a message about ${about} in ${channel}`);

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
  // The event may be done with before its alert is made: whoever goes on finds what is to be told in the job's record.
  await posted(ALERTS, 'press-sent');
  await settled(second);
  // Only now does the first one hear that its message has arrived.
  const asked = vi.spyOn(first.coordination, 'lease');
  alert.release();
  // It asks for the lease again, in vain until its connection is back.
  await expect.poll(() => asked.mock.calls.length).toBeGreaterThan(0);
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
});

it('[N7] in the middle of handling an event: it is handled by the next one, and only what that one writes counts', async () => {
  const first = await startWatch();
  const second = await startWatch();
  const question = aws.holdNext('DescribeTrainingJob', 'press-handled');
  await send(trainingEvent('press-handled', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await question.answered;

  await loseLease(first, second);
  await posted(ALERTS, 'press-handled');
  await settled(second);
  // The second one goes on looking for the job's log, which has nothing in it.
  const alerts = async () =>
    (await store.listAlerts({ useCase: 'line-3', limit: 100 })).map(({ emptyReads: _, ...alert }) => alert);
  const before = await alerts();
  question.release();
  await comesBack(first);
  await settled(second);
  expect(await alerts()).toEqual(before);
  const all = await posts(ALERTS, 'press-handled');
  expect(all).toHaveLength(1);
  expect(await people.calledBy(all[0]!)).toHaveLength(1);
});

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
});

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
});

it('[W6, N7] in the middle of a watched run: one message goes on to the end, and whoever has lost the lease edits it no more', async () => {
  const runLogs = new MemoryRunLogs({ clock });
  const run = 'line-3~push~press-watched';
  const print = async (text: string): Promise<void> => {
    const { size } = await runLogs.create(run);
    await runLogs.append(run, size, Buffer.from(text));
  };
  await print('epoch 1\n');
  const first = await startWatch({ runLogs });
  const second = await startWatch({ runLogs });
  await untilTicked(first, () => store.getJob('line-3', 'push:press-watched'), 'the run');
  const drawn = <T>(by: Instance, look: () => Promise<T | undefined>, what: string): Promise<T> =>
    untilTicked(
      by,
      () => {
        ahead += DRAW_AGAIN;
        return look();
      },
      what,
    );
  const tails = async () =>
    (await people.messages(CHANNEL)).filter((one) =>
      /^(?:Watching|.*Training failed\*:) `press-watched`/.test(one.text),
    );
  const says = (by: Instance, words: string) =>
    drawn(by, async () => (await tails()).find((one) => wordsOf(one).includes(words)), words);

  const post = first.slack.holdNext('chat.postMessage', 'Watching');
  const place = { useCase: 'line-3', job: 'push:press-watched', channel: CHANNEL };
  const ada = { team: 'T0', user: 'U0ADA' };
  await startTail({ store, clock, changed: () => {} }, { place, by: { user: ada.user }, actor: ada });
  await drawn(first, async () => post.hasAnswered() || undefined, 'its message');
  await loseLease(first, second);
  await print('epoch 2\n');
  const { ts } = await says(second, 'epoch 2');
  post.release();
  await comesBack(first);

  // Slack has the next picture, and whoever sent it never hears of it.
  const edit = second.slack.holdNext('chat.update', 'third');
  await print('third\n');
  await drawn(second, async () => edit.hasAnswered() || undefined, 'its next picture');
  const edits = second.slack.count('chat.update', ts);
  await loseLease(second, first);
  await print('epoch 4\n');
  await says(first, 'epoch 4');
  edit.release();
  await comesBack(second);
  await runLogs.finish(run, { state: 'failed', exitCode: 3, signal: null, at: clock.now() });
  await says(first, 'exit code 3');
  await settled(first);

  expect(await tails()).toMatchObject([{ ts }]);
  expect(wordsOf((await tails())[0]!)).toContain('epoch 1\nepoch 2\nthird\nepoch 4');
  expect(second.slack.count('chat.update', ts)).toBe(edits);
  expect(await store.listTails()).toEqual([]);
});

it('[N2] what a device reports is handled by who stands by, while the one that watches reaches nothing', async () => {
  const first = await startWatch();
  const second = await startWatch();
  await looksFirst(first);
  first.coordination.cutOff();
  // Less than its lease of the watch lasts, and more than its own.
  await time.advance(12_500);
  expect([first.works(), second.works()]).toEqual([true, false]);
  const failed = (device: string) =>
    awsEvent('Greengrass V2 Effective Deployment Status Change', `greengrass coreDevices:${device}`, {
      ...{
        effectiveDeploymentExecutionStatus: 'FAILED',
        coreDeviceThingName: device,
        deploymentId: 'press-7',
      },
      reason: 'no space left on the device',
    });
  await send(failed('box-1'), failed('box-2'), failed('box-3'));
  const alerts = async () =>
    (await store.listAlerts({ useCase: 'line-3', limit: 100 })).filter(({ kind }) => kind === 'deployment');
  await untilTicked(second, async () => ((await alerts())[0]?.count === 3 ? true : undefined), 'an alert');
  expect(await alerts()).toHaveLength(1);
  expect(await posts(ALERTS, 'box-1')).toEqual([]);
  await loseLease(first, second);
  await settled(second);
  expect(await posts(ALERTS, 'box-1')).toHaveLength(1);
  await comesBack(first);
});

it('what an instance without connection takes in is found by the one that works', async () => {
  const working = await startWatch({ takesEvents: false });
  const other = await startWatch();
  await looksFirst(working);
  other.coordination.cutOff();
  await send(trainingEvent('press-taken', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await untilTicked(working, async () => (await posts(ALERTS, 'press-taken'))[0], 'the alert');
  await settled(working);
  expect(await posts(ALERTS, 'press-taken')).toHaveLength(1);
});

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
  await expect.poll(second.tickers).toBe(usual);
  await comesBack(first);
  await send(trainingEvent('press-begun', 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  await untilTicked(second, async () => (await posts(ALERTS, 'press-begun'))[0], 'the alert');
});
