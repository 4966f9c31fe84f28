/** Buttons that ask for a log. Their value is the whole order, checked again when it is clicked. */

import { z } from 'zod';
import { commandWords } from '../domain/command-words.ts';
import { parseJobName } from '../domain/job-names.ts';
import type { LogOrder } from '../domain/log-order.ts';
import { parseLogOrder } from '../domain/log-query.ts';
import { readButtonJson } from './another-version.ts';
import type { Button } from './message.ts';
import { button } from './text.ts';

/** An unknown field is refused: it may narrow the log in a way that this version cannot. */
const written = z.strictObject({
  job: z.string(),
  useCase: z.string().min(1).optional(),
  last: z.string().optional(),
  since: z.string().optional(),
  until: z.string().optional(),
  tail: z.int().positive().optional(),
  /** With commas between them, which no name contains. */
  streams: z.string().min(1).optional(),
  grep: z.string().min(1).optional(),
  regex: z.string().min(1).optional(),
  form: z.enum(['raw', 'plain']).optional(),
  dm: z.literal(true).optional(),
  fresh: z.literal(true).optional(),
});

/** What older versions wrote: the arguments as text, and the use case. */
const older = z.strictObject({ a: z.string(), u: z.string().optional() });

/** JSON without what was not asked for; the same for the same order. */
export function writeOrder({ job, useCase, range, tail, streams, match, form, dm, fresh }: LogOrder): string {
  const value: z.infer<typeof written> = {
    job,
    useCase,
    last: range.last,
    since: range.since,
    until: range.until,
    tail,
    streams: streams.length === 0 ? undefined : streams.join(','),
    grep: match?.kind === 'text' ? match.pattern : undefined,
    regex: match?.kind === 'regex' ? match.pattern : undefined,
    form: form === 'lines' ? undefined : form,
    dm: dm ? true : undefined,
    fresh: fresh ? true : undefined,
  };
  return JSON.stringify(value);
}

/** @throws AppError invalid_input for a value that no version wrote, and as `parseJobName` and `parseLogOrder` */
export function readOrder(value: string): LogOrder {
  const read = readButtonJson(value, z.union([written, older]));
  if ('a' in read) {
    const order = parseLogOrder(commandWords(read.a));
    return { ...order, useCase: order.useCase ?? read.u };
  }
  const { job, useCase, last, since, until, tail, streams, grep, regex, form, dm, fresh } = read;
  return {
    job: parseJobName(job),
    useCase,
    range: { last, since, until },
    tail,
    streams: streams?.split(',') ?? [],
    match: matchOf(grep, regex),
    form: form ?? 'lines',
    dm: dm ?? false,
    ...(fresh ? { fresh } : {}),
  };
}

function matchOf(grep: string | undefined, regex: string | undefined): LogOrder['match'] {
  if (grep !== undefined) return { kind: 'text', pattern: grep };
  return regex === undefined ? undefined : { kind: 'regex', pattern: regex };
}

/** @returns undefined for an order that is too long for a button */
export function orderButton(
  text: string,
  action: string,
  order: LogOrder,
  style?: 'primary',
): Button | undefined {
  return button(text, action, writeOrder(order), style);
}
