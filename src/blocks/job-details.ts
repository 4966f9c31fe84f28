/** One job in a modal with tabs: overview, logs, compilation, components; and the history of every attempt. */

import { LIMITS } from '#sandbox/block-kit';
import type { TargetState } from '../domain/compilation-states.ts';
import { statusLabel } from '../domain/compilation-states.ts';
import {
  type CompilationAttempt,
  type CompilationReason,
  currentStatus,
  isLive,
  isSuccessful,
} from '../domain/compilations.ts';
import { compilationJobUrl, compilationLogUrl, componentUrl, inConsole } from '../domain/console-links.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { JobLinks } from '../ports/training-provider.ts';
import { isOpen } from './compile-form.ts';
import { COMPILE } from './compile-ids.ts';
import { COMPONENTS, componentLines, componentRef } from './component-words.ts';
import { stopButton } from './job-card.ts';
import {
  artifactLine,
  compilationAdvice,
  componentOf,
  freshness,
  guidanceLines,
  type JobFacts,
  machine,
  overallWords,
  rerunWords,
  runAgainButton,
  starter,
  stateOf,
  statesOf,
  targetWords,
  trainingAdvice,
  trainingWords,
  verbatim,
  writeRef,
} from './job-facts.ts';
import { getLogsButton } from './logs.ts';
import type { Block, Message, Modal } from './message.ts';
import {
  actions,
  button,
  code,
  context,
  divider,
  duration,
  instant,
  label,
  linkButton,
  moment,
  plain,
  section,
} from './text.ts';

export const TABS = ['overview', 'logs', 'compilation', 'components'] as const;
export type Tab = (typeof TABS)[number];

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  overview: 'Overview',
  logs: 'Logs',
  compilation: 'Compilation',
  components: 'Components',
};

/** Targets that have room: each takes up to four blocks of the view's hundred. */
const TARGETS_SHOWN = 20;
const NOT_REPORTED = '_not reported_';

export interface DetailsFacts extends JobFacts {
  /** Where the training's provider shows it. */
  links: JobLinks;
  /** What AWS reports of each attempt besides, by attempt id (C8). Missing: not asked or not answered. */
  reported?: ReadonlyMap<string, Readonly<Record<string, string>>> | undefined;
}

export function jobDetails(metadata: string, tab: Tab, facts: DetailsFacts): Modal {
  const content: Readonly<Record<Tab, (facts: DetailsFacts) => Block[]>> = {
    overview,
    logs: logsTab,
    compilation,
    components: componentsTab,
  };
  const blocks = [
    section(`*${code(facts.job.name)}* · ${plain(facts.useCase.name, 100)}`),
    ...actions(
      ...TABS.map((name, index) =>
        button(
          TAB_NAMES[name],
          `${COMPILE.tab}:${index}`,
          `${name} ${writeRef({ useCase: facts.useCase.id, job: jobKey(facts.job) })}`,
          name === tab ? 'primary' : undefined,
        ),
      ),
      button(
        'Refresh',
        COMPILE.refresh,
        `${tab} ${writeRef({ useCase: facts.useCase.id, job: jobKey(facts.job) })}`,
      ),
    ),
    divider(),
    ...content[tab](facts),
  ];
  return modal(metadata, facts.job.name, [
    ...blocks.slice(0, LIMITS.blocks.view - 1),
    context(...freshness(facts)),
  ]);
}

/** What stands there until what was asked for is known. */
export function waitingView(metadata: string, title: string, words: string): Modal {
  return modal(metadata, title, [section(`:hourglass_flowing_sand: ${words}`)]);
}

/** Instead of what somebody may see no longer. */
export function notAllowedView(metadata: string, words: string): Modal {
  return modal(metadata, 'Not allowed', [section(`:no_entry: ${words}`)]);
}

/** A message's blocks as a modal: how something ended that was asked for in one. */
export function messageView(metadata: string, title: string, message: Message): Modal {
  return modal(metadata, title, message.fallback ?? message.blocks ?? [section(message.text)]);
}

function modal(metadata: string, title: string, blocks: Block[]): Modal {
  return {
    type: 'modal',
    callback_id: COMPILE.details,
    title: { type: 'plain_text', text: label(title, LIMITS.modal.title) },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks,
  };
}

/** Name and value side by side; what is not known is said to be not reported. */
function facts(entries: readonly (readonly [name: string, value: string | undefined])[]): Block[] {
  const fields = entries.map(([name, value]) => ({
    type: 'mrkdwn' as const,
    text: `*${plain(name, 100)}*\n${value || NOT_REPORTED}`,
    verbatim: true,
  }));
  const blocks: Block[] = [];
  for (let at = 0; at < fields.length; at += LIMITS.section.fields)
    blocks.push({ type: 'section', fields: fields.slice(at, at + LIMITS.section.fields) });
  return blocks;
}

// --- Overview ----------------------------------------------------------------------------------------

function overview(details: DetailsFacts): Block[] {
  const { job, links } = details;
  const advice = trainingAdvice(job);
  const ended = isFinished(job);
  const completed = job.state === 'completed';
  const length = (job.endedAt ?? details.now) - (job.startedAt ?? job.createdAt);
  return [
    section(
      [trainingWords(details), rerunWords(details), details.compiles ? overallWords(stateOf(details)) : '']
        .filter((line) => line !== '')
        .join('\n'),
    ),
    ...(advice ? [section(guidanceLines(advice))] : []),
    ...(job.failureReason ? [section(verbatim(job.failureReason, 2900).block)] : []),
    ...facts([
      ['Status', plain([...new Set([job.status, job.secondaryStatus])].filter(Boolean).join(', '), 200)],
      ['Provider', PROVIDERS[job.provider].label],
      ['Instances', machine(job)],
      ['Created', moment(job.createdAt)],
      ['Started', job.startedAt === undefined ? (ended ? undefined : 'not yet') : instant(job.startedAt)],
      // What a running job cannot have yet is left out.
      ...(ended
        ? ([
            ['Ended', job.endedAt === undefined ? undefined : instant(job.endedAt)],
            ['Duration', job.endedAt === undefined ? undefined : duration(length)],
          ] as const)
        : ([['Duration', `${duration(length)} so far`]] as const)),
      ...(completed || job.modelArtifact
        ? ([['Model artifact', job.modelArtifact ? code(job.modelArtifact, 600) : undefined]] as const)
        : []),
    ]),
    ...hyperparameters(job.hyperparameters),
    ...actions(runAgainButton(job), linkButton(`Open in ${links.site}`, `${COMPILE.link}:1`, links.job)),
  ];
}

const HYPERPARAMETERS_SHOWN = 20;

function hyperparameters(given: Readonly<Record<string, string>> | undefined): Block[] {
  const entries = Object.entries(given ?? {});
  if (entries.length === 0) return [];
  const shown = entries.slice(0, HYPERPARAMETERS_SHOWN);
  const more = entries.length - shown.length;
  return [
    section(
      [
        '*Hyperparameters*',
        ...shown.map(([name, value]) => code(`${name}=${value}`, 160)),
        ...(more > 0 ? [`… ${more} more`] : []),
      ].join('\n'),
    ),
  ];
}

// --- Logs --------------------------------------------------------------------------------------------

function logsTab({ job, useCase, attempts, links }: DetailsFacts): Block[] {
  const newest = new Map(attempts.map((attempt) => [attempt.target, attempt]));
  const shown = [...newest.values()].slice(0, TARGETS_SHOWN);
  return [
    section('*Training log*\nEverything that the job printed, as one file.'),
    ...actions(
      getLogsButton(useCase.id, jobKey(job)),
      linkButton(`Log streams in ${links.site}`, `${COMPILE.link}:1`, links.log),
    ),
    ...(shown.length > 0 ? [section('*Compile logs*\nOf the newest attempt for each target.')] : []),
    ...shown.flatMap((attempt, index) => [
      section(`${labelWords(attempt)} *${plain(attempt.target, 60)}* ${code(attempt.compilationJob)}`),
      ...actions(
        button('Compile log', COMPILE.log, refOf(useCase.id, attempt)),
        linkButton(
          'Log streams in the AWS console',
          `${COMPILE.link}:${index + 2}`,
          inConsole(useCase, compilationLogUrl, attempt.compilationJob),
        ),
      ),
    ]),
    ...(newest.size > shown.length ? [context(`… ${newest.size - shown.length} more targets`)] : []),
  ];
}

/** What a button about one compilation carries. */
export const refOf = (useCase: string, { job, target }: CompilationAttempt): string =>
  writeRef({ useCase, job, target });

function labelWords(attempt: CompilationAttempt): string {
  const label = statusLabel(currentStatus(attempt));
  return `${label.symbol} ${plain(label.word, 60)}`;
}

// --- Compilation -------------------------------------------------------------------------------------

function compilation(details: DetailsFacts): Block[] {
  const states = statesOf(details);
  const shown = states.slice(0, TARGETS_SHOWN);
  const completed = details.job.state === 'completed';
  return [
    section(
      details.compiles
        ? overallWords(stateOf(details)) || 'There is nothing to compile until the training has completed.'
        : 'This use case compiles nothing: it has no `compile` settings.',
    ),
    ...actions(
      details.compiles && completed
        ? button(
            'Compile…',
            COMPILE.open,
            writeRef({ useCase: details.useCase.id, job: jobKey(details.job) }),
            states.some(isOpen) ? 'primary' : undefined,
          )
        : undefined,
    ),
    ...shown.flatMap((state) => targetBlocks(details, state)),
    ...(states.length > shown.length ? [context(`… ${states.length - shown.length} more targets`)] : []),
  ];
}

function targetBlocks(details: DetailsFacts, state: TargetState): Block[] {
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
function reportedFacts(details: DetailsFacts, attempt: CompilationAttempt): Block[] {
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

// --- Components --------------------------------------------------------------------------------------

function componentsTab(details: DetailsFacts): Block[] {
  const states = statesOf(details).filter(({ attempt }) => attempt && isSuccessful(attempt));
  const shown = states.slice(0, TARGETS_SHOWN);
  if (shown.length === 0)
    return [section('No component yet: one is made from a compiled model, and none is compiled.')];
  return [
    ...(details.packages
      ? []
      : [section('This use case packages nothing: it has no `components` settings.')]),
    ...shown.flatMap((state) => {
      const attempt = state.attempt!;
      const ref = writeRef({ useCase: details.useCase.id, job: jobKey(details.job), target: state.target });
      const component = componentOf(details, attempt.id);
      return [
        section(
          [
            `*${plain(state.target, 60)}*`,
            ...(component ? componentLines(component) : ['⚪ not packaged']),
          ].join('\n'),
        ),
        ...actions(
          component ? button('Devices and origin', COMPONENTS.details, componentRef(component)) : undefined,
          details.packages
            ? button(component ? 'Package again…' : 'Package…', COMPILE.package, ref)
            : undefined,
          component
            ? linkButton(
                'AWS console',
                COMPILE.link,
                inConsole(details.useCase, componentUrl, component.chain.component.name),
              )
            : undefined,
        ),
      ];
    }),
    ...(states.length > shown.length ? [context(`… ${states.length - shown.length} more targets`)] : []),
  ];
}

// --- History -----------------------------------------------------------------------------------------

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
  return modal(metadata, 'History', [
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
        `*${number}.* ${labelWords(attempt)} · *${plain(attempt.target, 60)}* · ${code(attempt.compilationJob)}`,
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
