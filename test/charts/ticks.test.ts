import fc from 'fast-check';
import { expect, it } from 'vitest';
import { linearTicks, logTicks } from '../../src/charts/ticks.ts';

it('marks of an axis are few, in order and within it', () => {
  const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(number, number, fc.integer({ min: 2, max: 8 }), (a, b, count) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      const ticks = linearTicks(from, to, count);
      expect(ticks.length).toBeLessThanOrEqual(count + 2);
      expect(ticks).toEqual([...ticks].sort((one, other) => one - other));
      const room = (to - from) * 1e-6 + Math.abs(from) * 1e-9 + Math.abs(to) * 1e-9;
      for (const tick of ticks) expect(tick >= from - room && tick <= to + room).toBe(true);
    }),
  );
});

it('are round numbers', () => {
  expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(linearTicks(130, 20_000, 4)).toEqual([5000, 10_000, 15_000, 20_000]);
  expect(logTicks(-1.4, 1.5, 5)).toEqual([0.1, 1, 10]);
  expect(logTicks(-0.5, 0.5, 5)).toEqual([0.5, 1, 2]);
  expect(logTicks(-9, 6, 5)).toEqual([1e-9, 1e-6, 0.001, 1, 1000, 1e6]);
});
