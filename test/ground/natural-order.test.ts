import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareNaturally } from '../../src/ground/natural-order.ts';

describe('natural order', () => {
  it('has numbers by their size', () => {
    const sorted = ['algo-1', 'algo-2', 'algo-10', 'algo-10-1', 'algo-10-20261120', 'b1', 'b01'];
    expect([...sorted].reverse().sort(compareNaturally)).toEqual([
      ...sorted.slice(0, -2),
      // Equal in size: by characters, so that there is one order only.
      'b01',
      'b1',
    ]);
  });

  it('is the one that the names of log streams had by the tables of English', () => {
    const number = fc.oneof(fc.nat(30), fc.nat());
    const name = fc
      .tuple(fc.constantFrom('algo', 'data', 'rank'), number, fc.option(number))
      .map(([word, n, more]) => `job/${word}-${n}${more === null ? '' : `-${more}`}`);
    fc.assert(
      fc.property(name, name, (a, b) => {
        const before = a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : a > b ? 1 : 0);
        expect(Math.sign(compareNaturally(a, b))).toBe(Math.sign(before));
      }),
      { numRuns: 500 },
    );
  });

  it('is an order', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'B', '0', '1', '9', '-', 'é'), maxLength: 6 });
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(Math.sign(compareNaturally(a, b))).toBe(-Math.sign(compareNaturally(b, a)) + 0);
        expect(compareNaturally(a, b) === 0).toBe(a === b);
        if (compareNaturally(a, b) < 0 && compareNaturally(b, c) < 0)
          expect(compareNaturally(a, c)).toBeLessThan(0);
      }),
      { numRuns: 1000 },
    );
  });
});
