/** Wall-clock time in a place, which rotations, quiet hours and digests are set in. */
import type { EpochMs } from '../ground/time.ts';

export interface LocalTime {
  /** Days since 1970-01-01, by the calendar of the place. */
  day: number;
  /** 0 Monday … 6 Sunday. */
  weekday: number;
  /** Minutes since midnight, 0 to 1439. */
  minute: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const FAR_MS = 26 * 3_600_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone that is not in the IANA database; `isTimeZone` tells beforehand */
function format(timeZone: string): Intl.DateTimeFormat {
  let known = formats.get(timeZone);
  if (!known) {
    known = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    formats.set(timeZone, known);
  }
  return known;
}

/** Whether it is the name of an IANA time zone, such as `Europe/Berlin` or `UTC`. */
export function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 are accepted by newer runtimes only, and know nothing of summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    format(name);
    return true;
  } catch {
    return false;
  }
}

export function localTime(at: EpochMs, timeZone: string): LocalTime {
  const parts: Record<string, number> = {};
  for (const { type, value } of format(timeZone).formatToParts(at)) parts[type] = Number(value);
  const day = Math.floor(Date.UTC(parts.year!, parts.month! - 1, parts.day!) / DAY_MS);
  return { day, weekday: weekdayOf(day), minute: parts.hour! * 60 + parts.minute! };
}

/** 1970-01-01 was a Thursday. */
function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/**
 * The instant at which a place's clocks show that time. A time that they skip is the instant of the skip's end;
 * of one that they show twice, the first.
 */
export function instantOf(day: number, minute: number, timeZone: string): EpochMs {
  const wall = day * DAY_MS + minute * MINUTE_MS;
  const shownAt = (at: EpochMs): number => {
    const local = localTime(at, timeZone);
    return local.day * DAY_MS + local.minute * MINUTE_MS;
  };
  // No zone is more than 15 hours off, and clocks change by at most a day at a time: what they are set to on either
  // side of it is all that they can be set to then. The further ahead, the earlier they show a time.
  let low = wall - FAR_MS;
  let high = wall + FAR_MS;
  for (const offset of [shownAt(low) - low, shownAt(high) - high].sort((a, b) => b - a)) {
    if (shownAt(wall - offset) === wall) return wall - offset;
  }
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / (2 * MINUTE_MS)) * MINUTE_MS;
    if (shownAt(middle) >= wall) high = middle;
    else low = middle;
  }
  return high;
}

/** `2026-01-05` as a day; undefined when there is no such date. */
export function parseDate(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return undefined;
  const [year, month, date] = match.slice(1).map(Number) as [number, number, number];
  const at = Date.UTC(year, month - 1, date);
  return new Date(at).toISOString().startsWith(text) ? at / DAY_MS : undefined;
}

/** `09:30` as minutes since midnight; undefined when it is no time of day. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
}
