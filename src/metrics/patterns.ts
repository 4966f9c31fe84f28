/**
 * A team's own patterns. One is tried only on lines that contain the text which a match must have; most are then followed
 * straight through the bytes, and the others are RE2's.
 */
import { RE2JS } from 're2js';
import { metricPatternProblem } from '../domain/metric-patterns.ts';
import type { MetricPattern } from '../domain/metrics.ts';
import { AppError } from '../ground/errors.ts';
import { Needle } from './needle.ts';
import { NumberReader, numberOf } from './numbers.ts';
import type { OwnMetric } from './reports.ts';
import { requiredText } from './required-text.ts';
import { type Group, Straight } from './straight.ts';
import { mayContain } from './template-tree.ts';

const LONGEST_NAME = 64;
const NONE: readonly OwnMetric[] = [];

/** Groups that say something, of which the first must be there. */
const GROUPS = ['value', 'name', 'step', 'epoch'] as const;

interface Pattern {
  name: string | undefined;
  needle: Needle;
  straight: Straight | undefined;
  /** Of `straight`, as GROUPS. */
  places: readonly (Group | undefined)[];
  /** What is found begins where the needle stands. */
  fromNeedle: boolean;
  re2: RE2JS;
  groups: Readonly<Record<string, number>>;
}

export class OwnPatterns {
  readonly #patterns: readonly Pattern[];
  readonly #number = new NumberReader();

  /** @throws AppError invalid_input when one cannot be used */
  constructor(patterns: readonly MetricPattern[]) {
    this.#patterns = patterns.map(({ pattern, name }) => {
      const problem = metricPatternProblem({ pattern, ...(name !== undefined && { name }) });
      if (problem !== undefined)
        throw new AppError('invalid_input', `\`${pattern}\` cannot find a metric: ${problem}.`);
      const re2 = RE2JS.compile(pattern);
      const needle = new Needle(Buffer.from(requiredText(pattern)));
      const straight = Straight.of(pattern);
      const fromNeedle = straight?.lead.bytes.equals(needle.bytes) ?? false;
      const places = GROUPS.map((group) => straight?.group(group));
      return { re2, name, groups: re2.namedGroups(), straight, places, fromNeedle, needle };
    });
  }

  /** Whether any is to be tried on lines that fit the program. */
  mayFind(program: Uint16Array): boolean {
    return this.#patterns.some(({ needle }) => mayContain(program, needle.bytes));
  }

  /** Of one line. */
  find(bytes: Uint8Array, start: number, end: number): readonly OwnMetric[] {
    let text: string | undefined;
    let found = NONE;
    for (const one of this.#patterns) {
      const at = one.needle.find(bytes, start, end);
      if (at < 0) continue;
      const metrics = one.straight && this.#straight(one, one.straight, bytes, start, at, end);
      if (!metrics) text ??= textAt(bytes, start, end);
      const more = metrics ?? throughRe2(one, text!);
      found = found.length === 0 ? more : [...found, ...more];
    }
    return found;
  }

  /** @returns undefined when that takes too long */
  #straight(
    one: Pattern,
    straight: Straight,
    bytes: Uint8Array,
    start: number,
    needleAt: number,
    end: number,
  ): OwnMetric[] | undefined {
    const metrics: OwnMetric[] = [];
    const [value, name, step, epoch] = one.places;
    const textOf = (group: Group | undefined): string | undefined =>
      group && textAt(bytes, straight.from(group), straight.to(group));
    straight.begin(start, end);
    let from = one.fromNeedle ? needleAt : start;
    while (from < end) {
      from = straight.find(bytes, start, from, end);
      if (from < 0) break;
      const metric = metricOf(name ? textOf(name) : one.name, this.#numberAt(bytes, straight, value!));
      if (!metric) continue;
      if (step) metric.step = placeOf(textOf(step));
      if (epoch) metric.epoch = placeOf(textOf(epoch));
      metrics.push(metric);
    }
    return straight.gaveUp ? undefined : metrics;
  }

  #numberAt(bytes: Uint8Array, straight: Straight, group: Group): number | undefined {
    const [from, to] = [straight.from(group), straight.to(group)];
    if (this.#number.read(bytes, from, to) && this.#number.end === to) return this.#number.value;
    return numberOf(textAt(bytes, from, to));
  }
}

function throughRe2(one: Pattern, text: string): OwnMetric[] {
  const metrics: OwnMetric[] = [];
  const matcher = one.re2.matcher(text);
  const textOf = (group: string): string | undefined =>
    group in one.groups ? (matcher.group(group) ?? undefined) : undefined;
  while (matcher.find()) {
    const metric = metricOf(textOf('name') ?? one.name, numberOf(textOf('value') ?? ''));
    if (!metric) continue;
    metric.step = placeOf(textOf('step'));
    metric.epoch = placeOf(textOf('epoch'));
    metrics.push(metric);
  }
  return metrics;
}

/** @returns undefined without a value or a name */
function metricOf(name: string | undefined, value: number | undefined): OwnMetric | undefined {
  if (value === undefined || name === undefined || name === '') return undefined;
  return { name: name.slice(0, LONGEST_NAME), value, step: undefined, epoch: undefined };
}

function placeOf(text: string | undefined): number | undefined {
  const place = text === undefined ? undefined : numberOf(text);
  return Number.isFinite(place) ? place : undefined;
}

const textAt = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
