/**
 * A run's metrics made into charts: which belong together, which way is better, and what of a long curve is shown.
 * Nothing is smoothed, and nothing invented: a chart with few points keeps first, last, lowest and highest value.
 */
import type { MetricPoint, MetricSeries } from './metrics.ts';

/** Which way a metric gets better; undefined: its name does not say. */
export type Aim = 'low' | 'high' | undefined;

/** Series that share an axis: `loss` and `val_loss`. */
export interface CurveGroup {
  title: string;
  x: MetricSeries['x'];
  aim: Aim;
  series: readonly MetricSeries[];
}

const LOW =
  /^(loss|losses|err|error|errors|rmse|rmsle|mae|mse|mape|smape|msle|logloss|mlogloss|multilogloss|nll|bce|kld?|ppl|perplexity|fid|wer|cer|deviance|merror|l1|l2|huber|quantile|brier|crossentropy|xent)$/;
const HIGH =
  /^(acc|accuracy|auc|aucpr|auroc|auprc|f1|f1score|fbeta|f\d|iou|miou|map|map\d+|ap|ap\d+|precision|recall|r2|dice|bleu|rouge|rouge\d|rougel|ndcg|psnr|ssim|kappa|mcc|spearman|pearson|sensitivity|specificity|reward|fitness|top\d+)$/;
/** What a run reports of itself, not of the model. */
const ASIDE =
  /^(lr|lr\d+|rate|time|seconds|speed|memory|mem|gpu|cpu|eta|throughput|runtime|norm|size|instances|samples|tokens|it|its|batch|epoch|step|steps|progress|momentum|ms|sec)$/;
/** Which data it was measured on: the same metric on other data belongs into the same chart. */
const DATA = /^(train|training|val|valid|validation|eval|evaluation|test|dev|holdout|learn)$/;
const SUFFIX = /^(step|epoch|s|mean|avg)$/;

const words = (name: string): string[] =>
  name
    .replace(/mAP/g, 'map')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

export function aimOf(name: string): Aim {
  const parts = words(name);
  if (parts.some((word) => LOW.test(word))) return 'low';
  return parts.some((word) => HIGH.test(word)) ? 'high' : undefined;
}

const isAside = (name: string): boolean =>
  aimOf(name) === undefined && words(name).some((word) => ASIDE.test(word));

/** What is left of a name without the data that it was measured on: `validation_0-logloss` → `logloss`. */
function stemOf(name: string): string {
  const parts = words(name);
  const kept = parts.filter(
    (word, index) =>
      !DATA.test(word) && !SUFFIX.test(word) && !(/^\d+$/.test(word) && DATA.test(parts[index - 1] ?? '')),
  );
  return (kept.length === 0 ? parts : kept).join(' ');
}

/**
 * Without what is said twice: a trainer's own words and a metric definition, or the service, often have the same values
 * under names that differ in their signs alone, `train-rmse` and `train:rmse`. The first stays.
 */
export function withoutTwins(series: readonly MetricSeries[]): MetricSeries[] {
  const kept = new Map<string, MetricSeries[]>();
  return series.filter((one) => {
    const name = words(one.name).join(' ');
    const others = kept.get(name) ?? [];
    if (others.some((other) => saysNothingNew(one, other))) return false;
    kept.set(name, [...others, one]);
    return true;
  });
}

function saysNothingNew(one: MetricSeries, other: MetricSeries): boolean {
  // The service keeps the last value alone, with fewer digits.
  const compared = one.count === 1 ? (['last'] as const) : (['first', 'last', 'min', 'max'] as const);
  return compared.every((which) => isSame(one[which].value, other[which].value));
}

const isSame = (a: number, b: number): boolean =>
  Object.is(a, b) || Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b));

/** What is best looked at comes first: losses, other measures of the model, the rest, what the run says of itself. */
export function groupCurves(series: readonly MetricSeries[]): CurveGroup[] {
  const groups = new Map<string, MetricSeries[]>();
  for (const one of series) {
    const key = `${one.x} ${stemOf(one.name)}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const all = [...groups.values()].map((members): CurveGroup => {
    const [first] = members as [MetricSeries];
    return {
      title: members.length === 1 ? first.name : stemOf(first.name),
      x: first.x,
      aim: aimOf(first.name),
      series: members,
    };
  });
  const rank = ({ title, aim, series: [first] }: CurveGroup): number => {
    if (isAside(first!.name)) return 3;
    if (aim === undefined) return 2;
    return words(title).includes('loss') ? 0 : 1;
  };
  return all
    .map((group, at) => ({ group, at }))
    .sort((a, b) => rank(a.group) - rank(b.group) || a.at - b.at)
    .map(({ group }) => group);
}

/** The lowest or highest value, whichever is better; undefined where nobody knows, or nothing is finite. */
export function bestOf(series: MetricSeries): MetricPoint | undefined {
  const aim = aimOf(series.name);
  if (aim === undefined) return undefined;
  const best = aim === 'low' ? series.min : series.max;
  return Number.isFinite(best.value) ? best : undefined;
}

// --- What was trained twice --------------------------------------------------------------------------

export interface Course {
  /** What the run came to: x never falls. */
  points: readonly MetricPoint[];
  /** What was trained again from a checkpoint: each a piece of its own, in order. */
  given: readonly (readonly MetricPoint[])[];
}

export function courseOf({ points, restarts }: Pick<MetricSeries, 'points' | 'restarts'>): Course {
  const given: MetricPoint[][] = [];
  let course: MetricPoint[] = [];
  const bounds = [0, ...restarts.filter((index) => index > 0 && index < points.length), points.length];
  for (let part = 0; part + 1 < bounds.length; part += 1) {
    const piece = points.slice(bounds[part], bounds[part + 1]);
    const from = piece[0]?.x;
    if (from === undefined) continue;
    const cut = course.findIndex(({ x }) => x >= from);
    if (cut >= 0) {
      given.push(course.slice(cut));
      course = course.slice(0, cut);
    }
    course.push(...piece);
  }
  return { points: course, given };
}

// --- A chart of few points ---------------------------------------------------------------------------

/** A chart whose lines all have a value at every place on the x axis, because Slack wants it so. */
export interface ShortChart {
  title: string;
  x: MetricSeries['x'];
  at: readonly number[];
  lines: readonly { name: string; values: readonly number[] }[];
  /** Points that the longest of the lines has: more than are shown here. */
  of: number;
}

export interface NamedSeries extends MetricSeries {
  /** What the line is called, if not as the metric: the run's name, where runs are compared. */
  called?: string;
}

/** A part of the x axis, as a share, by which lines may begin later or end sooner and still be one chart. */
const APART = 0.1;

/**
 * @param limit places on the x axis
 * @returns undefined for what can only be a picture: values that are not finite, which need gaps; lines that cover
 *   different parts of the axis; a single point
 */
export function shortChart(
  title: string,
  series: readonly NamedSeries[],
  limit: number,
): ShortChart | undefined {
  const lines = series.map((one) => ({ one, points: lastOfEach(courseOf(one).points) }));
  const [first] = lines;
  if (
    !first ||
    series.some(({ notFinite }) => notFinite > 0) ||
    lines.some(({ points }) => points.length < 2)
  )
    return undefined;
  const starts = lines.map(({ points }) => points[0]!.x);
  const ends = lines.map(({ points }) => points.at(-1)!.x);
  const [from, to] = [Math.min(...starts), Math.max(...ends)];
  const room = (to - from) * APART;
  if (Math.max(...starts) - from > room || to - Math.min(...ends) > room) return undefined;
  const at = places(
    lines.map(({ points }) => points),
    limit,
  );
  if (at.length < 2) return undefined;
  return {
    title,
    x: first.one.x,
    at,
    lines: lines.map(({ one, points }) => ({
      name: one.called ?? one.name,
      values: at.map((x) => valueAt(points, x)),
    })),
    of: Math.max(...lines.map(({ one }) => one.count)),
  };
}

/** Of several values at one place the last; in the order of x. */
function lastOfEach(points: readonly MetricPoint[]): MetricPoint[] {
  const kept: MetricPoint[] = [];
  for (const point of points) {
    if (kept.at(-1)?.x === point.x) kept.pop();
    kept.push(point);
  }
  return kept;
}

/** First, last, lowest and highest of each line, then as evenly as what was reported allows. */
function places(lines: readonly (readonly MetricPoint[])[], limit: number): number[] {
  const all = [...new Set(lines.flatMap((points) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  if (all.length <= limit) return all;
  const chosen = new Set<number>([all[0]!, all.at(-1)!]);
  const wanted = (pick: (points: readonly MetricPoint[]) => MetricPoint): void => {
    for (const points of lines) if (chosen.size < limit) chosen.add(pick(points).x);
  };
  wanted((points) => points.reduce((low, point) => (point.value < low.value ? point : low)));
  wanted((points) => points.reduce((high, point) => (point.value > high.value ? point : high)));
  wanted((points) => points[0]!);
  wanted((points) => points.at(-1)!);
  // The widest gap between two places is divided, until there are enough.
  while (chosen.size < limit) {
    const sorted = [...chosen].sort((a, b) => a - b);
    let best: { x: number; width: number } | undefined;
    for (let index = 0; index + 1 < sorted.length; index += 1) {
      const [left, right] = [sorted[index]!, sorted[index + 1]!];
      if (best && right - left <= best.width) continue;
      const x = nearestBetween(all, left, right);
      if (x !== undefined) best = { x, width: right - left };
    }
    if (!best) break;
    chosen.add(best.x);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** The place nearest to the middle between two; undefined: there is none between them. */
function nearestBetween(all: readonly number[], left: number, right: number): number | undefined {
  const middle = (left + right) / 2;
  const from = firstAbove(all, left);
  const to = firstAbove(all, middle);
  const below = to > from ? all[to - 1] : undefined;
  const above = all[to];
  const inside = [below, above].filter((x) => x !== undefined && x > left && x < right) as number[];
  return inside.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
}

/** Index of the first that is larger. */
function firstAbove(all: readonly number[], x: number): number {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** On the straight line between two reports, as a drawn curve has it; beyond its ends a line keeps its end's value. */
function valueAt(points: readonly MetricPoint[], x: number): number {
  const next = points.findIndex((point) => point.x >= x);
  if (next < 0) return points.at(-1)!.value;
  const after = points[next]!;
  const before = points[next - 1];
  if (after.x === x || !before) return after.value;
  const share = (x - before.x) / (after.x - before.x);
  return before.value * (1 - share) + after.value * share;
}

/** Whether the values are better seen on a logarithmic axis: all above zero, and over more than two orders. */
export function suggestsLog(series: readonly MetricSeries[]): boolean {
  const finite = series
    .flatMap(({ min, max }) => [min.value, max.value])
    .filter((value) => Number.isFinite(value));
  const low = Math.min(...finite);
  return finite.length > 0 && low > 0 && Math.max(...finite) / low > 200;
}
