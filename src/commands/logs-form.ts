/** The order that the form of `/logs` makes, or what is wrong with its fields. */

import { LOGS_FIELDS, LOGS_OPTIONS } from '../blocks/logs.ts';
import { exactWord } from '../domain/job-keys.ts';
import { parseJobName } from '../domain/job-names.ts';
import { type AskedRange, type LogOrder, timesOf, wholeLog } from '../domain/log-order.ts';
import { parseTail } from '../domain/log-query.ts';
import { toAppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { SubmittedView } from './command.ts';

/** @param now the moment of the submission, which relative times count from */
export function readLogsForm(
  view: SubmittedView,
  now: EpochMs,
): { order: LogOrder } | { errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  /** @returns undefined for an empty field, and for a wrong one, which then has its error */
  const read = <T>(field: string, parse: (text: string) => T): T | undefined => {
    const text = view.values[field]?.[0]?.trim() ?? '';
    if (text === '') return undefined;
    try {
      return parse(text);
    } catch (error) {
      const { message, hint } = toAppError(error);
      errors[field] = `${message} ${hint ?? ''}`.trim();
      return undefined;
    }
  };
  const options = view.values[LOGS_FIELDS.options] ?? [];
  const job = read(LOGS_FIELDS.job, readJob);
  const order: LogOrder = {
    ...wholeLog(job?.name ?? '', job?.useCase),
    range: read(LOGS_FIELDS.last, (last) => checked({ last }, now)) ?? {},
    tail: read(LOGS_FIELDS.tail, parseTail),
    match: read(LOGS_FIELDS.grep, (pattern) => ({
      kind: options.includes(LOGS_OPTIONS.regex) ? 'regex' : 'text',
      pattern,
    })),
    form: read(LOGS_FIELDS.form, readForm) ?? 'lines',
    dm: options.includes(LOGS_OPTIONS.dm),
  };
  if (!job) errors[LOGS_FIELDS.job] ??= 'Choose a job.';
  return Object.keys(errors).length > 0 ? { errors } : { order };
}

/** A suggestion's value: `use case`, a space, the job's key. */
function readJob(value: string): { useCase: string; name: string } {
  const space = value.indexOf(' ');
  return { useCase: value.slice(0, space), name: parseJobName(exactWord(value.slice(space + 1))) };
}

/** @throws AppError invalid_input for what is not a time */
function checked(range: AskedRange, now: EpochMs): AskedRange {
  timesOf(range, now);
  return range;
}

const readForm = (form: string): LogOrder['form'] => (form === 'raw' || form === 'plain' ? form : 'lines');
