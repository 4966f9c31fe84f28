import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultPlan } from '#sandbox';
import type { EventIntake } from '../../src/events/intake.ts';
import { SqsIntake, type SqsIntakeOptions } from '../../src/events/sqs.ts';
import { AppError } from '../../src/ground/errors.ts';
import { startQueue } from './queue.ts';
import { SILENT } from './support.ts';

let running: SqsIntake | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** A queue with bodies in it, and an intake that writes down what it gets. */
async function queueOf(
  bodies: readonly string[],
  {
    receive,
    problem,
    sqsDuplicates = 0,
    ...options
  }: Partial<SqsIntakeOptions> & {
    receive?: EventIntake['receive'];
    problem?: EventIntake['problem'];
    sqsDuplicates?: number;
  } = {},
) {
  const faults = new FaultPlan();
  const { aws, client, queueUrl, reading, left } = await startQueue({ faults, sqsDuplicates });
  for (const MessageBody of bodies)
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
  const got: string[] = [];
  const intake = new SqsIntake({
    ...reading,
    intake: {
      problem: () => problem?.(),
      receive: async (body, via) => {
        got.push(body);
        return receive ? receive(body, via) : 'stored';
      },
    },
    ...options,
  });
  running = intake;
  const requests = (operation: string) =>
    Object.entries(aws.stats().requests).find(([name]) => name.endsWith(operation))?.[1] ?? 0;
  const extended = () => requests('ChangeMessageVisibilityBatch');
  return { intake, got, left, faults, extended, requests };
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `event ${n}`);

describe('[N1] the queue', () => {
  it('is emptied in batches, each message once', async () => {
    const { intake, got, left } = await queueOf(numbered(25));
    intake.start();
    await expect.poll(left).toBe(0);
    expect(new Set(got)).toEqual(new Set(numbered(25)));
    expect(got).toHaveLength(25);
    expect(intake.problem()).toBeUndefined();
  });

  it('[N2] keeps what could not be stored, and only that, until it can be', async () => {
    let full = true;
    let problem: string | undefined;
    const { intake, got, left } = await queueOf(numbered(5), {
      visibilitySeconds: 2,
      problem: () => problem,
      receive: async (body) => {
        if (full && body === 'event 3') {
          problem = 'The disk is full.';
          throw new AppError('unavailable', problem);
        }
        return 'stored';
      },
    });
    intake.start();
    await expect.poll(left).toBe(1);
    expect(intake.problem()).toContain('The disk is full');
    full = false;
    problem = undefined;
    await expect.poll(left).toBe(0);
    expect(got.filter((body) => body === 'event 0')).toHaveLength(1);
    expect(intake.problem()).toBeUndefined();
  });

  it('goes on after errors of SQS', async () => {
    const { intake, got, left, faults } = await queueOf(numbered(3));
    faults.add([
      { on: 'sqs:ReceiveMessage', kind: 'ThrottlingException', times: 2 },
      { on: 'sqs:ReceiveMessage', kind: '500', times: 1 },
      { on: 'sqs:ReceiveMessage', kind: 'drop', times: 1 },
    ]);
    intake.start();
    await expect.poll(left).toBe(0);
    expect(got).toHaveLength(3);
  });

  it('[N2] gets a message again that it could not delete', async () => {
    const { intake, got, left, faults } = await queueOf(numbered(1), { visibilitySeconds: 2 });
    faults.add({ on: 'sqs:DeleteMessageBatch', kind: '500' });
    intake.start();
    await expect.poll(left).toBe(0);
    expect(got).toEqual(['event 0', 'event 0']);
  });

  it('[N2] deletes a message that comes twice in one answer, and those that came with it', async () => {
    const { intake, got, left } = await queueOf(numbered(8), { sqsDuplicates: 0.5 });
    intake.start();
    await expect.poll(left).toBe(0);
    expect(new Set(got)).toEqual(new Set(numbered(8)));
    expect(got.length).toBeGreaterThan(8);
    expect(intake.problem()).toBeUndefined();
  });

  it('[N2] keeps a message hidden while it takes long to store', async () => {
    let done = (): void => {};
    const { intake, got, left, extended } = await queueOf(numbered(1), {
      visibilitySeconds: 2,
      receive: () => new Promise((resolve) => (done = () => resolve('stored'))),
    });
    intake.start();
    await expect.poll(extended).toBeGreaterThan(0);
    done();
    await expect.poll(left).toBe(0);
    expect(got).toHaveLength(1);
  });

  it('[N2] keeps also a message hidden that came twice in one answer', async () => {
    const waiting: (() => void)[] = [];
    const said: unknown[] = [];
    const note = (...words: unknown[]): void => void said.push(words);
    let slow = true;
    const { intake, got, left, extended } = await queueOf(numbered(6), {
      visibilitySeconds: 2,
      sqsDuplicates: 0.5,
      log: { ...SILENT, warn: note, error: note },
      receive: async () => {
        if (slow) await new Promise<void>((resolve) => waiting.push(resolve));
        return 'stored';
      },
    });
    intake.start();
    await expect.poll(extended).toBeGreaterThan(1);
    expect(got.length).toBeGreaterThan(new Set(got).size);
    slow = false;
    for (const done of waiting) done();
    await expect.poll(left).toBe(0);
    expect(said).toEqual([]);
    expect(intake.problem()).toBeUndefined();
  });

  it.each([
    ['denied', 'AccessDenied', 'AccessDenied'],
    ['throttled', 'RequestThrottled', 'RequestThrottled'],
    ['failing', '500', 'InternalFailure'],
    ['not to be reached', 'drop', ''],
  ])(
    '[O4] says that the queue cannot be read while it is %s, and goes on afterwards',
    async (_what, kind, code) => {
      const { intake, got, left, faults } = await queueOf(numbered(3));
      expect(intake.problem()).toContain('not answered yet');
      faults.add({ on: 'sqs:ReceiveMessage', kind, times: 0 });
      intake.start();
      await expect.poll(() => intake.problem()).toMatch(/^the queue cannot be read: .*\(reference \w+\)$/);
      expect(intake.problem()).toContain(code);
      expect(got).toEqual([]);
      faults.clear();
      await expect.poll(left).toBe(0);
      expect(got.toSorted()).toEqual(numbered(3));
      expect(intake.problem()).toBeUndefined();
    },
  );

  it('[O4] says that what is stored cannot be deleted, until it can', async () => {
    const { intake, left, faults } = await queueOf(numbered(2), { visibilitySeconds: 2 });
    faults.add({ on: 'sqs:DeleteMessageBatch', kind: 'AccessDenied', times: 0 });
    intake.start();
    await expect.poll(() => intake.problem()).toContain('cannot be deleted from the queue');
    faults.clear();
    await expect.poll(left).toBe(0);
    expect(intake.problem()).toBeUndefined();
  });

  it('[N2] asks for nothing while nothing can be stored: no message is worn out by that', async () => {
    let looks = 0;
    let full = true;
    const { intake, got, left, requests } = await queueOf(numbered(3), {
      problem: () => {
        looks += 1;
        return full ? 'The disk is full.' : undefined;
      },
    });
    intake.start();
    await expect.poll(() => looks).toBeGreaterThan(50);
    expect(requests('ReceiveMessage')).toBe(0);
    expect(intake.problem()).toContain('The disk is full');
    full = false;
    await expect.poll(left).toBe(0);
    expect(got).toHaveLength(3);
  });

  it('[O5] stores and deletes what it has when it is stopped, at once when it only waits', async () => {
    let done = (): void => {};
    const { intake, got, left } = await queueOf(numbered(1), {
      waitSeconds: 20,
      receive: () => new Promise((resolve) => (done = () => resolve('stored'))),
    });
    intake.start();
    await expect.poll(() => got.length).toBe(1);
    const stopped = intake.stop();
    done();
    await stopped;
    expect(await left()).toBe(0);

    const idle = await queueOf([], { waitSeconds: 20 });
    idle.intake.start();
    await idle.intake.stop();
    expect(idle.got).toEqual([]);
  });
});
