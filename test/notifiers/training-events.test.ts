import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { AppError } from '../../src/ground/errors.ts';
import { trainingEvent } from '../events/support.ts';
import { ALERTS, House, MINUTE, TEAM } from './house.ts';

let house: House;
beforeEach(async () => {
  house = await House.open();
  await house.subscribe();
});
afterEach(() => house.close());

const event = (job: string, status: string, more: Record<string, unknown> = {}) =>
  trainingEvent(
    job,
    status,
    { LastModifiedTime: house.now, ...more },
    { time: new Date(house.now).toISOString() },
  );

const described = (name: string, status: string, more: Partial<TrainingJob> = {}): TrainingJob => ({
  name,
  useCase: 'line-3',
  provider: 'sagemaker',
  ...sageMakerState(status, more.secondaryStatus),
  createdAt: house.now - 10 * MINUTE,
  ...(status === 'InProgress' ? {} : { endedAt: house.now }),
  ...more,
});

const knows = (...jobs: TrainingJob[]): void => {
  house.sagemaker = (name) => jobs.find((job) => job.name === name);
};
const cannotSay = (code: 'unavailable' | 'permission_denied'): void => {
  house.sagemaker = () => {
    throw new AppError(code, `SageMaker did not answer (${code}).`);
  };
};
const asides = async () => (await house.store.countEvents()).setAside;

describe('[N1] an event of a training job is confirmed with SageMaker', () => {
  it('calls nobody for a job that does not exist, and is set aside and counted with its reason', async () => {
    await house.emit(
      event('made-up', 'Failed', { FailureReason: '<!channel>' }),
      event('made-up-2', 'InProgress'),
    );
    expect(house.shown).toEqual([]);
    expect(await house.store.getJob('line-3', 'made-up')).toBeUndefined();
    expect(await asides()).toEqual({ 'no-such-job': 2 });
    expect(house.ingest.counts.setAside).toEqual({ 'no-such-job': 2 });
    const [aside] = await house.store.listEvents({ state: 'set-aside', limit: 1 });
    expect(aside!.reason!.message).toContain('no training job made-up');
  });

  it('says what SageMaker says of it, whatever the event says', async () => {
    knows(described('resnet-1', 'Failed', { failureReason: 'AlgorithmError: the truth' }));
    await house.emit(event('resnet-1', 'Failed', { FailureReason: 'a lie' }));
    expect(house.words(ALERTS).join()).toContain('the truth');
    expect(house.words(ALERTS).join()).not.toContain('a lie');
    expect(house.words(ALERTS).join()).not.toContain('Not confirmed');
  });

  it('calls nobody when SageMaker says that the job runs', async () => {
    knows(described('resnet-1', 'InProgress'));
    await house.emit(event('resnet-1', 'Failed', { FailureReason: 'a lie' }));
    expect(house.on(ALERTS)).toEqual([]);
    expect((await house.store.getJob('line-3', 'resnet-1'))?.job.status).toBe('InProgress');
    expect(await asides()).toEqual({ contradicted: 1 });
  });

  it('asks for each end once, and not for every step on the way', async () => {
    knows(described('resnet-1', 'InProgress'));
    await house.emit(event('resnet-1', 'InProgress', { SecondaryStatus: 'Starting' }));
    house.now += 1000;
    await house.emit(event('resnet-1', 'InProgress', { SecondaryStatus: 'Training' }));
    house.now += 1000;
    knows(described('resnet-1', 'Completed'));
    await house.emit(event('resnet-1', 'Completed'));
    house.now += 1000;
    await house.emit(event('resnet-1', 'Completed', { SecondaryStatus: 'x' }));
    expect(house.asked).toEqual(['resnet-1', 'resnet-1']);
    expect(house.on(TEAM)).toHaveLength(1);
  });

  it.each(['unavailable', 'permission_denied'] as const)(
    'says that it is not confirmed when SageMaker cannot be asked (%s), also after a restart',
    async (code) => {
      cannotSay(code);
      await house.emit(event('resnet-1', 'Failed', { FailureReason: 'boom' }));
      for (const channel of [ALERTS, TEAM]) {
        expect(house.on(channel)).toHaveLength(1);
        expect(house.words(channel)[0]).toContain('*Not confirmed*');
        expect(house.words(channel)[0]).toContain(`did not answer (${code})`);
      }
      await house.restart();
      expect(house.words(ALERTS)[0]).toContain('*Not confirmed*');

      knows(described('resnet-1', 'Failed', { failureReason: 'boom' }));
      house.now += MINUTE;
      await house.tick();
      expect(house.words(ALERTS)).toHaveLength(1);
      expect(house.words(ALERTS)[0]).not.toContain('Not confirmed');
      expect((await house.store.getJob('line-3', 'resnet-1'))?.unconfirmed).toBeUndefined();
    },
  );

  it.each([
    ['there is no such job', undefined],
    ['it runs', 'InProgress'],
    ['it completed', 'Completed'],
  ])('ends the alert by itself when SageMaker says later that %s', async (_what, status) => {
    cannotSay('permission_denied');
    await house.emit(event('resnet-1', 'Failed', { FailureReason: 'boom' }));
    if (status === undefined) knows();
    else knows(described('resnet-1', status));
    house.now += MINUTE;
    await house.tick();
    const [alert] = await house.store.listAlerts({ limit: 1 });
    expect(alert).toMatchObject({ state: 'resolved', resolved: { why: 'unfounded' } });
    expect(house.words(ALERTS)[0]).toContain('SageMaker says otherwise');
    if (status !== undefined)
      expect((await house.store.getJob('line-3', 'resnet-1'))?.job.status).toBe(status);
  });

  it('waits while SageMaker is too busy, so that many events do not make each other believed', async () => {
    house.sagemaker = () => {
      if (house.asked.length < 4) throw new AppError('rate_limited', 'Rate exceeded');
      return undefined;
    };
    await house.emit(event('made-up', 'Failed'));
    expect(house.asked).toHaveLength(4);
    expect(house.shown).toEqual([]);
    expect(await asides()).toEqual({ 'no-such-job': 1 });
  });

  it('tells of it unconfirmed when SageMaker stays too busy for a minute: no failure is lost', async () => {
    house.sagemaker = () => {
      house.now += 25_000;
      throw new AppError('rate_limited', 'Rate exceeded');
    };
    await house.emit(event('resnet-1', 'Failed', { FailureReason: 'boom' }));
    expect(house.words(ALERTS)).toHaveLength(1);
    expect(house.words(ALERTS)[0]).toContain('*Not confirmed*');
  });

  it('believes nobody who changes what SageMaker has said to be over', async () => {
    knows(described('resnet-1', 'Completed'));
    await house.emit(event('resnet-1', 'Completed'));
    house.now += 1000;
    await house.emit(event('resnet-1', 'Failed', { FailureReason: 'a lie' }));
    expect(house.on(ALERTS)).toEqual([]);
    expect((await house.store.getJob('line-3', 'resnet-1'))?.job.status).toBe('Completed');
  });
});
