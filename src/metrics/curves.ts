/** The curves of one name: by step, by epoch and by neither, and what bars showed while they were redrawn. */
import type { MetricSeries } from '../domain/metrics.ts';
import { AT, Series, VALUE, X } from './series.ts';

const X_KINDS = ['step', 'epoch', 'point'] as const;
export const [BY_STEP, BY_EPOCH, BY_POINT] = [0, 1, 2] as const;
/** In a report, besides: x among what a bar showed while it was redrawn, NaN where it has none of its own. */
export const DRAW_X = 3;
export const REPORT = 4;
/** What was drawn, on its way to its series. */
const DRAWN = new Float64Array(REPORT);

class Curve {
  readonly #finals = new Series();
  /** Of the first line that was written over and over; let go when there is a second line. */
  #redraws: Series | undefined;
  #redrawsStep = false;
  // The newest report: what it says can still be written over.
  #chain = -1;
  readonly #newest = new Float64Array(REPORT);

  get reports(): number {
    return this.#finals.count + (this.#chain < 0 ? 0 : 1) + (this.#redraws?.count ?? 0);
  }

  get lastX(): number {
    return this.#newest[X]!;
  }

  add(chain: number, report: Float64Array): void {
    const newest = this.#newest;
    if (this.#chain >= 0) {
      if (chain !== this.#chain) {
        this.#finals.add(newest);
        this.#redraws = undefined;
      } else if (this.#finals.count === 0) this.#redraw();
    }
    this.#chain = chain;
    newest[X] = report[X]!;
    newest[VALUE] = report[VALUE]!;
    newest[AT] = report[AT]!;
    newest[DRAW_X] = report[DRAW_X]!;
  }

  end(name: string, kind: number): MetricSeries {
    const redrawn = this.#finals.count === 0 && this.#redraws !== undefined;
    if (redrawn) this.#redraw();
    else if (this.#chain >= 0) this.#finals.add(this.#newest);
    this.#chain = -1;
    const series = redrawn ? this.#redraws! : this.#finals;
    const own = redrawn && this.#redrawsStep ? BY_STEP : kind;
    // So many reports at the same place are no curve over it.
    const numbered = own === BY_POINT || series.count > 2 * series.distinct + 2;
    const result = series.points(numbered);
    return {
      name,
      x: numbered ? 'point' : X_KINDS[own]!,
      ...result,
      count: series.count,
      notFinite: series.notFinite,
    };
  }

  #redraw(): void {
    this.#redraws ??= new Series();
    DRAWN.set(this.#newest);
    if (!Number.isNaN(DRAWN[DRAW_X]!)) this.#redrawsStep = true;
    if (this.#redrawsStep) DRAWN[X] = DRAWN[DRAW_X]!;
    this.#redraws.add(DRAWN);
  }
}

/** Steps counted anew in each epoch, made one count: `epoch 2/20 | step 40/800`. */
class EpochSteps {
  #mode: 'unknown' | 'within' | 'global' = 'unknown';
  #firstEpoch = Number.NaN;
  #length = 0;
  #lastStep = 0;

  x(step: number, total: number, epoch: number): number {
    if (Number.isNaN(epoch)) return step;
    const whole = Math.floor(epoch);
    if (Number.isNaN(this.#firstEpoch)) this.#firstEpoch = whole;
    else if (this.#mode === 'unknown' && whole > this.#firstEpoch) {
      this.#mode = step < this.#lastStep || (step === total && step === this.#lastStep) ? 'within' : 'global';
      this.#length = !Number.isNaN(total) ? total : this.#lastStep;
    }
    this.#lastStep = step;
    return this.#mode === 'within' ? (whole - this.#firstEpoch) * this.#length + step : step;
  }
}

/** All of one name. */
export class NamedCurves {
  readonly name: string;
  /** Counts though it was reported only once. */
  certain: boolean;
  readonly steps = new EpochSteps();
  readonly #curves: (Curve | undefined)[] = [];

  constructor(name: string, certain: boolean) {
    this.name = name;
    this.certain = certain;
  }

  /** @param report its x is set where it has none of its own */
  add(kind: number, chain: number, report: Float64Array): void {
    let own = kind;
    if (kind === BY_POINT) {
      // Without an x it belongs to where the name was last.
      own = this.#curves[BY_STEP] ? BY_STEP : this.#curves[BY_EPOCH] ? BY_EPOCH : BY_POINT;
      if (own !== BY_POINT) report[X] = this.#curves[own]!.lastX;
    }
    let curve = this.#curves[own];
    if (curve === undefined) {
      curve = new Curve();
      this.#curves[own] = curve;
    }
    curve.add(chain, report);
  }

  /** The curve with the most reports has the bare name. */
  end(): MetricSeries[] {
    const reports = this.#curves.reduce((sum, curve) => sum + (curve?.reports ?? 0), 0);
    if (!this.certain && reports < 2) return [];
    const all = this.#curves.flatMap((curve, kind) =>
      curve ? [{ curve, kind, reports: curve.reports }] : [],
    );
    all.sort((a, b) => b.reports - a.reports);
    return all.map(({ curve, kind }, place) =>
      curve.end(place === 0 ? this.name : `${this.name} (by ${X_KINDS[kind]})`, kind),
    );
  }
}
