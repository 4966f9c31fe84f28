/** The whole app in trouble that passes: its disk is full, its queue cannot be read. `/readyz` tells, and it goes on. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { fill, tinyDisk } from '../fixtures/tiny-disk.ts';
import { sendEvents, trainingEvent } from './aws-events.ts';
import { type Bot, startBot } from './bot.ts';
import { until } from './jobs.ts';
import { isOnPostgres } from './state.ts';

const ALERTS = 'C0ALERTS';
let bot: Bot;
let disk: string | undefined;

beforeAll(async () => {
  disk = tinyDisk.possible ? await tinyDisk.mount(8 * 1024) : undefined;
  bot = await startBot({
    mode: 'http',
    config: (yaml) => {
      const config = parse(yaml);
      if (disk !== undefined) config.storage.dataDir = join(disk, 'bot');
      return stringify(config);
    },
  });
});
afterAll(async () => {
  await bot.stop();
  if (disk !== undefined) await tinyDisk.unmount(disk);
});

interface Readiness {
  status: number;
  problems: { name: string; problem: string }[];
}
async function readiness(): Promise<Readiness> {
  const response = await fetch(`http://127.0.0.1:${bot.app.port}/readyz`);
  const { problems } = (await response.json()) as Pick<Readiness, 'problems'>;
  return { status: response.status, problems };
}
const isReady = (): Promise<Readiness> =>
  until(async () => {
    const now = await readiness();
    return now.status === 200 ? now : undefined;
  }, 'readiness');
const isInTrouble = (name: string): Promise<string> =>
  until(
    async () => (await readiness()).problems.find((one) => one.name === name)?.problem,
    `trouble with the ${name}`,
  );

const send = (job: string): Promise<void> =>
  sendEvents(bot, trainingEvent(job, 'Failed', { FailureReason: `boom ${job} ${'x'.repeat(9_000)}` }));
const waiting = (): number =>
  bot.sandbox.aws.events.queues().reduce((sum, { visible, inFlight }) => sum + visible + inFlight, 0);
const alertsOf = async (job: string): Promise<number> =>
  (await bot.messages(ALERTS)).filter(
    ({ text, thread_ts, ts }) => text.includes(job) && (thread_ts === undefined || thread_ts === ts),
  ).length;
const alerted = (job: string): Promise<true> =>
  until(async () => ((await alertsOf(job)) > 0 ? true : undefined), `the alert of ${job}`);

describe('[N1, N2, O4] the queue', () => {
  it('is ready when it was read for the first time, also when nothing is in it', async () => {
    expect((await isReady()).problems).toEqual([]);
  });

  it('cannot be read for a while: said without names of accounts, and what waited comes once', async () => {
    await bot.fault({ on: 'sqs:ReceiveMessage', kind: 'AccessDenied', times: 0 });
    await send('trouble-denied');
    const problem = await isInTrouble('queue');
    expect(problem).toMatch(/^the queue cannot be read: AccessDenied \(reference \w+\)$/);
    bot.clearFaults();
    await isReady();
    await alerted('trouble-denied');
    expect(await alertsOf('trouble-denied')).toBe(1);
    await until(async () => (waiting() === 0 ? true : undefined), 'an empty queue');
  });
});

// In PostgreSQL nothing of the state is on this disk.
describe.skipIf(!tinyDisk.possible || isOnPostgres)('[N2, O4] the disk', () => {
  it('is full: the event stays in the queue and readiness says why; with room again it is told once', async () => {
    await isReady();
    await fill(disk!);
    await send('trouble-full');
    expect(await isInTrouble('store')).toMatch(/disk of the data folder .* is full/);
    expect(await isInTrouble('queue')).toContain('nothing is taken from the queue');
    expect(waiting()).toBe(1);
    expect(await alertsOf('trouble-full')).toBe(0);
    await rm(join(disk!, 'filler'));
    await isReady();
    await alerted('trouble-full');
    expect(await alertsOf('trouble-full')).toBe(1);
    await until(async () => (waiting() === 0 ? true : undefined), 'an empty queue');
  });
});
