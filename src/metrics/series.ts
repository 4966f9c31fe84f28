/**
 * One curve in bounded memory. Reports are gathered in buckets that each keep their lowest and highest value and one
 * that is no number; when all buckets are taken, neighbours become one. Up to `BUCKETS` reports, every one is kept.
 */
import type { MetricPoint } from '../domain/metrics.ts';

const BUCKETS = 1024;
/** So many times that steps begin again stay whole: where they end and where they begin. */
const RESTARTS = 64;
/** In an array of points: number of the report, x, value, at. */
const FIELDS = 4;
/**
 * A report on its way: x, value, and the time, NaN where that is not known. In an array, since numbers with a fraction
 * that are passed one by one take memory each time.
 */
export const [X, VALUE, AT] = [0, 1, 2] as const;

/** A point of the result, with its place among all reports. */
interface Report {
  index: number;
  x: number;
  value: number;
  at: number;
}

const point = ({ x, value, at }: Report): MetricPoint => (Number.isNaN(at) ? { x, value } : { x, value, at });

class Points {
  #data = new Float64Array(16 * FIELDS);

  /** Index −1: none. */
  set(bucket: number, index: number, x: number, value: number, at: number): void {
    if ((bucket + 1) * FIELDS > this.#data.length) {
      const larger = new Float64Array(this.#data.length * 2);
      larger.set(this.#data);
      this.#data = larger;
    }
    const data = this.#data;
    const place = bucket * FIELDS;
    data[place] = index;
    data[place + 1] = x;
    data[place + 2] = value;
    data[place + 3] = at;
  }

  move(from: number, to: number): void {
    this.#data.copyWithin(to * FIELDS, from * FIELDS, (from + 1) * FIELDS);
  }

  index(bucket: number): number {
    return this.#data[bucket * FIELDS]!;
  }

  value(bucket: number): number {
    return this.#data[bucket * FIELDS + 2]!;
  }

  get(bucket: number): Report {
    const place = bucket * FIELDS;
    const [index, x, value, at] = this.#data.subarray(place, place + FIELDS) as unknown as [
      number,
      number,
      number,
      number,
    ];
    return { index, x, value, at };
  }
}

export class Series {
  count = 0;
  notFinite = 0;
  /** How often x was another one than before. */
  distinct = 0;
  readonly #newest = new Float64Array(3).fill(Number.NaN);
  #first: Report | undefined;
  readonly #low = new Points();
  readonly #high = new Points();
  readonly #gap = new Points();
  /** Whether a bucket begins behind a restart. */
  readonly #begins: boolean[] = [];
  readonly #edges: Report[] = [];
  #restarts = 0;
  #buckets = 0;
  /** Reports of a bucket, and what is left to fill of the last one. */
  #width = 1;
  #room = 0;

  /** @param report it is copied */
  add(report: Float64Array): void {
    const x = report[X]!;
    const value = report[VALUE]!;
    const at = report[AT]!;
    const newest = this.#newest;
    const index = this.count;
    let begins = false;
    if (index === 0) this.#first = { index, x, value, at };
    else if (x < newest[X]! && this.#restarts < RESTARTS) {
      begins = true;
      this.#restarts++;
      this.#edges.push(this.#last(), { index, x, value, at });
    }
    this.count++;
    if (x !== newest[X]!) this.distinct++;
    newest[X] = x;
    newest[VALUE] = value;
    newest[AT] = at;
    if (this.#room === 0 || begins) this.#open(begins);
    this.#room--;
    const bucket = this.#buckets - 1;
    if (value - value !== 0) {
      this.notFinite++;
      if (this.#gap.index(bucket) < 0) this.#gap.set(bucket, index, x, value, at);
      return;
    }
    if (this.#low.index(bucket) < 0) {
      this.#low.set(bucket, index, x, value, at);
      this.#high.set(bucket, index, x, value, at);
    } else if (value < this.#low.value(bucket)) this.#low.set(bucket, index, x, value, at);
    else if (value > this.#high.value(bucket)) this.#high.set(bucket, index, x, value, at);
  }

  /** @returns all that are kept, in the order in which they were reported; with `numbered`, x is the report's number */
  points(numbered = false): {
    points: MetricPoint[];
    first: MetricPoint;
    last: MetricPoint;
    min: MetricPoint;
    max: MetricPoint;
    restarts: number[];
  } {
    const kept = new Map<number, Report>();
    const keep = (report: Report): void => {
      if (report.index >= 0) kept.set(report.index, numbered ? { ...report, x: report.index + 1 } : report);
    };
    keep(this.#first!);
    for (let bucket = 0; bucket < this.#buckets; bucket++)
      for (const points of [this.#low, this.#high, this.#gap]) keep(points.get(bucket));
    for (const edge of this.#edges) keep(edge);
    keep(this.#last());
    const sorted = [...kept.values()].sort((a, b) => a.index - b.index);
    let min: Report | undefined;
    let max: Report | undefined;
    for (const report of sorted) {
      if (!Number.isFinite(report.value)) continue;
      if (min === undefined || report.value < min.value) min = report;
      if (max === undefined || report.value > max.value) max = report;
    }
    const first = sorted[0]!;
    return {
      points: sorted.map(point),
      first: point(first),
      last: point(sorted.at(-1)!),
      min: point(min ?? first),
      max: point(max ?? first),
      restarts: sorted.flatMap(({ x }, at) => (at > 0 && x < sorted[at - 1]!.x ? [at] : [])),
    };
  }

  #last(): Report {
    const [x, value, at] = this.#newest as unknown as [number, number, number];
    return { index: this.count - 1, x, value, at };
  }

  #open(begins: boolean): void {
    if (this.#buckets === BUCKETS) this.#halve();
    const bucket = this.#buckets++;
    for (const points of [this.#low, this.#high, this.#gap]) points.set(bucket, -1, 0, 0, 0);
    this.#begins[bucket] = begins;
    this.#room = this.#width;
  }

  /** Pairs of neighbours become one, but not over a restart. */
  #halve(): void {
    let to = 0;
    for (let from = 0; from < this.#buckets; to++) {
      const pair = from + 1 < this.#buckets && !this.#begins[from + 1];
      this.#begins[to] = this.#begins[from]!;
      const next = pair ? from + 1 : from;
      const pick = (points: Points, takesNext: boolean): void => points.move(takesNext ? next : from, to);
      const [low, high, gap] = [this.#low, this.#high, this.#gap];
      const none = low.index(from) < 0;
      const other = pair && low.index(next) >= 0;
      pick(high, other && (none || high.value(next) > high.value(from)));
      pick(low, other && (none || low.value(next) < low.value(from)));
      pick(gap, pair && gap.index(from) < 0);
      from = next + 1;
    }
    this.#buckets = to;
    this.#width *= 2;
  }
}
