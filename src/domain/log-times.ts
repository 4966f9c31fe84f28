/**
 * Times and durations as people type them. All times are UTC, like those in a log.
 *
 * A time: `now` · a duration, with or without `ago` (`2h`, `30 minutes ago`, `an hour ago`) · `today`, `yesterday`,
 * a weekday (`monday`, the latest; `last monday`, never today), each alone or with a time of day · a time of day
 * (today) · a date, alone or with a time of day, with or without a zone · milliseconds or seconds since the epoch.
 * A duration: `90s`, `30m`, `2h`, `1h30m`, `2 hours`, `hour`.
 */

const UNIT_MS: readonly (readonly [unit: RegExp, ms: number])[] = [
  [/^(?:s|secs?|seconds?)$/, 1000],
  [/^(?:m|mins?|minutes?)$/, 60_000],
  [/^(?:h|hrs?|hours?)$/, 3_600_000],
  [/^(?:d|days?)$/, 86_400_000],
  [/^(?:w|weeks?)$/, 604_800_000],
];

const DAY_MS = 86_400_000;
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** What is understood, for the hint of an error. */
export const TIME_HINT =
  'A time is 2h (ago), 30 minutes ago, today, yesterday 14:02, monday, 14:02 (today), 2026-01-31, 2026-01-31T14:02 or now; all in UTC.';
export const DURATION_HINT = 'A duration is 90s, 30m, 2h, 1d, 1h30m or 2 hours.';

/** Words that a time or duration may have at most: `2 hours 30 minutes ago`. */
export const MOST_WORDS = 6;

/** Milliseconds; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
  const lower = text.trim().toLowerCase();
  // `--last hour`, `an hour ago`.
  const one = /^(?:an?\s+|one\s+)?([a-z]{3,})$/.exec(lower)?.[1];
  const single = one === undefined ? undefined : unitMs(one);
  if (single !== undefined) return single;
  const compact = lower.replace(/\s+/g, '');
  if (!/^(?:\d{1,7}(?:\.\d{1,3})?[a-z]+)+$/.test(compact)) return undefined;
  let total = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)) {
    const ms = unitMs(unit!);
    if (ms === undefined) return undefined;
    total += Number(amount) * ms;
  }
  return total > 0 ? Math.round(total) : undefined;
}

function unitMs(unit: string): number | undefined {
  return UNIT_MS.find(([pattern]) => pattern.test(unit))?.[1];
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const CLOCK = /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?$/;
const TIMESTAMP =
  /^\d{4}-\d{2}-\d{2}[Tt ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})?$/;

/**
 * Milliseconds since the epoch; undefined when it is not a time, or when there is no such day or hour.
 * @param now what relative times count from
 */
export function parseTime(text: string, now: number): number | undefined {
  // `yesterday at 14:02`, `14:02 UTC`: words that change nothing.
  const value = text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/ at (?=\d)/i, ' ')
    .replace(/(?<=\d) ?(?:UTC|GMT)$/i, (zone, at: number) =>
      DATE.test(text.trim().slice(0, at)) ? zone : 'Z',
    );
  if (value.toLowerCase() === 'now') return now;
  // `-2h`, as journalctl takes it.
  const ago = parseDuration(value.replace(/^-(?=\d)|\s*ago$/gi, ''));
  if (ago !== undefined) return now - ago;
  const at = absolute(value, now);
  return Number.isNaN(at) ? undefined : at;
}

function absolute(value: string, now: number): number {
  const clock = value.replace(/Z$/, '');
  if (CLOCK.test(clock)) return utc(`${dayOf(now)}T${clock}`);
  if (DATE.test(value)) return utc(`${value}T00:00`);
  if (TIMESTAMP.test(value)) return utc(value);
  // As CloudWatch shows and takes them: milliseconds, or seconds, since the epoch.
  if (/^\d{13}$/.test(value)) return Number(value);
  if (/^\d{10}$/.test(value)) return Number(value) * 1000;
  const named = /^(last )?([a-z]+)(?: (\S+))?$/i.exec(value);
  if (!named) return Number.NaN;
  const [, last, name, time = '00:00'] = named;
  const day = namedDay(name!.toLowerCase(), last !== undefined, now);
  const hour = time.replace(/Z$/, '');
  return day === undefined || !CLOCK.test(hour) ? Number.NaN : utc(`${day}T${hour}`);
}

/** `2026-01-31` of `today`, `yesterday` or a weekday, in full or by its first three letters or more. */
function namedDay(name: string, last: boolean, now: number): string | undefined {
  if (!last && name === 'today') return dayOf(now);
  if (!last && name === 'yesterday') return dayOf(now - DAY_MS);
  const weekday = name.length < 3 ? -1 : WEEKDAYS.findIndex((day) => day.startsWith(name));
  if (weekday < 0) return undefined;
  const back = (new Date(now).getUTCDay() - weekday + 7) % 7;
  return dayOf(now - (last && back === 0 ? 7 : back) * DAY_MS);
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Milliseconds of an ISO time, UTC where it names no zone; NaN when such a day or hour does not exist. */
function utc(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{1,2})(:\d{2})(.*?)([Zz]|[+-]\d{2}:?\d{2})?$/.exec(text);
  if (!match) return Number.NaN;
  const [, day, hour, minute, rest, zone = 'Z'] = match;
  const offset = zone.toUpperCase() === 'Z' ? 'Z' : zone.replace(/^(...):?(..)$/, '$1:$2');
  const seconds = (rest || ':00').replace(',', '.').replace(/(\.\d{3})\d+$/, '$1');
  const at = Date.parse(`${day}T${hour!.padStart(2, '0')}${minute}${seconds}${offset}`);
  // Date.parse turns 31 February into March.
  return new Date(Date.parse(`${day}T00:00Z`)).getUTCDate() === Number(day!.slice(8)) ? at : Number.NaN;
}

/** `2026-01-31 14:02:05 UTC`: for people, in a file or a message that has no other way to show a time. */
export function utcSecond(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
