/** The time that a line begins with, if it says in which zone. */

const [DASH, COLON, POINT, COMMA, BLANK, PLUS, OPEN, Z] = [
  0x2d, 0x3a, 0x2e, 0x2c, 0x20, 0x2b, 0x5b, 0x5a,
] as const;

/**
 * `2026-11-01T10:00:00.123Z`, `[2026-11-01 10:00:00,123+01:00]`
 * @returns NaN where there is none: a time without its zone could be any
 */
export function timeOfLine(bytes: Uint8Array, start: number, end: number): number {
  const p = bytes[start] === OPEN ? start + 1 : start;
  if (end - p < 20) return Number.NaN;
  if (bytes[p + 4] !== DASH || bytes[p + 7] !== DASH) return Number.NaN;
  if (
    (bytes[p + 10] !== 0x54 && bytes[p + 10] !== BLANK) ||
    bytes[p + 13] !== COLON ||
    bytes[p + 16] !== COLON
  )
    return Number.NaN;
  let at = p + 19;
  let part = 0;
  if (bytes[at] === POINT || bytes[at] === COMMA) {
    let unit = 100;
    at++;
    while (at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) {
      part += (bytes[at]! - 0x30) * unit;
      unit = unit >= 10 ? unit / 10 : unit === 1 ? 0 : unit;
      at++;
    }
  }
  if (at < end && bytes[at] === BLANK) at++;
  const sign = at < end ? bytes[at]! : 0;
  if (sign !== Z && sign !== PLUS && sign !== DASH) return Number.NaN;
  let shift = 0;
  if (sign !== Z) {
    const minutes = at + (bytes[at + 3] === COLON ? 4 : 3);
    if (minutes + 2 > end) return Number.NaN;
    shift = (two(bytes, at + 1) * 60 + two(bytes, minutes)) * (sign === PLUS ? 60_000 : -60_000);
  }
  const year = two(bytes, p) * 100 + two(bytes, p + 2);
  const [month, day] = [two(bytes, p + 5), two(bytes, p + 8)];
  const [hour, minute, second] = [two(bytes, p + 11), two(bytes, p + 14), two(bytes, p + 17)];
  return Date.UTC(year, month - 1, day, hour, minute, second, part) - shift;
}

/** @returns the two digits' number, NaN when there are no two */
function two(bytes: Uint8Array, at: number): number {
  const [tens, ones] = [bytes[at]! - 0x30, bytes[at + 1]! - 0x30];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}
