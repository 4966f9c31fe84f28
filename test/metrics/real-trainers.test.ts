/**
 * Logs that real trainers printed (test/fixtures/trainer-curves), read, and compared with the curves that each trainer
 * reports itself. What is printed has fewer digits: a value is right when it is the reported one, rounded as printed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MetricSeries } from '../../src/domain/metrics.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/trainer-curves');
const CHUNK = 97;

interface Reported {
  version: string;
  curves: Record<string, [x: number, value: number][]>;
}

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''));

function read(name: string): readonly MetricSeries[] {
  const log = readFileSync(join(FOLDER, `${name}.txt`));
  const reader = createMetricReader();
  for (let at = 0; at < log.length; at += CHUNK) reader.feed(log.subarray(at, at + CHUNK));
  return reader.end().series;
}

describe('a log of a real trainer', () => {
  it('is there from several', () => {
    expect(names.length).toBeGreaterThanOrEqual(4);
  });

  it.each(names)('[W8] of %s has the curves that the trainer reports itself, and no others', (name) => {
    const { curves } = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Reported;
    const series = read(name);
    expect(series.map((found) => found.name).sort()).toEqual(Object.keys(curves).sort());
    for (const { name, points } of series) {
      const reported = curves[name]!;
      expect(points.map(({ x }) => x)).toEqual(reported.map(([x]) => x));
      for (const [at, { value }] of points.entries()) {
        const digits = String(value).split(/[.e]/)[1]?.length ?? 0;
        expect(Math.abs(value - reported[at]![1]), `${name} at ${at}`).toBeLessThanOrEqual(
          0.51 * 10 ** -Math.min(digits, 16) + 1e-7,
        );
      }
    }
  });
});
