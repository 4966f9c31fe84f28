/** Finds the metrics that a trainer's log reports. */
import type { MetricPattern, RunMetrics } from '../domain/metrics.ts';

export interface MetricReading {
  /** The log's bytes, in whatever pieces. */
  feed(bytes: Uint8Array): void;
  /** What was found; nothing can be fed any more. */
  end(): RunMetrics;
}

/** @param patterns besides the formats that are known; each is valid */
export type MetricReaderOf = (patterns: readonly MetricPattern[]) => MetricReading;
