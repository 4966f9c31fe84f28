/** Slack's counts of calls, kept by several instances together. */
import { webApi } from '@slack/bolt';
import { beforeEach, expect, it } from 'vitest';
import { AppError } from '../../src/ground/errors.ts';
import type { Budgets } from '../../src/ports/budgets.ts';
import type { CallBudgets } from '../../src/slack/call-budgets.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';
import { callBudgets } from '../fixtures/call-budgets.ts';
import { handTimers } from '../fixtures/hand-timers.ts';

const MINUTE = 60_000;
let time: ReturnType<typeof handTimers>;
let shared: Budgets;
/** When each call was made. */
let made: { what: string; at: number }[];

beforeEach(() => {
  time = handTimers(0);
  shared = new InProcessBudgets(time.clock);
  made = [];
});

const instance = (budgets: Budgets = shared): CallBudgets =>
  callBudgets({
    ...{ budgets, clock: time.clock, interval: undefined },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        time.after(ms, () => resolve(undefined));
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  });
const call = (what: string) => async (): Promise<void> => {
  made.push({ what, at: time.clock.now() });
};
/** As Slack refuses, so often; then it takes the call. */
const refusing = (times: number, seconds: number) => {
  let left = times;
  return async (): Promise<string> => {
    await call('refused or taken')();
    left -= 1;
    if (left >= 0) throw new webApi.WebAPIRateLimitedError(seconds);
    return 'taken';
  };
};

it('[N7] two instances together stay below what Slack allows in any minute, and everything is called in the end', async () => {
  const both = [instance(), instance()];
  const all = Array.from({ length: 200 }, (_, index) =>
    both[index % 2]!.call('chat.delete', call(`${index}`)),
  );
  await time.advance(5 * MINUTE);
  await Promise.all(all);
  expect(made).toHaveLength(200);
  const most = Math.max(
    ...made.map(({ at }) => made.filter((other) => other.at >= at && other.at < at + MINUTE).length),
  );
  expect(most).toBeLessThan(50);
  expect(most).toBeGreaterThan(42);
});

it('what waits longest goes first', async () => {
  const one = instance();
  const all = Array.from({ length: 40 }, (_, index) => one.call('files.info', call(`${index}`)));
  await time.advance(MINUTE);
  await Promise.all(all);
  expect(made.map(({ what }) => what)).toEqual(Array.from({ length: 40 }, (_, index) => `${index}`));
});

it('what Slack refuses is called again after the time that it names, and until then by no instance', async () => {
  const [one, other] = [instance(), instance()];
  const refused = one.call('files.completeUploadExternal', refusing(7, 10));
  await time.advance(0);
  const later = other.call('files.completeUploadExternal', call('of the other'));
  // Another method is none of its business.
  await other.call('files.info', call('another method'));
  await time.advance(9_999);
  expect(made.map(({ what }) => what)).toEqual(['refused or taken', 'another method']);
  await time.advance(2 * MINUTE);
  await later;
  expect(await refused).toBe('taken');
  const times = made.flatMap(({ what, at }) => (what === 'refused or taken' ? [at] : []));
  expect(times).toEqual([0, 10, 20, 30, 40, 50, 60, 70].map((seconds) => seconds * 1_000));
});

it('is given up when Slack has refused it for a quarter of an hour', async () => {
  const refused = instance().call('chat.delete', refusing(1_000, 60));
  const ended = expect(refused).rejects.toBeInstanceOf(webApi.WebAPIRateLimitedError);
  await time.advance(20 * MINUTE);
  await ended;
  expect(made.at(-1)!.at).toBe(15 * MINUTE);
});

it('whoever waits is told so, and leaves the line at once when asked to end', async () => {
  const one = instance();
  const before = Array.from({ length: 60 }, () => one.call('chat.delete', call('before')));
  let told = 0;
  const ended = new AbortController();
  const waiting = one.call('chat.delete', call('never'), { signal: ended.signal, onWait: () => (told += 1) });
  const soon = one.call('files.info', call('soon'), { onWait: () => (told += 10) });
  await time.advance(3_000);
  expect(told).toBe(1);
  const stopped = new AppError('unavailable', 'Signalbox is restarting.');
  ended.abort(stopped);
  await expect(waiting).rejects.toBe(stopped);
  await time.advance(5 * MINUTE);
  await Promise.all([...before, soon]);
  expect(made.filter(({ what }) => what === 'before')).toHaveLength(60);
  expect(made.map(({ what }) => what)).not.toContain('never');
});

it('Slack alone decides where nobody can be asked', async () => {
  const gone = () => Promise.reject(new Error('the database is away'));
  const one = instance({ take: gone, hold: gone });
  const refused = one.call('chat.delete', refusing(1, 10));
  await time.advance(9_999);
  expect(made).toHaveLength(1);
  await time.advance(1);
  expect(await refused).toBe('taken');
});
