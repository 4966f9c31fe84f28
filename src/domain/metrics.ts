/**
 * The curves of a run: what a trainer reports while it trains, as a chart needs it. However long the run was, a series
 * has few points: they are chosen so that the first, the last, the lowest and the highest value are always among them.
 */
import type { EpochMs } from '../ground/time.ts';

export interface MetricPoint {
  /** The step or epoch that the trainer names, else the number of the point, from 1; which it is, `MetricSeries.x` says. */
  x: number;
  /** NaN and ±Infinity are kept: they are what the trainer said. A chart shows a gap. */
  value: number;
  at?: EpochMs;
}

export interface MetricSeries {
  /** As the trainer wrote it: untrusted text, for blocks to escape. */
  name: string;
  x: 'step' | 'epoch' | 'point';
  /** In the order in which they were reported, downsampled. First, last, lowest and highest are among them. */
  points: readonly MetricPoint[];
  /** How often the metric was reported. */
  count: number;
  first: MetricPoint;
  last: MetricPoint;
  /** Of the finite values; as `first` where there is none. */
  min: MetricPoint;
  max: MetricPoint;
  /** How many of the reported values were NaN or infinite. */
  notFinite: number;
  /** Indexes in `points` where x begins again: the trainer went back to a checkpoint. */
  restarts: readonly number[];
}

export interface RunMetrics {
  /** In the order in which their names were first reported. */
  series: readonly MetricSeries[];
  /** `service`: reported by the provider itself (SageMaker's metric definitions). */
  source: 'log' | 'service';
  linesRead: number;
  /** Different names beyond the most that are kept. */
  droppedNames: number;
  /** The last “epoch 3/10”. */
  epochs?: { at: number; of?: number };
}

/** A team's own way to find metrics in its log: a use case's `metrics.patterns`. */
export interface MetricPattern {
  /**
   * RE2 expression for one line. Group `value` holds the number; group `name` the metric's name, unless `name` gives it;
   * group `step` or `epoch`, if there is one, where on the x axis it belongs.
   */
  pattern: string;
  /** The metric's name where the expression has no group for it. */
  name?: string;
}
