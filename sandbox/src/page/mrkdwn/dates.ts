/** `<!date^…>` tokens and every other time on the page, in the viewer's own time zone. */

const DAY_MS = 86_400_000;
const startOfDay = (date: Date): number =>
  new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

function ordinal(day: number): string {
  const tens = day % 100;
  if (tens >= 11 && tens <= 13) return `${day}th`;
  return `${day}${['th', 'st', 'nd', 'rd'][day % 10] ?? 'th'}`;
}

const month = (date: Date, style: 'long' | 'short') => date.toLocaleDateString('en', { month: style });

export const clock = (date: Date, seconds = false): string =>
  date.toLocaleTimeString(undefined, {
    hour: 'numeric',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
  });

/** The whole of it, with the zone: for who points at a time. */
export const inFull = (date: Date): string =>
  date.toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' });

function nearby(date: Date, now: Date): string | undefined {
  const days = Math.round((startOfDay(date) - startOfDay(now)) / DAY_MS);
  return { '-1': 'yesterday', '0': 'today', '1': 'tomorrow' }[String(days)];
}

function ago(date: Date, now: Date): string {
  const seconds = Math.round((date.getTime() - now.getTime()) / 1000);
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  const size = Math.abs(seconds);
  if (size < 60) return format.format(seconds, 'second');
  if (size < 3600) return format.format(Math.round(seconds / 60), 'minute');
  if (size < 86_400) return format.format(Math.round(seconds / 3600), 'hour');
  return format.format(Math.round(seconds / 86_400), 'day');
}

/** The format's `{date_short} at {time}` filled in; undefined for a time that no calendar knows. */
export function formatDate(seconds: number, format: string, now = new Date()): string | undefined {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return undefined;
  const year = date.getFullYear();
  const long = `${month(date, 'long')} ${ordinal(date.getDate())}, ${year}`;
  const short = `${month(date, 'short')} ${date.getDate()}, ${year}`;
  const full = `${date.toLocaleDateString('en', { weekday: 'long' })}, ${long}`;
  const numbers = `${year}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
  const parts: Record<string, () => string> = {
    date_num: () => numbers,
    date_slash: () => numbers.replaceAll('-', '/'),
    date: () => long,
    date_short: () => short,
    date_long: () => full,
    date_pretty: () => nearby(date, now) ?? long,
    date_short_pretty: () => nearby(date, now) ?? short,
    date_long_pretty: () => nearby(date, now) ?? full,
    time: () => clock(date),
    time_secs: () => clock(date, true),
    ago: () => ago(date, now),
  };
  return format.replace(/\{(\w+)\}/g, (whole, name: string) => parts[name]?.() ?? whole);
}

/** A message's `ts` (`1700000000.000100`) as a date. */
export const dateOf = (ts: string): Date => new Date(Number.parseFloat(ts) * 1000);

export const dayKey = (date: Date): number => startOfDay(date);

export function dayName(date: Date, now = new Date()): string {
  const near = nearby(date, now);
  if (near) return near.charAt(0).toUpperCase() + near.slice(1);
  const name = `${date.toLocaleDateString('en', { weekday: 'long' })}, ${month(date, 'long')} ${ordinal(date.getDate())}`;
  return date.getFullYear() === now.getFullYear() ? name : `${name}, ${date.getFullYear()}`;
}
