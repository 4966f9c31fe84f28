/** The job card: one message per training job, edited in place; and what its thread says. */

import type { TargetState } from '../domain/compilation-states.ts';
import { type CompilationAttempt, isLive, isSuccessful } from '../domain/compilations.ts';
import { type Component, componentStateLabel } from '../domain/components.ts';
import { componentUrl, inConsole } from '../domain/console-links.ts';
import { adviceForComponent, guidanceForTraining } from '../domain/failure-guidance.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished, leavesModel } from '../domain/jobs.ts';
import { PROVIDERS, thingWord } from '../domain/providers.ts';
import { trainingLabel } from '../domain/training-states.ts';
import { COMPILE } from './compile-ids.ts';
import { cardCurves, curvesButton } from './curves.ts';
import {
  artifactLine,
  compilationAdvice,
  compileButton,
  componentOf,
  freshness,
  guidanceLines,
  type JobFacts,
  overallWords,
  rerunWords,
  runAgainButton,
  stateOf,
  statesOf,
  stopWords,
  targetWords,
  trainingWords,
  verbatim,
  writeRef,
} from './job-facts.ts';
import { partsBlocks } from './job-parts.ts';
import { openLiveButton } from './live.ts';
import { getLogsButton } from './logs.ts';
import type { Block, Button, Message, Option } from './message.ts';
import { stopTrainingButton } from './stop-training.ts';
import { watchButton } from './tail.ts';
import {
  actions,
  button,
  code,
  confirmed,
  context,
  duration,
  linkButton,
  option,
  plain,
  section,
} from './text.ts';

/** Targets with a row of their own; the rest is counted and stands in the details. */
const TARGETS_SHOWN = 14;
/** Failures that are explained on the card; each has about 900 characters. */
const FAILURES_EXPLAINED = 4;
const REASON_SHOWN = 420;

export function jobCard(facts: JobFacts): Message {
  const { job, useCase } = facts;
  const overall = stateOf(facts);
  const states = statesOf(facts);
  const shown = states.slice(0, TARGETS_SHOWN);
  const training = trainingLabel(job);
  let explained = 0;
  const rows = shown.flatMap((state) => {
    const withReason = explained < FAILURES_EXPLAINED;
    if (state.attempt && compilationAdvice(state.attempt)) explained += 1;
    return targetRow(facts, state, withReason);
  });
  const completed = job.state === 'completed';
  const compiled = !overall.applies
    ? []
    : [overall.label.word, ...(overall.total > 0 ? [`${overall.count} compiled`] : [])];
  const curves = cardCurves(facts.curves);
  const parts = job.parts ? partsBlocks(job.parts) : { blocks: [], fallback: [] };
  const card = (drawn: Block[], made: Block[]): Block[] => [
    section(
      [
        `*${thingWord(job.provider)} ${code(job.name)}* · ${plain(useCase.name, 100)}`,
        trainingWords(facts),
        rerunWords(facts),
        stopWords(facts),
        completed && facts.compiles ? overallWords(overall) : '',
      ]
        .filter((line) => line !== '')
        .join('\n'),
    ),
    ...trainingFailure(facts),
    ...made,
    ...drawn,
    ...(leavesModel(job) || facts.attempts.length > 0 ? rows : []),
    ...(states.length > shown.length
      ? [context(`… ${states.length - shown.length} more targets: see *Details*`)]
      : []),
    ...actions(
      getLogsButton(useCase.id, jobKey(job)),
      facts.canOpen ? openLiveButton(useCase.id, jobKey(job), { ended: isFinished(job) }) : undefined,
      isFinished(job) ? undefined : watchButton(useCase.id, jobKey(job)),
      compileButton(job, facts.compiles, facts.attempts.length === 0 ? 'primary' : undefined),
      completed ? undefined : runAgainButton(job),
      curvesButton(job),
      stopTrainingButton(job),
      button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: jobKey(job) })),
    ),
    context(...freshness(facts)),
  ];
  return {
    text: `${thingWord(job.provider)} ${code(job.name)}: ${[`${PROVIDERS[job.provider].work.toLowerCase()} ${plain(training.word, 60)}`, ...compiled].join(', ')}`,
    blocks: card(curves.blocks, parts.blocks),
    ...(curves.blocks.length === curves.fallback.length && parts.blocks.length < 2
      ? {}
      : { fallback: card(curves.fallback, parts.fallback) }),
  };
}

/** What a card says apart from times that pass by themselves: where it is the same, nothing has happened. */
export function jobCardSays(facts: JobFacts): string {
  const { failedCheck, lastCheckedAt } = facts;
  const silent = failedCheck !== undefined && failedCheck.at >= lastCheckedAt;
  return JSON.stringify(
    jobCard({
      ...facts,
      now: 0,
      usual: new Map(),
      lastCheckedAt: 0,
      failedCheck: silent ? { ...failedCheck, at: 0 } : undefined,
    }),
  );
}

function trainingFailure({ job }: JobFacts): Block[] {
  const advice = guidanceForTraining(job);
  if (!advice) return [];
  return [
    section(
      [
        guidanceLines(advice),
        ...(job.failureReason ? [verbatim(job.failureReason, REASON_SHOWN).block] : []),
      ].join('\n'),
    ),
  ];
}

function targetRow(facts: JobFacts, state: TargetState, withReason: boolean): Block[] {
  const { attempt } = state;
  const lines = [targetWords(state, facts)];
  if (attempt && isSuccessful(attempt)) {
    lines.push(artifactLine(attempt));
    const component = componentOf(facts, attempt.id);
    if (component) lines.push(componentWords(component));
  }
  const advice = attempt && compilationAdvice(attempt);
  if (advice && withReason) {
    lines.push(guidanceLines(advice));
    if (attempt.failureReason) lines.push(verbatim(attempt.failureReason, REASON_SHOWN).block);
  } else if (advice) lines.push(plain(advice.cause, 200));
  const block = section(lines.filter((line) => line !== '').join('\n'));
  return [attempt ? withNext(block, facts, state, attempt) : block];
}

/** The one thing to do next stands beside the target. */
function withNext(block: Block, facts: JobFacts, state: TargetState, attempt: CompilationAttempt): Block {
  const ref = writeRef({ useCase: facts.useCase.id, job: jobKey(facts.job), target: state.target });
  if (block.type !== 'section') return block;
  if (isLive(attempt)) {
    const accessory = stopButton(state.target, ref);
    return accessory ? { ...block, accessory } : block;
  }
  if (!isSuccessful(attempt)) {
    const accessory = button('Retry', COMPILE.retry, ref);
    return accessory ? { ...block, accessory } : block;
  }
  return {
    ...block,
    // The menu's choices are short; what they are about is the block's own id.
    block_id: ref,
    accessory: { type: 'overflow', action_id: COMPILE.more, options: compiledChoices(facts, attempt) },
  };
}

/** What an overflow menu of a compiled target offers, by its verb. */
export const TARGET_VERBS = {
  artifact: 'artifact',
  package: 'package',
  log: 'log',
  history: 'history',
} as const;

function compiledChoices(facts: JobFacts, attempt: CompilationAttempt): Option[] {
  const component = componentOf(facts, attempt.id);
  return [
    option('Download artifact', TARGET_VERBS.artifact),
    ...(facts.packages ? [option(component ? 'Package again…' : 'Package…', TARGET_VERBS.package)] : []),
    option('Compile log', TARGET_VERBS.log),
    option('History', TARGET_VERBS.history),
  ];
}

export function stopButton(target: string, ref: string): Button | undefined {
  return confirmed(button('Stop', COMPILE.stop, ref, 'danger'), {
    title: 'Stop this compilation?',
    text: `The compilation for ${target} is stopped and what it did is lost. It can be started again with Retry.`,
    confirm: 'Stop it',
    deny: 'Let it run',
    danger: true,
  });
}

function componentWords(component: Component): string {
  const label = componentStateLabel(component.state);
  const { name, version } = component.chain.component;
  return `${label.symbol} component ${code(`${name} ${version}`)} ${plain(label.word, 60)}`;
}

// --- The thread --------------------------------------------------------------------------------------

/** A milestone: said once, in the card's thread. `key` is what it is remembered by. */
export interface Milestone {
  key: string;
  message: Message;
  /** A failure's own words that did not fit into the message. */
  attach?: { name: string; text: string } | undefined;
}

/** Everything that the thread should have said by now, oldest first. */
export function milestones(facts: JobFacts): Milestone[] {
  const { job } = facts;
  const found: (Milestone & { at: number })[] = [];
  if (isFinished(job)) {
    const label = trainingLabel(job);
    const advice = guidanceForTraining(job);
    const took =
      job.endedAt === undefined ? '' : ` after ${duration(job.endedAt - (job.startedAt ?? job.createdAt))}`;
    found.push({
      key: `training ${job.state}`,
      at: job.endedAt ?? facts.lastCheckedAt,
      ...told(
        `${label.symbol} *${PROVIDERS[job.provider].work} ${label.word}*${took}: ${code(job.name)}`,
        job.failureReason,
        advice && guidanceLines(advice),
        `failure-${job.name}.txt`,
        actions(
          getLogsButton(facts.useCase.id, jobKey(job)),
          job.state === 'completed' ? undefined : runAgainButton(job),
        ),
      ),
    });
  }
  for (const state of statesOf(facts)) {
    const tried = facts.attempts.filter(({ target }) => target === state.target);
    for (const attempt of tried) {
      const last = attempt.statuses.at(-1)!;
      if (isLive(attempt) || attempt.old) continue;
      const one = { ...state, attempt, attempts: tried.indexOf(attempt) + 1 };
      found.push({
        key: attempt.id,
        at: last.at,
        ...attemptMilestone(facts, one, attempt),
      });
    }
  }
  for (const component of facts.components) {
    if (!['DEPLOYABLE', 'FAILED'].includes(component.state.toUpperCase())) continue;
    const { name, version } = component.chain.component;
    found.push({
      key: `component ${name} ${version}`,
      at: component.lastCheckedAt ?? component.createdAt,
      ...componentMilestone(facts, component),
    });
  }
  return found.sort((a, b) => a.at - b.at).map(({ at: _at, ...milestone }) => milestone);
}

function componentMilestone(facts: JobFacts, component: Component): Omit<Milestone, 'key'> {
  const { component: made, target, trainingJob } = component.chain;
  const failed = component.state.toUpperCase() === 'FAILED';
  const ref = writeRef({ useCase: facts.useCase.id, job: trainingJob, target });
  return told(
    `${componentWords(component)} for ${plain(target, 60)}`,
    failed ? component.message : undefined,
    failed ? guidanceLines(adviceForComponent(component.message, component.errors)) : undefined,
    `failure-${made.name}-${made.version}.txt`,
    actions(
      failed ? button('Package again…', COMPILE.package, ref) : undefined,
      linkButton('Open in AWS', COMPILE.link, inConsole(facts.useCase, componentUrl, made.name)),
    ),
  );
}

function attemptMilestone(
  facts: JobFacts,
  state: TargetState,
  attempt: CompilationAttempt,
): Omit<Milestone, 'key'> {
  const words = targetWords({ ...state, label: labelOf(attempt) }, facts);
  const ref = writeRef({ useCase: facts.useCase.id, job: jobKey(facts.job), target: attempt.target });
  const advice = compilationAdvice(attempt);
  return told(
    `${words}: ${code(facts.job.name)}`,
    attempt.failureReason,
    [advice ? guidanceLines(advice) : '', artifactLine(attempt)].filter((line) => line !== '').join('\n'),
    `failure-${attempt.compilationJob}.txt`,
    isSuccessful(attempt)
      ? actions(
          button('Download artifact', COMPILE.artifact, ref),
          facts.packages && !componentOf(facts, attempt.id)
            ? button('Package…', COMPILE.package, ref)
            : undefined,
        )
      : actions(button('Retry', COMPILE.retry, ref), button('Compile log', COMPILE.log, ref)),
  );
}

function labelOf(attempt: CompilationAttempt): TargetState['label'] {
  const status = attempt.statuses.at(-1)!.status;
  return status === 'COMPLETED'
    ? { symbol: '✅', word: 'compiled' }
    : status === 'STOPPED'
      ? { symbol: '⏹️', word: 'stopped' }
      : { symbol: '❌', word: 'failed' };
}

function told(
  line: string,
  reason: string | undefined,
  more: string | undefined,
  fileName: string,
  buttons: Block[],
): Omit<Milestone, 'key'> {
  const words = reason === undefined ? undefined : verbatim(reason, 2000);
  return {
    message: {
      text: line,
      blocks: [
        section([line, ...(more ? [more] : [])].join('\n')),
        ...(words ? [section(words.block)] : []),
        ...buttons,
      ],
    },
    ...(words && !words.whole ? { attach: { name: fileName, text: reason! } } : {}),
  };
}
