import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { courseInSigns, summarise } from '../../src/domain/curve-summary.ts';
import { seriesOf } from '../fixtures/metric-series.ts';

const MOST = { values: 6, charts: 2 };
const NONE = new Set<string>();

describe('[W8] what is told of a run’s curves', () => {
  it('is each metric’s last and best value, with their places', () => {
    const { values } = summarise(
      [seriesOf('val_loss', [0.5, 0.25, 0.31254]), seriesOf('lr', [1, 2])],
      NONE,
      MOST,
    );
    expect(values).toEqual([
      {
        ...{ name: 'val_loss', last: '0.3125', lastAt: 'epoch 3', best: '0.25', bestAt: 'epoch 2' },
        ...{ count: 3, notFinite: 0, restarts: 0, course: '█▁▃' },
      },
      expect.objectContaining({ name: 'lr', last: '2', lastAt: 'epoch 2' }),
    ]);
    expect(values[1]).not.toHaveProperty('best');
  });

  it('is a chart of what belongs together, and of what is apart a chart each', () => {
    const long = Array.from({ length: 100 }, (_, index) => 100 - index);
    const late = seriesOf('val_loss', [5, 4], { at: [60, 100] });
    expect(
      summarise([seriesOf('loss', [2, 1]), seriesOf('val_loss', [3, 2])], NONE, MOST).charts,
    ).toHaveLength(1);
    const apart = summarise([seriesOf('loss', long), late], NONE, MOST);
    expect(apart.charts.map(({ title }) => title)).toEqual(['loss', 'val_loss']);
    expect(apart.needsPicture).toBe(true);
  });

  it('needs a picture where there are gaps, and none for single values', () => {
    expect(summarise([seriesOf('loss', [2, Number.NaN, 1])], NONE, MOST)).toMatchObject({
      charts: [],
      needsPicture: true,
    });
    expect(summarise([seriesOf('accuracy', [0.9])], new Set(['accuracy']), MOST)).toMatchObject({
      values: [{ name: 'accuracy', last: '0.9', course: '' }],
      charts: [],
      needsPicture: false,
    });
  });

  it('can be kept, whatever was reported: it is the same after JSON, and small', () => {
    const series = fc.record({
      name: fc.string({ maxLength: 300 }),
      values: fc.array(fc.double(), { minLength: 1, maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(series, { selector: ({ name }) => name, maxLength: 15 }), (all) => {
        const kept = summarise(
          all.map(({ name, values }) => seriesOf(name, values)),
          NONE,
          MOST,
        );
        const text = JSON.stringify(kept);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(kept)));
        expect(text).not.toContain(':null');
        expect(text.length).toBeLessThan(12_000);
        expect(kept.values.length + kept.more).toBe(all.length);
        for (const { at, lines } of kept.charts)
          for (const { values } of lines) {
            expect(values).toHaveLength(at.length);
            expect(values.every((value) => Number.isFinite(value))).toBe(true);
          }
      }),
    );
  });

  it('draws a course in as many signs as there are values, up to twelve', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 2, maxLength: 40 }), (values) => {
        const course = courseInSigns(seriesOf('loss', values));
        const some = values.some((value) => Number.isFinite(value));
        expect([...course]).toHaveLength(some ? Math.min(12, values.length) : 0);
        expect(course).toMatch(/^[▁▂▃▄▅▆▇█·]*$/);
      }),
    );
  });
});
