import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import type { Message } from '../../src/blocks/message.ts';
import { keepUnfinished, tellInterrupted } from '../../src/commands/unfinished.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { LiveMessage } from '../../src/ports/channel-messages.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../../src/ports/unfinished-store.ts';

const log = pino({ level: 'silent' });
const clock = { now: () => 1000 };
const INTERRUPTED: Message = { text: 'interrupted' };
let kept: Map<string, UnfinishedMessage>;
let store: UnfinishedStore;
let shown: string[];
let refuse: AppError | undefined;

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
const restart = async () =>
  tellInterrupted(await store.listUnfinished(), store, { follow: (_, ts) => message(ts) }, log);

beforeEach(() => {
  kept = new Map();
  shown = [];
  refuse = undefined;
  store = {
    putUnfinished: async (one) => void kept.set(one.id, one),
    removeUnfinished: async (id) => void kept.delete(id),
    listUnfinished: async () => [...kept.values()],
  };
});

it('[L4] what a kill interrupted is told once at the next start, and what was delivered is not told as interrupted', async () => {
  await keepUnfinished({ store, clock }, log, 'a', message('1'), INTERRUPTED);
  const delivered = await keepUnfinished({ store, clock }, log, 'b', message('2'), INTERRUPTED);
  await delivered.onlyToRemove();
  const done = await keepUnfinished({ store, clock }, log, 'c', message('3'), INTERRUPTED);
  await done.over();
  await restart();
  await restart();
  expect(shown).toEqual(['1 interrupted', '2 removed']);
});

it('what Slack does not take is told after another start, unless the message is gone', async () => {
  await keepUnfinished({ store, clock }, log, 'a', message('1'), INTERRUPTED);
  refuse = new AppError('unavailable', 'Slack could not be reached.');
  await restart();
  refuse = undefined;
  await restart();
  expect(shown).toEqual(['1 interrupted']);
  await keepUnfinished({ store, clock }, log, 'a', message('1'), INTERRUPTED);
  refuse = new AppError('not_found', 'The message is not there any more.');
  await restart();
  expect(kept.size).toBe(0);
});

it('work goes on where it cannot be recorded', async () => {
  store.putUnfinished = () => Promise.reject(new Error('disk full'));
  const unfinished = await keepUnfinished({ store, clock }, log, 'a', message('1'), INTERRUPTED);
  await unfinished.onlyToRemove();
  await unfinished.over();
  expect(kept.size).toBe(0);
});
