import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AwsEvent,
  NotBelieved,
  parseAwsEvent,
  type TrainingEvent,
  thingsOf,
} from '../../src/domain/aws-events.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { type JobChange, JobChanges } from '../../src/operations/job-changes.ts';
import { observeJob } from '../../src/operations/observe-jobs.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { AT, body, envelope, ingestOn, trainingEvent, USE_CASE } from './support.ts';

let dir: string;
let store: Store;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-ingest-'));
  store = await openLowdbStore(dir, { now: () => AT });
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

/** As the bot does with training events: they go where polling puts what it sees. */
async function sighted(
  deps: { store: Store; changes: JobChanges },
  useCase: UseCase,
  { job: name, resource: arn, status, failureReason, at }: TrainingEvent,
): Promise<void> {
  const job = {
    name,
    useCase: useCase.id,
    provider: 'sagemaker' as const,
    arn,
    ...sageMakerState(status),
    failureReason,
    createdAt: AT,
  };
  await observeJob(deps, useCase, { job, at, announce: true });
}

const alarm = (alarmName: string, at = AT) =>
  envelope(
    'CloudWatch Alarm State Change',
    { alarmName, state: { value: 'ALARM' } },
    {
      time: new Date(at).toISOString(),
      resources: [`arn:aws:cloudwatch:eu-west-1:123456789012:alarm:${alarmName}`],
    },
  );

const reopen = async (): Promise<void> => {
  await store.close();
  store = await openLowdbStore(dir, { now: () => AT });
};

describe('[N2] ingest', () => {
  it('handles an event once, however often and under however many ids it comes', async () => {
    const { ingest, handled } = ingestOn(store);
    await ingest.start();
    const event = trainingEvent('train-1', 'Completed');
    const receipts = await Promise.all([
      ingest.receive(body(event), 'sqs'),
      ingest.receive(body(event), 'https'),
      ingest.receive(body({ ...event, id: 'another-id' }), 'sqs'),
    ]);
    await ingest.idle();
    expect(receipts.toSorted()).toEqual(['duplicate', 'duplicate', 'stored']);
    expect(handled).toEqual(['train-1 Completed']);
    expect(await store.countEvents()).toEqual({ pending: 0, handled: 1, setAside: {} });
  });

  it('knows a duplicate after a restart', async () => {
    const event = body(trainingEvent('train-1', 'Completed'));
    const first = ingestOn(store);
    await first.ingest.start();
    await first.ingest.receive(event, 'sqs');
    await first.ingest.idle();
    await reopen();
    const second = ingestOn(store);
    await second.ingest.start();
    expect(await second.ingest.receive(event, 'sqs')).toBe('duplicate');
    await second.ingest.idle();
    expect(second.handled).toEqual([]);
  });

  it('handles after a restart what was stored and not handled before', async () => {
    const { ingest } = ingestOn(store);
    // Never started: as killed between storing and handling.
    expect(await ingest.receive(body(trainingEvent('train-1', 'Failed')), 'sqs')).toBe('stored');
    await reopen();
    const second = ingestOn(store);
    await second.ingest.start();
    await second.ingest.idle();
    expect(second.handled).toEqual(['train-1 Failed']);
  });

  it('finds what another instance has stored and could not tell of, once', async () => {
    const other = ingestOn(store);
    const { ingest, handled } = ingestOn(store);
    await ingest.start();
    await other.ingest.receive(body(trainingEvent('train-1', 'Completed')), 'sqs');
    await ingest.idle();
    expect(handled).toEqual([]);
    await Promise.all([ingest.takeUpMissed(), ingest.takeUpMissed()]);
    await ingest.idle();
    await ingest.takeUpMissed();
    await ingest.idle();
    expect(handled).toEqual(['train-1 Completed']);
    expect(other.handled).toEqual([]);
  });

  it('handles the events of one thing one after the other, and others meanwhile', async () => {
    const order: string[] = [];
    const open = new Map<string, () => void>();
    const { ingest } = ingestOn(store);
    ingest.on('training', async ({ job, status }) => {
      order.push(`${job} ${status}`);
      if (status === 'InProgress') await new Promise<void>((resolve) => open.set(job, resolve));
    });
    await ingest.start();
    await ingest.receive(body(trainingEvent('a', 'InProgress')), 'sqs');
    await ingest.receive(body(trainingEvent('a', 'Completed')), 'sqs');
    await ingest.receive(body(trainingEvent('b', 'Completed')), 'sqs');
    await expect.poll(() => order).toEqual(['a InProgress', 'b Completed']);
    open.get('a')!();
    await ingest.idle();
    expect(order).toEqual(['a InProgress', 'b Completed', 'a Completed']);
  });

  it('tries a failed handling again, and sets it aside when it goes on failing', async () => {
    const { ingest, handled } = ingestOn(store, { tries: 4 });
    let failures = 2;
    ingest.on('training', async ({ job }) => {
      if (job === 'never' || failures-- > 0) throw new AppError('unavailable', 'Slack is away.');
    });
    await ingest.start();
    await ingest.receive(body(trainingEvent('soon', 'Failed')), 'sqs');
    await ingest.idle();
    expect(handled).toHaveLength(3);
    await ingest.receive(body(trainingEvent('never', 'Failed')), 'sqs');
    await ingest.idle();
    expect((await store.countEvents()).setAside).toEqual({ failed: 1 });
    const [aside] = await store.listEvents({ state: 'set-aside', limit: 9 });
    expect(aside).toMatchObject({ reason: { message: expect.stringContaining('Slack is away') }, tries: 3 });
    expect(aside!.excerpt).toContain('never');
  });

  it('wears no event out while nothing can be stored, and handles it afterwards', async () => {
    let full = true;
    const refuse = async (): Promise<never> => {
      throw new AppError('unavailable', 'The disk is full.');
    };
    const sick = new Proxy(store, {
      get(target, name) {
        if (name === 'problem') return () => (full ? 'The disk is full.' : undefined);
        if (name === 'changeEvent' && full) return refuse;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const { ingest, handled } = ingestOn(sick, { tries: 3 });
    await ingest.start();
    await ingest.receive(body(trainingEvent('a', 'Failed')), 'sqs');
    await expect.poll(() => handled.length).toBeGreaterThan(10);
    full = false;
    await ingest.idle();
    expect(await store.countEvents()).toEqual({ pending: 0, handled: 1, setAside: {} });
  });

  it('knows a duplicate whatever the clock was set to between the two', async () => {
    const event = body(trainingEvent('a', 'Failed'));
    const hour = 3_600_000;
    let clock = AT;
    const begin = async () => {
      await store.close();
      store = await openLowdbStore(dir, { now: () => clock, journalBytes: 1 });
      const { ingest } = ingestOn(store, { clock: { now: () => clock } });
      await ingest.start();
      return ingest;
    };
    let ingest = await begin();
    expect(await ingest.receive(event, 'sqs')).toBe('stored');
    await ingest.idle();
    for (const by of [9 * hour, -20 * hour, 14 * 24 * hour]) {
      clock += by;
      ingest = await begin();
      expect(await ingest.receive(event, 'sqs')).toBe('duplicate');
      // Writes the state, and lets go of what is too old.
      await ingest.receive(body(trainingEvent(`other ${by}`, 'Completed')), 'sqs');
      await ingest.idle();
    }
  });

  it('ends within the handling under way; what is left is handled by the next start', async () => {
    const { ingest } = ingestOn(store);
    ingest.on(
      'training',
      (_event, _useCase, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    await ingest.start();
    await ingest.receive(body(trainingEvent('a', 'Completed')), 'sqs');
    await ingest.receive(body(trainingEvent('a', 'Failed')), 'sqs');
    await ingest.stop();
    await reopen();
    const second = ingestOn(store);
    await second.ingest.start();
    await second.ingest.idle();
    expect(second.handled).toEqual(['a Completed', 'a Failed']);
  });

  it.each([
    ['not JSON', '{"id": 1', 'not-json'],
    ['a JSON that is no event', '[1, 2]', 'not-an-event'],
    ['an unknown detail-type', body(envelope('EC2 Instance State-change Notification', {})), 'unknown-type'],
    [
      'a missing field',
      body(envelope('SageMaker Training Job State Change', { TrainingJobStatus: 'Failed' })),
      'incomplete',
    ],
    ['1.2 MB', body(trainingEvent('big', 'Failed', { Padding: 'x'.repeat(1_200_000) })), 'too-large'],
    ['a made-up source', body(trainingEvent('x', 'Failed', {}, { source: 'my.app' })), 'foreign-source'],
    [
      'another account',
      body(
        trainingEvent(
          'x',
          'Failed',
          { TrainingJobArn: undefined },
          { account: '999999999999', resources: [] },
        ),
      ),
      'no-use-case',
    ],
    [
      'another region',
      body(
        trainingEvent('x', 'Failed', { TrainingJobArn: undefined }, { region: 'us-east-1', resources: [] }),
      ),
      'no-use-case',
    ],
    ['a forged region', body(trainingEvent('x', 'Failed', {}, { region: 'us-east-1' })), 'foreign-region'],
  ])('sets %s aside with the reason, and does not hold up the next', async (_what, given, code) => {
    const { ingest, handled } = ingestOn(store);
    await ingest.start();
    expect(await ingest.receive(given, 'sqs')).toBe('set-aside');
    expect(await ingest.receive(given, 'sqs')).toBe('set-aside');
    await ingest.receive(body(trainingEvent('next', 'Completed')), 'sqs');
    await ingest.idle();
    expect(handled).toEqual(['next Completed']);
    expect((await store.countEvents()).setAside).toEqual({ [code]: 1 });
    expect(ingest.counts.setAside).toEqual({ [code]: 2 });
    const [aside] = await store.listEvents({ state: 'set-aside', limit: 9 });
    expect(aside!.reason!.message.length).toBeGreaterThan(20);
    expect(aside!.excerpt!.length).toBeLessThanOrEqual(2000);
  });

  it('[O6] keeps no half of a secret where the excerpt is cut', async () => {
    const { ingest } = ingestOn(store);
    await ingest.start();
    const token = `ghp_${'a1B2c3D4'.repeat(5)}`;
    const before = 'x '.repeat(990);
    await ingest.receive(`${before}${token}`, 'sqs');
    const [aside] = await store.listEvents({ state: 'set-aside', limit: 9 });
    expect(aside!.excerpt).toMatch(/^x x /);
    expect(aside!.excerpt).not.toContain('ghp_');
  });

  it('does not acknowledge what cannot be stored', async () => {
    const { ingest } = ingestOn(store);
    await ingest.start();
    await rm(dir, { recursive: true });
    await expect(ingest.receive(body(trainingEvent('x', 'Failed')), 'sqs')).rejects.toMatchObject({
      code: 'unavailable',
    });
    await expect(ingest.receive('rubbish', 'sqs')).rejects.toMatchObject({ code: 'unavailable' });
    await store.close().catch(() => undefined); // The lock went with the folder.
    store = await openLowdbStore(dir, { now: () => AT });
    expect(await store.countEvents()).toEqual({ pending: 0, handled: 0, setAside: {} });
  });

  it('masks secrets in what it keeps of an event that is set aside', async () => {
    const { ingest } = ingestOn(store);
    await ingest.receive(`AKIAIOSFODNN7EXAMPLE ${'x'.repeat(20)}`, 'https');
    const [aside] = await store.listEvents({ state: 'set-aside', limit: 1 });
    expect(JSON.stringify(aside)).not.toContain('AKIAIOSFODNN7EXAMPLE');
  });
});

describe('[N2] events and polling feed the same place', () => {
  const deps = () => {
    const told: JobChange[] = [];
    const changes = new JobChanges((error) => {
      throw error;
    });
    changes.subscribe((change) => void told.push(change));
    return { store, changes, told };
  };

  it('a training job of which only events are known is on record with what they say', async () => {
    const { ingest } = ingestOn(store);
    const { told, ...rest } = deps();
    ingest.on('training', (event, useCase) => sighted(rest, useCase, event));
    await ingest.start();
    await ingest.receive(
      body(trainingEvent('train-1', 'Failed', { FailureReason: 'ClientError: <!channel>' })),
      'sqs',
    );
    await ingest.idle();
    await rest.changes.idle();
    expect((await store.getJob('line-3', 'train-1'))?.job).toMatchObject({
      status: 'Failed',
      failureReason: 'ClientError: <!channel>',
      arn: expect.stringContaining('training-job/train-1'),
    });
    expect(told).toMatchObject([{ kind: 'job-appeared', announce: true }]);
  });

  it('property: duplicates, any order and kills never lose an event, handle none twice at once, or move a job backwards', async () => {
    const rank: Record<string, number> = { InProgress: 1, Stopping: 2, Completed: 3, Failed: 3, Stopped: 3 };
    const one = fc.record({
      job: fc.constantFrom('a', 'b', 'c'),
      status: fc.constantFrom('InProgress', 'Stopping', 'Completed', 'Failed', 'Stopped'),
      at: fc.integer({ min: 0, max: 5 }),
      kill: fc.boolean(),
      copies: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 12 }), async (steps) => {
        await store.close();
        await rm(dir, { recursive: true, force: true });
        store = await openLowdbStore(dir, { now: () => AT });
        const seen = new Map<string, string[]>();
        const settled = new Map<string, number>();
        const begin = async () => {
          const { ingest } = ingestOn(store);
          const { told: _, ...rest } = deps();
          rest.changes.subscribe((change) => {
            if (!('training' in change)) return;
            const list = seen.get(change.job) ?? [];
            seen.set(change.job, list);
            if (list.at(-1) !== change.training.status) list.push(change.training.status);
          });
          ingest.on('training', async (event, useCase) => {
            await sighted(rest, useCase, event);
            settled.set(event.id, (settled.get(event.id) ?? 0) + 1);
          });
          await ingest.start();
          return { ingest, changes: rest.changes };
        };
        let running = await begin();
        const ids = new Set<string>();
        const changesSent = new Set<string>();
        for (const { job, status, at, kill, copies } of steps) {
          const event = trainingEvent(job, status, { LastModifiedTime: 1_769_868_000_000 + at * 1000 });
          const change = `${job} ${status} ${at}`;
          if (!changesSent.has(change)) ids.add(event.id);
          changesSent.add(change);
          await Promise.all(Array.from({ length: copies }, () => running.ingest.receive(body(event), 'sqs')));
          if (!kill) continue;
          await running.ingest.stop();
          await running.changes.idle();
          await reopen();
          running = await begin();
        }
        await running.ingest.idle();
        await running.changes.idle();
        await running.ingest.stop();
        expect([...ids].filter((id) => !settled.has(id))).toEqual([]);
        expect((await store.countEvents()).pending).toBe(0);
        for (const statuses of seen.values()) {
          const ranks = statuses.map((status) => rank[status]!);
          expect(ranks).toEqual(ranks.toSorted((x, y) => x - y));
          expect(ranks.filter((value) => value === 3).length).toBeLessThanOrEqual(1);
        }
        // Completed, failed or stopped: whichever came first, once there was one.
        for (const job of new Set(steps.map((step) => step.job))) {
          const ended = steps.some((step) => step.job === job && rank[step.status] === 3);
          const now = (await store.getJob('line-3', job))!.job.status;
          if (ended) expect(rank[now]).toBe(3);
        }
      }),
      { numRuns: 100 },
    );
  }, 120_000);
});

it('belongs to each use case of its account and region', async () => {
  const both: string[] = [];
  const { ingest } = ingestOn(store, {
    useCases: [
      USE_CASE,
      { ...USE_CASE, id: 'other' },
      { ...USE_CASE, id: 'far', aws: { ...USE_CASE.aws!, region: 'us-east-1' } },
    ],
  });
  ingest.on('training', async (_event, useCase) => void both.push(useCase.id));
  await ingest.start();
  await ingest.receive(body(trainingEvent('x', 'Completed')), 'sqs');
  await ingest.idle();
  expect(both).toEqual(['line-3', 'other']);
});

it('what goes wrong in one use case of an account keeps nothing from the others', async () => {
  const heard: string[] = [];
  let broken = true;
  const { ingest } = ingestOn(store, { useCases: [USE_CASE, { ...USE_CASE, id: 'other' }] });
  ingest.on('alarm', async (event, { id }) => {
    if (id === 'line-3' && event.alarm === 'made-up')
      throw new NotBelieved({ code: 'no-such-job', message: 'nobody here knows it' });
    if (id === 'line-3' && broken) throw new AppError('invalid_input', 'its role is wrong');
    heard.push(`${id} ${event.alarm}`);
  });
  await ingest.start();
  await ingest.receive(body(alarm('disk')), 'sqs');
  await ingest.receive(body(alarm('made-up')), 'sqs');
  await ingest.idle();
  expect(heard.sort()).toEqual(['other disk', 'other made-up']);
  // Only what nobody believes is set aside as such.
  expect((await store.countEvents()).setAside).toEqual({ failed: 1 });
  broken = false;
  await ingest.receive(body(alarm('door')), 'sqs');
  await ingest.idle();
  expect(heard.slice(2)).toEqual(['line-3 door', 'other door']);
});

it('training jobs that wait for SageMaker take nobody’s place', async () => {
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const handled: string[] = [];
  const { ingest } = ingestOn(store, { concurrency: 1 });
  ingest.on('training', () => answered);
  const told = new Promise<void>((resolve) => {
    ingest.on('alarm', async (event) => {
      handled.push(event.alarm);
      resolve();
    });
  });
  await ingest.start();
  for (let n = 0; n < 100; n += 1) await ingest.receive(body(trainingEvent(`x-${n}`, 'Failed')), 'sqs');
  await ingest.receive(body(alarm('disk')), 'sqs');
  await told;
  expect(handled).toEqual(['disk']);
  answer();
  await ingest.idle();
});

it('what says that it happens in the future is of now, and makes nothing that follows old', async () => {
  const { ingest } = ingestOn(store);
  const times: number[] = [];
  ingest.on('alarm', async ({ at }) => void times.push(at - AT));
  await ingest.start();
  for (const away of [365 * 86_400_000, 6 * 60_000, 60_000, 0, -60_000])
    await ingest.receive(body(alarm(`disk${away}`, AT + away)), 'https');
  await ingest.idle();
  expect(times).toEqual([0, 0, 60_000, 0, -60_000]);
  const [thing] = thingsOf((parseAwsEvent(body(alarm('disk31536000000'))) as { event: AwsEvent }).event);
  expect(await store.newestHandled(thing!)).toBe(AT);
});
