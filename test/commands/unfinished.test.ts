import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../src/blocks/message.ts';
import { UnfinishedTeller } from '../../src/commands/tell-unfinished.ts';
import { keepUnfinished } from '../../src/commands/unfinished.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { LiveMessage } from '../../src/ports/channel-messages.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../../src/ports/unfinished-store.ts';
import { InProcessHub } from '../../src/stores/in-process-coordination.ts';

const log = pino({ level: 'silent' });
const clock = { now: () => 1000 };
const INTERRUPTED: Message = { text: 'interrupted' };
let kept: Map<string, UnfinishedMessage>;
let store: UnfinishedStore;
let shown: string[];
let refuse: AppError | undefined;
/** Whether Slack has a file; left out: that cannot be seen. */
let arrived: Record<string, boolean>;

const message = (ts: string): LiveMessage => ({
  channel: 'C1',
  ts,
  edit: () => {},
  finish: async ({ text }) => {
    if (refuse) throw refuse;
    shown.push(`${ts} ${text}`);
  },
  remove: async () => {
    if (refuse) throw refuse;
    shown.push(`${ts} removed`);
  },
});
/** A new process with the same folder, where nobody else can be: one look at what is left. */
const restart = () =>
  new UnfinishedTeller({
    store: { ...store, under: async () => store },
    coordination: new InProcessHub({ clock, onError: () => {} }).join(),
    elsewhere: { isLeft: async () => true, hasEnded: () => false },
    isAlone: true,
    messages: { follow: (_, ts) => message(ts) },
    files: { hasArrived: async (ids) => arrived[ids.at(-1)!] },
    lost: {
      tell: async (channel, { user, typed }) => {
        if (refuse) throw refuse;
        shown.push(`${user} in ${channel}: ${typed}`);
      },
    },
    clock,
    log,
  }).look();

const begin = (id: string, shownAs: LiveMessage) =>
  keepUnfinished({ store, clock }, log, { id, by: 'me', message: shownAs, becomes: INTERRUPTED });

beforeEach(() => {
  kept = new Map();
  shown = [];
  refuse = undefined;
  arrived = {};
  store = {
    putUnfinished: async (one) => void kept.set(one.id, one),
    removeUnfinished: async (id) => void kept.delete(id),
    listUnfinished: async () => [...kept.values()],
  };
});

it('[L4] what a kill interrupted is told once at the next start, and what was delivered is not told as interrupted', async () => {
  await begin('a', message('1'));
  const delivered = await begin('b', message('2'));
  await delivered.onlyToRemove();
  const done = await begin('c', message('3'));
  await done.over();
  await restart();
  await restart();
  expect(shown).toEqual(['1 interrupted', '2 removed']);
});

it('[L12] what a message has shown meanwhile, it still shows after a kill', async () => {
  const unfinished = await begin('a', message('1'));
  await unfinished.becomes({ text: 'interrupted, and its last lines' });
  await restart();
  expect(shown).toEqual(['1 interrupted, and its last lines']);
});

it('what nobody waited for is on record before what came after it', async () => {
  const unfinished = await begin('a', message('1'));
  const { putUnfinished } = store;
  store.putUnfinished = async (one) => {
    await new Promise(setImmediate);
    return putUnfinished(one);
  };
  void unfinished.becomes({ text: 'its last lines' });
  await unfinished.over();
  await restart();
  expect(shown).toEqual([]);
});

it('what Slack does not take is told after another start, unless the message is gone', async () => {
  await begin('a', message('1'));
  refuse = new AppError('unavailable', 'Slack could not be reached.');
  await restart();
  refuse = undefined;
  await restart();
  expect(shown).toEqual(['1 interrupted']);
  await begin('a', message('1'));
  refuse = new AppError('not_found', 'The message is not there any more.');
  await restart();
  expect(kept.size).toBe(0);
});

it('what is left because Slack did not take it is told as it was to be, and nobody works on it', async () => {
  const done = await begin('a', message('1'));
  await done.onlyToRemove();
  await done.leave();
  const failed = await begin('b', message('2'));
  await failed.leave({ text: 'the log service is down' });
  expect([...kept.values()].map(({ by, download }) => [by, download])).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
  await restart();
  expect(shown.sort()).toEqual(['1 removed', '2 the log service is down']);
});

it('a file that had arrived when the process was killed is not told as interrupted', async () => {
  const PERHAPS: Message = { text: 'perhaps' };
  arrived = { F1: true, F2: false };
  for (const [n, file] of ['F1', 'F2', 'F3'].entries()) {
    const one = await begin(file, message(String(n)));
    await one.sharing([file], PERHAPS);
  }
  await restart();
  expect(shown.sort()).toEqual(['0 removed', '1 perhaps', '2 perhaps']);
});

describe('an instance that hung', () => {
  let heard: number | undefined;
  const working = () =>
    keepUnfinished({ store, clock }, log, {
      ...{ id: 'a', by: 'me', message: message('1'), becomes: INTERRUPTED },
      continuity: () => heard,
    });
  beforeEach(() => {
    heard = 1;
  });

  it('[O1] learns that others have told its work as cut off, and puts nothing on record again', async () => {
    const unfinished = await working();
    heard = undefined;
    await store.removeUnfinished('a');
    await unfinished.becomes({ text: 'its last lines' });
    expect(await unfinished.isTold()).toBe(true);
    heard = 2;
    await unfinished.sharing(['F1'], { text: 'perhaps' });
    expect(await unfinished.isTold()).toBe(true);
    expect(kept.size).toBe(0);
  });

  it('goes on where nobody has told it, and looks again each time until it is heard of', async () => {
    const unfinished = await working();
    heard = undefined;
    expect(await unfinished.isTold()).toBe(false);
    await store.removeUnfinished('a');
    expect(await unfinished.isTold()).toBe(true);
  });

  it('asks nobody while others hear of it', async () => {
    const unfinished = await working();
    store.listUnfinished = () => Promise.reject(new Error('not to be asked'));
    await unfinished.becomes({ text: 'its last lines' });
    expect(await unfinished.isTold()).toBe(false);
    expect(kept.get('a')?.becomes).toEqual({ text: 'its last lines' });
  });

  it('goes on where it could not be recorded', async () => {
    store.putUnfinished = () => Promise.reject(new Error('disk full'));
    const unfinished = await working();
    heard = 2;
    expect(await unfinished.isTold()).toBe(false);
  });
});

it('work goes on where it cannot be recorded', async () => {
  store.putUnfinished = () => Promise.reject(new Error('disk full'));
  const unfinished = await begin('a', message('1'));
  await unfinished.onlyToRemove();
  await unfinished.over();
  expect(kept.size).toBe(0);
});

describe('an answer that a kill has cut off', () => {
  const waits = (since: number): UnfinishedMessage => ({
    ...{ id: 'answer/1', channel: 'C1', since },
    answer: { user: 'U1', typed: '/jobs' },
  });

  it('[N1] is told to the person once', async () => {
    await store.putUnfinished(waits(900));
    await restart();
    await restart();
    expect(shown).toEqual(['U1 in C1: /jobs']);
  });

  it('is told later if Slack does not take it now', async () => {
    await store.putUnfinished(waits(900));
    refuse = new AppError('unavailable', 'Slack is away');
    await restart();
    expect(kept.size).toBe(1);
    refuse = undefined;
    await restart();
    expect(shown).toEqual(['U1 in C1: /jobs']);
  });

  it('is no news any more after half an hour', async () => {
    await store.putUnfinished(waits(1000 - 30 * 60_000 - 1));
    await restart();
    expect(shown).toEqual([]);
    expect(kept.size).toBe(0);
  });
});
