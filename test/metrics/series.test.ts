import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricPoint, MetricSeries } from '../../src/domain/metrics.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';
import { Series } from '../../src/metrics/series.ts';

const MOST_POINTS = 4000;

function seriesOf(reports: readonly MetricPoint[]): Omit<MetricSeries, 'name' | 'x'> {
  const series = new Series();
  for (const { x, value } of reports) series.add(Float64Array.of(x, value, Number.NaN));
  return { ...series.points(), count: series.count, notFinite: series.notFinite };
}

/** Steps that now and then begin again, values that are sometimes none; long by repetition. */
const reports = fc
  .record({
    pieces: fc.array(
      fc.record({
        steps: fc.integer({ min: 1, max: 700 }),
        back: fc.integer({ min: 0, max: 900 }),
        seed: fc.integer({ min: 1, max: 1e6 }),
        odd: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0),
      }),
      { minLength: 1, maxLength: 20 },
    ),
  })
  .map(({ pieces }) => {
    const made: MetricPoint[] = [];
    let x = 0;
    for (const { steps, back, seed, odd } of pieces) {
      x = Math.max(0, x - back);
      for (let step = 0; step < steps; step++) {
        const random = Math.imul(seed + step, 0x9e3779b1) >>> 0;
        made.push({ x: x++, value: random % 97 === 0 ? odd : (random % 1000) / 7 });
      }
    }
    return made;
  });

const same = (a: MetricPoint, b: MetricPoint): boolean => a.x === b.x && Object.is(a.value, b.value);

describe('a series', () => {
  it('keeps first, last, lowest and highest of however many reports, in their order', () => {
    fc.assert(
      fc.property(reports, (all) => {
        const { points, first, last, min, max, count, notFinite } = seriesOf(all);
        const finite = all.map(({ value }) => value).filter(Number.isFinite);
        expect(count).toBe(all.length);
        expect(notFinite).toBe(all.length - finite.length);
        expect(first).toEqual(all[0]);
        expect(last).toEqual(all.at(-1));
        if (finite.length > 0) {
          expect(min.value).toBe(finite.reduce((a, b) => Math.min(a, b)));
          expect(max.value).toBe(finite.reduce((a, b) => Math.max(a, b)));
        }
        for (const point of [first, last, min, max])
          expect(points.some((kept) => same(kept, point))).toBe(true);
        let at = 0;
        for (const point of points) {
          while (at < all.length && !same(all[at]!, point)) at++;
          expect(at).toBeLessThan(all.length);
          at++;
        }
        expect(points.length).toBeLessThanOrEqual(MOST_POINTS);
        if (all.length <= 1000) expect(points).toEqual(all);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps where steps begin again, with the report before, and says where that is', () => {
    fc.assert(
      fc.property(reports, (all) => {
        const { points, restarts } = seriesOf(all);
        expect(restarts).toEqual(
          points.flatMap((point, at) => (at > 0 && point.x < points[at - 1]!.x ? [at] : [])),
        );
        const expected = all.flatMap((report, at) =>
          at > 0 && report.x < all[at - 1]!.x ? [[all[at - 1]!, report]] : [],
        );
        expect(restarts.map((at) => [points[at - 1], points[at]])).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('has a gap where values were no numbers, even among many', () => {
    const all = Array.from({ length: 50_000 }, (_, x) => ({
      x,
      value: x > 20_000 && x < 30_000 ? Number.NaN : x,
    }));
    const { points, notFinite } = seriesOf(all);
    expect(notFinite).toBe(9999);
    const gaps = points.filter(({ value }) => Number.isNaN(value));
    expect(gaps.length).toBeGreaterThan(50);
    expect(gaps.every(({ x }) => x > 20_000 && x < 30_000)).toBe(true);
  });

  it('of no number at all has its first report as lowest and highest', () => {
    const { min, max, points } = seriesOf([
      { x: 1, value: Number.NaN },
      { x: 2, value: Number.POSITIVE_INFINITY },
    ]);
    expect([min, max]).toEqual([points[0], points[0]]);
  });
});

describe('whatever the log, memory is bounded:', () => {
  const feed = (lines: Iterable<string>): ReturnType<ReturnType<typeof createMetricReader>['end']> => {
    const reader = createMetricReader();
    for (const line of lines) reader.feed(Buffer.from(line));
    return reader.end();
  };
  const times = function* (count: number, line: (n: number) => string): Generator<string> {
    for (let n = 0; n < count; n++) yield line(n);
  };

  it('a million lines of one metric', () => {
    const lines = times(1000, (n) =>
      Array.from(
        { length: 1000 },
        (_, k) => `step ${n * 1000 + k} loss=${k === 77 && n === 500 ? -1 : n}.5\n`,
      ).join(''),
    );
    const { series, linesRead } = feed(lines);
    expect(linesRead).toBe(1_000_000);
    const [loss] = series;
    expect(loss!.points.length).toBeLessThan(MOST_POINTS);
    expect(loss).toMatchObject({
      count: 1_000_000,
      first: { x: 0, value: 0.5 },
      last: { x: 999_999, value: 999.5 },
      min: { x: 500_077, value: -1.5 },
      max: { x: 999_000, value: 999.5 },
    });
  });

  it('10,000 different names: the first 200 are kept, the others counted', () => {
    const { series, droppedNames } = feed(times(10_000, (n) => `step 1 loss_${n}=0.5\n`));
    expect(series).toHaveLength(200);
    expect(series.at(-1)!.name).toBe('loss_199');
    expect(droppedNames).toBe(9800);
  });

  it('names that are forgotten are known again', () => {
    const { series } = feed(
      times(20_000, (n) => (n % 1000 === 0 ? `step ${n} loss=0.5\n` : `step ${n} part${n}=x y${n}=1\n`)),
    );
    expect(series.find(({ name }) => name === 'loss')!.count).toBe(20);
  });

  it('one line without an end', () => {
    const { series, linesRead } = feed(
      times(2000, (n) => (n === 0 ? 'step 1 loss=0.5 ' : 'words '.repeat(1000))),
    );
    expect(linesRead).toBe(1);
    expect(series.map(({ name }) => name)).toEqual(['loss']);
  });

  it('a metric named <!channel> is a name like any other', () => {
    const { series } = feed(["{'<!channel>': 0.5, 'loss': 0.25}\n{'<!channel>': 0.4, 'loss': 0.2}\n"]);
    expect(series.map(({ name, count }) => [name, count])).toEqual([
      ['<!channel>', 2],
      ['loss', 2],
    ]);
  });

  it('steps that begin again at every line', () => {
    const [loss] = feed(times(100_000, (n) => `step ${n % 2 === 0 ? 5 : 1} loss=${n}\n`)).series;
    expect(loss!.count).toBe(100_000);
    expect(loss!.points.length).toBeLessThan(MOST_POINTS);
    expect(loss!.last.value).toBe(99_999);
  });
});
