/** Watched runs through the outbox to the sandbox's Slack, with a clock that passes when the test says so. */
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SandboxMessage } from '#sandbox';
import type { Tail } from '../../src/domain/tails.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import type { Notifier, NotifierDeps } from '../../src/notifiers/notifier.ts';
import { tailNotifier } from '../../src/notifiers/tails.ts';
import { startTail } from '../../src/operations/start-tails.ts';
import type { Store } from '../../src/ports/store.ts';
import type { WebClient } from '../../src/slack/clients.ts';
import { Outbox } from '../../src/slack/outbox.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { type OutboxSlack, startOutboxSlack } from './outbox-slack.ts';
import { wordsOf } from './sandbox-client.ts';
import { LINE_3 } from './workspace.ts';

const CHANNEL = 'C0LINE3';
const MINUTE = 60_000;
const log = pino({ level: 'silent' });
const useCase: UseCase = { ...LINE_3, access: { viewer: ['U0ADA'] } };
const directory = { isInGroup: async () => false, isInChannel: async () => false };

let slack: OutboxSlack;
let store: Store;
let outbox: Outbox;
let logs: MemoryRunLogs;
let notifier: Notifier;
let now: number;
let counted: WebClient;
/** When each edit was asked for, in the test's time, and of which message. */
let edits: { at: number; ts: string }[];

const clock = { now: () => now };

beforeEach(async () => {
  slack = await startOutboxSlack();
  now = Date.now();
  edits = [];
  store = await openLowdbStore(join(slack.dir, 'data'));
  logs = new MemoryRunLogs({ clock });
  const client = slack.newClient();
  counted = {
    chat: {
      postMessage: client.chat.postMessage.bind(client.chat),
      update: async (message: Parameters<WebClient['chat']['update']>[0]) => {
        edits.push({ at: now, ts: message!.ts! });
        return client.chat.update(message);
      },
    },
    conversations: client.conversations,
  } as unknown as WebClient;
  await start();
});
afterEach(async () => {
  await stop();
  await store.close();
  await slack.close();
});

/** What a process begins with; it is all that the next one has too. */
async function start(): Promise<void> {
  outbox = new Outbox({
    ...{ client: counted, store, clock, log, admins: () => [] },
    postInterval: 1,
    edits: editBudget({ clock }),
    sleep: async (ms) => {
      now += ms;
    },
  });
  await outbox.start();
  notifier = tailNotifier({
    ...({ store, notices: outbox, clock, team: 'T' } as unknown as NotifierDeps),
    useCases: [useCase],
    onError: (error) => {
      throw error;
    },
    watched: { logs, directory, follow: () => () => {}, reading: () => () => {} },
  });
}

async function stop(): Promise<void> {
  notifier.stop?.();
  await outbox.stop();
}

async function watch(job: string): Promise<Tail> {
  const place = { useCase: 'line-3', job: `local:${job}`, channel: CHANNEL };
  const by = { user: 'U0ADA', name: 'ada' };
  const deps = { store, clock, changed: () => {} };
  return (await startTail(deps, { place, by, actor: { team: 'T', user: 'U0ADA' } })).tail;
}

async function print(job: string, text: string): Promise<void> {
  const { id, size } = await logs.create(`line-3~local~${job}`);
  await logs.append(id, size, Buffer.from(text));
}

/** The background's next look, two seconds later; what can be sent then is. */
async function tick(): Promise<void> {
  now += 2_000;
  await notifier.tick!(new AbortController().signal);
  await outbox.drain();
}

async function shown(job: string): Promise<SandboxMessage> {
  return (await slack.posted(CHANNEL)).find((one) => wordsOf(one).includes(`\`${job}\``))!;
}

it('[W6] goes on after Slack has refused all edits for ten minutes, with what is printed then', async () => {
  await print('press-1', 'epoch 0\n');
  await watch('press-1');
  await tick();
  await slack.post('/sandbox/faults', [{ on: 'chat.update', kind: '429', seconds: 60, times: 0 }]);
  const since = now;
  for (let n = 1; now < since + 10 * MINUTE; n += 1) {
    await print('press-1', `epoch ${n}\n`);
    await tick();
  }
  // It has asked again only as often as Slack said it may.
  expect(edits.length).toBeGreaterThan(5);
  expect(edits.length).toBeLessThan(15);
  expect(wordsOf(await shown('press-1'))).toMatch(/epoch 0\n```/);
  slackGoesOn();
  await print('press-1', 'the last\n');
  for (let n = 0; n < 40; n += 1) await tick();
  expect(wordsOf(await shown('press-1'))).toContain('the last');
  const count = edits.length;
  // Nothing is printed, so nothing is edited.
  for (let n = 0; n < 40; n += 1) await tick();
  expect(edits.length).toBe(count);
  await logs.finish('line-3~local~press-1', { state: 'failed', exitCode: 1, signal: null, at: now });
  for (let n = 0; n < 3; n += 1) await tick();
  expect(wordsOf(await shown('press-1'))).toMatch(/Training failed[\s\S]*exit code 1/);
  expect((await slack.posted(CHANNEL)).filter((one) => wordsOf(one).includes('press-1'))).toHaveLength(1);
});

it('[W6] is one message that tells the end, though Slack took nothing for ten minutes and the process changed meanwhile', async () => {
  await print('press-1', 'epoch 0\n');
  await watch('press-1');
  await tick();
  const { ts } = await shown('press-1');
  const refused = ['chat.postMessage', 'chat.update', 'conversations.history'];
  await slack.post(
    '/sandbox/faults',
    refused.map((on) => ({ on, kind: '429', seconds: 30, times: 0 })),
  );
  // Asked for while nothing can be posted.
  await print('press-2', 'step 0\n');
  await watch('press-2');
  const since = now;
  const pass = async (minutes: number): Promise<void> => {
    for (let n = 1; now < since + minutes * MINUTE; n += 1) {
      for (const [job, word] of [
        ['press-1', 'epoch'],
        ['press-2', 'step'],
      ] as const)
        if (!(await logs.info(`line-3~local~${job}`))?.end) await print(job, `${word} ${n}\n`);
      now += 2_000;
      await notifier.tick!(new AbortController().signal);
      // What is refused is asked again in its time: nobody waits for it here.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await pass(5);
  await stop();
  await start();
  await logs.finish('line-3~local~press-1', { state: 'failed', exitCode: 7, signal: null, at: now });
  await pass(10);
  slackGoesOn();
  for (let n = 0; n < 40; n += 1) await tick();

  const all = await slack.posted(CHANNEL);
  expect(all.map((one) => /`(press-\d)`/.exec(wordsOf(one))?.[1]).sort()).toEqual(['press-1', 'press-2']);
  const [ended, going] = [await shown('press-1'), await shown('press-2')];
  expect(ended.ts).toBe(ts);
  expect(wordsOf(ended)).toMatch(/Training failed[\s\S]*exit code 7/);
  expect(wordsOf(going)).toMatch(/Watching `press-2`[\s\S]*step \d+\n```/);
  expect((await store.listTails()).map(({ job }) => job)).toEqual(['local:press-2']);
});

it('[W6, N7] edits no more often than Slack allows however many runs print, each in its turn, and cards come first', async () => {
  const jobs = Array.from({ length: 6 }, (_, n) => `press-${n}`);
  for (const job of jobs) {
    await print(job, 'begin\n');
    await watch(job);
  }
  await outbox.post('card', CHANNEL, { text: 'the card, 0' });
  await tick();
  const { ts: card } = (await slack.posted(CHANNEL)).find(({ text }) => text.startsWith('the card'))!;
  const since = now;
  let news = 0;
  while (now < since + 3 * MINUTE) {
    for (const job of jobs) await print(job, `at ${now}\n`);
    news += 1;
    await notifier.tick!(new AbortController().signal);
    const asked = edits.length;
    await outbox.update('card', { text: `the card, ${news}` });
    await outbox.drain();
    // It waits for none but the edit that is under way.
    const turn = edits.slice(asked).findIndex(({ ts }) => ts === card);
    expect([0, 1]).toContain(turn);
    now += 10_000;
  }
  for (let from = 0; from < edits.length; from += 1) {
    const { at } = edits[from]!;
    expect(edits.filter((one) => one.at >= at && one.at < at + MINUTE).length).toBeLessThanOrEqual(50);
  }
  // None of them starves: they are drawn in turn.
  const counts = await Promise.all(
    jobs.map(async (job) => {
      const { ts } = await shown(job);
      return edits.filter((one) => one.ts === ts).length;
    }),
  );
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});

it('[W6] ends with its message: one that was deleted in Slack is followed no more', async () => {
  await print('press-1', 'epoch 1\n');
  await watch('press-1');
  await tick();
  const { channel, ts } = await shown('press-1');
  await slack.newClient().chat.delete({ channel, ts });
  await print('press-1', 'epoch 2\n');
  for (let n = 0; n < 6; n += 1) await tick();
  expect(await store.listTails()).toEqual([]);
  const count = edits.length;
  await print('press-1', 'epoch 3\n');
  for (let n = 0; n < 3; n += 1) await tick();
  expect(edits.length).toBe(count);
});

function slackGoesOn(): void {
  slack.sandbox.faults.clear();
}
