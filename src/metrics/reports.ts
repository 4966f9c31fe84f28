/** Decides what of a line's numbers is a metric and where on the x axis it belongs, and gathers the curves. */
import type { MetricSeries, RunMetrics } from '../domain/metrics.ts';
import { BY_EPOCH, BY_POINT, BY_STEP, DRAW_X, NamedCurves, REPORT } from './curves.ts';
import { BATCH, EPOCH, EPOCHS, ERROR, type NameTable, STEP, STEPS, STRONG, UNKNOWN, WEAK } from './names.ts';
import { AT, VALUE, X } from './series.ts';
import type { TableRow } from './tables.ts';
import { BAR, BRACKET, EQUALS, LEAD, type LineTokens, QUOTED, SPACE } from './tokens.ts';
import { nameKind } from './vocabulary.ts';

/** Different metrics that are kept. */
const MOST_METRICS = 200;
/** Different names beyond them that are counted. */
const MOST_DROPPED = 20_000;
/** Bars of different lengths that can be drawn by turns. */
const BARS = 4;

/** How a line follows the one before. */
export type Follows = 'line' | 'redraw';

/** Found by a team's own pattern. */
export interface OwnMetric {
  name: string;
  value: number;
  step?: number | undefined;
  epoch?: number | undefined;
}

/** Indexes of tokens, −1 where there is none. */
export interface LinePlan {
  bar: number;
  step: number;
  epoch: number;
  metrics: number[];
  /** Of each metric. */
  curves: NamedCurves[];
}

interface Bar {
  total: number;
  at: number;
  epoch: number;
  chain: number;
}

export class Reports {
  readonly #names: NameTable;
  readonly #curves = new Map<string, NamedCurves>();
  readonly #dropped = new Set<string>();
  /** Of how many, as far as anybody said; NaN: nobody did. */
  #epochsAt = Number.NaN;
  #epochsOf = Number.NaN;
  #contextEpoch = Number.NaN;
  #chain = 0;
  #chainEpoch = Number.NaN;
  #chainStep = Number.NaN;
  readonly #bars: Bar[] = [];

  // The line at hand.
  #epoch = Number.NaN;
  #step = Number.NaN;
  #total = Number.NaN;
  #lineEpoch = false;
  #barAt = Number.NaN;
  #barOf = Number.NaN;
  #at = Number.NaN;
  readonly #newest = new Float64Array(REPORT);

  constructor(names: NameTable) {
    this.#names = names;
  }

  /**
   * A line's tokens.
   * @param plan what was decided of a line like this one, if it is known
   * @param at when it was written; asked only if there is something to report
   */
  line(
    tokens: LineTokens,
    plan: LinePlan,
    follows: Follows,
    own: readonly OwnMetric[],
    at: () => number,
  ): void {
    const { values, totals } = tokens;
    this.#clear();
    if (plan.bar >= 0) {
      this.#barAt = values[plan.bar]!;
      this.#barOf = totals[plan.bar]!;
    }
    if (plan.step >= 0) {
      this.#step = values[plan.step]!;
      this.#total = totals[plan.step]!;
    }
    if (plan.epoch >= 0 && Number.isFinite(values[plan.epoch]!)) {
      this.#setEpoch(values[plan.epoch]!, totals[plan.epoch]!);
    }
    let began = false;
    const { metrics, curves } = plan;
    for (let i = 0; i < metrics.length; i++) {
      const known = curves[i]!;
      if (own.length > 0 && own.some(({ name }) => name === known.name)) continue;
      if (!began) {
        began = true;
        this.#begin(follows, at());
      }
      const token = metrics[i]!;
      const total = totals[token]!;
      // `Accuracy: 9827/10000 (98%)`
      this.#report(known, Number.isNaN(total) ? values[token]! : values[token]! / total);
    }
    this.#ownMetrics(own, began, follows, at);
  }

  /** What of a line's numbers is a metric, and which say where it belongs: the same for all lines with these tokens. */
  plan(tokens: LineTokens): LinePlan {
    const { count, names, forms, totals, fractions } = tokens;
    const plan: LinePlan = { bar: -1, step: -1, epoch: -1, metrics: [], curves: [] };
    let strong = 0;
    let errors = 0;
    let plural = -1;
    for (let i = 0; i < count; i++) {
      const id = names[i]!;
      const kind = id < 0 ? -1 : this.#names.kind(id);
      if (id === BAR) plan.bar = i;
      // `Epoch: [3][10/100]`, `[12]⇥`: a step named by a word goes first.
      else if (id === BRACKET || id === LEAD) plan.step = plan.step < 0 ? i : plan.step;
      else if (kind === STRONG) strong++;
      else if (kind === ERROR && fractions[i] === 1) errors++;
      else if ((kind === STEPS || kind === EPOCHS) && forms[i] !== EQUALS && forms[i] !== QUOTED) plural = i;
      else if (kind === STEP || (kind === BATCH && !Number.isNaN(totals[i]!))) plan.step = i;
      else if (kind === EPOCH) plan.epoch = i;
    }
    let marked = plan.bar >= 0 || plan.step >= 0 || plan.epoch >= 0;
    if (plural >= 0 && !marked && strong + errors > 0) {
      marked = true;
      if (this.#names.kind(names[plural]!) === EPOCHS) plan.epoch = plural;
      else plan.step = plural;
    }
    if (!marked && strong === 0) return plan;
    for (let i = 0; i < count; i++) {
      const id = names[i]!;
      if (id < 0) continue;
      const kind = this.#names.kind(id);
      const form = forms[i]!;
      if (kind === STRONG) {
        if (form === SPACE && !marked && fractions[i] === 0) continue;
      } else if (kind === WEAK || kind === ERROR || kind === UNKNOWN) {
        if (!Number.isNaN(totals[i]!)) continue;
        // `error: 13` and `error 13` are no metrics, `error: 0.13` may be one.
        const isWritten = form === EQUALS || form === QUOTED || fractions[i] === 1;
        const isBeside = marked || (strong > 0 && (kind !== UNKNOWN || form === QUOTED));
        if (!isWritten || !isBeside || (kind === UNKNOWN && form === SPACE)) continue;
      } else continue;
      const name = this.#names.text(id);
      const curves = this.#named(
        tokens.phase === undefined ? name : `${tokens.phase} ${name}`,
        kind === STRONG,
      );
      if (curves === null) continue;
      plan.metrics.push(i);
      plan.curves.push(curves);
    }
    return plan;
  }

  /** @param own as for a line: where both find the same name, they count */
  row(row: TableRow, follows: Follows, own: readonly OwnMetric[], at: () => number): void {
    this.#clear();
    if (row.epoch) this.#setEpoch(row.epoch.at, row.epoch.of ?? Number.NaN);
    if (row.step !== undefined) this.#step = row.step;
    if (row.bar) {
      this.#barAt = row.bar.at;
      this.#barOf = row.bar.of;
    }
    this.#begin(follows, at());
    for (const { name, value } of row.cells) {
      if (own.length > 0 && own.some((one) => one.name === name)) continue;
      const kind = nameKind(name);
      if (kind !== 'strong' && kind !== 'error' && kind !== 'weak' && kind !== 'unknown') continue;
      const curves = this.#named(name, kind === 'strong');
      if (curves) this.#report(curves, value);
    }
    this.#ownMetrics(own, true, follows, at);
  }

  /** What a team's own patterns found on the line at hand. @param begun whether it has reported something already */
  #ownMetrics(own: readonly OwnMetric[], begun: boolean, follows: Follows, at: () => number): void {
    let began = begun;
    for (const { name, value, step, epoch } of own) {
      const known = this.#named(name, true);
      if (known === null) continue;
      if (step !== undefined) {
        this.#step = step;
        this.#total = Number.NaN;
      }
      if (epoch !== undefined) this.#setEpoch(epoch, Number.NaN);
      if (!began) {
        began = true;
        this.#begin(follows, at());
      }
      this.#report(known, value);
    }
  }

  end(linesRead: number): RunMetrics {
    const series: MetricSeries[] = [...this.#curves.values()].flatMap((curves) => curves.end());
    return {
      series,
      source: 'log',
      linesRead,
      droppedNames: this.#dropped.size,
      ...(Number.isNaN(this.#epochsAt)
        ? {}
        : {
            epochs: {
              at: this.#epochsAt,
              ...(Number.isNaN(this.#epochsOf) ? {} : { of: this.#epochsOf }),
            },
          }),
    };
  }

  #clear(): void {
    this.#epoch = this.#contextEpoch;
    this.#step = Number.NaN;
    this.#total = Number.NaN;
    this.#lineEpoch = false;
    this.#barAt = Number.NaN;
    this.#barOf = Number.NaN;
  }

  #setEpoch(at: number, of: number): void {
    this.#epoch = at;
    this.#contextEpoch = at;
    this.#lineEpoch = true;
    const known = Number.isNaN(of) ? this.#epochsOf : of;
    this.#epochsAt = at;
    this.#epochsOf = known >= at ? known : Number.NaN;
  }

  /** Which line this one writes over, if any. */
  #begin(follows: Follows, at: number): void {
    this.#at = at;
    const epoch = this.#lineEpoch ? this.#epoch : Number.NaN;
    if (!Number.isNaN(this.#barOf)) {
      const bar = this.#bars.find(({ total }) => total === this.#barOf);
      const same =
        bar !== undefined &&
        this.#barAt >= bar.at &&
        Object.is(bar.epoch, this.#epoch) &&
        (follows === 'redraw' || !Number.isNaN(this.#epoch) || bar.at < bar.total);
      if (same) {
        bar.at = this.#barAt;
        this.#chain = bar.chain;
      } else {
        this.#chain = this.#nextChain();
        const next = { total: this.#barOf, at: this.#barAt, epoch: this.#epoch, chain: this.#chain };
        if (bar) this.#bars[this.#bars.indexOf(bar)] = next;
        else {
          if (this.#bars.length === BARS) this.#bars.shift();
          this.#bars.push(next);
        }
      }
    } else if (
      follows === 'line' ||
      (!Number.isNaN(epoch) && epoch !== this.#chainEpoch) ||
      (!Number.isNaN(this.#step) && this.#step !== this.#chainStep)
    )
      this.#chain = this.#nextChain();
    this.#chainEpoch = epoch;
    this.#chainStep = this.#step;
  }

  #chains = 0;

  #nextChain(): number {
    return ++this.#chains;
  }

  #report(curves: NamedCurves, value: number): void {
    const report = this.#newest;
    const bar = !Number.isNaN(this.#barOf);
    const hasEpoch = !Number.isNaN(this.#epoch);
    const hasStep = !Number.isNaN(this.#step);
    report[VALUE] = value;
    report[AT] = this.#at;
    report[DRAW_X] = Number.NaN;
    let kind: number = BY_POINT;
    report[X] = 0;
    if (bar && (hasEpoch || !hasStep)) {
      report[DRAW_X] = curves.steps.x(this.#barAt, this.#barOf, this.#epoch);
      if (hasEpoch) {
        kind = BY_EPOCH;
        report[X] = this.#epoch;
      }
    } else if (hasStep) {
      kind = BY_STEP;
      report[X] = curves.steps.x(this.#step, this.#total, this.#epoch);
    } else if (hasEpoch) {
      kind = BY_EPOCH;
      report[X] = this.#epoch;
    }
    curves.add(kind, this.#chain, report);
  }

  /** @returns null when it is one too many */
  #named(name: string, certain: boolean): NamedCurves | null {
    let curves = this.#curves.get(name);
    if (curves === undefined) {
      if (this.#curves.size >= MOST_METRICS) {
        if (this.#dropped.size < MOST_DROPPED) this.#dropped.add(name);
        return null;
      }
      curves = new NamedCurves(name, certain);
      this.#curves.set(name, curves);
    } else if (certain) curves.certain = true;
    return curves;
  }
}
