import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockCache } from '../../src/aws/event-blocks.ts';
import { type EventSeries, lazySeries, StoredSeries, writtenSeries } from '../../src/aws/event-series.ts';
import { filterPage } from '../../src/aws/log-filter.ts';
import { type GetPageRequest, getPage, PAGE_BYTES, type PageRules } from '../../src/aws/log-pages.ts';
import { burstySchedule, steadySchedule } from '../../src/aws/schedules.ts';

interface Event {
  at: number;
  message: string;
}
interface Page {
  events: { timestamp: number; message: string; logStreamName?: string; eventId?: string }[];
  nextForwardToken: string;
  nextBackwardToken: string;
  nextToken?: string;
}

const NOW = Date.UTC(2026, 10, 21);
const HOUR = 3_600_000;
const rules = (changes: Partial<PageRules> = {}): PageRules => ({
  cache: new BlockCache(1 << 20),
  silenceMs: 2 * HOUR,
  emptyPages: 1,
  ...changes,
});
const parse = ({ chunks }: { chunks: Buffer[] }) => JSON.parse(Buffer.concat(chunks).toString()) as Page;

function readAll(
  with_: PageRules,
  request: Omit<GetPageRequest, 'nextToken'>,
  direction: 'forward' | 'backward',
) {
  const pages: Page[] = [];
  let token: string | undefined;
  for (;;) {
    const page = parse(
      getPage(with_, { ...request, startFromHead: direction === 'forward', nextToken: token }, NOW),
    );
    const next = direction === 'forward' ? page.nextForwardToken : page.nextBackwardToken;
    if (next === token) return { pages, last: page };
    pages.push(page);
    token = next;
  }
}

/** Ties, silences of hours, multi-byte text, control characters. */
const log = fc
  .array(
    fc.record({
      gap: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 5000 }) },
        fc.integer({ min: HOUR, max: 9 * HOUR }),
      ),
      message: fc.oneof(
        fc.string({ minLength: 1, maxLength: 12 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
        fc.constantFrom('\r 5%', '\u0000', '\u001b[31mred', 'a\nb', '"\\'),
      ),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let at = NOW - 900 * HOUR;
    return steps.map(({ gap, message }): Event => {
      at += gap;
      return { at, message };
    });
  });
const window = fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined });

function bounds(events: Event[], from: number | undefined, to: number | undefined) {
  const startTime = from === undefined ? undefined : (events[from]?.at ?? NOW);
  const endTime = to === undefined ? undefined : (events[to]?.at ?? NOW);
  return { startTime, endTime };
}
const flat = (events: Event[]) => events.map(({ at, message }) => ({ timestamp: at, message }));
const plain = (events: Page['events']) => events.map(({ timestamp, message }) => ({ timestamp, message }));

function stored(events: Event[]): EventSeries {
  const series = new StoredSeries();
  series.add(events, NOW);
  return series;
}

describe('[O7][L3] pages of GetLogEvents', () => {
  it.each(['forward', 'backward'] as const)('give every event once and in order, %s', (direction) => {
    fc.assert(
      fc.property(
        log,
        fc.boolean(),
        fc.integer({ min: 1, max: 20 }),
        window,
        window,
        fc.integer({ min: 0, max: 3 }),
        (events, isStored, limit, from, to, emptyPages) => {
          const series = isStored ? stored(events) : writtenSeries(() => events);
          const { startTime, endTime } = bounds(events, from, to);
          const { pages, last } = readAll(
            rules({ emptyPages }),
            { stream: 's', series, limit, startTime, endTime },
            direction,
          );
          const wanted = events.filter(({ at }) => at >= (startTime ?? 0) && at < (endTime ?? NOW));
          const got = (direction === 'forward' ? pages : pages.reverse()).flatMap((page) => page.events);
          expect(plain(got)).toEqual(flat(wanted));
          expect(last.events).toEqual([]);
          for (const page of pages) expect(page.events.length).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are turned round by the other token, without loss or repetition', () => {
    fc.assert(
      fc.property(
        log,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (events, limit, turn) => {
          const series = writtenSeries(() => events);
          const quiet = rules({ emptyPages: 0 });
          const ask = (nextToken: string | undefined) =>
            parse(getPage(quiet, { stream: 's', series, limit, startFromHead: true, nextToken }, NOW));
          let page = ask(undefined);
          let read = page.events.length;
          for (let n = 1; n < turn; n++) {
            page = ask(page.nextForwardToken);
            read += page.events.length;
          }
          const before: Page['events'] = [];
          let token = page.nextBackwardToken;
          for (;;) {
            const back = ask(token);
            if (back.nextBackwardToken === token) break;
            before.unshift(...back.events);
            token = back.nextBackwardToken;
          }
          expect(plain([...before, ...page.events])).toEqual(flat(events.slice(0, read)));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('are empty in mid-stream where the log was silent, and still not the end', () => {
    const events = [NOW - 10 * HOUR, NOW - 10 * HOUR + 5, NOW - HOUR].map((at, n) => ({
      at,
      message: `m${n}`,
    }));
    const { pages } = readAll(rules({ emptyPages: 2 }), { stream: 's', series: stored(events) }, 'forward');
    expect(pages.map((page) => page.events.length)).toEqual([2, 0, 0, 1]);
    const backward = readAll(rules({ emptyPages: 2 }), { stream: 's', series: stored(events) }, 'backward');
    expect(backward.pages.map((page) => page.events.length)).toEqual([1, 0, 0, 2]);
  });

  it('hold 10,000 events or 1 MiB with 26 bytes for each event', () => {
    const many = writtenSeries(() =>
      Array.from({ length: 10_050 }, (_, n) => ({ at: NOW - HOUR + n, message: 'x' })),
    );
    expect(
      readAll(rules(), { stream: 's', series: many }, 'forward').pages.map((page) => page.events.length),
    ).toEqual([10_000, 50]);
    const size = 1000;
    const wide = writtenSeries(() =>
      Array.from({ length: 1100 }, () => ({ at: NOW - HOUR, message: 'é'.repeat((size - 26) / 2) })),
    );
    const [first] = readAll(rules(), { stream: 's', series: wide }, 'forward').pages;
    expect(first!.events).toHaveLength(Math.floor(PAGE_BYTES / size));
    const huge = stored([1, 2].map((n) => ({ at: NOW - HOUR + n, message: 'y'.repeat(PAGE_BYTES - 26) })));
    expect(
      readAll(rules(), { stream: 's', series: huge }, 'backward').pages.map((page) => page.events.length),
    ).toEqual([1, 1]);
  });

  it('begin with the newest page when startFromHead is not given', () => {
    const series = writtenSeries(() =>
      Array.from({ length: 30 }, (_, n) => ({ at: NOW - HOUR + n, message: `m${n}` })),
    );
    expect(
      parse(getPage(rules(), { stream: 's', series, limit: 3 }, NOW)).events.map(({ message }) => message),
    ).toEqual(['m27', 'm28', 'm29']);
  });

  it('take no token of another stream, a made-up one, or one older than a day', () => {
    const series = stored([{ at: NOW - HOUR, message: 'm' }]);
    const { nextForwardToken } = parse(getPage(rules(), { stream: 's', series, startFromHead: true }, NOW));
    const ask =
      (stream: string, nextToken: string, now = NOW) =>
      () =>
        getPage(rules(), { stream, series, nextToken }, now);
    expect(ask('s', nextForwardToken, NOW + 23 * HOUR)).not.toThrow();
    expect(ask('s', nextForwardToken, NOW + 25 * HOUR)).toThrow('The specified nextToken is invalid.');
    expect(ask('other', nextForwardToken)).toThrow('The specified nextToken is invalid.');
    expect(ask('s', 'f/123')).toThrow('The specified nextToken is invalid.');
  });

  it('of a stream that is written to go on from the last token, also past what arrived late', () => {
    const series = new StoredSeries();
    series.add(
      [
        { at: NOW - 100, message: 'a' },
        { at: NOW - 50, message: 'b' },
      ],
      NOW,
    );
    const ask = (nextToken?: string) =>
      parse(getPage(rules(), { stream: 's', series, startFromHead: true, nextToken }, NOW));
    const first = ask();
    expect(ask(first.nextForwardToken).nextForwardToken).toBe(first.nextForwardToken);
    series.add(
      [
        { at: NOW - 80, message: 'late' },
        { at: NOW - 10, message: 'c' },
      ],
      NOW,
    );
    const second = ask(first.nextForwardToken);
    expect(second.events.map(({ message }) => message)).toEqual(['c']);
    expect(ask().events.map(({ message }) => message)).toEqual(['a', 'late', 'b', 'c']);
  });
});

describe('[O7][L3] pages of FilterLogEvents', () => {
  it('interleave all streams by time, end inclusive, every event once', () => {
    fc.assert(
      fc.property(
        fc.array(log, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 20 }),
        window,
        window,
        fc.integer({ min: 0, max: 2 }),
        (logs, limit, from, to, emptyPages) => {
          const { startTime, endTime } = bounds(logs[0]!, from, to);
          const streams = logs.map((events, n) => ({
            name: `s${n}`,
            series: n % 2 ? stored(events) : writtenSeries(() => events),
          }));
          const with_ = rules({ emptyPages });
          const got: Page['events'] = [];
          let nextToken: string | undefined;
          do {
            const page = parse(filterPage(with_, { streams, limit, startTime, endTime, nextToken }, NOW));
            expect(page.events.length).toBeLessThanOrEqual(limit);
            got.push(...page.events);
            nextToken = page.nextToken;
          } while (nextToken !== undefined);
          const wanted = logs
            .flatMap((events, n) => events.map((event) => ({ ...event, n })))
            .filter(({ at }) => at >= (startTime ?? 0) && at <= (endTime ?? NOW))
            .sort((a, b) => a.at - b.at || a.n - b.n)
            .map(({ at, message, n }) => ({ timestamp: at, message, logStreamName: `s${n}` }));
          expect(
            got.map(({ timestamp, message, logStreamName }) => ({ timestamp, message, logStreamName })),
          ).toEqual(wanted);
          expect(new Set(got.map(({ eventId }) => eventId)).size).toBe(got.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are short or empty, with a token, when a pattern rejects nearly everything', () => {
    const series = lazySeries(steadySchedule(NOW - 100 * HOUR, 1000, 200_000, 1), (n) =>
      n === 150_000 ? 'needle' : `hay ${n}`,
    );
    const counts: number[] = [];
    let nextToken: string | undefined;
    do {
      const page = parse(
        filterPage(
          rules(),
          { streams: [{ name: 's', series }], filter: (text) => text === 'needle', nextToken },
          NOW,
        ),
      );
      counts.push(page.events.length);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(counts.length).toBeGreaterThan(3);
    expect(counts.filter((count) => count > 0)).toEqual([1]);
  });
});

describe('schedules of generated logs', () => {
  const schedules = fc.oneof(
    fc
      .record({
        events: fc.integer({ min: 1, max: 60_000 }),
        seed: fc.nat(),
        silences: fc.integer({ min: 0, max: 6 }),
      })
      .map((options) => burstySchedule({ ...options, start: NOW })),
    fc
      .tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 3000 }), fc.nat())
      .map(([every, length, seed]) => steadySchedule(NOW, every, length, seed)),
  );

  it('never go back in time, and find any time again', () => {
    fc.assert(
      fc.property(schedules, fc.nat(), fc.integer({ min: -2, max: 2 }), (schedule, pick, off) => {
        const index = pick % schedule.length;
        const at = schedule.time(index) + off;
        const found = schedule.lowerBound(at);
        if (found < schedule.length) expect(schedule.time(found)).toBeGreaterThanOrEqual(at);
        if (found > 0) expect(schedule.time(found - 1)).toBeLessThan(at);
        if (index > 0) expect(schedule.time(index)).toBeGreaterThanOrEqual(schedule.time(index - 1));
      }),
      { numRuns: 300 },
    );
  });

  it('end when told to, hold 25,000 events in one millisecond and hours of silence', () => {
    const schedule = burstySchedule({ events: 100_000, seed: 4, end: NOW, silences: 3 });
    expect(schedule.time(99_999)).toBe(NOW);
    const perMs = new Map<number, number>();
    let silences = 0;
    for (let n = 0; n < schedule.length; n++) {
      perMs.set(schedule.time(n), (perMs.get(schedule.time(n)) ?? 0) + 1);
      if (n > 0 && schedule.time(n) - schedule.time(n - 1) >= 2 * HOUR) silences++;
    }
    expect(Math.max(...perMs.values())).toBe(25_000);
    expect(silences).toBe(3);
  });
});
