/** The whole story of every attempt to compile a job. */

import { statusLabel } from '../domain/compilation-states.ts';
import type { CompilationAttempt, CompilationReason } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { detailsView } from './details-views.ts';
import {
  artifactLine,
  compilationAdvice,
  guidanceLines,
  starter,
  statusWords,
  verbatim,
} from './job-facts.ts';
import type { Block, Modal } from './message.ts';
import { code, context, divider, instant, moment, plain, section } from './text.ts';

const WHY: Readonly<Record<CompilationReason, string>> = {
  manual: 'on request',
  auto: 'automatically, as the use case is configured',
  retry: 'as a retry',
  elsewhere: 'outside Signalbox',
};
/** Attempts with their whole story; each takes up to three blocks. */
const ATTEMPTS_SHOWN = 25;

/** Every attempt for a target, or for all of a job's, newest first. Nothing is ever taken out. */
export function historyView(
  metadata: string,
  given: {
    job: string;
    target?: string | undefined;
    useCase: Pick<UseCase, 'aws'>;
    attempts: readonly CompilationAttempt[];
  },
): Modal {
  const attempts = [...given.attempts].reverse();
  const shown = attempts.slice(0, ATTEMPTS_SHOWN);
  return detailsView(metadata, 'History', [
    section(
      `*${code(given.job)}*${given.target ? ` · *${plain(given.target, 60)}*` : ''} · ${attempts.length} ${attempts.length === 1 ? 'attempt' : 'attempts'}`,
    ),
    ...(attempts.length === 0 ? [section('It was never compiled.')] : []),
    ...shown.flatMap((attempt, index) => attemptStory(attempt, attempts.length - index)),
    ...(attempts.length > shown.length
      ? [context(`… ${attempts.length - shown.length} older attempts`)]
      : []),
  ]);
}

function attemptStory(attempt: CompilationAttempt, number: number): Block[] {
  const advice = compilationAdvice(attempt);
  return [
    divider(),
    section(
      [
        `*${number}.* ${statusWords(attempt)} · *${plain(attempt.target, 60)}* · ${code(attempt.compilationJob)}`,
        attempt.why === 'elsewhere'
          ? `${moment(attempt.askedAt)}, started ${WHY.elsewhere}`
          : `${moment(attempt.askedAt)} by ${starter(attempt.startedBy)}, ${WHY[attempt.why]}`,
        attempt.statuses
          .slice(0, 12)
          .map(({ status, at }) => `${plain(statusLabel(status).word, 60)} ${instant(at)}`)
          .join(' → '),
        artifactLine(attempt),
      ]
        .filter((line) => line !== '')
        .join('\n'),
    ),
    ...(attempt.failureReason
      ? [
          section(
            [verbatim(attempt.failureReason, 1800).block, ...(advice ? [guidanceLines(advice)] : [])].join(
              '\n',
            ),
          ),
        ]
      : []),
  ];
}
