/**
 * Which part of a job's log somebody asks for, and how. An order keeps times as they were asked for (“the last 2
 * hours”), so that it can be asked again later; at a given moment it becomes a query, whose times are fixed.
 */
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { cite } from './command-words.ts';
import { DURATION_HINT, parseDuration, parseTime, TIME_HINT, utcSecond } from './log-times.ts';
import { isCalled } from './stream-generations.ts';

interface LogSelection {
  job: string;
  /** Only the last so many events. */
  tail?: number | undefined;
  /** Names or short names, `*` at the end matches the rest. */
  streams: readonly string[];
  match?: { kind: 'text' | 'regex'; pattern: string } | undefined;
  form: 'lines' | 'raw' | 'plain';
  /** Read all of it again, whatever is kept of it. */
  fresh?: boolean | undefined;
  /** Sent only to the person who asked, instead of into the channel. */
  dm: boolean;
  /** Its id or name; left out: the one that the place implies. */
  useCase?: string | undefined;
}

/** Times and durations as `log-times.ts` reads them: `2h`, `yesterday 14:02`. */
export interface AskedRange {
  /** A duration, instead of the other two. */
  last?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

export interface LogOrder extends LogSelection {
  range: AskedRange;
}

export interface LogQuery extends LogSelection {
  /** Inclusive. */
  since?: EpochMs | undefined;
  /** Exclusive. Left out: the moment of the request. */
  until?: EpochMs | undefined;
  /** Milliseconds of an open range: how long before the request it begins. */
  span?: number | undefined;
}

export function wholeLog(job: string, useCase?: string): LogOrder {
  return { job, range: {}, streams: [], form: 'lines', dm: false, ...(useCase ? { useCase } : {}) };
}

/** @param stream with its whole name and its short one. @param asked as in an order; none means all */
export function isAskedFor(
  stream: { name: string; shortName: string },
  asked: readonly string[] | undefined,
): boolean {
  if (!asked || asked.length === 0) return true;
  return asked.some((name) =>
    name.endsWith('*')
      ? stream.name.startsWith(name.slice(0, -1)) || stream.shortName.startsWith(name.slice(0, -1))
      : stream.name === name || isCalled(stream, name),
  );
}

/** The same from a moment on, in place of any other range. */
export function fromThenOn(order: LogOrder, since: EpochMs): LogOrder {
  return { ...order, range: { since: new Date(since).toISOString() } };
}

/**
 * @param now the moment of the request, which relative times count from
 * @throws AppError invalid_input as `timesOf`
 */
export function queryAt({ range, ...selection }: LogOrder, now: EpochMs): LogQuery {
  return { ...selection, ...timesOf(range, now) };
}

/** @throws AppError invalid_input for what is not a time, and for a range that is empty or in the future */
export function timesOf(
  { last, since: sinceText, until: untilText }: AskedRange,
  now: EpochMs,
): Pick<LogQuery, 'since' | 'until' | 'span'> {
  if (last !== undefined) {
    if (sinceText !== undefined || untilText !== undefined)
      throw invalid(
        '--last was given together with --since or --until.',
        'Give --last alone, or --since and --until.',
      );
    const span = parseDuration(last);
    if (span === undefined)
      throw invalid(`--last expects a duration, and ${cite(last)} is none.`, DURATION_HINT);
    return { since: now - span, span };
  }
  const since = sinceText === undefined ? undefined : timeOf('--since', sinceText, now);
  const until = untilText === undefined ? undefined : timeOf('--until', untilText, now);
  if (since !== undefined && since > now)
    throw invalid(
      `--since ${cite(sinceText!)} lies in the future: it is ${utcSecond(now)} now.`,
      'Times are UTC. For an hour of yesterday write it so: --since yesterday 23:50.',
    );
  if (since !== undefined && until !== undefined && since >= until)
    throw invalid(
      `--since (${utcSecond(since)}) is not before --until (${utcSecond(until)}).`,
      'Exchange the two, or give another range.',
    );
  return {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(since === undefined || until !== undefined ? {} : { span: now - since }),
  };
}

function timeOf(flag: string, text: string, now: EpochMs): EpochMs {
  const at = parseTime(text, now);
  if (at === undefined) throw invalid(`${flag} expects a time, and ${cite(text)} is none.`, TIME_HINT);
  return at;
}

function invalid(message: string, hint: string): AppError {
  return new AppError('invalid_input', message, { hint });
}
