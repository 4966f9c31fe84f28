/** Answers of the API have times in seconds; events have them in milliseconds. */

const TIMES = /(Time|Timestamp)$/;

export function inMilliseconds(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (TIMES.test(name) && typeof member === 'number') return [name, Math.round(member * 1000)];
      if (Array.isArray(member)) {
        return [name, member.map((one) => (isRecord(one) ? inMilliseconds(one) : one))];
      }
      return [name, isRecord(member) ? inMilliseconds(member) : member];
    }),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
