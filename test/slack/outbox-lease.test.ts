/** The outbox under a lease: who has lost it in the middle of a message leaves it whole to who has it now. */
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Lease } from '../../src/ports/coordination.ts';
import type { Store } from '../../src/ports/store.ts';
import type { WebClient } from '../../src/slack/clients.ts';
import { Outbox } from '../../src/slack/outbox.ts';
import { OutboxWriter } from '../../src/slack/outbox-writer.ts';
import { type InProcessCoordination, InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { handTimers } from '../fixtures/hand-timers.ts';
import { type OutboxSlack, startOutboxSlack } from './outbox-slack.ts';

const CHANNEL = 'C0LINE3';
const TTL = 60_000;
const log = pino({ level: 'silent' });
const clock = { now: () => Date.now() };
let workspace: OutboxSlack;
let store: Store;
let client: WebClient;
let time: ReturnType<typeof handTimers>;
let hub: InProcessHub;
let outboxes: Outbox[];
let told: string[];

beforeEach(async () => {
  workspace = await startOutboxSlack();
  store = await openLowdbStore(join(workspace.dir, 'data'));
  client = workspace.newClient();
  time = handTimers();
  hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  outboxes = [];
  told = [];
});
afterEach(async () => {
  for (const outbox of outboxes) await outbox.stop();
  await store.close();
  await workspace.close();
});

interface Instance {
  coordination: InProcessCoordination;
  lease: Lease;
  outbox: Outbox;
}

/** An instance that holds the lease and sends. @param slack its way to Slack */
async function instance(name: string, slack: WebClient = client): Promise<Instance> {
  const coordination = hub.join();
  const lease = await coordination.lease('watch', TTL);
  const outbox = new Outbox({
    client: slack,
    store: await store.under({ lease: lease.name, fence: lease.fence }),
    signal: lease.lost,
    clock,
    log,
    admins: () => [],
    edits: editBudget({ clock, interval: 1 }),
    postInterval: 1,
    backoff: [1, 5],
  });
  outbox.listen({ posted: ({ key }) => void told.push(`${name} posted ${key}`) });
  outboxes.push(outbox);
  await outbox.start();
  return { coordination, lease, outbox };
}

/** Slack as it is, only that what it answers to posts and edits comes when the test lets it. */
function slowSlack(): { slack: WebClient; called: () => number; answer: () => void } {
  let calls = 0;
  let answer = (): void => {};
  const free = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const slowly =
    <A, R>(method: (argument: A) => Promise<R>) =>
    async (argument: A): Promise<R> => {
      const result = await method(argument);
      calls += 1;
      await free;
      return result;
    };
  const chat = {
    postMessage: slowly(client.chat.postMessage.bind(client.chat)),
    update: slowly(client.chat.update.bind(client.chat)),
  };
  const slack = { chat, conversations: client.conversations } as unknown as WebClient;
  return { slack, called: () => calls, answer };
}

const texts = async (): Promise<string[]> => (await workspace.posted(CHANNEL)).map(({ text }) => text);

it('[N7] a lease that is lost in the middle of a post posts nothing twice, and tells of it once', async () => {
  const { slack, called, answer } = slowSlack();
  const first = await instance('first', slack);
  await first.outbox.post('card', CHANNEL, { text: 'the card' });
  await first.outbox.post('reply', CHANNEL, { text: 'the reply' }, { thread: 'card' });
  await expect.poll(called).toBe(1);
  first.coordination.cutOff();
  await time.advance(2 * TTL);
  expect(first.lease.lost.aborted).toBe(true);

  const second = await instance('second');
  await second.outbox.drain();
  // Only now the first one hears that its post has arrived.
  answer();
  await first.outbox.stop();
  await second.outbox.drain();
  expect(await texts()).toEqual(['the card', 'the reply']);
  expect(told).toEqual(['second posted card', 'second posted reply']);
  expect(await store.listUnsent()).toEqual([]);
});

it('[N7] a lease that is lost in the middle of an edit leaves the newest content, in Slack and on record', async () => {
  const { slack, called, answer } = slowSlack();
  const before = await instance('before');
  await before.outbox.post('card', CHANNEL, { text: 'new' });
  await before.outbox.drain();
  await before.outbox.stop();
  await before.lease.release();
  const first = await instance('first', slack);
  await first.outbox.update('card', { text: 'older' });
  await expect.poll(called).toBe(1);
  first.coordination.cutOff();
  await time.advance(2 * TTL);
  const second = await instance('second');
  await second.outbox.update('card', { text: 'newest' });
  await second.outbox.drain();
  answer();
  await first.outbox.stop();
  expect(await texts()).toEqual(['newest']);
  expect(await store.getPost('card')).toMatchObject({ version: 3, shown: 3 });
  expect((await store.getPost('card'))?.message).toBeUndefined();
});

it('[N7] edits nothing when it wakes and its lease is over, though it has not heard of that', async () => {
  const before = await instance('before');
  await before.outbox.post('card', CHANNEL, { text: 'new' });
  await before.outbox.drain();
  await before.outbox.stop();
  await before.lease.release();
  const { slack, called, answer } = slowSlack();
  answer();
  let wake = (): void => {};
  let asked = 0;
  const hangs = new Promise<void>((resolve) => {
    wake = resolve;
  });
  let held = true;
  const hung = new Outbox({
    client: slack,
    store,
    ...{ clock, log, admins: () => [], signal: new AbortController().signal, isHeld: () => held },
    edits: editBudget({
      clock,
      budgets: {
        hold: async () => {},
        take: async () => {
          asked += 1;
          await hangs;
          return { taken: 1, wait: 0 };
        },
      },
    }),
  });
  outboxes.push(hung);
  await hung.start();
  await hung.update('card', { text: 'older' });
  await expect.poll(() => asked).toBe(1);
  held = false;
  wake();
  await hung.drain();
  expect(called()).toBe(0);
  expect(await texts()).toEqual(['new']);
});

it('begins nothing after the lease is lost, and what it has not begun the next one sends', async () => {
  const first = await instance('first');
  first.coordination.cutOff();
  await time.advance(2 * TTL);
  await expect(first.outbox.post('late', CHANNEL, { text: 'late' })).resolves.toBe(true);
  await first.outbox.drain();
  expect(await texts()).toEqual([]);
  const second = await instance('second');
  await second.outbox.drain();
  expect(await texts()).toEqual(['late']);
  await expect(first.outbox.post('later', CHANNEL, { text: 'later' })).rejects.toMatchObject({
    code: 'conflict',
  });
});

it('takes up what another instance has stored as soon as it hears of it', async () => {
  const { outbox } = await instance('sender');
  const writer = hub.join();
  hub.join().onWake('outbox', ({ key }) => outbox.takeUp(key as string));
  const front = new OutboxWriter({
    store,
    clock,
    stored: ({ key }) => void writer.wake('outbox', { key }),
  });
  await front.show('alert', CHANNEL, { text: 'acknowledged' });
  await expect.poll(texts).toEqual(['acknowledged']);
});

it('finds what another instance has stored and could not tell of, and sends nothing twice', async () => {
  const { outbox } = await instance('sender');
  const front = new OutboxWriter({ store, clock, stored: () => {} });
  await outbox.post('card', CHANNEL, { text: 'the card' });
  await front.show('alert', CHANNEL, { text: 'acknowledged' });
  await outbox.drain();
  expect(await texts()).toEqual(['the card']);
  await Promise.all([outbox.takeUpMissed(), outbox.takeUpMissed()]);
  await outbox.drain();
  await front.show('card', CHANNEL, { text: 'edited' });
  await outbox.takeUpMissed();
  await outbox.drain();
  expect((await texts()).toSorted()).toEqual(['acknowledged', 'edited']);
  expect(await store.listUnsent()).toEqual([]);
});
