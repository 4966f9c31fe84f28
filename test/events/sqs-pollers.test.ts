import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventIntake } from '../../src/events/intake.ts';
import { SqsPollers } from '../../src/events/sqs-pollers.ts';
import { AppError } from '../../src/ground/errors.ts';
import { startQueue } from './queue.ts';

let running: SqsPollers | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function queueOf(count: number, receive: EventIntake['receive'] = async () => 'stored') {
  const { client, queueUrl, reading, left } = await startQueue();
  for (let from = 0; from < count; from += 10)
    await client.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: Array.from({ length: Math.min(10, count - from) }, (_, n) => ({
          Id: `m${n}`,
          MessageBody: `event ${from + n}`,
        })),
      }),
    );
  const got: string[] = [];
  let most = 0;
  const pollers: SqsPollers = new SqsPollers({
    ...reading,
    intake: {
      problem: () => undefined,
      receive: async (body, via) => {
        most = Math.max(most, pollers.polls);
        got.push(body);
        return receive(body, via);
      },
    },
  });
  running = pollers;
  return { pollers, got, left, most: () => most };
}

describe('[N1] a queue with thousands of messages', () => {
  it('is read by several polls at once, each message once, and by one again when it is empty', async () => {
    const { pollers, got, left, most } = await queueOf(300);
    expect(pollers.polls).toBe(1);
    pollers.start();
    await expect.poll(left).toBe(0);
    expect(new Set(got).size).toBe(300);
    expect(got).toHaveLength(300);
    expect(most()).toBeGreaterThan(1);
    await expect.poll(() => pollers.polls).toBe(1);
    expect(pollers.problem()).toBeUndefined();
  });

  it('with few of them is read by one', async () => {
    const { pollers, left, most } = await queueOf(7);
    pollers.start();
    await expect.poll(left).toBe(0);
    expect(most()).toBe(1);
  });

  it('[N2] keeps what could not be stored until it can be', async () => {
    let full = true;
    const { pollers, got, left } = await queueOf(60, async () => {
      if (full) throw new AppError('unavailable', 'The disk is full.');
      return 'stored';
    });
    pollers.start();
    await expect.poll(() => got.length).toBeGreaterThan(20);
    expect(await left()).toBe(60);
    full = false;
    await expect.poll(left).toBe(0);
    expect(new Set(got).size).toBe(60);
  });

  it('ends with all polls: nothing is received any more', async () => {
    const { pollers, got } = await queueOf(300);
    pollers.start();
    await expect.poll(() => got.length).toBeGreaterThan(30);
    await pollers.stop();
    const received = got.length;
    expect(pollers.polls).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(got).toHaveLength(received);
  });
});
