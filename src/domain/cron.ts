/**
 * Times of a schedule in cron's five fields, by the clocks of a place. When they change, it follows Debian's cron:
 * - hours that are named run once a day: what clocks skip is due when the skip ends, what they show twice the first time;
 * - every hour (a star, or steps of it) goes by the time that passes: nothing is made up for, an hour shown twice counts
 *   twice.
 */
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { cite } from './command-words.ts';
import { instantOf, localTime } from './local-time.ts';

interface Schedule {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  /** 0 Sunday … 6 Saturday. */
  weekdays: ReadonlySet<number>;
  /** With both a day and a weekday set, either is enough, as cron has it. */
  either: boolean;
  /** The hours are all or steps of all, and not named. */
  everyHour: boolean;
}

const FIELDS = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12 },
  { name: 'weekday', from: 0, to: 7 },
] as const;
/** A 29th of February is at most eight years away. */
const DAYS_AHEAD = 8 * 366 + 1;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Clocks were set back at most this long after the end of a day. */
const SET_BACK_MS = 3 * 3_600_000;

/** @throws AppError invalid_input saying which field is wrong */
export function parseCron(text: string): Schedule {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS.length)
    throw new AppError('invalid_input', `${cite(text)} is not a schedule of five fields.`, {
      hint: 'Give minute, hour, day, month and weekday: 0 9 * * 1-5 is nine o’clock from Monday to Friday.',
    });
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, index) =>
    parseField(fields[index]!, field),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];
  if (weekdays.delete(7)) weekdays.add(0);
  return {
    ...{ minutes, hours, days, months, weekdays },
    either: fields[2] !== '*' && fields[4] !== '*',
    everyHour: fields[1]!.startsWith('*'),
  };
}

function parseField(text: string, { name, from, to }: (typeof FIELDS)[number]): Set<number> {
  const wrong = (): AppError =>
    new AppError('invalid_input', `${cite(text)} is no ${name} of a schedule.`, {
      hint: `Give numbers from ${from} to ${to}, with commas, ranges (1-5), steps (*/2), or * for all.`,
    });
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (!match) throw wrong();
    const [, first, last, step] = match;
    const begin = first === undefined ? from : Number(first);
    const end = first === undefined ? to : Number(last ?? (step === undefined ? first : to));
    const by = Number(step ?? 1);
    if (begin < from || end > to || begin > end || by === 0) throw wrong();
    for (let value = begin; value <= end; value += by) found.add(value);
  }
  return found;
}

/** The first time after `after`. @throws AppError invalid_input, also for a date that never comes */
export function nextRun(cron: string, timeZone: string, after: EpochMs): EpochMs {
  const schedule = parseCron(cron);
  const { day: today } = localTime(after, timeZone);
  for (let day = today; day <= today + DAYS_AHEAD; day += 1) {
    if (!isDay(schedule, day)) continue;
    if (schedule.everyHour) {
      const at = minuteOfDay(schedule, day, timeZone, after);
      if (at !== undefined) return at;
      continue;
    }
    for (const hour of [...schedule.hours].sort((a, b) => a - b))
      for (const minute of [...schedule.minutes].sort((a, b) => a - b)) {
        const at = instantOf(day, hour * 60 + minute, timeZone);
        if (at > after) return at;
      }
  }
  throw new AppError('invalid_input', `${cite(cron)} is a time that never comes.`, {
    hint: 'Choose a day that the month has: 0 9 1 * * is nine o’clock on the first of each month.',
  });
}

/** The first minute of the day after `after` whose clock shows a time of the schedule. */
function minuteOfDay(schedule: Schedule, day: number, timeZone: string, after: EpochMs): EpochMs | undefined {
  const end = instantOf(day + 1, 0, timeZone) + SET_BACK_MS;
  const next = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS;
  for (let at = Math.max(next, instantOf(day, 0, timeZone)); at < end; at += MINUTE_MS) {
    const shown = localTime(at, timeZone);
    if (
      schedule.minutes.has(shown.minute % 60) &&
      schedule.hours.has(Math.floor(shown.minute / 60)) &&
      isDay(schedule, shown.day)
    )
      return at;
  }
  return undefined;
}

function isDay({ days, months, weekdays, either }: Schedule, day: number): boolean {
  const date = new Date(day * DAY_MS);
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const byDay = days.has(date.getUTCDate());
  const byWeekday = weekdays.has(date.getUTCDay());
  return either ? byDay || byWeekday : byDay && byWeekday;
}
