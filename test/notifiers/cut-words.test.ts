import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { CutWords } from '../../src/notifiers/cut-words.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import { trainingEvent } from '../events/support.ts';
import { House, MINUTE } from './house.ts';

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const event = (status: string) =>
  trainingEvent(
    'resnet-1',
    status,
    { LastModifiedTime: house.now },
    { time: new Date(house.now).toISOString() },
  );

it('the whole words of a failure come as a file also when another process posts what was cut', async () => {
  const reason = `AlgorithmError: ${'the shape of the input does not fit; '.repeat(200)}the end`;
  const job: TrainingJob = {
    name: 'resnet-1',
    useCase: 'line-3',
    provider: 'sagemaker',
    state: 'running',
    status: 'InProgress',
    createdAt: house.now - 10 * MINUTE,
  };
  house.sagemaker = () => job;
  await house.emit(event('InProgress'));
  house.now += MINUTE;
  house.sagemaker = () => ({
    ...job,
    state: 'failed',
    status: 'Failed',
    failureReason: reason,
    endedAt: house.now,
  });
  await house.emit(event('Failed'));
  const told = house.shown.find(({ key }) => key.startsWith('card/line-3/resnet-1/told/'));
  const files: string[] = [];
  // It has told nothing itself: what was cut, the store knows.
  const fresh = new CutWords({
    store: house.store,
    clock: { now: () => house.now },
    changes: new JobChanges(() => {}),
    useCases: [house.useCase],
    notices: house.notices,
    alerts: house.alerts,
    team: 'T',
    gateway: {
      open: () => Promise.reject(new Error('AWS is not asked')),
      links: () => ({}) as never,
      trainsOn: () => ['sagemaker'],
    },
    files: {
      deliver: async ({ files: given }) => {
        for (const { path } of given) files.push(await readFile(path, 'utf8'));
        return { shared: Promise.resolve(true) };
      },
    },
    onError: (error) => {
      throw error;
    },
  });
  const record = await house.store.getPost(told!.key);
  await fresh.posted({ ...record!, thread: told!.thread });
  expect(files).toHaveLength(1);
  expect(files[0]).toContain('the end');
});
