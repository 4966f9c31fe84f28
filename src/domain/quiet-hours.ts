/** Hours in which a channel is left alone. Alerts still reach the people on call. */
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { cite } from './command-words.ts';
import { instantOf, isTimeZone, localTime, parseTimeOfDay } from './local-time.ts';

export interface QuietHours {
  /** `22:00`; the first quiet minute. */
  from: string;
  /** `07:00`; the first minute that is not quiet. Earlier than `from`: of the next day. */
  to: string;
  /** IANA name. */
  timeZone: string;
  /** Saturdays and Sundays are quiet all day. */
  weekends?: boolean | undefined;
}

/** @throws AppError invalid_input saying which part is wrong */
export function checkQuietHours(hours: QuietHours): QuietHours {
  for (const key of ['from', 'to'] as const)
    if (parseTimeOfDay(hours[key]) === undefined)
      throw new AppError('invalid_input', `${cite(hours[key])} is not a time of day.`, {
        hint: 'Give it as hours and minutes: 22:00.',
      });
  if (parseTimeOfDay(hours.from) === parseTimeOfDay(hours.to))
    throw new AppError('invalid_input', `Quiet hours from ${hours.from} to ${hours.to} have no length.`, {
      hint: 'Give two different times: 22:00 to 07:00.',
    });
  requireTimeZone(hours.timeZone);
  return hours;
}

export function requireTimeZone(name: string): string {
  if (isTimeZone(name)) return name;
  throw new AppError('invalid_input', `${cite(name)} is not a time zone.`, {
    hint: 'Give the name of a place as the IANA database has it: Europe/Berlin, America/New_York, UTC.',
  });
}

/** `from`, included, to `to`, excluded, by the clocks of the place. */
export function isQuiet(hours: QuietHours | undefined, at: EpochMs): boolean {
  if (!hours) return false;
  const { minute, weekday } = localTime(at, hours.timeZone);
  if (hours.weekends && weekday >= 5) return true;
  const from = parseTimeOfDay(hours.from) ?? 0;
  const to = parseTimeOfDay(hours.to) ?? 0;
  return from < to ? minute >= from && minute < to : from > to && (minute >= from || minute < to);
}

/** The first instant from `at` on that is not quiet: `at` itself when it is not. */
export function quietEnd(hours: QuietHours | undefined, at: EpochMs): EpochMs {
  if (!hours || !isQuiet(hours, at)) return at;
  const { day } = localTime(at, hours.timeZone);
  const to = parseTimeOfDay(hours.to) ?? 0;
  // A weekend and the nights around it are the longest quiet there is.
  for (let ahead = 0; ahead <= 4; ahead += 1)
    for (const minute of [0, to].sort((a, b) => a - b)) {
      const end = instantOf(day + ahead, minute, hours.timeZone);
      if (end > at && !isQuiet(hours, end)) return end;
    }
  return at;
}
