/** The answer to a request for a compilation's log: the message with the file, or why there is none. */

import { LIMITS } from '#sandbox/block-kit';
import { statusLabel } from '../domain/compilation-states.ts';
import { type CompilationAttempt, currentStatus, isLive } from '../domain/compilations.ts';
import { goneWords, type LogLoss } from '../domain/log-keeping.ts';
import { COMPILE } from './compile-ids.ts';
import { guidanceLines, whyBlocks, writeRef } from './job-facts.ts';
import { excerptWords } from './log-excerpt.ts';
import { lossLines } from './log-loss.ts';
import type { LogFailure } from './logs-result.ts';
import type { Block, Button, Message } from './message.ts';
import { actions, button, code, context, group, plain, said, section, size } from './text.ts';

export interface CompileLogResult {
  attempt: CompilationAttempt;
  events: number;
  bytes: number;
  /** The person's name, where Slack told it. */
  by: string | undefined;
  /** Only for a compilation that failed or was stopped. */
  failure?: LogFailure | undefined;
  /** What is missing in it. */
  loss?: LogLoss | undefined;
}

/** The message with the file. For a failed compilation it also says what is known about the cause. */
export function compileLogDelivered({
  attempt,
  events,
  bytes,
  by,
  failure,
  loss,
}: CompileLogResult): Message {
  const facts = [
    `*Compile log of ${code(attempt.job)}* for *${plain(attempt.target, 60)}* · ${plain(statusLabel(currentStatus(attempt)).word, 60)} · ${code(attempt.compilationJob)}`,
    `${group(events)} ${events === 1 ? 'event' : 'events'} · ${size(bytes)}`,
    ...lossLines(loss),
  ].join('\n');
  const asked = by === undefined ? '' : `Requested by ${plain(by, 80)}`;
  const guidance = failure?.guidance && guidanceLines(failure.guidance);
  const words = [facts, guidance ?? '', asked].filter((part) => part !== '').join('\n');
  if (!guidance) return { text: words };
  return {
    text: words.slice(0, LIMITS.messageText.recommended),
    blocks: [
      section(facts),
      ...whyBlocks(failure),
      ...(failure.excerpt ? [section(excerptWords(failure.excerpt))] : []),
      ...retry(attempt),
      ...(asked === '' ? [] : [context(asked)]),
    ],
  };
}

export function compileLogNone(
  attempt: CompilationAttempt,
  { failure, loss }: Pick<CompileLogResult, 'failure' | 'loss'> = {},
): Message {
  const gone = goneWords(loss);
  const words = isLive(attempt)
    ? `:hourglass: *No compile log yet* for ${code(attempt.compilationJob)}\nNeo writes it once it has read the model, usually within the first few minutes.`
    : `:hourglass: *No compile log* for ${code(attempt.compilationJob)}\n${gone ? plain(gone, 300) : 'A compilation that is refused or stopped early prints nothing.'}`;
  if (!failure?.guidance) return said(words);
  return { text: words, blocks: [section(words), ...whyBlocks(failure), ...retry(attempt)] };
}

/** The same buttons as on its alert; permissions are checked at the click. */
const retry = (attempt: CompilationAttempt): Block[] => actions(retryButton(attempt));

export function retryButton({ useCase, job, target }: CompilationAttempt): Button | undefined {
  return button('Retry', COMPILE.retry, writeRef({ useCase, job, target }));
}
