/** What was started and the state of each target, as a window and as an answer. */

import type { TargetState } from '../domain/compilation-states.ts';
import { isLive } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import { COMPILE } from './compile-ids.ts';
import { compilationAdvice, guidanceLines, targetWords, verbatim, writeRef } from './job-facts.ts';
import type { Block, Message, Modal } from './message.ts';
import { actions, button, code, context, instant, plain, section } from './text.ts';

/** Whether one target was started. */
export interface StartLine {
  target: string;
  outcome: 'started' | 'already' | 'refused' | 'unknown';
  error?: Pick<AppError, 'message' | 'hint' | 'ref'> | undefined;
}

export interface CompileStatusFacts {
  useCase: Pick<UseCase, 'id' | 'name' | 'channels'>;
  job: string;
  /** The targets that were asked for. */
  states: readonly TargetState[];
  starts: readonly StartLine[];
  usual: ReadonlyMap<string, number>;
  now: number;
}

const STATUS_SHOWN = 20;

/** Replaces the form immediately, before anything is known. */
export function compileStarting(metadata: string, facts: { job: string; targets: readonly string[] }): Modal {
  return statusModal(metadata, [
    section(
      `:hourglass_flowing_sand: *Starting* ${code(facts.job)} for ${facts.targets
        .slice(0, STATUS_SHOWN)
        .map((target) => `*${plain(target, 60)}*`)
        .join(', ')}`,
    ),
    context(
      'This takes a few seconds. You can close this window: the job’s card in the channel shows how it goes on.',
    ),
  ]);
}

/** Replaces the form once the starts are known; refreshed as long as it is open. */
export function compileStatusView(metadata: string, facts: CompileStatusFacts): Modal {
  const [channel] = facts.useCase.channels;
  const running = facts.states.some(({ attempt }) => attempt && isLive(attempt));
  return statusModal(metadata, [
    ...statusBlocks(facts),
    ...actions(button('Details', COMPILE.details, writeRef({ useCase: facts.useCase.id, job: facts.job }))),
    context(
      `${running ? 'This window stays up to date while it is open. ' : ''}${channel ? `The job’s card is in <#${channel}>. ` : ''}As of ${instant(facts.now)}`,
    ),
  ]);
}

export function compileFailed(metadata: string, job: string, error: AppError): Modal {
  return statusModal(metadata, [
    section(`:x: *Nothing was started* for ${code(job)}\n${plain(error.message, 2000)}`),
    ...(error.hint ? [section(plain(error.hint, 2000))] : []),
    context(`Reference \`${error.ref}\``),
  ]);
}

/** The same as an answer to `/compile <job> targets…`. */
export function compileStatusMessage(facts: CompileStatusFacts): Message {
  const count = (outcome: StartLine['outcome']): number =>
    facts.starts.filter((start) => start.outcome === outcome).length;
  const words = [
    [count('started'), 'started'],
    [count('already'), 'there already'],
    [count('refused'), 'refused'],
    [count('unknown'), 'without a clear answer'],
  ]
    .filter(([number]) => Number(number) > 0)
    .map(([number, what]) => `${number} ${what}`);
  const [channel] = facts.useCase.channels;
  const nothingNew = count('already') === facts.starts.length;
  const title = nothingNew ? `Nothing to start for ${code(facts.job)}` : `Compiling ${code(facts.job)}`;
  return {
    text: `${title}: ${words.join(', ')}`,
    blocks: [
      section(`*${title}* · ${words.join(', ')}`),
      ...statusBlocks(facts),
      ...actions(button('Details', COMPILE.details, writeRef({ useCase: facts.useCase.id, job: facts.job }))),
      ...(channel
        ? [context(`The job’s card is in <#${channel}>${nothingNew ? '' : ' and shows how it goes on'}.`)]
        : []),
    ],
  };
}

function statusBlocks(facts: CompileStatusFacts): Block[] {
  const shown = facts.states.slice(0, STATUS_SHOWN);
  return [
    ...shown.map((state) => {
      const start = facts.starts.find(({ target }) => target === state.target);
      const lines = [targetWords(state, facts)];
      const advice = state.attempt && compilationAdvice(state.attempt);
      if (start?.error && start.outcome !== 'started') {
        lines.push(plain(start.error.message, 500));
        if (start.error.hint && !advice) lines.push(plain(start.error.hint, 400));
      } else if (state.attempt?.failureReason) lines.push(verbatim(state.attempt.failureReason, 400).block);
      if (advice && start?.outcome !== 'already') lines.push(guidanceLines(advice));
      return section(lines.join('\n'));
    }),
    ...(facts.states.length > shown.length
      ? [context(`… ${facts.states.length - shown.length} more targets: see *Details*`)]
      : []),
  ];
}

function statusModal(metadata: string, blocks: Block[]): Modal {
  return {
    type: 'modal',
    callback_id: `${COMPILE.form}.status`,
    title: { type: 'plain_text', text: 'Compiling' },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks,
  };
}
