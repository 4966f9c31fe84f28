import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costWords, dollars } from '../../src/blocks/job-facts.ts';
import { pipelineOf } from '../../src/domain/job-keys.ts';
import { podCalled, podIdOf, podJobName } from '../../src/domain/pod-names.ts';
import { isRunId, runId } from '../../src/domain/runs.ts';

describe('names of jobs that are pods', () => {
  const id = fc.stringMatching(/^[a-z0-9]{14}$/);

  it('hold the id, fit into addresses and files, and are what people called the pod as far as that goes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), id, (name, pod) => {
        const job = podJobName(name, pod);
        expect(podIdOf(job)).toBe(pod);
        expect(podIdOf(pod)).toBe(pod);
        expect(isRunId(runId({ useCase: 'line-3', provider: 'runpod', job }))).toBe(true);
        expect(job.startsWith(`${podCalled(job)}.`)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(podJobName('press_7-b', '8t1hif70q426k9')).toBe('press_7-b.8t1hif70q426k9');
    expect(podJobName('Lab press #7', '8t1hif70q426k9')).toBe('Lab-press-7.8t1hif70q426k9');
    expect(podJobName('…', '8t1hif70q426k9')).toBe('pod.8t1hif70q426k9');
  });

  it('are none of what is no pod', () => {
    for (const job of [
      '',
      'press-7',
      '../x',
      'a b\n',
      'a.b.8t1hif70q426k9',
      'press 7.8t1hif70q426k9',
      'x.UPPER1',
    ])
      expect(podIdOf(job)).toBeUndefined();
  });

  it('are of one pipeline if only ids and dates differ', () => {
    const one = pipelineOf('runpod:press-2026-11-28.8t1hif70q426k9');
    expect(pipelineOf('runpod:press-2026-11-29.7h9k2m4n6p1234')).toBe(one);
    expect(pipelineOf('runpod:weld-2026-11-29.7h9k2m4n6p1234')).not.toBe(one);
  });
});

describe('what a job costs', () => {
  const job = {
    ...({ name: 'a', useCase: 'u', provider: 'runpod', status: 'RUNNING', createdAt: 0 } as const),
    costPerHour: 0.44,
  };

  it('is told by the hour and, once it has ended, in all', () => {
    expect([0.44, 0.169, 1, 2.5, 0.1 + 0.2].map(dollars)).toEqual([
      '$0.44',
      '$0.169',
      '$1.00',
      '$2.50',
      '$0.30',
    ]);
    expect(costWords({ ...job, state: 'running' })).toBe('$0.44 an hour');
    expect(costWords({ ...job, state: 'completed', endedAt: 5_400_000 })).toBe(
      '$0.44 an hour, about $0.66 in all',
    );
    expect(costWords({ ...job, state: 'running', costPerHour: undefined })).toBeUndefined();
  });
});
