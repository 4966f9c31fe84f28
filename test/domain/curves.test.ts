import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aimOf,
  bestOf,
  courseOf,
  groupCurves,
  shortChart,
  suggestsLog,
  withoutTwins,
} from '../../src/domain/curves.ts';
import type { MetricSeries } from '../../src/domain/metrics.ts';
import { seriesOf } from '../fixtures/metric-series.ts';

const steps = (count: number): number[] => Array.from({ length: count }, (_, index) => (index + 1) * 10);

describe('which way a metric gets better', () => {
  it.each([
    ['val_loss', 'low'],
    ['validation_0-logloss', 'low'],
    ["valid_0's l2", 'low'],
    ['train/box_loss', 'low'],
    ['eval_perplexity', 'low'],
    ['val_accuracy', 'high'],
    ['metrics/mAP50-95(B)', 'high'],
    ['test-auc', 'high'],
    ['F1Score', 'high'],
    ['learning_rate', undefined],
    ['<!channel>', undefined],
  ])('is known from the name: %s', (name, aim) => {
    expect(aimOf(name)).toBe(aim);
  });

  it('makes the lowest loss and the highest accuracy the best, and nothing of what is not a number', () => {
    expect(bestOf(seriesOf('loss', [3, 1, 2]))).toEqual({ x: 2, value: 1 });
    expect(bestOf(seriesOf('accuracy', [0.1, 0.9, Number.NaN]))).toEqual({ x: 2, value: 0.9 });
    expect(bestOf(seriesOf('loss', [Number.NaN, Number.POSITIVE_INFINITY]))).toBeUndefined();
    expect(bestOf(seriesOf('temperature', [3, 1, 2]))).toBeUndefined();
  });
});

describe('metrics on one axis', () => {
  const titles = (...names: string[]): string[][] =>
    groupCurves(names.map((name) => seriesOf(name, [1, 2]))).map(({ title, series }) => [
      title,
      ...series.map(({ name }) => name),
    ]);

  it('are the same metric on other data, whoever prints it', () => {
    expect(titles('loss', 'accuracy', 'val_loss', 'val_accuracy')).toEqual([
      ['loss', 'loss', 'val_loss'],
      ['accuracy', 'accuracy', 'val_accuracy'],
    ]);
    expect(titles('train-rmse', 'validation-rmse')).toEqual([['rmse', 'train-rmse', 'validation-rmse']]);
    expect(titles("training's l2", "valid_0's l2")).toEqual([['l2', "training's l2", "valid_0's l2"]]);
    expect(titles('train_loss_step', 'val_loss')).toEqual([['loss', 'train_loss_step', 'val_loss']]);
  });

  it('come in the order of what is looked at: losses first, what the run says of itself last', () => {
    expect(titles('learning_rate', 'accuracy', 'temperature', 'loss').flatMap(([title]) => title)).toEqual([
      'loss',
      'accuracy',
      'temperature',
      'learning_rate',
    ]);
  });

  it('are apart where one counts steps and the other epochs', () => {
    const groups = groupCurves([seriesOf('loss', [1], { x: 'step' }), seriesOf('val_loss', [1])]);
    expect(groups).toHaveLength(2);
  });

  it('[W8] are none left out and none twice, whatever they are called', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 12 }), (names) => {
        const grouped = groupCurves(names.map((name) => seriesOf(name, [1])));
        expect(grouped.flatMap(({ series }) => series.map(({ name }) => name)).sort()).toEqual(
          [...names].sort(),
        );
      }),
    );
  });
});

describe('what is said twice', () => {
  it('is there once: the same values under names that differ in their signs alone', () => {
    const names = (...series: MetricSeries[]): string[] => withoutTwins(series).map(({ name }) => name);
    expect(names(seriesOf('train-rmse', [3, 2]), seriesOf('train:rmse', [3, 2]))).toEqual(['train-rmse']);
    expect(names(seriesOf('val_acc', [0.5, 0.91234567]), seriesOf('val:acc', [0.912346]))).toEqual([
      'val_acc',
    ]);
    expect(names(seriesOf('val_acc', [0.5, 0.9]), seriesOf('val:acc', [0.8]))).toHaveLength(2);
    expect(names(seriesOf('a_b', [1, 2]), seriesOf('a_c', [1, 2]))).toHaveLength(2);
  });
});

describe('a run that went back to a checkpoint', () => {
  it('shows what it came to, and what was trained again apart from that', () => {
    const series = seriesOf('loss', [5, 4, 3, 2, 3.5, 2.5, 1.5], { at: [10, 20, 30, 40, 30, 40, 50] });
    const { points, given } = courseOf(series);
    expect(points.map(({ x, value }) => [x, value])).toEqual([
      [10, 5],
      [20, 4],
      [30, 3.5],
      [40, 2.5],
      [50, 1.5],
    ]);
    expect(given.map((piece) => piece.map(({ value }) => value))).toEqual([[3, 2]]);
  });

  it('never falls back on the axis and loses no point, however often it went back', () => {
    const pieces = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(pieces, (runs) => {
        const at = runs.flatMap(([from, count]) => Array.from({ length: count }, (_, index) => from + index));
        const series = seriesOf(
          'loss',
          at.map((_, index) => index),
          { at },
        );
        const { points, given } = courseOf(series);
        expect(points.every(({ x }, index) => index === 0 || x >= points[index - 1]!.x)).toBe(true);
        expect(points.length + given.flat().length).toBe(series.points.length);
      }),
    );
  });
});

describe('a chart of few points', () => {
  it('shows a short run as it was', () => {
    const chart = shortChart('loss', [seriesOf('loss', [3, 2, 1]), seriesOf('val_loss', [4, 3, 3.5])], 20)!;
    expect(chart.at).toEqual([1, 2, 3]);
    expect(chart.lines.map(({ values }) => values)).toEqual([
      [3, 2, 1],
      [4, 3, 3.5],
    ]);
  });

  it('[W8] keeps first, last, lowest and highest value of every line, however long', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const values = fc.array(value, { minLength: 2, maxLength: 300 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 4 }), (all, count) => {
        const lines = Array.from({ length: count }, (_, nth) =>
          seriesOf(
            `m${nth}`,
            all.map((one, index) => (nth % 2 === 0 ? one : all[all.length - 1 - index]!)),
            {
              at: steps(all.length),
            },
          ),
        );
        const chart = shortChart('m', lines, 20)!;
        expect(chart.at.length).toBeLessThanOrEqual(20);
        expect(chart.at).toEqual([...chart.at].sort((a, b) => a - b));
        for (const [index, { first, last, min, max }] of lines.entries())
          for (const { x, value: wanted } of [first, last, min, max])
            expect(chart.lines[index]!.values[chart.at.indexOf(x)]).toBe(wanted);
      }),
    );
  });

  it('has at every place what a drawn curve has there', () => {
    const train = seriesOf(
      'loss',
      steps(100).map((x) => 1000 - x),
      { at: steps(100) },
    );
    const val = seriesOf('val_loss', [1000, 500, 0], { at: [10, 505, 1000] });
    const chart = shortChart('loss', [train, val], 20)!;
    const line = chart.lines[1]!.values;
    for (const [index, x] of chart.at.entries())
      expect(line[index]).toBeCloseTo(
        x <= 505 ? 1000 - ((x - 10) / 495) * 500 : 500 - ((x - 505) / 495) * 500,
      );
  });

  it('is none where there are gaps, a single point, or lines of different parts of the run', () => {
    expect(shortChart('loss', [seriesOf('loss', [1, Number.NaN, 2])], 20)).toBeUndefined();
    expect(shortChart('loss', [seriesOf('loss', [1])], 20)).toBeUndefined();
    const late = seriesOf('val_loss', [1, 2], { at: [500, 1000] });
    expect(shortChart('loss', [seriesOf('loss', steps(100), { at: steps(100) }), late], 20)).toBeUndefined();
  });
});

it('a logarithmic axis is suggested for what falls over orders, never for what reaches zero', () => {
  expect(suggestsLog([seriesOf('loss', [1000, 1, 0.5])])).toBe(true);
  expect(suggestsLog([seriesOf('loss', [3, 1])])).toBe(false);
  expect(suggestsLog([seriesOf('loss', [1000, 0])])).toBe(false);
  expect(suggestsLog([seriesOf('loss', [Number.NaN])])).toBe(false);
});
