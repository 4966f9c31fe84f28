import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantOf, isTimeZone, localTime, parseDate, parseTimeOfDay } from '../../src/domain/local-time.ts';
import { mention, onCallAt, rotationAt, withoutOwnAct } from '../../src/domain/on-call.ts';
import { checkQuietHours, isQuiet, quietEnd } from '../../src/domain/quiet-hours.ts';

const utc = (text: string) => Date.parse(`${text}Z`);
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
];

describe('local time', () => {
  it('property: an instant is found again by what the clocks show', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: utc('2015-01-01T00:00'), max: utc('2035-01-01T00:00') }),
        (zone, at) => {
          const { day, minute } = localTime(at, zone);
          const found = instantOf(day, minute, zone);
          // The first of the two when clocks show it twice.
          expect(found).toBeLessThanOrEqual(at);
          expect(at - found).toBeLessThan(3_600_000 + 60_000);
          expect(localTime(found, zone)).toMatchObject({ day, minute });
        },
      ),
      { numRuns: 300, examples: [['Pacific/Chatham', 2027510100000]] },
    );
  });

  it('a time that the clocks show twice is the first of them', () => {
    expect(instantOf(parseDate('2026-10-25')!, 150, 'Europe/Berlin')).toBe(utc('2026-10-25T00:30'));
    expect(instantOf(parseDate('2026-10-25')!, 120, 'Europe/Berlin')).toBe(utc('2026-10-25T00:00'));
    expect(instantOf(parseDate('2026-10-25')!, 180, 'Europe/Berlin')).toBe(utc('2026-10-25T02:00'));
  });

  it('a time that the clocks skip is the end of the skip', () => {
    expect(instantOf(parseDate('2026-03-29')!, 150, 'Europe/Berlin')).toBe(utc('2026-03-29T01:00'));
  });

  it('knows zones, dates and times of day from other words', () => {
    expect(['Europe/Berlin', 'UTC', 'Mars/Base', '+02:00', ''].map(isTimeZone)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect([parseDate('2026-02-29'), parseDate('2026-13-01'), parseDate('1.2.2026')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(['9:05', '23:59', '24:00', '9', 'noon'].map(parseTimeOfDay)).toEqual([
      545,
      1439,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('[N4] on-call', () => {
  const rotation = {
    rotation: ['U0ADA', 'U0BEN', 'U0CAT'],
    since: '2026-01-05',
    handover: '09:00',
    timeZone: 'Europe/Berlin',
  };

  it('hands over once a week, at the hour of the place, in winter and in summer', () => {
    expect(rotationAt(rotation, utc('2026-01-05T08:00'))).toBe('U0ADA');
    expect(rotationAt(rotation, utc('2026-01-12T07:59'))).toBe('U0ADA');
    expect(rotationAt(rotation, utc('2026-01-12T08:00'))).toBe('U0BEN');
    // Twelve weeks on, clocks are an hour ahead.
    expect(rotationAt(rotation, utc('2026-03-30T06:59'))).toBe('U0CAT');
    expect(rotationAt(rotation, utc('2026-03-30T07:00'))).toBe('U0ADA');
    expect(rotationAt(rotation, utc('2026-01-05T07:59'))).toBe('U0CAT');
  });

  it('property: somebody always is, and each for a week', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: utc('2020-01-01T00:00'), max: utc('2032-01-01T00:00') }),
        fc.constantFrom(...ZONES),
        (at, timeZone) => {
          const own = { ...rotation, timeZone };
          expect(own.rotation).toContain(rotationAt(own, at));
          // A little more than a week, for weeks with an hour more or less.
          expect(rotationAt(own, at + 21 * 86_400_000)).toBe(
            rotationAt({ ...own, since: '2026-01-26' }, at + 21 * 86_400_000),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is everybody of a level, nobody twice, and nobody beyond the last level', () => {
    const settings = { levels: [['S0OPS', rotation, 'U0ADA'], ['U0LEAD']], escalateAfterMs: 1 };
    expect(onCallAt(settings, 0, utc('2026-01-06T00:00'))).toEqual(['S0OPS', 'U0ADA']);
    expect(onCallAt(settings, 1, 0)).toEqual(['U0LEAD']);
    expect([onCallAt(settings, 2, 0), onCallAt(undefined, 0, 0)]).toEqual([[], []]);
  });

  it('[N5] nobody is called for what they did themselves', () => {
    expect(withoutOwnAct(['U0ADA', 'S0OPS'], 'U0ADA')).toEqual(['S0OPS']);
    expect(['U0ADA', 'S0OPS', '<!channel>'].map(mention)).toEqual(['<@U0ADA>', '<!subteam^S0OPS>', '']);
  });
});

describe('[N5] quiet hours', () => {
  const night = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };

  it('go over midnight, by the clocks of the place', () => {
    expect(isQuiet(night, utc('2026-01-05T20:59'))).toBe(false);
    expect(isQuiet(night, utc('2026-01-05T21:00'))).toBe(true);
    expect(isQuiet(night, utc('2026-01-06T05:59'))).toBe(true);
    expect(isQuiet(night, utc('2026-01-06T06:00'))).toBe(false);
    expect(quietEnd(night, utc('2026-01-05T23:00'))).toBe(utc('2026-01-06T06:00'));
    expect(quietEnd(night, utc('2026-01-06T12:00'))).toBe(utc('2026-01-06T12:00'));
    expect(isQuiet(undefined, 0)).toBe(false);
  });

  it('end with a night that clocks change in', () => {
    expect(quietEnd(night, utc('2026-03-28T23:00'))).toBe(utc('2026-03-29T05:00'));
  });

  it('last over a weekend', () => {
    const quiet = { ...night, weekends: true };
    // Friday night until Monday morning.
    expect(quietEnd(quiet, utc('2026-01-09T22:00'))).toBe(utc('2026-01-12T06:00'));
    expect(quietEnd({ ...quiet, from: '12:00', to: '13:00' }, utc('2026-01-10T10:00'))).toBe(
      utc('2026-01-11T23:00'),
    );
  });

  it('property: their end is not quiet, and everything before it is', () => {
    const hour = fc.integer({ min: 0, max: 23 });
    fc.assert(
      fc.property(
        hour,
        hour,
        fc.boolean(),
        fc.constantFrom(...ZONES),
        fc.integer({ min: utc('2026-01-01T00:00'), max: utc('2027-01-01T00:00') }),
        (from, to, weekends, timeZone, at) => {
          fc.pre(from !== to);
          const hours = { from: `${from}:00`, to: `${to}:00`, weekends, timeZone };
          const end = quietEnd(hours, at);
          expect(isQuiet(hours, end)).toBe(false);
          if (end > at) expect(isQuiet(hours, end - 60_000)).toBe(true);
          expect(end - at).toBeLessThan(4.2 * 86_400_000);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are refused with the part that is wrong', () => {
    expect(() => checkQuietHours({ ...night, from: '25:00' })).toThrow(/25:00.* is not a time of day/);
    expect(() => checkQuietHours({ ...night, to: '22:00' })).toThrow(/have no length/);
    expect(() => checkQuietHours({ ...night, timeZone: 'Berlin' })).toThrow(/is not a time zone/);
    expect(checkQuietHours(night)).toBe(night);
  });
});
