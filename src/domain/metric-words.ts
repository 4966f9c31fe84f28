/** Numbers and places of metrics in words: the same in messages, charts and pictures. */
import type { MetricPoint, MetricSeries } from './metrics.ts';

/** Four digits that count: `0.1235`, `1.235e-7`, `12,350`, `NaN`, `∞`. */
export function metricValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4))
    return value
      .toExponential(3)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  return Number(value.toPrecision(size >= 1000 ? 5 : 4)).toLocaleString('en-US', {
    maximumFractionDigits: 8,
  });
}

/** `12,000`, `0.33`: a place on the x axis. */
export function metricPlace(x: number): string {
  if (Math.abs(x) >= 1e12) return x.toExponential(4).replace('e+', 'e');
  return Number(x.toPrecision(12)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** What the x axis counts. */
export const AXIS: Readonly<Record<MetricSeries['x'], string>> = {
  step: 'step',
  epoch: 'epoch',
  point: 'report',
};

/** `epoch 8`. */
export const placeWords = (axis: MetricSeries['x'], { x }: Pick<MetricPoint, 'x'>): string =>
  `${AXIS[axis]} ${metricPlace(x)}`;
