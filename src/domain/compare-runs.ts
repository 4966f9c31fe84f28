/** Several runs side by side: which metrics they share, and what each came to. */
import { type Aim, bestOf, groupCurves, type NamedSeries } from './curves.ts';
import type { MetricSeries } from './metrics.ts';

export interface ComparedRun {
  /** As in the list of jobs. */
  name: string;
  series: readonly MetricSeries[];
}

export interface SharedMetric {
  title: string;
  x: MetricSeries['x'];
  aim: Aim;
  /** Of each run that has it, in the order of the runs; called as the run. */
  series: readonly NamedSeries[];
}

/** Metrics that two or more have, what is best looked at first. Lines are called as `shortNames` has the runs. */
export function sharedMetrics(runs: readonly ComparedRun[]): SharedMetric[] {
  const called = shortNames(runs.map(({ name }) => name));
  const all = new Map<string, NamedSeries[]>();
  for (const [index, { series }] of runs.entries())
    for (const one of series) {
      const key = `${one.x} ${one.name}`;
      all.set(key, [...(all.get(key) ?? []), { ...one, called: called[index]! }]);
    }
  const shared = [...all.values()].filter((series) => series.length > 1);
  const firsts = shared.map(([first]) => first!);
  const order = groupCurves(firsts).flatMap(({ aim, series }) => series.map((one) => ({ aim, one })));
  return order.map(({ aim, one }) => ({
    title: one.name,
    x: one.x,
    aim,
    series: shared[firsts.indexOf(one as NamedSeries)]!,
  }));
}

/** The best first; those without a best value last, as they came. */
export function ranked({ aim, series }: SharedMetric): NamedSeries[] {
  const value = (one: NamedSeries): number => {
    const best = bestOf(one)?.value;
    return best === undefined ? Number.POSITIVE_INFINITY : aim === 'high' ? -best : best;
  };
  return aim === undefined ? [...series] : [...series].sort((a, b) => compare(value(a), value(b)));
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

const LONGEST = 20;

/** Names of 20 characters at most that tell runs apart: without what all of them begin with, if that is long. */
export function shortNames(names: readonly string[]): string[] {
  const [first = ''] = names;
  let shared = 0;
  while (shared < first.length && names.every((name) => name[shared] === first[shared])) shared += 1;
  // Back to where a word begins.
  const word = first.slice(0, shared).search(/[^-_.:/]*$/);
  const taken = new Set<string>();
  return names.map((name, index) => {
    const own = names.length > 1 && word > 3 ? `…${name.slice(word)}` : name;
    let short =
      [name, own].find((one) => one.length <= LONGEST && one !== '…') ??
      `${own.slice(0, 9)}…${own.slice(-10)}`;
    if (taken.has(short)) short = `${short.slice(0, LONGEST - 3)} #${index + 1}`;
    taken.add(short);
    return short;
  });
}
