/** What SageMaker reports of a job that has ended: of each metric definition the last value that the job's log has. */
import type { EpochMs } from '../time.ts';
import type { EventSeries } from './event-series.ts';
import type { LogStreamSeed } from './log-store.ts';

/** As in a request's `AlgorithmSpecification`: the expression's first group is the value. */
export interface MetricDefinition {
  Name: string;
  Regex: string;
}

export interface MetricData {
  MetricName: string;
  Value: number;
  /** Seconds. */
  Timestamp: number;
}

/** Events that are looked through from a stream's end: what a metric prints only before them is not found. */
const LOOKED_THROUGH = 100_000;

export function finalMetrics(
  streams: readonly LogStreamSeed[],
  definitions: readonly MetricDefinition[],
  now: EpochMs,
): MetricData[] {
  return definitions.flatMap(({ Name, Regex }) => {
    const pattern = expression(Regex);
    let last: Found | undefined;
    if (pattern) for (const { series } of streams) last = lastIn(series, pattern, now, last?.at) ?? last;
    return last ? [{ MetricName: Name, Value: last.value, Timestamp: last.at / 1000 }] : [];
  });
}

interface Found {
  value: number;
  at: EpochMs;
}

/** @param after what is no later is not looked at: another stream has said something since */
function lastIn(
  series: EventSeries,
  pattern: RegExp,
  now: EpochMs,
  after = Number.NEGATIVE_INFINITY,
): Found | undefined {
  const end = series.visible(now);
  for (let index = end - 1; index >= Math.max(0, end - LOOKED_THROUGH); index--) {
    const at = series.time(index);
    if (at <= after) return undefined;
    const values = [...series.message(index).matchAll(pattern)].map((match) => Number(match[1] ?? 'none'));
    const value = values.findLast((one) => !Number.isNaN(one));
    if (value !== undefined) return { value, at };
  }
  return undefined;
}

/** In Python's syntax. @returns undefined for what is none here */
function expression(regex: string): RegExp | undefined {
  try {
    return new RegExp(regex.replaceAll('(?P<', '(?<'), 'g');
  } catch {
    return undefined;
  }
}
