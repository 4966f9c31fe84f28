import { describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { ProviderName } from '../../src/domain/providers.ts';
import { LeavingLogs } from '../../src/operations/keep-leaving-logs.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { LINE_3 } from './simulated-account.ts';

const DAY = 24 * 3_600_000;

function world(jobs: (Partial<TrainingJob> & { name: string; provider: ProviderName })[]) {
  const logs = new MemoryRunLogs();
  const now = 100 * DAY;
  const wanted = new Set<string>();
  const errors: unknown[] = [];
  const leaving = new LeavingLogs({
    store: {
      listJobs: async () =>
        jobs.map((job) => ({
          seenAt: now,
          job: { useCase: LINE_3.id, state: 'running', status: 'RUNNING', createdAt: now, ...job },
        })),
    },
    logs,
    follower: {
      wanted(run) {
        wanted.add(run);
        return () => wanted.delete(run);
      },
    },
    gateway: { trainsOn: () => ['sagemaker', 'runpod'] },
    useCases: [LINE_3],
    clock: { now: () => now },
    onError: (error) => errors.push(error),
  });
  return { leaving, wanted, logs, now, errors };
}

const run = (job: string): string => `${LINE_3.id}~runpod~${job}`;

describe('logs that go with their machine', () => {
  it('are copied though nobody watches, until they have ended, and no others are', async () => {
    const { leaving, wanted, logs, now } = world([
      { name: 'a.abc123', provider: 'runpod' },
      { name: 'b.abc124', provider: 'runpod', state: 'stopped', endedAt: 100 * DAY - 1_000 },
      { name: 'old.abc125', provider: 'runpod', state: 'completed', endedAt: 98 * DAY },
      { name: 'train-1', provider: 'sagemaker' },
    ]);
    await leaving.round();
    expect(wanted).toEqual(new Set([run('a.abc123'), run('b.abc124')]));
    await logs.create(run('a.abc123'));
    await logs.finish(run('a.abc123'), { state: 'completed', exitCode: 0, signal: null, at: now });
    await leaving.round();
    expect(wanted).toEqual(new Set([run('b.abc124')]));
    await leaving.stop();
    expect(wanted.size).toBe(0);
    await leaving.round();
    expect(wanted.size).toBe(0);
  });
});
