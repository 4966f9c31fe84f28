/** What is told of a run's curves wherever they are shown: values in words, and short charts; small enough to be kept. */
import type { EpochMs } from '../ground/time.ts';
import { bestOf, courseOf, groupCurves, type ShortChart, shortChart } from './curves.ts';
import type { TrainingJob } from './jobs.ts';
import { metricValue, placeWords } from './metric-words.ts';
import type { MetricSeries } from './metrics.ts';

export interface MetricTold {
  name: string;
  last: string;
  /** `epoch 10`; left out where the service gave the value alone. */
  lastAt?: string | undefined;
  /** Left out where nobody knows which way is better. */
  best?: string | undefined;
  bestAt?: string | undefined;
  count: number;
  notFinite: number;
  /** Times that the run went back to a checkpoint. */
  restarts: number;
  /** Its course in a few signs, a dot for a gap; empty for a single value. */
  course: string;
}

export interface CurveSummary {
  values: readonly MetricTold[];
  /** Metrics that are not among the values. */
  more: number;
  /** What a chart of few points can show. */
  charts: readonly ShortChart[];
  /** There is a curve that they do not show: a picture does. */
  needsPicture: boolean;
}

/** Why only the end of a log was read. */
export interface CurvesCut {
  by: 'size' | 'time';
  /** Lines that were read instead. */
  tail: number;
}

/** As it is kept with a job that has ended. */
export interface KeptCurves extends CurveSummary {
  readAt: EpochMs;
  /** Left out: the whole log was read. */
  cut?: CurvesCut | undefined;
}

/** Places on the x axis, and lines, that Slack's chart takes; fewer lines than that can be told apart. */
const PLACES = 20;
const LINES = 4;

export function summarise(
  series: readonly MetricSeries[],
  reported: ReadonlySet<string>,
  most: { values: number; charts: number },
): CurveSummary {
  const groups = groupCurves(series);
  const ordered = groups.flatMap((group) => group.series);
  const charts: ShortChart[] = [];
  let needsPicture = false;
  for (const { title, series: members } of groups) {
    const curves = members.filter(({ count }) => count > 1);
    if (curves.length === 0) continue;
    const together = curves.length <= LINES ? shortChart(title, curves, PLACES) : undefined;
    if (together && charts.length < most.charts) charts.push(together);
    else {
      if (!together && curves.length > 1)
        for (const one of curves) {
          const alone = charts.length < most.charts ? shortChart(one.name, [one], PLACES) : undefined;
          if (alone) charts.push(alone);
        }
      needsPicture ||= !together;
    }
  }
  return {
    values: ordered.slice(0, most.values).map((one) => told(one, reported.has(one.name))),
    more: Math.max(0, ordered.length - most.values),
    charts,
    needsPicture,
  };
}

/** What the service itself reports at a job's end; undefined if it reports nothing. */
export function reportedCurves({
  finalMetrics,
}: Pick<TrainingJob, 'finalMetrics'>): CurveSummary | undefined {
  if (!finalMetrics || finalMetrics.length === 0) return undefined;
  const names = new Set(finalMetrics.map(({ name }) => name));
  return summarise(finalMetrics.map(lastValueAlone), names, { values: 5, charts: 0 });
}

/** A metric of which only the last value is known. */
export function lastValueAlone({
  name,
  value,
  at,
}: NonNullable<TrainingJob['finalMetrics']>[number]): MetricSeries {
  const point = { x: 1, value, ...(at === undefined ? {} : { at }) };
  return {
    ...{ name, x: 'point', points: [point], count: 1, notFinite: 0, restarts: [] },
    ...{ first: point, last: point, min: point, max: point },
  };
}

function told(series: MetricSeries, alone: boolean): MetricTold {
  const { name, x, last, count, notFinite, restarts } = series;
  const best = count > 1 ? bestOf(series) : undefined;
  return {
    name: name.slice(0, 100),
    last: metricValue(last.value),
    ...(alone ? {} : { lastAt: placeWords(x, last) }),
    ...(best ? { best: metricValue(best.value), bestAt: placeWords(x, best) } : {}),
    ...{ count, notFinite, restarts: restarts.length },
    course: courseInSigns(series),
  };
}

const SIGNS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const COURSE = 12;

/** `▇▅▃▂▁▁`, each sign for what was reported last in its part of the run. */
export function courseInSigns(series: MetricSeries): string {
  const { points } = courseOf(series);
  const finite = points.map(({ value }) => value).filter((value) => Number.isFinite(value));
  if (points.length < 2 || finite.length === 0) return '';
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const count = Math.min(COURSE, points.length);
  return Array.from({ length: count }, (_, nth) => {
    const { value } = points[Math.ceil(((nth + 1) * points.length) / count) - 1]!;
    if (!Number.isFinite(value)) return '·';
    const share = high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : 0;
    return SIGNS[Math.min(SIGNS.length - 1, Math.floor(share * SIGNS.length))]!;
  }).join('');
}
