import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobKey } from '../../src/domain/job-keys.ts';
import type { JobRecord } from '../../src/domain/job-records.ts';
import { type JobsWanted, JobTable } from '../../src/stores/job-table.ts';
import { jobRecord } from '../contract/store-records.ts';

const useCase = fc.constantFrom('line-3', 'line-4', 'dock');
const provider = fc.constantFrom('sagemaker' as const, 'tuning' as const, 'local' as const);

/** One of few jobs, created at one of few times: many are put in again, at another time or at one that others have. */
const record: fc.Arbitrary<JobRecord> = fc
  .record({
    useCase,
    provider,
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    createdAt: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ name, ...job }) => jobRecord(name, job));

const wanted: fc.Arbitrary<JobsWanted> = fc.record(
  { useCase, provider, limit: fc.integer({ min: 0, max: 40 }) },
  { requiredKeys: ['limit'] },
);

const step = fc.oneof(
  { weight: 4, arbitrary: record.map((put) => ({ put, failed: false })) },
  { weight: 1, arbitrary: record.map((put) => ({ put, failed: true })) },
  { weight: 2, arbitrary: wanted.map((ask) => ({ ask })) },
);

/** All jobs are looked through and sorted. */
function sortedAnew(jobs: Iterable<JobRecord>, query: JobsWanted): JobRecord[] {
  return [...jobs]
    .filter(({ job }) => query.useCase === undefined || job.useCase === query.useCase)
    .filter(({ job }) => query.provider === undefined || job.provider === query.provider)
    .reverse()
    .sort((a, b) => b.job.createdAt - a.job.createdAt)
    .slice(0, query.limit);
}

const keyOf = ({ job }: JobRecord): string => JSON.stringify([job.useCase, jobKey(job)]);

describe('jobs in memory', () => {
  it('gives the newest ones as sorting all of them would, whatever was put in, changed and taken back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const table = new JobTable();
        const plain = new Map<string, JobRecord>();
        for (const one of steps) {
          if ('ask' in one) {
            expect(table.newest(one.ask)).toEqual(sortedAnew(plain.values(), one.ask));
            continue;
          }
          const undo = table.put(one.put);
          // The disk refuses it.
          if (one.failed) undo();
          else plain.set(keyOf(one.put), one.put);
        }
        expect(table.all()).toEqual([...plain.values()]);
        for (const { job } of plain.values())
          expect(table.get(job.useCase, jobKey(job))).toBe(plain.get(keyOf({ job, seenAt: 0 })));
      }),
      { numRuns: 500 },
    );
  });

  it('gives out lists that nobody else can change', () => {
    const table = new JobTable();
    table.put(jobRecord('a'));
    table.newest({ limit: 9 }).pop();
    expect(table.newest({ limit: 9 })).toHaveLength(1);
  });
});
