/**
 * The front and the watch as instances on one state: each with what is its own, and no more between them than
 * coordination. On PostgreSQL each has connections of its own, as in a process of its own.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { Front } from '../../src/front.ts';
import type { RootOptions } from '../../src/roots.ts';
import { PushedTimes } from '../../src/runs/pushed-times.ts';
import type { OpenState } from '../../src/state.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';
import { InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { openPostgres } from '../../src/stores/postgres/index.ts';
import { Watch } from '../../src/watch.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { type SlackClient, slackClient, wordsOf } from '../slack/sandbox-client.ts';
import { sendEvents, trainingEvent } from './aws-events.ts';
import {
  type Bot,
  botEnvironment,
  startSandboxOnly,
  type TestSandbox,
  withoutCompilationsOf,
} from './bot.ts';
import { until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const JOB = 'defects-resnet101-ddp';
const clock = { now: () => Date.now(), elapsed: () => performance.now() };

let sandbox: TestSandbox;
let dataDir: string;
let slack: SlackClient;
/** Of the embedded store, which all of them open once. */
let shared: (Omit<OpenState, 'coordination'> & { hub: InProcessHub }) | undefined;
let front: Front;
let watches: Watch[];
const closing: (() => Promise<void>)[] = [];
const before = { ...process.env };

const configured = () => loadConfig({ env: botEnvironment(sandbox), requireSlack: true });

async function stateOfInstance(): Promise<OpenState> {
  const { database } = configured();
  const state =
    shared === undefined
      ? await openPostgres({ ...database!, clock, onError: () => {} })
      : { ...shared, coordination: shared.hub.join() };
  closing.push(async () => {
    await state.coordination.close();
    if (state.runLogs !== shared?.runLogs) await state.runLogs.close();
    if (state.store !== shared?.store) await state.store.close();
  });
  return state;
}

/** What one instance is made of: its own way to the others, and nothing else that they share but the state. */
async function instance(): Promise<RootOptions> {
  const state = await stateOfInstance();
  return {
    ...state,
    config: configured(),
    logger: pino({ level: 'silent' }),
    clock,
    edits: editBudget({ budgets: state.budgets, clock, interval: 20 }),
    pace: { editInterval: 20, quotaFactor: 100, rememberMembers: 0, uploads: { retryDelay: 10 } },
  };
}

async function startWatch(): Promise<void> {
  const watch = new Watch(await instance());
  await watch.start();
  watches.push(watch);
}

beforeAll(async () => {
  ({ sandbox, dataDir } = await startSandboxOnly({ world: withoutCompilationsOf(JOB) }));
  Object.assign(process.env, botEnvironment(sandbox));
  slack = slackClient(sandbox.url);
  const { dataDir: folder, database } = configured();
  if (!database)
    shared = {
      store: await openLowdbStore(folder),
      hub: new InProcessHub({ clock, onError: () => {} }),
      budgets: new InProcessBudgets(clock),
      runLogs: new MemoryRunLogs(),
      runTimes: new PushedTimes(join(dataDir, 'run-times')),
    };
  watches = [];
  front = new Front(await instance());
  await front.start();
  await startWatch();
  await startWatch();
});

afterAll(async () => {
  await front.stop();
  for (const watch of watches) await watch.stop();
  for (const close of closing) await close();
  await shared?.store.close();
  await sandbox.close();
  await rm(dataDir, { recursive: true, force: true });
  for (const name of Object.keys(botEnvironment(sandbox))) delete process.env[name];
  Object.assign(process.env, before);
});

const send = (...events: unknown[]) => sendEvents({ ...slack, sandbox } as unknown as Bot, ...events);
const alertOf = (job: string, says = '') =>
  until(
    async () =>
      (await slack.messages(ALERTS)).find((one) => wordsOf(one).includes(job) && wordsOf(one).includes(says)),
    `an alert of ${job} that says ${says}`,
  );

const cardOf = (job: string, target: string) =>
  until(
    async () =>
      (await slack.messages(CHANNEL)).find((one) => {
        const words = wordsOf(one);
        return one.metadata !== undefined && words.includes(job) && words.includes(target);
      }),
    `a card of ${job} with ${target}`,
  );

it('a command that comes in at the front is told by the watch: the card in the channel', async () => {
  await slack.command('ada', CHANNEL, `${JOB} x86_64-cpu`, '/compile');
  await cardOf(JOB, 'x86_64-cpu');
});

it('an event that comes in at the watch is an alert once, and a click on it at the front shows in it', async () => {
  const job = 'press-apart-20261121';
  await send(trainingEvent(job, 'Failed', { FailureReason: 'AlgorithmError: it broke' }));
  const alert = await alertOf(job);
  await slack.action('ben', 'alert.acknowledge', { channel: ALERTS, message_ts: alert.ts });
  await alertOf(job, 'U0BEN');
  const posts = (await slack.messages(ALERTS)).filter(
    (one) => one.text.includes(job) && (!one.thread_ts || one.thread_ts === one.ts),
  );
  expect(posts).toHaveLength(1);
});

it('the other watch goes on when one ends, with what comes from then on', async () => {
  const [first] = watches;
  await first!.stop();
  watches = watches.slice(1);
  // No event: one that the queue was just handing to the first would come again after a minute only.
  await slack.command('ada', CHANNEL, `${JOB} arm64-cpu`, '/compile');
  await cardOf(JOB, 'arm64-cpu');
});
