import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finalOf, isWholeLog } from '../../../src/logs/library/finality.ts';

const MINUTE = 60_000;
const R = 1_000 * MINUTE;
const read = { from: 0, to: R, froms: [0, 0], readAt: R, endedAt: undefined };

describe('[L11] what was read is final', () => {
  it('five seconds before the newest event of each stream that speaks', () => {
    expect(finalOf({ ...read, newest: [R - 1_000, R - MINUTE] }).completeTo).toBe(R - MINUTE - 5_000);
  });

  it('ten minutes ago at least, whatever has come', () => {
    expect(finalOf({ ...read, newest: [R, R - 10 * MINUTE] }).completeTo).toBe(R - 10 * MINUTE);
    expect(finalOf({ ...read, newest: [undefined, undefined] }).completeTo).toBe(R - 10 * MINUTE);
  });

  it('of a stream that is silent not as far as of the others, whom it does not hold back', () => {
    expect(finalOf({ ...read, newest: [R, R - 11 * MINUTE] })).toEqual({
      completeTo: R - 5_000,
      certainTo: [R - 5_000, R - 10 * MINUTE],
    });
  });

  it('to its end, once the job has ended ten minutes before', () => {
    const newest = [R - 1_000, undefined];
    expect(finalOf({ ...read, endedAt: R - 10 * MINUTE, newest }).completeTo).toBe(R);
    expect(finalOf({ ...read, endedAt: R - 10 * MINUTE + 1, newest }).completeTo).toBe(R - 6_000);
  });

  it('for ever only if it reaches to where the last event may be', () => {
    const ended = { readAt: R, endedAt: R - 10 * MINUTE };
    expect(isWholeLog({ ...ended, to: R + 120 * MINUTE }, 120 * MINUTE)).toBe(true);
    expect(isWholeLog({ ...ended, to: R + 120 * MINUTE - 1 }, 120 * MINUTE)).toBe(false);
    expect(isWholeLog({ readAt: R, endedAt: undefined, to: R + 120 * MINUTE }, 120 * MINUTE)).toBe(false);
  });

  it('within what was read, and nothing that was certain becomes uncertain', () => {
    const time = fc.integer({ min: R - 30 * MINUTE, max: R });
    fc.assert(
      fc.property(
        time,
        time,
        fc.array(fc.tuple(time, fc.option(time, { nil: undefined })), { minLength: 1 }),
        (a, b, streams) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const froms = streams.map(([at]) => Math.min(at, from));
          const newest = streams.map(([, at]) => at);
          const { completeTo, certainTo } = finalOf({ ...read, from, to, froms, newest });
          expect(completeTo).toBeGreaterThanOrEqual(from);
          expect(completeTo).toBeLessThanOrEqual(to);
          expect(certainTo.every((at, i) => at >= froms[i]!)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
