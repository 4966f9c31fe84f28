import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paged } from '../../src/ground/paged.ts';

describe('pages of a list', () => {
  it('come in order until there is no further token, whichever way it is written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        fc.constantFrom('none', 'empty', 'again'),
        async (sizes, isUpper, end) => {
          const asked: (string | undefined)[] = [];
          const seen: number[] = [];
          const pages = paged(async (token) => {
            asked.push(token);
            const at = Number(token ?? 0);
            const last = { none: undefined, empty: '', again: token }[end];
            const next = at + 1 < sizes.length ? `${at + 1}` : last;
            return { size: sizes[at]!, ...(isUpper ? { NextToken: next } : { nextToken: next }) };
          });
          for await (const { size } of pages) seen.push(size);
          expect(seen).toEqual(sizes);
          expect(asked).toEqual(sizes.map((_, at) => (at === 0 ? undefined : `${at}`)));
        },
      ),
    );
  });

  it('are not asked for any more once enough came', async () => {
    let asked = 0;
    const pages = paged(async () => {
      asked += 1;
      return { NextToken: `${asked}` };
    });
    for await (const _ of pages) break;
    expect(asked).toBe(1);
  });
});
