import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Queue, QueueSettings } from '../../src/aws/queue.ts';
import { QueueStore, type StoredQueue } from '../../src/aws/queue-store.ts';
import { ManualTime } from './manual-time.ts';

const ACCOUNT = '111122223333';
const REGION = 'eu-west-1';

function make(settings: Partial<QueueSettings> = {}, attributes: Record<string, string> = {}) {
  const time = new ManualTime();
  const store = new QueueStore({
    clock: time,
    scheduler: time,
    settings: { sqsDuplicates: 0, sqsShuffle: 1, ...settings },
    seed: 7,
  });
  const { queue: dead } = store.seed(ACCOUNT, REGION, { name: 'dead' });
  const stored = store.seed(ACCOUNT, REGION, { name: 'q', attributes });
  return { time, store, dead, stored, queue: stored.queue };
}

const send = ({ queue }: StoredQueue, ...bodies: string[]) => {
  for (const body of bodies) queue.send({ body, sender: 'me' });
};

const receiveOne = async (queue: Queue) => {
  const [delivery] = await queue.receive(now());
  if (delivery === undefined) throw new Error('Nothing came.');
  return delivery;
};

const now = (max = 10, visibilitySeconds = 30) => ({ max, visibilitySeconds, waitSeconds: 0 });

describe('[N1] [O7] a queue', () => {
  it('hides what was received, and shows it again after the visibility timeout, counted', async () => {
    const { queue, stored, time } = make();
    send(stored, 'a');
    const [first] = await queue.receive(now());
    expect(first?.message).toMatchObject({ body: 'a', receives: 1 });
    expect(await queue.receive(now())).toEqual([]);
    expect(queue.counts()).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    await time.advance(29_999);
    expect(await queue.receive(now())).toEqual([]);
    await time.advance(1);
    const [again] = await queue.receive(now());
    expect(again?.message).toMatchObject({ id: first!.message.id, receives: 2 });
    expect(again?.receiptHandle).not.toBe(first?.receiptHandle);
  });

  it('deletes by the newest receipt handle only', async () => {
    const { queue, stored, time } = make();
    send(stored, 'a');
    const [first] = await queue.receive(now());
    await time.advance(30_000);
    const [second] = await queue.receive(now());
    queue.delete(first!.receiptHandle);
    expect(queue.counts().inFlight).toBe(1);
    queue.delete(second!.receiptHandle);
    queue.delete(second!.receiptHandle);
    expect(queue.counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    await time.advance(60_000);
    expect(await queue.receive(now())).toEqual([]);
  });

  it('refuses handles that are not its own', async () => {
    const { queue, dead, stored } = make();
    send(stored, 'a');
    const { receiptHandle } = await receiveOne(queue);
    for (const handle of ['', 'AQEB', 'nonsense', receiptHandle.slice(0, 20)]) {
      expect(() => queue.delete(handle)).toThrow(expect.objectContaining({ code: 'ReceiptHandleIsInvalid' }));
    }
    expect(() => dead.delete(receiptHandle)).toThrow(
      expect.objectContaining({ code: 'ReceiptHandleIsInvalid' }),
    );
  });

  it('changes the visibility of what is in flight, and of nothing else', async () => {
    const { queue, stored, time } = make();
    send(stored, 'a');
    const { receiptHandle } = await receiveOne(queue);
    queue.changeVisibility(receiptHandle, 100);
    await time.advance(99_000);
    expect(await queue.receive(now())).toEqual([]);
    queue.changeVisibility(receiptHandle, 0);
    const [again] = await queue.receive(now());
    expect(again?.message.receives).toBe(2);
    expect(() => queue.changeVisibility(receiptHandle, 5)).toThrow(
      expect.objectContaining({ code: 'InvalidParameterValue' }),
    );
    await time.advance(30_000);
    expect(() => queue.changeVisibility(again!.receiptHandle, 5)).toThrow(
      expect.objectContaining({ code: 'MessageNotInflight' }),
    );
  });

  it('lets a long poll wait for a message, for one that becomes visible, and no longer than asked', async () => {
    const { queue, stored, time } = make();
    const poll = (waitSeconds: number) => queue.receive({ max: 10, visibilitySeconds: 5, waitSeconds });
    const first = poll(20);
    await time.advance(7_000);
    send(stored, 'a', 'b');
    expect((await first).map(({ message }) => message.body)).toEqual(['a', 'b']);
    const second = poll(20);
    await time.advance(5_000);
    expect(await second).toHaveLength(2);
    const third = poll(3);
    await time.advance(3_000);
    expect(await third).toEqual([]);
    const delayed = poll(20);
    queue.send({ body: 'late', sender: 'me', delaySeconds: 1 });
    await time.advance(1_000);
    expect((await delayed).map(({ message }) => message.body)).toEqual(['late']);
  });

  it('gives nothing to a client that has gone', async () => {
    const { queue, stored } = make();
    const gone = new AbortController();
    const poll = queue.receive({ max: 1, visibilitySeconds: 30, waitSeconds: 20, signal: gone.signal });
    gone.abort();
    expect(await poll).toEqual([]);
    send(stored, 'a');
    expect(queue.counts().visible).toBe(1);
  });

  it('gives a message up to the dead-letter queue after so many receives', async () => {
    const redrive = { deadLetterTargetArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:dead`, maxReceiveCount: 2 };
    const { queue, stored, dead, time } = make({}, { RedrivePolicy: JSON.stringify(redrive) });
    send(stored, 'poison');
    const [first] = await queue.receive(now(10, 1));
    await time.advance(1_000);
    expect(await queue.receive(now(10, 1))).toHaveLength(1);
    await time.advance(1_000);
    expect(await queue.receive(now(10, 1))).toEqual([]);
    const [given] = await dead.receive(now());
    expect(given?.message).toMatchObject({
      id: first!.message.id,
      body: 'poison',
      deadLetterSource: stored.arn,
    });
    expect(queue.counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  it('forgets what is older than its retention', async () => {
    const { queue, stored, time } = make({}, { MessageRetentionPeriod: '60' });
    send(stored, 'old');
    await time.advance(60_000);
    send(stored, 'new');
    expect((await queue.receive(now())).map(({ message }) => message.body)).toEqual(['new']);
  });

  it('delivers more than once and out of order where it is told to', async () => {
    const { queue, stored } = make({ sqsDuplicates: 0.5, sqsShuffle: 10 });
    const bodies = Array.from({ length: 200 }, (_, index) => String(index));
    send(stored, ...bodies);
    const seen: string[] = [];
    for (;;) {
      const deliveries = await queue.receive(now());
      if (deliveries.length === 0) break;
      for (const { message, receiptHandle } of deliveries) {
        seen.push(message.body);
        queue.delete(receiptHandle);
      }
    }
    expect(seen.length).toBeGreaterThan(250);
    expect(new Set(seen)).toEqual(new Set(bodies));
    expect(seen.slice(0, 50)).not.toEqual(bodies.slice(0, 50));
    expect(queue.counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  it('loses nothing and keeps nothing, whatever is done in whatever order', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('send' as const), delay: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ do: fc.constant('receive' as const), max: fc.integer({ min: 1, max: 10 }) }),
      fc.record({ do: fc.constant('delete' as const), pick: fc.nat(50) }),
      fc.record({
        do: fc.constant('change' as const),
        pick: fc.nat(50),
        seconds: fc.integer({ min: 0, max: 9 }),
      }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 6_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, shuffle) => {
          const { queue, time } = make({ sqsShuffle: shuffle });
          const alive = new Set<string>();
          // Message → its newest handle, and until when nobody else may see it.
          const held = new Map<string, { handle: string; until: number }>();
          for (const one of steps) {
            if (one.do === 'send')
              alive.add(queue.send({ body: 'x', sender: 'me', delaySeconds: one.delay }).id);
            else if (one.do === 'wait') await time.advance(one.ms);
            else if (one.do === 'receive') {
              for (const { message, receiptHandle } of await queue.receive(now(one.max, 3))) {
                expect(alive.has(message.id)).toBe(true);
                expect(held.get(message.id)?.until ?? 0).toBeLessThanOrEqual(time.now());
                held.set(message.id, { handle: receiptHandle, until: time.now() + 3_000 });
              }
            } else {
              const [id, holding] = [...held][one.pick % Math.max(1, held.size)] ?? [];
              if (id === undefined || holding === undefined) continue;
              if (one.do === 'delete') {
                queue.delete(holding.handle);
                alive.delete(id);
                held.delete(id);
              } else if (holding.until > time.now()) {
                queue.changeVisibility(holding.handle, one.seconds);
                holding.until = time.now() + one.seconds * 1000;
              }
            }
          }
          await time.advance(20_000);
          const { visible, inFlight, delayed } = queue.counts();
          expect([visible, inFlight, delayed]).toEqual([alive.size, 0, 0]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('[O7] queues by name', () => {
  it('the same name with the same attributes is the same queue', () => {
    const { store, stored } = make({}, { VisibilityTimeout: '60' });
    expect(store.create(ACCOUNT, REGION, 'q', { VisibilityTimeout: '60' }, {})).toBe(stored);
    expect(() => store.create(ACCOUNT, REGION, 'q', { VisibilityTimeout: '61' }, {})).toThrow(
      expect.objectContaining({ code: 'QueueNameExists' }),
    );
  });

  it('a deleted name is taken for a minute, and a queue is purged once a minute', async () => {
    const { store, stored, time } = make();
    send(stored, 'a');
    store.purge(stored);
    expect(stored.queue.counts().visible).toBe(0);
    expect(() => store.purge(stored)).toThrow(expect.objectContaining({ code: 'PurgeQueueInProgress' }));
    store.delete(stored);
    expect(() => store.create(ACCOUNT, REGION, 'q', {}, {})).toThrow(
      expect.objectContaining({ code: 'QueueDeletedRecently' }),
    );
    await time.advance(60_000);
    store.create(ACCOUNT, REGION, 'q', {}, {});
  });

  it.each([
    [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
    [{ MaximumMessageSize: '1048577' }, 'InvalidAttributeValue'],
    [{ Colour: 'red' }, 'InvalidAttributeName'],
    [{ Policy: '{"Statement": []}' }, 'InvalidAttributeValue'],
    [{ RedrivePolicy: 'no' }, 'InvalidParameterValue'],
    [
      {
        RedrivePolicy:
          '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:gone","maxReceiveCount":3}',
      },
      'InvalidParameterValue',
    ],
    [
      {
        RedrivePolicy:
          '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead","maxReceiveCount":0}',
      },
      'InvalidParameterValue',
    ],
  ])('%j is refused, and nothing is changed', (attributes, code) => {
    const { store, stored } = make();
    const before = new Map(stored.attributes);
    expect(() => store.setAttributes(stored, { DelaySeconds: '5', ...attributes })).toThrow(
      expect.objectContaining({ code }),
    );
    expect(stored.attributes).toEqual(before);
  });
});
