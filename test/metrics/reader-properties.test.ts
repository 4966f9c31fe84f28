import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunMetrics } from '../../src/domain/metrics.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';
import { logs } from './log-maker.ts';
import { readMetricsSimply } from './reference-reader.ts';

function read(bytes: Uint8Array, cuts: readonly number[] = []): RunMetrics {
  const reader = createMetricReader();
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    reader.feed(Uint8Array.from(bytes.subarray(from, cut)));
    from = cut;
  }
  reader.feed(bytes.subarray(from));
  return reader.end();
}

describe('the metric reader', () => {
  it('[W8] finds what a simple reader finds that has the whole log and uses regular expressions', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const bytes = Buffer.from(log);
        expect(read(bytes)).toEqual(readMetricsSimply(bytes));
      }),
      { numRuns: 600 },
    );
  });

  it('finds the same wherever the log is cut into chunks', () => {
    fc.assert(
      fc.property(
        logs,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
        (log, cuts) => {
          const bytes = Buffer.from(log);
          const places = cuts.map((cut) => Math.floor(cut * bytes.length));
          expect(read(bytes, places)).toEqual(read(bytes));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes any bytes for a log', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(read(bytes)).toEqual(readMetricsSimply(bytes));
      }),
      { numRuns: 300 },
    );
  });
});
