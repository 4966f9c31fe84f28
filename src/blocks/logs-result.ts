/** What comes of a `/logs`: the message that carries the file, or why there is none. */

import { LIMITS } from '#sandbox/block-kit';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import { exactWord, jobKey } from '../domain/job-keys.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { goneWords, type LogLoss } from '../domain/log-keeping.ts';
import { fromThenOn, type LogOrder, type LogQuery, wholeLog } from '../domain/log-order.ts';
import { PROVIDERS, providerWord } from '../domain/providers.ts';
import { standingOf, trainingLabel } from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import type { JobLinks } from '../ports/training-provider.ts';
import { COMPILE } from './compile-ids.ts';
import { guidanceLines, runAgainButton, whyBlocks, writeRef } from './job-facts.ts';
import { orderButton } from './log-buttons.ts';
import { excerptWords } from './log-excerpt.ts';
import { lossLines } from './log-loss.ts';
import { LOGS } from './logs.ts';
import type { Button, Message } from './message.ts';
import { watchButton } from './tail.ts';
import {
  actions,
  button,
  code,
  context,
  duration,
  group,
  instant,
  linkButton,
  moment,
  plain,
  said,
  section,
  size,
} from './text.ts';

/** Why a job failed or was stopped, as far as it is known. */
export interface LogFailure {
  guidance?: FailureAdvice | undefined;
  /** The service's own words. */
  reason?: string | undefined;
  excerpt?: Parameters<typeof excerptWords>[0] | undefined;
}

export interface LogResult {
  job: TrainingJob;
  useCase: UseCase;
  /** Where the job's provider shows it. */
  links: JobLinks;
  /** The person's name, where Slack told it. */
  by: string | undefined;
  events: number;
  textBytes: number;
  firstEventAt?: number | undefined;
  lastEventAt?: number | undefined;
  streams: number;
  parts: number;
  gzipped: boolean;
  query: LogQuery;
  /** Ends the range: the log of a running job goes on after it. */
  to: number;
  /** What is missing in it. */
  loss?: LogLoss | undefined;
  notes: readonly string[];
  resumed: boolean;
  failure?: LogFailure | undefined;
}

/** The message that carries the file. Blocks only where there is more to do than to read: others are plain words. */
export function logsDelivered(result: LogResult): Message {
  const { job, failure } = result;
  const facts = factLines(result).join('\n');
  const asked = result.by === undefined ? '' : `Requested by ${plain(result.by, 80)}`;
  if (!isFinished(job)) {
    const next = actions(watchButton(result.useCase.id, jobKey(job)));
    const words = lines(facts, asked);
    return { text: words, blocks: [section(facts), ...next, ...(asked === '' ? [] : [context(asked)])] };
  }
  if (!failure?.guidance) return { text: lines(facts, asked) };
  const excerpt = failure.excerpt && excerptWords(failure.excerpt);
  const words = lines(facts, guidanceLines(failure.guidance), excerpt ?? '', asked);
  return {
    text: words.length <= LIMITS.messageText.recommended ? words : lines(facts, asked),
    blocks: [
      section(facts),
      ...whyBlocks(failure),
      ...(excerpt ? [section(excerpt)] : []),
      ...actions(...failureButtons(result.useCase, job, result.links)),
      ...(asked === '' ? [] : [context(asked)]),
    ],
  };
}

function factLines(result: LogResult): string[] {
  const { job } = result;
  const narrowed = narrowedWords(result.query);
  return [
    `*Log of ${code(job.name)}* · ${plain(trainingLabel(job).word, 60)} · ${plain(result.useCase.name, 200)}`,
    [
      `${group(result.events)} ${result.events === 1 ? 'event' : 'events'}`,
      `${result.streams} ${result.streams === 1 ? 'stream' : 'streams'}`,
      size(result.textBytes),
      ...(result.parts > 1 ? [`${result.parts} parts, in order`] : []),
      ...(result.gzipped ? ['gzip'] : []),
    ].join(' · '),
    result.firstEventAt === undefined || result.lastEventAt === undefined
      ? ''
      : `${instant(result.firstEventAt)} – ${instant(result.lastEventAt)}`,
    narrowed === '' ? '' : `Only ${narrowed}`,
    ...lossLines(result.loss),
    isFinished(job)
      ? ''
      : `The job is ${job.state === 'stopping' ? 'ending' : 'still running'}: this is its log up to ${instant(result.to)}.`,
    ...result.notes.slice(0, 5).map((note) => `_Note:_ ${plain(note, 250)}`),
    result.resumed ? 'An interrupted download was continued.' : '',
  ].filter((line) => line !== '');
}

/** What one does about a run that failed; each is checked at the click. */
export function failureButtons(useCase: UseCase, job: TrainingJob, links: JobLinks): (Button | undefined)[] {
  return [
    runAgainButton(job),
    button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: jobKey(job) })),
    linkButton(`Open in ${links.site}`, COMPILE.link, links.job),
  ];
}

/** What a query leaves out, in words after "only"; empty when it leaves out nothing. */
function narrowedWords(query: LogQuery): string {
  const { since, until, streams, match, tail, form } = query;
  return [
    tail === undefined ? '' : `the last ${group(tail)} ${tail === 1 ? 'line' : 'lines'}`,
    match === undefined
      ? ''
      : `lines ${match.kind === 'regex' ? 'that match' : 'with'} ${code(match.pattern, 500)}`,
    streams.length === 0
      ? ''
      : `of ${streams
          .slice(0, 8)
          .map((name) => code(name, 80))
          .join(', ')}`,
    since === undefined ? '' : `from ${instant(since)}`,
    until === undefined ? '' : `until ${instant(until)}`,
    form === 'plain' ? 'as a terminal shows it at the end' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

export function logsUnshared(job: string): Message {
  return said(
    `:white_check_mark: The log of ${code(job)} is uploaded. Slack is slow to show it: the file will appear here soon.`,
  );
}

export interface NoLog extends Pick<LogResult, 'job' | 'useCase' | 'links' | 'failure' | 'loss'> {
  /** Asked for again by Retry. */
  order: LogOrder;
}

export function logsNoneYet({ job, useCase, links, order, failure, loss }: NoLog): Message {
  const ended = isFinished(job);
  const { logsIn, firstLine, thing } = PROVIDERS[job.provider];
  const where = logsIn ?? providerWord(job.provider);
  const gone = goneWords(loss);
  const expectation = gone
    ? plain(gone, 300)
    : ended
      ? `${where} has nothing from this job. A job that fails or is stopped before its container starts prints nothing.`
      : `A ${thing} prints its first lines once its container has started${firstLine === undefined ? '' : `, ${firstLine}`}. ${where} shows them a few seconds later.`;
  // What is removed does not come back.
  const retry = gone ? undefined : orderButton('Retry', LOGS.retry, order, ended ? undefined : 'primary');
  return {
    text: `No logs available yet for ${code(job.name)}`,
    blocks: [
      section(`:hourglass: *No logs available${ended ? '' : ' yet'}* for ${code(job.name)}\n${expectation}`),
      context(
        [
          `Status ${standingOf(job)
            .map((word) => plain(word, 60))
            .join(' · ')}`,
          `created ${moment(job.createdAt)}`,
        ].join(' · '),
      ),
      ...whyBlocks(failure ?? { reason: job.failureReason }),
      ...actions(
        retry,
        ended ? undefined : watchButton(useCase.id, jobKey(job)),
        ...(failure?.guidance ? failureButtons(useCase, job, links) : []),
      ),
    ],
  };
}

/** Offers the whole log, without anything else that `order` asked for. */
export function logsNothingMatches({
  job,
  query,
  order,
  loss,
}: Pick<OutsideRange, 'job' | 'query' | 'order'> & Pick<LogResult, 'loss'>): Message {
  const narrowed = narrowedWords(query);
  return {
    text: `Nothing in the log of ${code(job.name)} matches`,
    blocks: [
      section(
        `:mag: *Nothing in the log of ${code(job.name)} matches*\n${narrowed === '' ? 'Its log streams are still empty.' : `You asked for ${narrowed}.`}${lossLines(
          loss,
        )
          .map((line) => `\n${line}`)
          .join('')}`,
      ),
      ...actions(wholeLogButton(job, order), orderButton('Retry', LOGS.retry, order)),
    ],
  };
}

export interface OutsideRange {
  job: TrainingJob;
  order: LogOrder;
  query: LogQuery;
  /** Of the whole log. */
  lastEventAt: EpochMs;
}

/** The range of time that was asked for misses the log: offers the whole of it, and as much of its end where that helps. */
export function logsOutsideRange({ job, order, query, lastEventAt }: OutsideRange): Message {
  const { span } = query;
  const ended = isFinished(job)
    ? `The log of ${code(job.name)} ended ${instant(lastEventAt)}`
    : `${code(job.name)} last printed something ${instant(lastEventAt)}`;
  return {
    text: `${ended}: there is nothing in the time that you asked for`,
    blocks: [
      section(`:mag: *${ended}.*\nYou asked for lines ${rangeWords(query)}.`),
      ...actions(
        span === undefined
          ? undefined
          : orderButton(
              `Get its last ${duration(span)}`,
              LOGS.get,
              fromThenOn(order, lastEventAt - span),
              'primary',
            ),
        wholeLogButton(job, order, ':1'),
      ),
    ],
  };
}

function rangeWords({ since, until }: LogQuery): string {
  if (since === undefined) return until === undefined ? '' : `before ${instant(until)}`;
  return until === undefined ? `after ${instant(since)}` : `between ${instant(since)} and ${instant(until)}`;
}

function wholeLogButton(job: TrainingJob, order: LogOrder, row = ''): Button | undefined {
  return orderButton(
    'Get the whole log',
    `${LOGS.get}${row}`,
    wholeLog(exactWord(jobKey(job)), order.useCase),
  );
}

const lines = (...parts: string[]): string => parts.filter((part) => part !== '').join('\n');
