/** One job in a modal with tabs: overview, logs, compilation, components. */

import { LIMITS } from '#sandbox/block-kit';
import { isSuccessful } from '../domain/compilations.ts';
import { compilationLogUrl, componentUrl, inConsole } from '../domain/console-links.ts';
import { guidanceForTraining } from '../domain/failure-guidance.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished, leavesModel, type TrainingJob } from '../domain/jobs.ts';
import { isCompiledFrom, PROVIDERS, thingWord } from '../domain/providers.ts';
import { standingOf } from '../domain/training-states.ts';
import type { JobLinks } from '../ports/training-provider.ts';
import { type CompilationFacts, compilationTab, NOT_REPORTED, TARGETS_SHOWN } from './compilation-tab.ts';
import { COMPILE } from './compile-ids.ts';
import { COMPONENTS, componentLines, componentRef } from './component-words.ts';
import { curvesButton, metricLines } from './curves.ts';
import { detailsView } from './details-views.ts';
import {
  attemptRef,
  componentOf,
  costWords,
  freshness,
  guidanceLines,
  machine,
  overallWords,
  rerunWords,
  runAgainButton,
  stateOf,
  statesOf,
  statusWords,
  stopWords,
  trainingWords,
  verbatim,
  writeRef,
} from './job-facts.ts';
import { partsDetails } from './job-parts.ts';
import { getLogsButton } from './logs.ts';
import type { Block, Modal } from './message.ts';
import { stopTrainingButton } from './stop-training.ts';
import { watchButton } from './tail.ts';
import {
  actions,
  button,
  code,
  context,
  divider,
  duration,
  instant,
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

export interface DetailsFacts extends CompilationFacts {
  /** Where the training's provider shows it. */
  links: JobLinks;
}

export function jobDetails(metadata: string, tab: Tab, facts: DetailsFacts): Modal {
  const content: Readonly<Record<Tab, (facts: DetailsFacts) => Block[]>> = {
    overview,
    logs: logsTab,
    compilation: compilationTab,
    components: componentsTab,
  };
  const blocks = [
    section(`*${code(facts.job.name)}* · ${plain(facts.useCase.name, 100)}`),
    ...actions(
      ...TABS.filter((name) => name === tab || isAbout(facts, name)).map((name) =>
        button(
          TAB_NAMES[name],
          `${COMPILE.tab}:${TABS.indexOf(name)}`,
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
  return detailsView(metadata, facts.job.name, [
    ...blocks.slice(0, LIMITS.blocks.view - 1),
    context(...freshness(facts)),
  ]);
}

/** Whether a tab can have something to say. Where nothing can be compiled, nothing can be packaged either. */
const isAbout = ({ job, attempts }: DetailsFacts, tab: Tab): boolean =>
  (tab !== 'compilation' && tab !== 'components') || isCompiledFrom(job.provider) || attempts.length > 0;

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
  const advice = guidanceForTraining(job);
  const ended = isFinished(job);
  const { machines, isKind, label } = PROVIDERS[job.provider];
  const length = (job.endedAt ?? details.now) - (job.startedAt ?? job.createdAt);
  return [
    section(
      [
        trainingWords(details),
        rerunWords(details),
        stopWords(details),
        details.compiles || details.attempts.length > 0 ? overallWords(stateOf(details)) : '',
      ]
        .filter((line) => line !== '')
        .join('\n'),
    ),
    ...(advice ? [section(guidanceLines(advice))] : []),
    ...(job.failureReason ? [section(verbatim(job.failureReason, 2900).block)] : []),
    ...(job.parts ? partsDetails(job.parts, details.useCase.id, details.shows) : []),
    ...facts([
      ['Status', plain(standingOf(job).join(', '), 200)],
      isKind ? ['Kind', thingWord(job.provider)] : ['Provider', label],
      ...(machines || machine(job)
        ? ([[machines?.count ?? (isKind ? 'Instances' : 'Machine'), machine(job)]] as const)
        : []),
      ...(job.costPerHour === undefined ? [] : ([['Cost', costWords(job)]] as const)),
      ['Created', moment(job.createdAt)],
      // Of a service AWS says when it was made and no more.
      ...(PROVIDERS[job.provider].stays && job.startedAt === undefined
        ? []
        : ([
            [
              'Started',
              job.startedAt === undefined ? (ended ? undefined : 'not yet') : instant(job.startedAt),
            ],
          ] as const)),
      // What a running job cannot have yet is left out.
      ...(ended
        ? ([
            ['Ended', job.endedAt === undefined ? undefined : instant(job.endedAt)],
            ['Duration', job.endedAt === undefined ? undefined : duration(length)],
          ] as const)
        : ([['Duration', `${duration(length)} so far`]] as const)),
      ...Object.entries(job.facts ?? {}).map(([name, value]) => [name, plain(value, 600)] as const),
      ...(leavesModel(job) || job.modelArtifact
        ? ([['Model artifact', job.modelArtifact ? code(job.modelArtifact, 600) : undefined]] as const)
        : []),
    ]),
    ...curvesOf(details),
    ...hyperparameters(job),
    ...actions(
      ended ? undefined : watchButton(details.useCase.id, jobKey(job)),
      runAgainButton(job),
      curvesButton(job),
      stopTrainingButton(job),
      linkButton(`Open in ${links.site}`, `${COMPILE.link}:1`, links.job),
    ),
  ];
}

/** A window shows no charts; the button brings them into the conversation. */
function curvesOf({ curves }: DetailsFacts): Block[] {
  return curves && curves.values.length > 0
    ? [section(['*Metrics*', ...metricLines(curves)].join('\n'))]
    : [];
}

const HYPERPARAMETERS_SHOWN = 20;

function hyperparameters({ hyperparameters: given, provider }: TrainingJob): Block[] {
  const entries = Object.entries(given ?? {});
  if (entries.length === 0) return [];
  const shown = entries.slice(0, HYPERPARAMETERS_SHOWN);
  const more = entries.length - shown.length;
  return [
    section(
      [
        provider === 'tuning' ? '*Hyperparameters of the best*' : '*Hyperparameters*',
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
    section(`*${PROVIDERS[job.provider].work} log*\nEverything that the job printed, as one file.`),
    ...actions(
      getLogsButton(useCase.id, jobKey(job)),
      isFinished(job) ? undefined : watchButton(useCase.id, jobKey(job)),
      linkButton(`Log streams in ${links.site}`, `${COMPILE.link}:1`, links.log),
    ),
    ...(shown.length > 0 ? [section('*Compile logs*\nOf the newest attempt for each target.')] : []),
    ...shown.flatMap((attempt, index) => [
      section(`${statusWords(attempt)} *${plain(attempt.target, 60)}* ${code(attempt.compilationJob)}`),
      ...actions(
        button('Compile log', COMPILE.log, attemptRef(useCase.id, attempt)),
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
