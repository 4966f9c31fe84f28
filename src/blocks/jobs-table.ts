/** `/jobs`: the use case's jobs as a table, with filters, paging and a way into each one's details. */

import { LIMITS } from '#sandbox/block-kit';
import {
  JOB_STATE_LABELS,
  type JobCompilationState,
  type OverallState,
  type StateLabel,
} from '../domain/compilation-states.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { COMPILATIONS, type JobsQuery, TRAININGS } from '../domain/jobs-query.ts';
import {
  haveKinds,
  labelAmong,
  PROVIDER_NAMES,
  PROVIDERS,
  type ProviderName,
  type SageMakerName,
  thingsOf,
} from '../domain/providers.ts';
import {
  TRAINING_STATE_LABELS,
  TRAINING_STATES,
  type TrainingState,
  trainingLabel,
} from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { COMPILE } from './compile-ids.ts';
import { CURVES, mayHaveCurves } from './curves.ts';
import { machine, overallWords, standingInList, writeRef } from './job-facts.ts';
import { writeJobsState } from './jobs-state.ts';
import type { Block, Button, Message, Option } from './message.ts';
import { type RefusedKinds, refusedKinds } from './refused-kinds.ts';
import {
  actions,
  button,
  code,
  context,
  label,
  mention,
  moment,
  momentNode,
  option,
  plain,
  section,
} from './text.ts';

export const JOBS = {
  training: 'jobs.training',
  compilation: 'jobs.compilation',
  provider: 'jobs.provider',
  by: 'jobs.by',
  page: 'jobs.page',
  clear: 'jobs.clear',
} as const;

/** Rows of one page: each has its button, and a row of buttons should fit a few lines. */
export const JOBS_PAGE = 10;

export interface JobRow {
  useCase: Pick<UseCase, 'id' | 'name'>;
  job: TrainingJob;
  overall: OverallState;
  /** Who ran it again or had it compiled, in order. */
  people: readonly string[];
}

export interface JobsFacts {
  rows: readonly JobRow[];
  query: JobsQuery;
  total: number;
  /** Not listed, since they belong to a tuning job or a pipeline; left out: none. */
  folded?: number;
  page: number;
  pages: number;
  counts: {
    training: Readonly<Record<TrainingState, number>>;
    compilation: Readonly<Record<JobCompilationState, number>>;
  };
  /** Where any of the known jobs run: more than one is told apart, and can be filtered by. */
  providers: readonly ProviderName[];
  /** More than one: a column says whose a job is. */
  useCases: readonly Pick<UseCase, 'id' | 'name'>[];
  /** What roles may not ask about; left out: nothing. */
  refused?: readonly RefusedKinds[];
  now: number;
}

// --- The message -------------------------------------------------------------------------------------

/** @param kinds of SageMaker's jobs that are listed here */
export function jobsUsage(command: string, kinds: readonly SageMakerName[] = []): Message {
  const jobs = haveKinds(kinds) ? 'jobs' : 'training jobs';
  const example = (args: string, words: string): string => `• ${code(`${command} ${args}`.trim())} ${words}`;
  return {
    text: `${command} lists the ${jobs} of this channel’s use case and their compilations.`,
    blocks: [
      section(
        [
          `*${code(command)} lists the ${jobs} of this channel’s use case*`,
          example('', 'all of them, newest first'),
          example('resnet', 'those with this in their name'),
          example('state:failed', 'whose training or compilation failed'),
          example('training:failed', `by the training alone: ${TRAININGS.join(', ')}`),
          example('compilation:failed', `by the compilations alone: ${COMPILATIONS.join(', ')}`),
          example('provider:sagemaker', 'by where they run, or by their kind: `kind:processing`'),
          example('by:me', 'those I ran again or had compiled'),
          ...(haveKinds(kinds) ? [`*Listed here:* ${thingsOf(kinds)}.`] : []),
        ].join('\n'),
      ),
    ],
  };
}

export function jobsTable(facts: JobsFacts): Message {
  const { rows, total } = facts;
  const title = `*${haveKinds(facts.providers) ? 'Jobs' : 'Training jobs'}* of ${plain(facts.useCases.map(({ name }) => name).join(', '), 300)}`;
  const found = `${total} ${total === 1 ? 'job' : 'jobs'}${describe(facts.query)}`;
  const head = [section(`${title}\n${found}`), ...sums(facts), ...filters(facts)];
  const foot = [...paging(facts), ...refusedKinds(facts.refused ?? [], facts.useCases.length > 1)];
  if (rows.length === 0) {
    const blocks = [...head, section(nothing(facts)), ...foot];
    return { text: `No ${thingsIn(facts)}${describe(facts.query)}`, blocks };
  }
  const curves = curvesRow(facts);
  const details = actions(...rows.map((row, index) => detailsButton(row, index, wordIn(facts, row))));
  return {
    text: `${found}, page ${facts.page + 1} of ${facts.pages}: ${rows.slice(0, 3).map(inShort).join(', ')}${rows.length > 3 ? ', …' : ''}`,
    blocks: [...head, dataTable(facts), context('Details of:'), ...details, ...curves, ...foot],
    fallback: [...head, ...rows.map((row, index) => rowSection(facts, row, index)), ...curves, ...foot],
  };
}

function inShort({ job, overall }: JobRow): string {
  const training = `${code(job.name, 80)} ${plain(trainingLabel(job).word, 60)}`;
  return overall.applies ? `${training}, ${overall.label.word}` : training;
}

const onOrOf = (provider: ProviderName): string =>
  PROVIDERS[provider].isKind ? `, ${PROVIDERS[provider].thing}s` : `, on ${PROVIDERS[provider].called}`;

function describe(query: JobsQuery): string {
  const parts = [
    query.name === undefined ? '' : ` with ${code(query.name, 100)}`,
    query.training === undefined ? '' : `, training ${query.training}`,
    query.compilation === undefined ? '' : `, compilation ${query.compilation}`,
    query.ended === undefined ? '' : `, training or compilation ${query.ended}`,
    query.provider === undefined ? '' : onOrOf(query.provider),
    query.by === undefined ? '' : `, run again or compiled by ${mention(query.by)}`,
  ];
  return parts.join('');
}

/** Of what a table is that nothing is in. */
const thingsIn = ({ providers }: JobsFacts): string => (haveKinds(providers) ? 'jobs' : 'training jobs');

/** One sum each: a training that failed is no failed compilation. */
function sums({ counts, providers }: JobsFacts): Block[] {
  const sum = <K extends string>(
    of: string,
    states: readonly K[],
    labels: Readonly<Record<K, StateLabel>>,
    numbers: Readonly<Record<K, number>>,
  ): string[] => {
    const parts = states
      .filter((state) => numbers[state] > 0)
      .map((state) => `${labels[state].symbol} ${numbers[state]} ${labels[state].word}`);
    return parts.length === 0 ? [] : [`*${of}:* ${parts.join(' · ')}`];
  };
  const lines = [
    ...sum(
      haveKinds(providers) ? 'Jobs' : 'Training',
      TRAINING_STATES,
      TRAINING_STATE_LABELS,
      counts.training,
    ),
    ...sum('Compilation', COMPILATIONS, JOB_STATE_LABELS, counts.compilation),
  ];
  return lines.length === 0 ? [] : [section(lines.join('\n'))];
}

function nothing(facts: JobsFacts): string {
  return Object.keys(facts.query).length === 0
    ? `No ${thingsIn(facts).replace(/s$/, '')} is known here yet. One appears within a minute of its start.`
    : 'No job matches. Take a filter away, or give a shorter part of the name.';
}

/** Whether there is anything compiled, or to compile, among the jobs: otherwise that column would be empty. */
const showsCompilations = ({ counts, query }: Pick<JobsFacts, 'counts' | 'query'>): boolean =>
  query.compilation !== undefined || Object.values(counts.compilation).some((count) => count > 0);

/** States come before what may be long: on a phone only the first columns are seen. */
function dataTable(facts: JobsFacts): Block {
  const many = facts.useCases.length > 1;
  const providers = facts.providers.length > 1;
  const compiles = showsCompilations(facts);
  const cell = (text: string, limit: number) => ({ type: 'raw_text' as const, text: label(text, limit) });
  const kinds = haveKinds(facts.providers);
  const header = [
    kinds ? 'State' : 'Training',
    'Job',
    ...(compiles ? ['Compilation'] : []),
    ...(providers ? [kinds ? 'Kind' : 'Provider'] : []),
    'Created',
    ...(many ? ['Use case'] : []),
  ];
  return {
    type: 'data_table',
    caption: `${kinds ? 'Jobs' : 'Training jobs'}${compiles ? ' and their compilations' : ''}`,
    page_size: JOBS_PAGE,
    row_header_column_index: 1,
    rows: [
      header.map((text) => cell(text, 40)),
      ...facts.rows.map(({ job, overall, useCase }) => {
        const training = trainingLabel(job);
        return [
          cell(`${training.symbol} ${training.word}`, 60),
          cell(job.name, 90),
          ...(compiles ? [cell(compilationCell(overall), 60)] : []),
          ...(providers ? [cell(labelAmong(job.provider, facts.providers), 30)] : []),
          {
            type: 'rich_text' as const,
            elements: [{ type: 'rich_text_section' as const, elements: [momentNode(job.createdAt)] }],
          },
          ...(many ? [cell(useCase.name, 60)] : []),
        ];
      }),
    ],
  };
}

function compilationCell({ applies, label: { symbol, word }, total, count }: OverallState): string {
  if (!applies) return '–';
  return total === 0 ? `${symbol} ${word}` : `${symbol} ${word} ${count}`;
}

/** How it is told apart from the others in this table: by its name, or `local:press-1`. */
const wordIn = ({ providers }: JobsFacts, { job }: JobRow): string =>
  providers.length > 1 ? jobKey(job) : job.name;

function rowSection(facts: JobsFacts, row: JobRow, index: number): Block {
  const { job, overall } = row;
  return section(
    [
      [code(job.name), overallWords(overall)].filter((part) => part !== '').join(' · '),
      [standingInList(job), labelAmong(job.provider, facts.providers), machine(job), moment(job.createdAt)]
        .filter((part) => part !== '')
        .join(' · '),
    ].join('\n'),
    detailsButton(row, index, wordIn(facts, row), 'Details'),
  );
}

const rowRef = ({ useCase, job }: JobRow): string => writeRef({ useCase: useCase.id, job: jobKey(job) });

/** @param word what the job is called here */
function detailsButton(row: JobRow, index: number, word: string, text: string = word): Button | undefined {
  const made = button(text, `${COMPILE.details}:${index}`, rowRef(row));
  // Screen readers and automation hear which job it is.
  return (
    made && {
      ...made,
      accessibility_label: label(`Details of ${word}`, LIMITS.button.accessibilityLabel),
    }
  );
}

/** Those that any job is of, and the one that is chosen; in the order in which they are listed anywhere. */
const offered = (providers: readonly ProviderName[], chosen: ProviderName | undefined): ProviderName[] =>
  PROVIDER_NAMES.filter((one) => one === chosen || providers.includes(one));

/**
 * Curves of one run of this page, chosen by name: a button beside each one's details would double them. Where none of
 * them can have curves, there are none to compare either.
 */
function curvesRow(facts: JobsFacts): Block[] {
  const runs = facts.rows.filter(({ job }) => mayHaveCurves(job));
  if (runs.length === 0) return [];
  const options = runs
    .filter((row) => rowRef(row).length <= LIMITS.option.value)
    .map((row) => option(wordIn(facts, row), rowRef(row), facts.useCases.length > 1 ? row.useCase.name : ''));
  const menu = {
    type: 'static_select' as const,
    action_id: CURVES.of,
    placeholder: { type: 'plain_text' as const, text: 'Curves of…' },
    options,
  };
  const compare = facts.total > 1 ? button('Compare curves…', CURVES.compare, 'runs') : undefined;
  const elements = [options.length > 0 ? menu : undefined, compare].filter((one) => one !== undefined);
  return elements.length > 0 ? [{ type: 'actions', elements }] : [];
}

const ALL = 'all';

function filters(facts: JobsFacts): Block[] {
  const { query, page, providers } = facts;
  const of = haveKinds(providers) ? '' : 'training ';
  const menu = (id: string, every: string, chosen: string | undefined, options: readonly Option[]) => {
    const all = [option(every, ALL), ...options];
    return {
      type: 'static_select' as const,
      action_id: id,
      placeholder: { type: 'plain_text' as const, text: every },
      options: all,
      initial_option: all.find(({ value }) => value === chosen) ?? all[0]!,
    };
  };
  const labelled = <K extends string>(
    of: string,
    states: readonly K[],
    labels: Readonly<Record<K, StateLabel>>,
  ): Option[] => states.map((state) => option(`${labels[state].symbol} ${of}${labels[state].word}`, state));
  const filtered = Object.keys(query).length > 0;
  return [
    {
      type: 'actions',
      block_id: `f ${writeJobsState(query, page)}`,
      elements: [
        menu(JOBS.training, `Any ${of}state`, query.training, labelled(of, TRAININGS, TRAINING_STATE_LABELS)),
        ...(showsCompilations(facts)
          ? [
              menu(
                JOBS.compilation,
                'Any compilation state',
                query.compilation,
                labelled('', COMPILATIONS, JOB_STATE_LABELS),
              ),
            ]
          : []),
        ...(providers.length > 1 || query.provider !== undefined
          ? [
              menu(
                JOBS.provider,
                haveKinds(providers) ? 'Any kind' : 'Any provider',
                query.provider,
                offered(providers, query.provider).map((one) => option(labelAmong(one, providers), one)),
              ),
            ]
          : []),
        {
          type: 'users_select',
          action_id: JOBS.by,
          placeholder: { type: 'plain_text', text: 'Run again or compiled by…' },
          ...(query.by === undefined ? {} : { initial_user: query.by }),
        },
        ...(filtered ? [button('Clear filters', JOBS.clear, ALL)!] : []),
      ],
    },
  ];
}

/** Said where a list leaves them out. */
const partsWords = (folded: number): string =>
  folded === 0
    ? ''
    : `. ${folded} more ${folded === 1 ? 'is' : 'are'} part of a tuning job or a pipeline: see its details, or give a name`;

function paging({ query, page, pages, total, folded = 0 }: JobsFacts): Block[] {
  const from = page * JOBS_PAGE + 1;
  const to = Math.min(total, from + JOBS_PAGE - 1);
  const buttons = [
    page > 0 ? button('‹ Newer', `${JOBS.page}:0`, String(page - 1)) : undefined,
    page + 1 < pages ? button('Older ›', `${JOBS.page}:1`, String(page + 1)) : undefined,
  ].filter((one) => one !== undefined);
  return [
    ...(buttons.length > 0
      ? [{ type: 'actions' as const, block_id: `p ${writeJobsState(query, page)}`, elements: buttons }]
      : []),
    ...(total > 0 ? [context(`${from}–${to} of ${total}, newest first${partsWords(folded)}`)] : []),
  ];
}
