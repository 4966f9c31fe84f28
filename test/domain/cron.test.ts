import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRun, parseCron } from '../../src/domain/cron.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** Some runs after a time, as their instants. */
function runs(cron: string, timeZone: string, after: string, count: number): string[] {
  const found: string[] = [];
  for (let at = Date.parse(after); found.length < count; found.push(new Date(at).toISOString()))
    at = nextRun(cron, timeZone, at);
  return found.map((at) => at.replace(':00.000Z', 'Z'));
}

/** By Node's own tables of zones, not by the code under test. */
const clocks = new Map<string, Intl.DateTimeFormat>();
function shown(at: number, timeZone: string): { date: string; hour: number; minute: number } {
  let clock = clocks.get(timeZone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
    clocks.set(timeZone, clock);
  }
  const [date, time] = clock.format(at).split(' ') as [string, string];
  const [hour, minute] = time.split(':').map(Number) as [number, number];
  return { date, hour, minute };
}

// Half hours (Lord Howe), odd minutes (Chatham), midnight (Santiago, Havana), the hour before it (Nuuk), both ways in a
// year in the wrong order (Casablanca), two hours (Troll), and none.
const ZONES = [
  ...['Europe/Berlin', 'Europe/Dublin', 'America/New_York', 'America/St_Johns', 'America/Havana'],
  ...['America/Santiago', 'America/Nuuk', 'Pacific/Chatham', 'Australia/Lord_Howe', 'Africa/Casablanca'],
  ...['Antarctica/Troll', 'Africa/Cairo', 'Asia/Kathmandu', 'UTC'],
];
/** Days on which some of these zones change their clocks, and days around. */
const around = fc
  .tuple(
    fc.constantFrom(
      ...['2024-03-10', '2024-03-31', '2024-04-07', '2024-09-08', '2024-09-29', '2024-10-06', '2024-10-27'],
      ...['2024-11-03', '2025-03-29', '2025-10-25', '2026-02-15', '2026-03-22', '2026-04-24', '2026-10-30'],
    ),
    fc.integer({ min: -36 * 60, max: 36 * 60 }),
  )
  .map(([day, minutes]) => Date.parse(day) + minutes * MINUTE);

describe('a schedule where clocks change', () => {
  it.each([
    // What is skipped is due when the skip ends.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['2026-03-29T01:00Z', '2026-03-30T00:30Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00Z', ['2026-10-03T15:30Z', '2026-10-04T15:15Z']],
    ['50 2 * * *', 'Pacific/Chatham', '2026-09-26T12:00Z', ['2026-09-26T14:00Z', '2026-09-27T13:05Z']],
    ['0 0 * * *', 'America/Santiago', '2026-09-05T12:00Z', ['2026-09-06T04:00Z', '2026-09-07T03:00Z']],
    ['43 23 * * *', 'America/Nuuk', '2025-03-29T15:00Z', ['2025-03-30T01:00Z', '2025-03-31T00:43Z']],
    // What is shown twice is due the first time.
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T12:00Z', ['2026-04-04T14:45Z', '2026-04-05T15:15Z']],
    ['0 3 * * *', 'Pacific/Chatham', '2026-04-04T12:00Z', ['2026-04-04T13:15Z', '2026-04-05T14:15Z']],
    // Nine o'clock stays nine o'clock.
    ['0 9 * * 1-5', 'America/New_York', '2026-10-30T12:00Z', ['2026-10-30T13:00Z', '2026-11-02T14:00Z']],
  ])('%s in %s after %s', (cron, zone, after, due) => {
    expect(runs(cron, zone, after, due.length)).toEqual(due);
  });

  it('goes by time that passes when it runs every hour', () => {
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00Z', 4)).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-25T01:00Z',
      '2026-10-25T01:30Z',
      '2026-10-25T02:00Z',
    ]);
    expect(runs('0 */2 * * *', 'Europe/Berlin', '2026-10-24T22:00Z', 3)).toEqual([
      '2026-10-25T00:00Z',
      '2026-10-25T01:00Z',
      '2026-10-25T03:00Z',
    ]);
    expect(runs('30 * * * *', 'Europe/Berlin', '2026-03-29T00:00Z', 3)).toEqual([
      '2026-03-29T00:30Z',
      '2026-03-29T01:30Z',
      '2026-03-29T02:30Z',
    ]);
  });

  it('runs once on every day, in any zone, at the time that it names if clocks show it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        around,
        (zone, hour, minute, after) => {
          const at = nextRun(`${minute} ${hour} * * *`, zone, after);
          expect(at).toBeGreaterThan(after);
          expect(at - after).toBeLessThanOrEqual(DAY + 3 * 3_600_000);
          const named = (t: number) => {
            const time = shown(t, zone);
            return time.hour === hour && time.minute === minute;
          };
          if (!named(at)) {
            // It is the end of a skip over that time, of this day or of the one that the skip ends.
            const [before, then] = [shown(at - MINUTE, zone), shown(at, zone)];
            const from = before.hour * 60 + before.minute;
            const to = then.hour * 60 + then.minute + (then.date === before.date ? 0 : 1440);
            // A skip may begin at midnight: then what it skips is of the day after `from`.
            const skipped = [0, 1440].some((days) => {
              const time = hour * 60 + minute + days;
              return time > from && time < to;
            });
            expect(skipped).toBe(true);
          }
          // Nothing that it names was passed over, but for a second showing.
          const dates = new Set<string>();
          for (let t = after - 4 * 3_600_000; t <= after; t += MINUTE)
            if (named(t)) dates.add(shown(t, zone).date);
          for (let t = after + MINUTE; t < at; t += MINUTE)
            if (named(t)) expect(dates.has(shown(t, zone).date)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('runs at every time that clocks show when it runs every hour', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom('*', '*/2', '*/5'),
        fc.integer({ min: 0, max: 59 }),
        around,
        (zone, hours, minute, after) => {
          const step = Number(hours.split('/')[1] ?? 1);
          let expected = after + MINUTE;
          for (; ; expected += MINUTE) {
            const time = shown(expected, zone);
            if (time.minute === minute && time.hour % step === 0) break;
          }
          expect(nextRun(`${minute} ${hours} * * *`, zone, after)).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('a schedule', () => {
  it('with a day and a weekday runs on either, as crontab has it', () => {
    expect(runs('0 9 13 * 5', 'UTC', '2026-01-01T00:00Z', 4)).toEqual([
      '2026-01-02T09:00Z',
      '2026-01-09T09:00Z',
      '2026-01-13T09:00Z',
      '2026-01-16T09:00Z',
    ]);
    expect(runs('0 9 * * 7', 'UTC', '2026-01-01T00:00Z', 1)).toEqual(['2026-01-04T09:00Z']);
  });

  it('for a 29th of February waits for it, across a year that has none', () => {
    expect(runs('0 9 29 2 *', 'UTC', '2096-03-01T00:00Z', 1)).toEqual(['2104-02-29T09:00Z']);
  });

  it('that never comes, or is none, is refused by what is wrong with it', () => {
    expect(() => nextRun('0 9 30 2 *', 'UTC', 0)).toThrow('never comes');
    expect(() => nextRun('0 * 30 2 *', 'UTC', 0)).toThrow('never comes');
    for (const [text, words] of [
      ['0 9 * *', 'five fields'],
      ['60 9 * * *', 'minute'],
      ['0 24 * * *', 'hour'],
      ['0 9 0 * *', 'day'],
      ['0 9 * 13 *', 'month'],
      ['0 9 * * 8', 'weekday'],
      ['0 9 * * MON', 'weekday'],
      ['*/0 9 * * *', 'minute'],
      ['5-1 9 * * *', 'minute'],
    ] as const)
      expect(() => parseCron(text)).toThrow(words);
  });
});
