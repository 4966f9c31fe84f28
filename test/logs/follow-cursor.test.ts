import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CURSOR_BYTES } from '../../src/domain/run-log-rules.ts';
import { AppError } from '../../src/ground/errors.ts';
import {
  decodeCursor,
  encodeCursor,
  type FollowCursor,
  MOST_STREAMS,
  streamKey,
} from '../../src/logs/follow-cursor.ts';

const START = Date.UTC(2026, 10, 20);
const DAY = 86_400_000;

const hash = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const place = (span: number, events: number) =>
  fc
    .record({
      times: fc.array(fc.tuple(fc.nat(span), hash), { maxLength: events }),
      count: fc.nat(10_000),
      before: fc.nat(1_000),
    })
    .map(({ times, count, before }) => {
      const recent = times.map(([time, one]): [number, number] => [START + time, one]);
      recent.sort(([a], [b]) => a - b);
      const since = (recent[0]?.[0] ?? START) - before;
      return { at: recent.at(-1)?.[0] ?? START, count, since, recent };
    });

const cursor = (streams: number, span: number, events: number): fc.Arbitrary<FollowCursor> =>
  fc.record({
    form: fc.constantFrom('raw' as const, 'lines' as const),
    settled: fc.constant(START),
    isLive: fc.boolean(),
    streams: fc
      .array(place(span, events), { maxLength: streams })
      .map((places) => new Map(places.map((one, n) => [streamKey(`press-1/algo-${n}`), one]))),
  });

describe('the place where a log was left', () => {
  it('is kept whole where there is room for it', () => {
    fc.assert(
      fc.property(cursor(5, 10_000, 40), (given) => {
        expect(decodeCursor(encodeCursor(given))).toEqual(given);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the newest events of all streams where there is not, and says from when on', () => {
    fc.assert(
      fc.property(cursor(20, DAY, 800), (given) => {
        const text = encodeCursor(given);
        expect(JSON.stringify(text).length).toBeLessThanOrEqual(MAX_CURSOR_BYTES);
        const { streams, ...rest } = decodeCursor(text);
        const { streams: before, ...restBefore } = given;
        expect(rest).toEqual(restBefore);
        expect([...streams.keys()]).toEqual([...before.keys()]);
        for (const [key, { at, count, since, recent }] of streams) {
          const was = before.get(key)!;
          expect([at, count]).toEqual([was.at, was.count]);
          expect(since).toBeGreaterThanOrEqual(was.since);
          expect(recent).toEqual(was.recent.filter(([time]) => time >= since));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('fits into the store of run logs with as many streams as can be followed, each full and far away', () => {
    const streams: FollowCursor['streams'] = new Map();
    for (let n = 0; n < MOST_STREAMS; n++) {
      const at = START + 400 * DAY + n * 7_919;
      const recent = Array.from({ length: 4_096 }, (_, k): [number, number] => [
        at - (4_095 - k) * DAY,
        k ^ (-1 >>> 0),
      ]);
      streams.set(streamKey(`a-training-job-with-a-long-name/algo-${n}-1795150455`), {
        ...{ at, count: 10_000, recent },
        since: recent[0]![0],
      });
    }
    const text = encodeCursor({ form: 'lines', settled: START, isLive: true, streams });
    expect(JSON.stringify(text).length).toBeLessThanOrEqual(MAX_CURSOR_BYTES);
    expect(decodeCursor(text).streams.size).toBe(MOST_STREAMS);
  });

  it('of one stream remembers a thousand events and more', () => {
    const recent = Array.from({ length: 4_096 }, (_, k): [number, number] => [START + k * 900, k]);
    const at = recent.at(-1)![0];
    const streams = new Map([[streamKey('a'), { at, count: 1, since: START, recent }]]);
    const text = encodeCursor({ form: 'raw', settled: START, isLive: true, streams });
    expect(decodeCursor(text).streams.get(streamKey('a'))!.recent.length).toBeGreaterThan(1_500);
  });

  it('of another version or cut off is refused', () => {
    const text = encodeCursor({ form: 'raw', settled: START, isLive: true, streams: new Map() });
    for (const bad of ['', '{"settled":1}', `2${text.slice(1)}`, text.slice(0, 6)])
      expect(() => decodeCursor(bad)).toThrow(AppError);
  });
});
