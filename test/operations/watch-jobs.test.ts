import { beforeEach, describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { kindState } from '../../src/domain/sagemaker-kinds.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { type JobChange, JobChanges } from '../../src/operations/job-changes.ts';
import { watchJobs } from '../../src/operations/watch-jobs.ts';
import { memoryStore } from '../fixtures/memory-store.ts';
import { LINE_3 } from './simulated-account.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const useCase: UseCase = { ...LINE_3, providers: { sagemaker: { kinds: ['sagemaker', 'job', 'pipeline'] } } };

const seen = (name: string, status: string, more: Partial<TrainingJob> = {}): TrainingJob => ({
  ...{ name, useCase: 'line-3', provider: 'job', ...kindState('job', status), createdAt: NOW },
  ...more,
});

describe('[K1] a job that had failed when it was found in a list', () => {
  let changes: JobChange[];
  let described: string[];
  let look: (listed: TrainingJob[], mayLook?: boolean) => Promise<string[]>;
  beforeEach(async () => {
    changes = [];
    described = [];
    const told = new JobChanges(() => {});
    told.subscribe(async (change) => void changes.push(change));
    const store = memoryStore();
    let first = true;
    look = async (listed, mayLook = true) => {
      const found = await watchJobs(
        { store, changes: told, clock: { now: () => NOW } },
        useCase,
        {
          name: 'job',
          jobs: { list: async () => listed, tags: async () => ({}) },
          getStatus: async (name) => {
            described.push(name);
            if (!mayLook) throw new AppError('permission_denied', 'The role may not.');
            return seen(name, 'Failed', { failureReason: 'because' });
          },
        },
        { first },
      );
      first = false;
      await told.idle();
      return found;
    };
    await look([seen('old', 'Failed', { createdAt: NOW - 1 })]);
    changes = [];
  });

  it('is told of with its reason, which lists leave out', async () => {
    expect(described).toEqual([]);
    await look([seen('agent', 'Failed')]);
    expect(changes).toMatchObject([
      { kind: 'job-appeared', announce: true, training: { name: 'agent', failureReason: 'because' } },
    ]);
  });

  it('is told of as it is listed where the role may do no more than that', async () => {
    await look([seen('agent', 'Failed')], false);
    expect(changes).toMatchObject([{ kind: 'job-appeared', announce: true, training: { name: 'agent' } }]);
  });

  it('is left to whoever tells of it, if it is a part of another one', async () => {
    await look([seen('pipelines-abc123def456-Train-0123456789', 'Failed')]);
    expect(changes).toMatchObject([{ kind: 'job-appeared', announce: false }]);
    expect(described).toEqual([]);
  });
});
