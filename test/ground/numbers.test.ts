import fc from 'fast-check';
import { expect, it } from 'vitest';
import { grouped } from '../../src/ground/numbers.ts';

it('a number is written as English does', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -2000, max: 2000 }), fc.double()),
      (value) => {
        expect(grouped(value)).toBe(value.toLocaleString('en-US'));
      },
    ),
    { numRuns: 1000, examples: [[0], [-0], [999], [1000], [-1000], [1_234_567]] },
  );
});
