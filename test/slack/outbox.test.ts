import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault, SandboxMessage, WorkspaceState } from '#sandbox';
import type { OutboxRecord } from '../../src/ports/outbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import { Outbox, type OutboxOptions } from '../../src/slack/outbox.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { type OutboxSlack, startOutboxSlack } from './outbox-slack.ts';

const CHANNEL = 'C0LINE3';
const log = pino({ level: 'silent' });
let slack: OutboxSlack;
let store: Store;
let outbox: Outbox;
let told: { posted: OutboxRecord[]; failed: OutboxRecord[] };

async function open(options: Partial<OutboxOptions> = {}): Promise<void> {
  store = await openLowdbStore(join(slack.dir, 'data'));
  outbox = new Outbox({
    client: slack.newClient(),
    store,
    clock: { now: () => Date.now() },
    log,
    admins: () => ['U0ADA', 'U0DEV'],
    postInterval: 1,
    edits: editBudget({ clock: options.clock ?? { now: () => Date.now() }, interval: 1 }),
    backoff: [1, 5],
    ...options,
  });
  told = { posted: [], failed: [] };
  outbox.listen({
    posted: (record) => void told.posted.push(record),
    failed: (record) => void told.failed.push(record),
  });
  await outbox.start();
}

/** As after a crash: nothing ends in an orderly way but the store's lock. */
async function crash(options?: Partial<OutboxOptions>): Promise<void> {
  await outbox.stop();
  await store.close();
  await open(options);
}

beforeEach(async () => {
  slack = await startOutboxSlack();
  await open();
});
afterEach(async () => {
  await outbox.stop();
  await store.close();
  await slack.close();
});

const fault = (...faults: Fault[]) => slack.post('/sandbox/faults', faults);
const messages = (channel = CHANNEL): Promise<SandboxMessage[]> => slack.posted(channel);
const texts = async (channel?: string) => (await messages(channel)).map(({ text }) => text);
const say = (text: string) => ({ text });

describe('[N7] the outbox', () => {
  it('posts what it was given, in order, and tells where it stands', async () => {
    for (const n of [1, 2, 3]) await outbox.post(`m/${n}`, CHANNEL, say(`message ${n}`));
    await outbox.drain();
    expect(await texts()).toEqual(['message 1', 'message 2', 'message 3']);
    const [first] = await messages();
    expect(await outbox.posted('m/1')).toMatchObject({ channel: CHANNEL, ts: first!.ts });
    expect(told.posted.map(({ key }) => key)).toEqual(['m/1', 'm/2', 'm/3']);
    expect(outbox.waiting).toBe(0);
  });

  it('posts a key once, also when it comes twice at the same time and after a restart', async () => {
    const twice = await Promise.all([
      outbox.post('once', CHANNEL, say('first')),
      outbox.post('once', CHANNEL, say('second')),
    ]);
    expect(twice).toEqual([true, false]);
    await outbox.drain();
    await crash();
    expect(await outbox.post('once', CHANNEL, say('third'))).toBe(false);
    await outbox.drain();
    expect(await texts()).toEqual(['first']);
  });

  it('puts an answer into the thread of a message that is posted later', async () => {
    await outbox.post('reply', CHANNEL, say('milestone'), { thread: 'card' });
    await outbox.drain();
    expect(await texts()).toEqual([]);
    await outbox.post('card', CHANNEL, say('card'));
    await outbox.drain();
    const [card, reply] = await messages();
    expect([card!.text, reply!.text]).toEqual(['card', 'milestone']);
    expect(reply!.thread_ts).toBe(card!.ts);
  });

  it('remembers of a message that Slack took only its plainer form, also over a restart', async () => {
    const section = (text: string) => [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text } }];
    const message = { text: 'curves', blocks: section('a chart'), fallback: section('words') };
    await fault({ on: 'chat.postMessage', kind: 'invalid_blocks', times: 1 });
    await outbox.post('refused', CHANNEL, message);
    await outbox.drain();
    await outbox.post('taken', CHANNEL, message);
    await outbox.drain();
    expect((await messages()).map(({ blocks }) => JSON.stringify(blocks))).toEqual([
      expect.stringContaining('words'),
      expect.stringContaining('a chart'),
    ]);
    expect(told.posted.map(({ key, posted }) => [key, posted?.plainer])).toEqual([
      ['refused', true],
      ['taken', undefined],
    ]);
    await crash();
    expect((await store.getPost('refused'))?.posted?.plainer).toBe(true);
    expect((await store.getPost('taken'))?.posted?.plainer).toBeUndefined();
  });

  it('sends the newest of many edits, and nothing for what is shown already', async () => {
    await outbox.post('card', CHANNEL, say('0'));
    await outbox.drain();
    await fault({ on: 'chat.update', kind: '429', seconds: 1, times: 1 });
    for (let n = 1; n <= 50; n++) await outbox.update('card', say(String(n)));
    await outbox.drain();
    const [card] = await messages();
    expect(card!.text).toBe('50');
    const { edited } = card!;
    expect(await outbox.update('card', say('50'))).toBe(true);
    await outbox.drain();
    expect((await messages())[0]!.edited).toEqual(edited);
    expect(await outbox.update('nobody', say('x'))).toBe(false);
  });

  it('ends with the last content when edits come while the post is under way', async () => {
    await outbox.post('card', CHANNEL, say('0'));
    for (let n = 1; n <= 9; n++) await outbox.update('card', say(String(n)));
    await outbox.drain();
    expect(await texts()).toEqual(['9']);
  });

  it('waits as long as Slack asks, for that method alone', async () => {
    const waits: number[] = [];
    await crash({
      sleep: async (ms) => {
        waits.push(ms);
        now += ms;
      },
      clock: { now: () => now },
    });
    let now = Date.now();
    await outbox.post('card', CHANNEL, say('card'));
    await outbox.drain();
    await fault({ on: 'chat.postMessage', kind: '429', seconds: 30, times: 1 });
    waits.length = 0;
    await outbox.post('next', CHANNEL, say('next'));
    await outbox.drain();
    expect(Math.max(...waits)).toBeGreaterThan(29_000);
    waits.length = 0;
    await outbox.update('card', say('edited'));
    await outbox.drain();
    expect(waits.filter((ms) => ms > 100)).toEqual([]);
    expect(await texts()).toEqual(['edited', 'next']);
  });

  it('lets an urgent message go before what waits', async () => {
    await fault({ on: 'chat.postMessage', kind: '500', times: 1 });
    await outbox.post('a', CHANNEL, say('a'));
    await outbox.post('b', CHANNEL, say('b'));
    await outbox.post('alert', CHANNEL, say('alert'), { urgent: true });
    await outbox.drain();
    expect((await texts()).indexOf('alert')).toBeLessThan(2);
    expect((await texts()).toSorted()).toEqual(['a', 'alert', 'b']);
  });

  it('waits for the end of quiet hours, and drops what is of no use by then', async () => {
    const later = Date.now() + 3_600_000;
    await outbox.post('quiet', CHANNEL, say('quiet'), { notBefore: later });
    await outbox.post('stale', CHANNEL, say('stale'), { expiresAt: Date.now() - 1 });
    await outbox.drain();
    expect(await texts()).toEqual([]);
    expect(told.failed).toMatchObject([{ key: 'stale', failed: { code: 'expired' } }]);
    await crash({ clock: { now: () => later + 1 } });
    await outbox.drain();
    expect(await texts()).toEqual(['quiet']);
  });

  it('keeps everything while Slack is down, and delivers it afterwards in order', async () => {
    await fault({ on: '*', kind: '500', times: 20 });
    for (let n = 0; n < 100; n++) await outbox.post(`m/${n}`, CHANNEL, say(`${n}`));
    await outbox.drain();
    expect(await texts()).toEqual(Array.from({ length: 100 }, (_, n) => `${n}`));
    expect(outbox.problem()).toBeUndefined();
  });

  it('sends the text alone when Slack does not take the blocks', async () => {
    await outbox.post('bad', CHANNEL, {
      text: 'training failed',
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(4000) } }],
    });
    await outbox.drain();
    expect(await texts()).toEqual(['training failed']);
  });

  it('takes over a message that something else posted', async () => {
    await outbox.post('mine', CHANNEL, say('posted'));
    await outbox.drain();
    const { channel, ts } = (await outbox.posted('mine'))!;
    await outbox.adopt('card/line-3/x', channel, ts);
    await outbox.show('card/line-3/x', channel, say('changed'));
    await outbox.post('reply', channel, say('reply'), { thread: 'card/line-3/x' });
    await outbox.drain();
    expect((await messages()).map((one) => [one.text, one.thread_ts])).toEqual([
      ['changed', ts],
      ['reply', ts],
    ]);
  });

  it('gives up a message that was deleted, and says so', async () => {
    await outbox.post('card', CHANNEL, say('card'));
    await outbox.drain();
    await fault({ on: 'chat.update', kind: 'message_not_found' });
    await outbox.update('card', say('again'));
    await outbox.drain();
    expect(told.failed).toMatchObject([{ key: 'card', failed: { code: 'message_not_found' } }]);
    expect(await outbox.update('card', say('and again'))).toBe(false);
  });
});

describe('[N2] a post that nobody knows of', () => {
  it('is found and not repeated when its answer was lost', async () => {
    await fault({ on: 'chat.postMessage', kind: 'lost_answer' });
    await outbox.post('card', CHANNEL, say('card'));
    await outbox.drain();
    expect(await texts()).toEqual(['card']);
    await outbox.update('card', say('edited'));
    await outbox.drain();
    expect(await texts()).toEqual(['edited']);
  });

  it('is found when the bot was killed between posting and recording', async () => {
    await outbox.post('parent', CHANNEL, say('parent'));
    await outbox.drain();
    for (const options of [{}, { thread: 'parent' }]) {
      const key = `lost/${options.thread ?? ''}`;
      // Answers lost, and no time to look: only that a post had begun is on disk.
      await fault({ on: 'chat.postMessage', kind: 'lost_answer' });
      await crash({ backoff: [60_000, 60_000] });
      await outbox.post(key, CHANNEL, say(key), options);
      await expect.poll(async () => (await texts()).includes(key)).toBe(true);
      await crash();
      await outbox.drain();
      expect((await texts()).filter((text) => text === key)).toHaveLength(1);
      expect(await outbox.posted(key)).toBeDefined();
    }
  });

  it.each([
    ['ahead of', 5],
    ['behind', -5],
  ])('is found by a clock that is hours %s Slack’s', async (_what, hours) => {
    await crash({ clock: { now: () => Date.now() + hours * 3_600_000 } });
    await outbox.post('lost', CHANNEL, say('once'));
    await outbox.drain();
    await fault({ on: 'chat.postMessage', kind: 'lost_answer' });
    await outbox.post('again', CHANNEL, say('again'));
    await outbox.drain();
    expect(await texts()).toEqual(['once', 'again']);
  });

  it('is posted when it did not arrive', async () => {
    await fault({ on: 'chat.postMessage', kind: 'drop', times: 3 });
    await outbox.post('card', CHANNEL, say('card'));
    await outbox.drain();
    expect(await texts()).toEqual(['card']);
  });

  it('shows the newest content when it was changed before it was found', async () => {
    await fault({ on: 'chat.postMessage', kind: 'lost_answer' });
    await crash({ backoff: [60_000, 60_000] });
    await outbox.post('card', CHANNEL, say('old'));
    await expect.poll(() => texts()).toEqual(['old']);
    await outbox.update('card', say('new'));
    await crash();
    await outbox.drain();
    expect(await texts()).toEqual(['new']);
  });
});

describe('[N7] a channel that cannot be posted to', () => {
  const archive = (is_archived: boolean) =>
    slack.post('/sandbox/slack/channel', { channel: CHANNEL, is_archived });
  const direct = async (user: string) => {
    const answer = await fetch(`${slack.sandbox.url}/sandbox/state?user=${user}`);
    const { channels } = (await answer.json()) as WorkspaceState;
    const im = channels.find(({ is_im }) => is_im);
    return im ? texts(im.id) : [];
  };

  it('is told to an admin once, and not tried again, also after a restart', async () => {
    await archive(true);
    for (const n of [1, 2, 3]) await outbox.post(`m/${n}`, CHANNEL, say(`${n}`));
    await outbox.drain();
    await crash();
    await outbox.post('m/4', CHANNEL, say('4'));
    await outbox.drain();
    expect(await direct('U0ADA')).toEqual([expect.stringContaining('it is archived')]);
    expect(await direct('U0DEV')).toEqual([]);
    expect(outbox.waiting).toBe(4);
    expect(await store.listDeadChannels()).toMatchObject([{ channel: CHANNEL, code: 'is_archived' }]);
  });

  it('does not hold up other channels', async () => {
    await archive(true);
    await outbox.post('here', CHANNEL, say('here'));
    await outbox.post('there', 'C0ALERTS', say('there'));
    await outbox.drain();
    expect(await texts('C0ALERTS')).toEqual(['there']);
  });

  it('is taken up again when it works', async () => {
    await crash({ checks: [1] });
    await archive(true);
    await outbox.post('m/1', CHANNEL, say('1'));
    await outbox.drain();
    await archive(false);
    await expect.poll(() => texts()).toEqual(['1']);
    expect(await store.listDeadChannels()).toEqual([]);
  });

  it('is taken up when somebody says that it works, without what has grown old', async () => {
    let now = Date.now();
    await crash({ clock: { now: () => now } });
    await archive(true);
    await outbox.post('old', CHANNEL, say('old'));
    await outbox.drain();
    now += 25 * 3_600_000;
    await outbox.post('new', CHANNEL, say('new'));
    await archive(false);
    await outbox.revive(CHANNEL);
    await outbox.drain();
    expect(await texts()).toEqual(['new']);
    expect(told.failed).toMatchObject([{ key: 'old', failed: { code: 'expired' } }]);
  });

  it('is told to the next admin when the first cannot be reached', async () => {
    await crash({ admins: () => ['U0GONE', 'U0DEV'] });
    await archive(true);
    await outbox.post('m', CHANNEL, say('m'));
    await outbox.drain();
    expect(await direct('U0DEV')).toHaveLength(1);
  });
});

describe('[N7] the pace', () => {
  let now: number;
  let waits: number[];
  /** A clock that only waiting moves. */
  async function timed(options: Partial<OutboxOptions> = {}): Promise<void> {
    now = Date.now();
    waits = [];
    const clock = { now: () => now };
    await crash({
      clock,
      postInterval: 1000,
      edits: editBudget({ clock }),
      sleep: async (ms) => {
        waits.push(ms);
        now += ms;
      },
      ...options,
    });
  }
  const waited = () => waits.reduce((sum, ms) => sum + ms, 0);

  it('lets three posts of a quiet channel go at once, then one a second', async () => {
    await timed();
    for (let n = 1; n <= 6; n++) await outbox.post(`m/${n}`, CHANNEL, say(`${n}`));
    await outbox.drain();
    expect(await texts()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(waited()).toBe(3000);
  });

  it('keeps to one a second for a while where Slack refused one, and only there', async () => {
    await timed();
    await fault({ on: 'chat.postMessage', kind: '429', seconds: 2, times: 1 });
    await outbox.post('m/1', CHANNEL, say('1'));
    await outbox.drain();
    now += 60_000;
    waits.length = 0;
    for (let n = 2; n <= 5; n++) await outbox.post(`m/${n}`, CHANNEL, say(`${n}`));
    await outbox.drain();
    expect(waited()).toBe(3000);
    waits.length = 0;
    for (let n = 1; n <= 3; n++) await outbox.post(`there/${n}`, 'C0ALERTS', say(`${n}`));
    await outbox.drain();
    expect(waited()).toBe(0);
    now += 5 * 60_000;
    for (let n = 6; n <= 8; n++) await outbox.post(`m/${n}`, CHANNEL, say(`${n}`));
    await outbox.drain();
    expect(waited()).toBe(0);
  });

  it('drains a storm of edits at nine tenths of what Slack allows', async () => {
    await timed();
    for (let n = 0; n < 120; n++)
      await outbox.post(`card/${n}`, `${n % 2 ? CHANNEL : 'C0ALERTS'}`, say(`${n}`));
    await outbox.drain();
    waits.length = 0;
    for (let n = 0; n < 120; n++) await outbox.update(`card/${n}`, say(`edited ${n}`));
    await outbox.drain();
    expect(waited() / 60_000).toBeLessThan(120 / 45);
    expect(waited() / 60_000).toBeGreaterThan((120 - 4) / 46);
  });

  it('edits all that wait in turn, however often one of them changes', async () => {
    let turns = 0;
    await timed({
      sleep: async (ms) => {
        now += ms;
        if (turns++ < 40) await outbox.update('busy', say(`busy ${turns}`));
      },
    });
    for (const key of ['busy', 'a', 'b', 'c', 'd', 'e', 'f']) await outbox.post(key, CHANNEL, say(key));
    await outbox.drain();
    turns = 0;
    for (const key of ['busy', 'a', 'b', 'c', 'd', 'e', 'f']) await outbox.update(key, say(`${key} new`));
    await expect.poll(() => texts()).toContain('f new');
    expect(turns).toBeLessThan(30);
    turns = 40;
    await outbox.drain();
  });
});

describe('[C2] a card in which nothing but times has changed', () => {
  let now: number;
  const live = { says: 'compiling', refreshEvery: 27_000 };
  const shown = (key: string) =>
    outbox.posted(key).then((at) => messages().then((all) => all.find(({ ts }) => ts === at?.ts)?.text));

  beforeEach(async () => {
    now = Date.now();
    const clock = { now: () => now };
    await crash({
      clock,
      edits: editBudget({ clock }),
      sleep: async (ms) => {
        now += ms;
      },
    });
    await outbox.show('card', CHANNEL, say('for 1 s'), live);
    await outbox.drain();
  });

  /** Edits are looked for again, as they are when their time has come: the timers know nothing of this clock. */
  const look = async (): Promise<void> => {
    await outbox.show('never', CHANNEL, say(`${now}`), { says: 'same', refreshEvery: 1e12 });
    await outbox.drain();
  };

  it('is edited once in a while, with what is newest then', async () => {
    for (const seconds of [9, 18, 26]) {
      now += 9_000;
      await outbox.show('card', CHANNEL, say(`for ${seconds} s`), live);
      await outbox.drain();
      expect(await shown('card')).toBe(seconds < 26 ? 'for 1 s' : 'for 26 s');
    }
  });

  it('is edited at once when it says something else, and not again when that is all there is', async () => {
    now += 1000;
    await outbox.show('card', CHANNEL, say('compiled, as of 1'), { says: 'compiled' });
    await outbox.drain();
    expect(await shown('card')).toBe('compiled, as of 1');
    now += 3_600_000;
    await outbox.show('card', CHANNEL, say('compiled, as of 2'), { says: 'compiled' });
    await outbox.drain();
    expect(await shown('card')).toBe('compiled, as of 1');
    expect(outbox.waiting).toBe(0);
    await crash({ clock: { now: () => now } });
    await outbox.show('card', CHANNEL, say('compiled, as of 3'), { says: 'compiled' });
    await outbox.drain();
    expect(await shown('card')).toBe('compiled, as of 1');
  });

  it('comes after everything that is news, the one that was shown longest ago first', async () => {
    for (const key of ['a', 'b', 'c', 'd']) {
      now += 10_000;
      await outbox.show(key, CHANNEL, say(key), live);
      await outbox.drain();
    }
    await look();
    now += 60_000;
    const order: string[] = [];
    const end = slack.sandbox.workspace.listen((event) => {
      if (event.type === 'message_changed' && event.message.edited) order.push(event.message.text);
    });
    await fault({ on: 'chat.update', kind: '429', seconds: 1, times: 1 });
    for (const key of ['d', 'c', 'b', 'a', 'card'])
      await outbox.show(key, CHANNEL, say(`${key}, later`), live);
    await outbox.show('c', CHANNEL, say('c compiled'), { says: 'compiled' });
    for (let turn = 0; turn < 6; turn++) {
      now += 5_000;
      await look();
    }
    end();
    const sent = order.filter((text) => text !== 'd, later');
    expect(sent).toEqual(['c compiled', 'card, later', 'a, later', 'b, later']);
    expect(order).toContain('d, later');
  });
});

it('ends within the call that is under way, and leaves the rest for the next start', async () => {
  await crash({ postInterval: 60_000 });
  for (const n of [1, 2, 3, 4, 5]) await outbox.post(`m/${n}`, CHANNEL, say(`${n}`));
  await expect.poll(() => texts()).toEqual(['1', '2', '3']);
  await crash();
  await outbox.drain();
  expect(await texts()).toEqual(['1', '2', '3', '4', '5']);
});

it('gives up draining when it is told to', async () => {
  await crash({ postInterval: 60_000 });
  for (const n of [1, 2, 3, 4]) await outbox.post(`m/${n}`, CHANNEL, say(`${n}`));
  await expect(outbox.drain(AbortSignal.timeout(1))).rejects.toThrow();
});
