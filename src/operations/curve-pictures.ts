/** Runs' curves as what a picture is drawn from. */
import {
  bestOf,
  type CurveGroup,
  courseOf,
  groupCurves,
  type NamedSeries,
  suggestsLog,
} from '../domain/curves.ts';
import { AXIS, metricValue, placeWords } from '../domain/metric-words.ts';
import type { MetricPoint, MetricSeries } from '../domain/metrics.ts';
import { type CurveLine, type CurvePanel, type CurvePicture, PANELS_SHOWN } from '../ports/curve-pictures.ts';

/** `auto`: logarithmic where the values go over orders of magnitude. */
export type CurveScale = 'auto' | 'log';

export function runPicture(
  { title, subtitle }: Pick<CurvePicture, 'title' | 'subtitle'>,
  series: readonly MetricSeries[],
  scale: CurveScale,
): CurvePicture | undefined {
  return picture({ title, subtitle }, groupCurves(series.filter(({ count }) => count > 1)), scale);
}

/** One panel for each group, a single value being none. @returns undefined: nothing can be drawn */
export function picture(
  { title, subtitle }: Pick<CurvePicture, 'title' | 'subtitle'>,
  groups: readonly (Omit<CurveGroup, 'series'> & { series: readonly NamedSeries[] })[],
  scale: CurveScale,
): CurvePicture | undefined {
  const panels = groups.slice(0, PANELS_SHOWN).map(
    (group): CurvePanel => ({
      title: group.title,
      axis: AXIS[group.x],
      log: scale === 'log' || (scale === 'auto' && suggestsLog(group.series)),
      lines: group.series.map(lineOf),
    }),
  );
  const left = groups.length - panels.length;
  const words = [subtitle ?? '', left > 0 ? `${left} more in the CSV` : ''].filter((part) => part !== '');
  return panels.length === 0
    ? undefined
    : { title, panels, ...(words.length > 0 ? { subtitle: words.join(' · ') } : {}) };
}

function lineOf(series: NamedSeries): CurveLine {
  const { points, given } = courseOf(series);
  const best = bestOf(series);
  const words = [
    `last ${metricValue(series.last.value)}`,
    best ? `best ${metricValue(best.value)} at ${placeWords(series.x, best)}` : '',
    series.notFinite > 0 ? `${series.notFinite} not finite` : '',
  ];
  return {
    name: series.called ?? series.name,
    words: words.filter((part) => part !== '').join(' · '),
    points: points.map(place),
    given: given.map((piece) => piece.map(place)),
    ...(best ? { best: place(best) } : {}),
  };
}

const place = ({ x, value }: MetricPoint): readonly [number, number] => [x, value];
