import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineJoiner, type LinesSoFar, type PodLine, podTime } from '../../src/providers/runpod-lines.ts';

const START = Date.parse('2026-11-29T12:00:00Z');
const line = (source: string, ts: string, text: string): PodLine => ({ source, ts, line: text });

/** As a service might understand `since`. */
interface Service {
  inclusive: boolean;
  /** It forgets fractions of `since`. */
  wholeSeconds: boolean;
}

function saidAgain(log: readonly PodLine[], since: string | undefined, service: Service): PodLine[] {
  if (since === undefined) return [...log];
  const from = podTime(service.wholeSeconds ? `${since.slice(0, 19)}Z` : since);
  return log.filter(({ ts }) => (service.inclusive ? podTime(ts) >= from : podTime(ts) > from));
}

/** What arrives of a log over connections that break: each has all up to a point, of which so much comes through. */
function joined(
  log: readonly PodLine[],
  breaks: readonly { at: number; through: number; restart: boolean }[],
  service: Service,
): PodLine[] {
  const kept: PodLine[] = [];
  let joiner = new LineJoiner();
  const connect = (there: number, through: number): void => {
    const said = saidAgain(log.slice(0, there), joiner.since, service);
    joiner.reconnected();
    for (const one of said.slice(0, through)) if (joiner.isNew(one)) kept.push(one);
  };
  for (const { at, through, restart } of [...breaks].sort((a, b) => a.at - b.at)) {
    connect(at, through);
    if (restart) joiner = new LineJoiner(stored(joiner.soFar));
  }
  connect(log.length, Number.POSITIVE_INFINITY);
  return kept;
}

function stored(soFar: LinesSoFar | undefined): LinesSoFar | undefined {
  const text = JSON.stringify(soFar);
  if (text === undefined) return undefined;
  expect(Buffer.byteLength(text)).toBeLessThan(12_000);
  return JSON.parse(text);
}

/** Steps in time: none (the same time), a few nanoseconds, milliseconds, seconds, an hour. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0n) },
  { weight: 3, arbitrary: fc.bigInt(1n, 900n) },
  { weight: 3, arbitrary: fc.bigInt(1n, 900n).map((ms) => ms * 1_000_000n) },
  { weight: 2, arbitrary: fc.bigInt(1n, 9n).map((seconds) => seconds * 1_000_000_000n) },
  { weight: 1, arbitrary: fc.constant(3_600_000_000_000n) },
);

const logOf = fc
  .array(fc.tuple(step, fc.constantFrom('container', 'container', 'system'), fc.constantFrom('a', 'b')), {
    maxLength: 300,
  })
  .map((steps) => {
    let at = BigInt(START) * 1_000_000n;
    // The system's lines have whole seconds, as seen on 2026-08-13, so they may stand before earlier ones.
    return steps.map(([more, source, text]) => {
      at += more;
      const seconds = new Date(Number(at / 1_000_000n)).toISOString().slice(0, 19);
      const nanos = String(at % 1_000_000_000n).padStart(9, '0');
      return line(source, source === 'system' ? `${seconds}Z` : `${seconds}.${nanos}Z`, text);
    });
  });

const service = fc.record({ inclusive: fc.boolean(), wholeSeconds: fc.boolean() });

describe('a pod’s log over connections that break', () => {
  it('has every line once and in order, whatever lines share a time', () => {
    fc.assert(
      fc.property(
        logOf,
        fc.array(fc.record({ at: fc.nat(300), through: fc.nat(300), restart: fc.boolean() }), {
          maxLength: 12,
        }),
        service,
        (log, breaks, how) => {
          expect(joined(log, breaks, how)).toEqual(log);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('has all of 10,000 lines of one second, wherever it breaks among them', () => {
    const log = [
      line('container', '2026-11-29T11:59:58Z', 'before'),
      ...Array.from({ length: 10_000 }, () => line('container', '2026-11-29T12:00:00Z', 'step')),
      line('container', '2026-11-29T12:00:01Z', 'after'),
    ];
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(10_002), through: fc.nat(10_002), restart: fc.boolean() }), {
          maxLength: 3,
        }),
        service,
        (breaks, how) => {
          expect(joined(log, breaks, how).length).toBe(log.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has all of a log with more times in a second than are compared', () => {
    const log = Array.from({ length: 3_000 }, (_, index) =>
      line('container', `2026-11-29T12:00:00.${String(index * 1_000).padStart(9, '0')}Z`, `step ${index}`),
    );
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(3_000), through: fc.nat(3_000), restart: fc.boolean() }), {
          maxLength: 4,
        }),
        service,
        (breaks, how) => {
          expect(joined(log, breaks, how)).toEqual(log);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has lines that come late, some seconds behind newer ones', () => {
    const joiner = new LineJoiner();
    const take = (...lines: PodLine[]): string[] =>
      lines.filter((one) => joiner.isNew(one)).map((one) => one.line);
    const [a, b, late] = [
      line('container', '2026-11-29T12:00:02.1Z', 'a'),
      line('container', '2026-11-29T12:00:02.3Z', 'b'),
      line('container', '2026-11-29T12:00:02.2Z', 'late'),
    ];
    expect(take(a, b)).toEqual(['a', 'b']);
    joiner.reconnected();
    expect(take(a, late, b)).toEqual(['late']);
    joiner.reconnected();
    expect(take(a, late, b, late)).toEqual(['late']);
    expect(take(line('system', '2026-11-29T11:00:00Z', 'an hour late'))).toEqual([]);
    expect(take(line('container', '2026-11-29T12:00:03Z', 'c'))).toEqual(['c']);
    expect(take(line('container', '2026-11-29T11:00:00Z', 'an hour late'))).toEqual(['an hour late']);
  });

  it('compares times of any precision and zone, and refuses what is none', () => {
    expect(podTime('2026-11-29T12:00:00Z')).toBe('2026-11-29T12:00:00.000000000Z');
    expect(podTime('2026-11-29T13:00:00.5+01:00')).toBe('2026-11-29T12:00:00.500000000Z');
    expect(podTime('2026-08-13T18:06:15.101277472Z')).toBe('2026-08-13T18:06:15.101277472Z');
    expect(() => podTime('soon')).toThrow('no time');
  });
});
