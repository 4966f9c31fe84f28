import { beforeEach, expect, it } from 'vitest';
import { DownloadQueue, type Ticket } from '../../src/operations/download-queue.ts';
import { DownloadsElsewhere } from '../../src/operations/downloads-elsewhere.ts';
import { EnoughError } from '../../src/operations/first-lines.ts';
import type { UnfinishedMessage } from '../../src/ports/unfinished-store.ts';
import { type InProcessCoordination, InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { handTimers } from '../fixtures/hand-timers.ts';

const REQUEST = { key: 'a log', user: 'U0ADA', userName: 'ada', useCases: ['line-3'] };
let time: ReturnType<typeof handTimers>;
let hub: InProcessHub;
let messages: Map<string, UnfinishedMessage>;

beforeEach(() => {
  time = handTimers();
  hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  messages = new Map();
});

async function instance() {
  const coordination: InProcessCoordination = hub.join();
  const store = { listUnfinished: async () => [...messages.values()] };
  const elsewhere = new DownloadsElsewhere(store, coordination);
  const downloads = new DownloadQueue(time.clock, undefined, elsewhere);
  await elsewhere.begin((id, why, enough) => void downloads.cancel(id, why, enough));
  /** A download that goes on until it is cancelled, with the message that tells of it. */
  const download = (): Promise<void> =>
    downloads.run(
      REQUEST,
      ({ signal }: Ticket) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      async ({ id }) =>
        void messages.set(id, { id, channel: 'C', ts: '1', since: 5, ...downloads.onRecord(REQUEST) }),
    );
  return { coordination, elsewhere, downloads, download };
}

it('[L5] a download is known to every instance, and cancelled from any', async () => {
  const [first, second] = [await instance(), await instance()];
  const ended = expect(first.download()).rejects.toThrow('by ben');
  await time.advance(0);
  const same = await second.downloads.sameAnywhere('a log');
  expect(same).toMatchObject({ user: 'U0ADA', userName: 'ada', useCases: ['line-3'], startedAt: 5 });
  expect(second.downloads.find(same!.id)).toBeUndefined();
  expect(await second.downloads.findAnywhere(same!.id)).toEqual(same);
  await second.downloads.cancelAnywhere(same!.id, 'by ben');
  await ended;
});

it('[L12] what was seen of a download is enough in every instance', async () => {
  const [first, second] = [await instance(), await instance()];
  const ended = first.download().catch((error: unknown) => error);
  await time.advance(0);
  const known = await second.downloads.sameAnywhere('a log');
  await second.downloads.cancelAnywhere(known!.id, 'by ben', true);
  expect(await ended).toBeInstanceOf(EnoughError);
});

it('[L4] what an instance works on that lives is not left, and is once its lease is over', async () => {
  const [first, second] = [await instance(), await instance()];
  const ended = first.download().catch(() => undefined);
  await time.advance(0);
  const [message] = [...messages.values()];
  expect(await first.elsewhere.isLeft(message!)).toBe(false);
  expect(await second.elsewhere.isLeft(message!)).toBe(false);
  first.coordination.cutOff();
  await time.advance(300_000);
  expect(await second.elsewhere.isLeft(message!)).toBe(true);
  // Nobody is kept waiting for what nobody works on.
  expect(await second.downloads.sameAnywhere('a log')).toBeUndefined();
  await first.downloads.close('restarting');
  await ended;
});

it('[O1] an instance knows whether others can have taken it for ended', async () => {
  const [first, second] = [await instance(), await instance()];
  await time.advance(0);
  const before = first.elsewhere.continuity();
  expect(before).toBeDefined();
  await time.advance(300_000);
  expect(first.elsewhere.continuity()).toBe(before);
  first.coordination.cutOff();
  await time.advance(300_000);
  expect(first.elsewhere.continuity()).toBeUndefined();
  expect(second.elsewhere.continuity()).toBeDefined();
});

it('[L4] what an instance works on that was cut off for a while is not left once it is back', async () => {
  const [first, second] = [await instance(), await instance()];
  const ended = first.download().catch(() => undefined);
  await time.advance(0);
  const [message] = [...messages.values()];
  first.coordination.cutOff();
  await time.advance(300_000);
  expect(await second.elsewhere.isLeft(message!)).toBe(true);
  first.coordination.reconnect();
  await expect.poll(() => second.elsewhere.isLeft(message!), { timeout: 10_000 }).toBe(false);
  await time.advance(300_000);
  expect(await second.elsewhere.isLeft(message!)).toBe(false);
  await first.downloads.close('restarting');
  await ended;
  await first.elsewhere.end();
  expect(await second.elsewhere.isLeft(message!)).toBe(true);
  await second.elsewhere.end();
});

it('what a version before wrote, without an instance, is left', async () => {
  const { elsewhere } = await instance();
  expect(await elsewhere.isLeft({ id: 'old', channel: 'C', ts: '1', since: 1 })).toBe(true);
});
