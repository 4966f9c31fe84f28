import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ranked, sharedMetrics, shortNames } from '../../src/domain/compare-runs.ts';
import { seriesOf } from '../fixtures/metric-series.ts';

describe('[W8] runs side by side', () => {
  const a = {
    name: 'resnet-a',
    series: [seriesOf('lr', [1, 1]), seriesOf('loss', [3, 2]), seriesOf('only_a', [1])],
  };
  const b = { name: 'resnet-b', series: [seriesOf('loss', [3, 1]), seriesOf('lr', [2, 2])] };
  const c = { name: 'resnet-c', series: [seriesOf('loss', [5], { x: 'step' })] };

  it('share what two or more report on the same axis, losses first', () => {
    const shared = sharedMetrics([a, b, c]);
    expect(shared.map(({ title, series }) => [title, series.map(({ called }) => called)])).toEqual([
      ['loss', ['resnet-a', 'resnet-b']],
      ['lr', ['resnet-a', 'resnet-b']],
    ]);
  });

  it('are ranked by their best value, whichever way is better', () => {
    const best = (name: string, x: number[], y: number[]): (string | undefined)[] =>
      ranked(
        sharedMetrics([
          { name: 'x', series: [seriesOf(name, x)] },
          { name: 'y', series: [seriesOf(name, y)] },
        ])[0]!,
      ).map(({ called }) => called);
    expect(best('loss', [3, 2], [3, 1])).toEqual(['y', 'x']);
    expect(best('accuracy', [0.9], [0.8])).toEqual(['x', 'y']);
    expect(best('loss', [Number.NaN], [7])).toEqual(['y', 'x']);
  });
});

describe('short names of runs', () => {
  it('leave out what all begin with, from a word on', () => {
    expect(shortNames(['defects-resnet50-20261120-a', 'defects-resnet50-20261121-b'])).toEqual([
      '…20261120-a',
      '…20261121-b',
    ]);
    expect(shortNames(['a', 'ab'])).toEqual(['a', 'ab']);
  });

  it('are never longer than Slack’s chart takes, and never two the same', () => {
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.string({ minLength: 30, maxLength: 80 }));
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), fc.string(), (names, start) => {
        const short = shortNames(names.map((one) => start + one));
        expect(new Set(short).size).toBe(names.length);
        expect(short.every((one) => one.length <= 20 && one !== '')).toBe(true);
      }),
    );
  });
});
