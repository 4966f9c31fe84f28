/** Whatever there is, and however a list's pages fall out: who follows the tokens sees each thing once, in order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobList } from '../../../src/aws/kinds/job-row.ts';
import { INVALID, type ListOddities, type ListRow, listPage } from '../../../src/aws/kinds/list.ts';
import type { AwsCall } from '../../../src/aws/service.ts';
import { Parameters } from '../../../src/aws/validation.ts';

const STATUSES = ['InProgress', 'Completed', 'Failed'];
const NOW = 1_800_000_000_000;

const things = fc.uniqueArray(
  fc.record({
    TrainingJobName: fc.stringMatching(/^[a-c]{1,4}$/),
    CreationTime: fc.integer({ min: 0, max: 9 }),
    LastModifiedTime: fc.integer({ min: 0, max: 9 }),
    TrainingJobStatus: fc.constantFrom(...STATUSES),
  }),
  { selector: ({ TrainingJobName }) => TrainingJobName, maxLength: 40 },
);

const asked = fc.record(
  {
    SortBy: fc.constantFrom('Name', 'CreationTime', 'Status'),
    SortOrder: fc.constantFrom('Ascending', 'Descending'),
    StatusEquals: fc.constantFrom(...STATUSES),
    NameContains: fc.constantFrom('a', 'bc'),
    CreationTimeAfter: fc.integer({ min: 0, max: 9 }),
    LastModifiedTimeBefore: fc.integer({ min: 0, max: 9 }),
    MaxResults: fc.integer({ min: 1, max: 7 }),
  },
  { requiredKeys: ['MaxResults'] },
);

type Thing = Readonly<Record<string, unknown>>;

/** Every page, to a token that is not there or comes again. */
function walk(row: ListRow, all: readonly Thing[], input: object, oddities: ListOddities): Thing[][] {
  const pages: Thing[][] = [];
  let token: unknown;
  do {
    const given = { ...input, ...(token === undefined ? {} : { NextToken: token }) };
    const call = { input: given, now: NOW } as unknown as AwsCall;
    const { body } = listPage(row, call, new Parameters(given, INVALID), () => all, oddities);
    pages.push(body[row.answer] as Thing[]);
    token = body.NextToken === token ? undefined : body.NextToken;
  } while (token !== undefined);
  return pages;
}

describe('[O7] a list', () => {
  it('gives each thing that fits once and in order, in pages that are never too long', () => {
    fc.assert(
      fc.property(
        things,
        asked,
        fc.constantFrom(undefined, 'status' as const, 'all' as const),
        fc.record({ emptyListPages: fc.integer({ min: 0, max: 3 }), repeatedListTokens: fc.boolean() }),
        (all, input, late, oddities) => {
          const row = jobList('Training', STATUSES, late === undefined ? {} : { late });
          const pages = walk(row, all, input, oddities);
          const fitting = all.filter(
            (one) =>
              one.TrainingJobName.includes(input.NameContains ?? '') &&
              (input.StatusEquals === undefined || one.TrainingJobStatus === input.StatusEquals) &&
              one.CreationTime >= (input.CreationTimeAfter ?? 0) &&
              one.LastModifiedTime <= (input.LastModifiedTimeBefore ?? 9),
          );
          const seen = pages.flat();
          expect(seen.map(({ TrainingJobName }) => TrainingJobName).sort()).toEqual(
            fitting.map(({ TrainingJobName }) => TrainingJobName).sort(),
          );
          const key = { Name: 'TrainingJobName', CreationTime: 'CreationTime', Status: 'TrainingJobStatus' }[
            input.SortBy ?? 'CreationTime'
          ]!;
          const values = seen.map((one) => one[key] as string | number);
          const inOrder = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
          expect(values).toEqual(input.SortOrder === 'Descending' ? inOrder.reverse() : inOrder);
          for (const page of pages) expect(page.length).toBeLessThanOrEqual(input.MaxResults);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses any token that it has not given, in one word', () => {
    const row = jobList('Training', STATUSES);
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => !/^~\d/.test(text)),
        (NextToken) => {
          const call = { input: { NextToken }, now: NOW } as unknown as AwsCall;
          const list = () =>
            listPage(row, call, new Parameters(call.input, INVALID), () => [], {
              emptyListPages: 0,
              repeatedListTokens: false,
            });
          expect(list).toThrow(expect.objectContaining({ code: INVALID, message: 'Invalid NextToken.' }));
        },
      ),
      { numRuns: 200 },
    );
  });
});
