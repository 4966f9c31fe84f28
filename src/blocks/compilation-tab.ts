/** What a job's details say of its compilations: each target with its newest attempt, and what AWS reports of it. */

import type { TargetState } from '../domain/compilation-states.ts';
import { type CompilationAttempt, isLive, isSuccessful } from '../domain/compilations.ts';
import { compilationJobUrl, inConsole } from '../domain/console-links.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isCompiledFrom, noModelWords } from '../domain/providers.ts';
import { isOpen } from './compile-form.ts';
import { COMPILE } from './compile-ids.ts';
import { stopButton } from './job-card.ts';
import {
  artifactLine,
  compilationAdvice,
  compileButton,
  componentOf,
  guidanceLines,
  type JobFacts,
  overallWords,
  stateOf,
  statesOf,
  targetWords,
  verbatim,
  writeRef,
} from './job-facts.ts';
import type { Block } from './message.ts';
import { actions, button, code, context, duration, instant, linkButton, plain, section } from './text.ts';

export interface CompilationFacts extends JobFacts {
  /** What AWS reports of each attempt besides, by attempt id (C8). Missing: not asked or not answered. */
  reported?: ReadonlyMap<string, Readonly<Record<string, string>>> | undefined;
}

/** Targets that have room: each takes up to four blocks of the view's hundred. */
export const TARGETS_SHOWN = 20;
export const NOT_REPORTED = '_not reported_';

export function compilationTab(details: CompilationFacts): Block[] {
  const states = statesOf(details);
  const shown = states.slice(0, TARGETS_SHOWN);
  return [
    section(overallWords(stateOf(details)) || nothingToCompile(details)),
    ...actions(compileButton(details.job, details.compiles, states.some(isOpen) ? 'primary' : undefined)),
    ...shown.flatMap((state) => targetBlocks(details, state)),
    ...(states.length > shown.length ? [context(`… ${states.length - shown.length} more targets`)] : []),
  ];
}

function nothingToCompile({ compiles, job }: CompilationFacts): string {
  if (!isCompiledFrom(job.provider)) return `There is nothing to compile: ${noModelWords(job.provider)}.`;
  return compiles
    ? 'There is nothing to compile until the training has completed.'
    : 'This use case compiles nothing: it has no `compile` settings.';
}

function targetBlocks(details: CompilationFacts, state: TargetState): Block[] {
  const { attempt } = state;
  const lines = [targetWords(state, details)];
  if (!attempt) return [section(lines[0]!)];
  const advice = compilationAdvice(attempt);
  if (isSuccessful(attempt)) lines.push(artifactLine(attempt));
  if (attempt.failureReason) lines.push(verbatim(attempt.failureReason, 1800).block);
  if (advice) lines.push(guidanceLines(advice));
  const ref = writeRef({ useCase: details.useCase.id, job: jobKey(details.job), target: state.target });
  const component = componentOf(details, attempt.id);
  return [
    section(lines.filter((line) => line !== '').join('\n')),
    ...reportedFacts(details, attempt),
    ...actions(
      isLive(attempt) ? stopButton(state.target, ref) : undefined,
      !isLive(attempt) && !isSuccessful(attempt) ? button('Retry', COMPILE.retry, ref, 'primary') : undefined,
      isSuccessful(attempt) ? button('Download artifact', COMPILE.artifact, ref) : undefined,
      isSuccessful(attempt) && details.packages
        ? button(component ? 'Package again…' : 'Package…', COMPILE.package, ref)
        : undefined,
      button('Compile log', COMPILE.log, ref),
      button('History', COMPILE.history, ref),
      linkButton(
        'AWS console',
        COMPILE.link,
        inConsole(details.useCase, compilationJobUrl, attempt.compilationJob),
      ),
    ),
  ];
}

/** What AWS says of a compilation; Neo reports neither progress nor the machine that it compiles on. */
function reportedFacts(details: CompilationFacts, attempt: CompilationAttempt): Block[] {
  const reported = details.reported?.get(attempt.id) ?? {};
  const live = isLive(attempt);
  const { startedAt } = attempt;
  const length =
    startedAt === undefined
      ? undefined
      : live
        ? `${duration(details.now - startedAt)} so far`
        : attempt.endedAt === undefined
          ? undefined
          : duration(attempt.endedAt - startedAt);
  const input = attempt.input;
  const lines: (readonly [string, string | undefined])[] = [
    ['Started', startedAt === undefined ? (live ? 'not yet' : undefined) : instant(startedAt)],
    ...(live && startedAt === undefined ? [] : ([['Duration', length]] as const)),
    ['Limit', attempt.limitSeconds === undefined ? undefined : duration(attempt.limitSeconds * 1000)],
  ];
  const told = Object.entries(reported)
    // The limit stands above, in minutes and hours.
    .filter(([name]) => name !== 'Time limit')
    .slice(0, 12)
    .map(([name, value]) => `${plain(name, 60)}: ${code(value, 200)}`);
  // While AWS has not said what it compiles, what it was asked for.
  const asked = [
    ...(input
      ? [`Model: ${plain([input.framework, input.frameworkVersion].filter(Boolean).join(' '), 60)}`]
      : []),
    ...(input?.dataInputConfig ? [`Input shape: ${code(input.dataInputConfig, 200)}`] : []),
  ];
  return [
    context(
      [
        lines.map(([name, value]) => `${plain(name, 60)}: ${value || NOT_REPORTED}`).join(' · '),
        live
          ? '_Neo reports neither its progress nor the instance it compiles on._'
          : '_Neo does not report the instance it compiles on._',
        ...(told.length > 0 ? told : asked),
      ].join('\n'),
    ),
  ];
}
