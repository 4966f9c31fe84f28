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
import { PROVIDER_NAMES, PROVIDERS, type ProviderName } from '../domain/providers.ts';
import {
  TRAINING_STATE_LABELS,
  TRAINING_STATES,
  type TrainingState,
  trainingLabel,
} from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { COMPILE } from './compile-ids.ts';
import { machine, overallWords, writeRef } from './job-facts.ts';
import type { Block, Button, Message, Option } from './message.ts';
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
  now: number;
}

// --- What the table shows, kept in its own blocks ----------------------------------------------------

/** Query and page as a block id: whatever is clicked in the message brings it along. */
export function writeJobsState(query: JobsQuery, page: number): string {
  const { name, training, compilation, ended, provider, by } = query;
  const text = JSON.stringify(
    [name, training, compilation, ended, provider, by].map((one) => one ?? '').concat(String(page)),
  );
  return text.length <= LIMITS.id - 2 ? text : JSON.stringify(['', '', '', '', '', '', '0']);
}

const known = <T extends string>(all: readonly T[], value: unknown): T | undefined =>
  all.find((one) => one === value);

/** Anything that cannot be read is the whole table. */
export function readJobsState(block: string): { query: JobsQuery; page: number } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(block.replace(/^[a-z] /, ''));
  } catch {
    return { query: {}, page: 0 }; // An id of another version: the filters start anew.
  }
  const parts = Array.isArray(parsed) && parsed.length === 7 ? (parsed as unknown[]) : [];
  const [name, training, compilation, ended, provider, by, page] = parts;
  const query: JobsQuery = {
    name: typeof name === 'string' && name !== '' ? name : undefined,
    training: known(TRAININGS, training),
    compilation: known(COMPILATIONS, compilation),
    ended: known(['failed', 'stopped'] as const, ended),
    provider: known(PROVIDER_NAMES, provider),
    by: typeof by === 'string' && by !== '' ? by : undefined,
  };
  return {
    query: Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)),
    page: typeof page === 'string' && /^\d{1,6}$/.test(page) ? Number(page) : 0,
  };
}

// --- The message -------------------------------------------------------------------------------------

export function jobsUsage(command: string): Message {
  const example = (args: string, words: string): string => `• ${code(`${command} ${args}`.trim())} ${words}`;
  return {
    text: `${command} lists the training jobs of this channel’s use case and their compilations.`,
    blocks: [
      section(
        [
          `*${code(command)} lists the training jobs of this channel’s use case*`,
          example('', 'all of them, newest first'),
          example('resnet', 'those with this in their name'),
          example('state:failed', 'whose training or compilation failed'),
          example('training:failed', `by the training alone: ${TRAININGS.join(', ')}`),
          example('compilation:failed', `by the compilations alone: ${COMPILATIONS.join(', ')}`),
          example('provider:sagemaker', 'by where they run'),
          example('by:me', 'those I ran again or had compiled'),
        ].join('\n'),
      ),
    ],
  };
}

export function jobsTable(facts: JobsFacts): Message {
  const { rows, total } = facts;
  const title = `*Training jobs* of ${plain(facts.useCases.map(({ name }) => name).join(', '), 300)}`;
  const found = `${total} ${total === 1 ? 'job' : 'jobs'}${describe(facts.query)}`;
  const head = [section(`${title}\n${found}`), ...sums(facts), ...filters(facts)];
  const foot = paging(facts);
  if (rows.length === 0) {
    const blocks = [...head, section(nothing(facts)), ...foot];
    return { text: `No training jobs${describe(facts.query)}`, blocks };
  }
  const details = actions(...rows.map((row, index) => detailsButton(row, index, wordIn(facts, row))));
  return {
    text: `${found}, page ${facts.page + 1} of ${facts.pages}: ${rows.slice(0, 3).map(inShort).join(', ')}${rows.length > 3 ? ', …' : ''}`,
    blocks: [...head, dataTable(facts), context('Details of:'), ...details, ...foot],
    fallback: [...head, ...rows.map((row, index) => rowSection(facts, row, index)), ...foot],
  };
}

function inShort({ job, overall }: JobRow): string {
  const training = `${code(job.name, 80)} ${plain(trainingLabel(job).word, 60)}`;
  return overall.applies ? `${training}, ${overall.label.word}` : training;
}

function describe(query: JobsQuery): string {
  const parts = [
    query.name === undefined ? '' : ` with ${code(query.name, 100)}`,
    query.training === undefined ? '' : `, training ${query.training}`,
    query.compilation === undefined ? '' : `, compilation ${query.compilation}`,
    query.ended === undefined ? '' : `, training or compilation ${query.ended}`,
    query.provider === undefined ? '' : `, on ${PROVIDERS[query.provider].called}`,
    query.by === undefined ? '' : `, run again or compiled by ${mention(query.by)}`,
  ];
  return parts.join('');
}

/** One sum each: a training that failed is no failed compilation. */
function sums({ counts }: JobsFacts): Block[] {
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
    ...sum('Training', TRAINING_STATES, TRAINING_STATE_LABELS, counts.training),
    ...sum('Compilation', COMPILATIONS, JOB_STATE_LABELS, counts.compilation),
  ];
  return lines.length === 0 ? [] : [section(lines.join('\n'))];
}

function nothing({ query }: JobsFacts): string {
  return Object.keys(query).length === 0
    ? 'No training job is known here yet. One appears within a minute of its start.'
    : 'No job matches. Take a filter away, or give a shorter part of the name.';
}

/** States come before what may be long: on a phone only the first columns are seen. */
function dataTable(facts: JobsFacts): Block {
  const many = facts.useCases.length > 1;
  const providers = facts.providers.length > 1;
  const cell = (text: string, limit: number) => ({ type: 'raw_text' as const, text: label(text, limit) });
  const header = [
    'Training',
    'Job',
    'Compilation',
    ...(providers ? ['Provider'] : []),
    'Created',
    ...(many ? ['Use case'] : []),
  ];
  return {
    type: 'data_table',
    caption: 'Training jobs and their compilations',
    page_size: JOBS_PAGE,
    row_header_column_index: 1,
    rows: [
      header.map((text) => cell(text, 40)),
      ...facts.rows.map(({ job, overall, useCase }) => {
        const training = trainingLabel(job);
        return [
          cell(`${training.symbol} ${training.word}`, 60),
          cell(job.name, 90),
          cell(compilationCell(overall), 60),
          ...(providers ? [cell(PROVIDERS[job.provider].label, 30)] : []),
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
  const training = trainingLabel(job);
  return section(
    [
      [code(job.name), overallWords(overall)].filter((part) => part !== '').join(' · '),
      [
        `${training.symbol} training ${plain(training.word, 60)}`,
        PROVIDERS[job.provider].label,
        machine(job),
        moment(job.createdAt),
      ]
        .filter((part) => part !== '')
        .join(' · '),
    ].join('\n'),
    detailsButton(row, index, wordIn(facts, row), 'Details'),
  );
}

/** @param word what the job is called here */
function detailsButton(
  { useCase, job }: JobRow,
  index: number,
  word: string,
  text: string = word,
): Button | undefined {
  const made = button(
    text,
    `${COMPILE.details}:${index}`,
    writeRef({ useCase: useCase.id, job: jobKey(job) }),
  );
  // Screen readers and automation hear which job it is.
  return (
    made && {
      ...made,
      accessibility_label: label(`Details of ${word}`, LIMITS.button.accessibilityLabel),
    }
  );
}

const ALL = 'all';

function filters({ query, page, providers }: JobsFacts): Block[] {
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
        menu(
          JOBS.training,
          'Any training state',
          query.training,
          labelled('training ', TRAININGS, TRAINING_STATE_LABELS),
        ),
        menu(
          JOBS.compilation,
          'Any compilation state',
          query.compilation,
          labelled('', COMPILATIONS, JOB_STATE_LABELS),
        ),
        ...(providers.length > 1 || query.provider !== undefined
          ? [
              menu(
                JOBS.provider,
                'Any provider',
                query.provider,
                PROVIDER_NAMES.map((one) => option(PROVIDERS[one].label, one)),
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

/** What a menu of the table was set to: undefined for "every", and for what none of them offers. */
export const CHOSEN = {
  training: (value: string) => known(TRAININGS, value),
  compilation: (value: string) => known(COMPILATIONS, value),
  provider: (value: string) => known(PROVIDER_NAMES, value),
  by: (value: string) => (/^[UW][A-Z0-9]+$/.test(value) ? value : undefined),
} as const;

function paging({ query, page, pages, total }: JobsFacts): Block[] {
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
    ...(total > 0 ? [context(`${from}–${to} of ${total}, newest first`)] : []),
  ];
}
