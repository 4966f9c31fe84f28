/** `/jobs`: the use case's jobs as a table, with filters, paging and a way into each one's details. */
import {
  JOB_STATE_LABELS,
  type JobCompilationState,
  type OverallState,
} from '../domain/compilation-states.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { JOBS_PROVIDERS, JOBS_STATES, type JobsQuery, type JobsState } from '../domain/jobs-query.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { COMPILE } from './compile-ids.ts';
import { machine, overallWords, trainingLabel, writeRef } from './job-facts.ts';
import { LIMITS } from './limits.ts';
import type { Block, Button, Message, Option } from './message.ts';
import { actions, button, code, context, label, mention, moment, option, plain, section } from './text.ts';

export const JOBS = {
  state: 'jobs.state',
  provider: 'jobs.provider',
  owner: 'jobs.owner',
  page: 'jobs.page',
  clear: 'jobs.clear',
} as const;

/** Rows of one page: each has its button, and a row of buttons should fit one line or two. */
export const JOBS_PAGE = 10;

export interface JobRow {
  useCase: Pick<UseCase, 'id' | 'name'>;
  job: TrainingJob;
  overall: OverallState;
  /** Who had it compiled, in order. */
  people: readonly string[];
}

export interface JobsFacts {
  rows: readonly JobRow[];
  query: JobsQuery;
  total: number;
  page: number;
  pages: number;
  counts: Readonly<Record<JobCompilationState, number>>;
  /** More than one: a column says whose a job is. */
  useCases: readonly Pick<UseCase, 'id' | 'name'>[];
  now: number;
}

// --- What the table shows, kept in its own blocks ----------------------------------------------------

/** Query and page as a block id: whatever is clicked in the message brings it along. */
export function writeJobsState(query: JobsQuery, page: number): string {
  const text = JSON.stringify([
    query.name ?? '',
    query.state ?? '',
    query.provider ?? '',
    query.owner ?? '',
    page,
  ]);
  return text.length <= LIMITS.id - 2 ? text : JSON.stringify(['', '', '', '', 0]);
}

/** Anything that cannot be read is the whole table. */
export function readJobsState(block: string): { query: JobsQuery; page: number } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(block.replace(/^[a-z] /, ''));
  } catch {
    return { query: {}, page: 0 }; // An id of another version: the filters start anew.
  }
  const [name, state, provider, owner, page] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
  return {
    query: {
      ...(typeof name === 'string' && name !== '' ? { name } : {}),
      ...(JOBS_STATES.includes(state as JobsState) ? { state: state as JobsState } : {}),
      ...(JOBS_PROVIDERS.includes(provider as TrainingJob['provider'])
        ? { provider: provider as TrainingJob['provider'] }
        : {}),
      ...(typeof owner === 'string' && owner !== '' ? { owner } : {}),
    },
    page: typeof page === 'number' && Number.isSafeInteger(page) && page >= 0 ? page : 0,
  };
}

// --- The message -------------------------------------------------------------------------------------

export function jobsUsage(command: string): Message {
  const example = (args: string, words: string): string => `• ${code(`${command} ${args}`.trim())} ${words}`;
  return {
    text: `${command} lists the training jobs of this channel’s use case with their compilations.`,
    blocks: [
      section(
        [
          `*${code(command)} lists the training jobs of this channel’s use case*`,
          example('', 'all of them, newest first'),
          example('resnet', 'those with a part of the name'),
          example('state:failed', JOBS_STATES.join(', ')),
          example('provider:sagemaker', 'by where they run'),
          example('owner:me', 'those that I had compiled'),
        ].join('\n'),
      ),
    ],
  };
}

export function jobsTable(facts: JobsFacts): Message {
  const { rows, total } = facts;
  const title = `*Training jobs* of ${plain(facts.useCases.map(({ name }) => name).join(', '), 300)}`;
  const found = `${total} ${total === 1 ? 'job' : 'jobs'}${describe(facts.query)}`;
  const head = [section(`${title}\n${found}${counts(facts)}`), ...filters(facts)];
  const foot = paging(facts);
  if (rows.length === 0) {
    const blocks = [...head, section(nothing(facts)), ...foot];
    return { text: `No training jobs${describe(facts.query)}`, blocks };
  }
  const details = actions(...rows.map((row, index) => detailsButton(row, index, `Details ${index + 1}`)));
  return {
    text: `${found}, page ${facts.page + 1} of ${facts.pages}: ${rows
      .slice(0, 3)
      .map(({ job, overall }) => `${code(job.name, 80)} ${overall.label.word}`)
      .join(', ')}${rows.length > 3 ? ', …' : ''}`,
    blocks: [...head, dataTable(facts), ...details, ...foot],
    fallback: [...head, ...rows.map(rowSection), ...foot],
  };
}

function describe(query: JobsQuery): string {
  const parts = [
    query.name === undefined ? '' : ` with ${code(query.name, 100)}`,
    query.state === undefined ? '' : `, ${query.state}`,
    query.provider === undefined ? '' : `, ${query.provider}`,
    query.owner === undefined ? '' : `, compiled by ${mention(query.owner)}`,
  ];
  return parts.join('');
}

function counts({ counts: given }: JobsFacts): string {
  const parts = (Object.keys(JOB_STATE_LABELS) as JobCompilationState[])
    .filter((state) => given[state] > 0)
    .map((state) => `${JOB_STATE_LABELS[state].symbol} ${given[state]} ${JOB_STATE_LABELS[state].word}`);
  return parts.length === 0 ? '' : `\n${parts.join(' · ')}`;
}

function nothing({ query }: JobsFacts): string {
  return Object.keys(query).length === 0
    ? 'No training job is known here yet. One appears within a minute of its start.'
    : 'No job matches. Take a filter away, or give a shorter part of the name.';
}

function dataTable(facts: JobsFacts): Block {
  const many = facts.useCases.length > 1;
  const cell = (text: string, limit: number) => ({ type: 'raw_text' as const, text: label(text, limit) });
  const header = ['#', 'Job', 'Training', 'Compilation', 'Compiled', 'Provider', 'Created (UTC)'];
  return {
    type: 'data_table',
    caption: 'Training jobs with their compilations',
    page_size: JOBS_PAGE,
    row_header_column_index: 1,
    rows: [
      [...header, ...(many ? ['Use case'] : [])].map((text) => cell(text, 40)),
      ...facts.rows.map(({ job, overall, useCase }, index) => {
        const training = trainingLabel(job.status);
        return [
          cell(String(index + 1), 10),
          cell(job.name, 90),
          cell(`${training.symbol} ${training.word}`, 60),
          cell(`${overall.label.symbol} ${overall.label.word}`, 60),
          cell(overall.total === 0 ? '–' : `${overall.count} compiled`, 30),
          cell(job.provider, 30),
          cell(new Date(job.createdAt).toISOString().slice(0, 16).replace('T', ' '), 30),
          ...(many ? [cell(useCase.name, 60)] : []),
        ];
      }),
    ],
  };
}

function rowSection(row: JobRow, index: number): Block {
  const { job, overall } = row;
  const training = trainingLabel(job.status);
  return section(
    [
      `${code(job.name)} · ${overallWords(overall)}`,
      [
        `${training.symbol} training ${plain(training.word, 60)}`,
        job.provider,
        machine(job),
        moment(job.createdAt),
      ]
        .filter((part) => part !== '')
        .join(' · '),
    ].join('\n'),
    detailsButton(row, index, 'Details'),
  );
}

function detailsButton({ useCase, job }: JobRow, index: number, text: string): Button | undefined {
  const made = button(text, `${COMPILE.details}:${index}`, writeRef({ useCase: useCase.id, job: job.name }));
  // Screen readers and automation hear which job it is.
  return (
    made && {
      ...made,
      accessibility_label: label(`Details of ${job.name}`, LIMITS.button.accessibilityLabel),
    }
  );
}

const ALL = 'all';

function filters({ query, page }: JobsFacts): Block[] {
  const states: Option[] = [
    option('Every state', ALL),
    ...JOBS_STATES.map((state) =>
      option(
        state === 'training'
          ? '⏳ training runs'
          : `${JOB_STATE_LABELS[state].symbol} ${JOB_STATE_LABELS[state].word}`,
        state,
      ),
    ),
  ];
  const providers = [
    option('Every provider', ALL),
    ...JOBS_PROVIDERS.map((provider) => option(provider, provider)),
  ];
  const filtered = Object.keys(query).length > 0;
  return [
    {
      type: 'actions',
      block_id: `f ${writeJobsState(query, page)}`,
      elements: [
        {
          type: 'static_select',
          action_id: JOBS.state,
          placeholder: { type: 'plain_text', text: 'State' },
          options: states,
          initial_option: states.find(({ value }) => value === (query.state ?? ALL)) ?? states[0]!,
        },
        {
          type: 'static_select',
          action_id: JOBS.provider,
          placeholder: { type: 'plain_text', text: 'Provider' },
          options: providers,
          initial_option: providers.find(({ value }) => value === (query.provider ?? ALL)) ?? providers[0]!,
        },
        {
          type: 'users_select',
          action_id: JOBS.owner,
          placeholder: { type: 'plain_text', text: 'Owner' },
          ...(query.owner === undefined ? {} : { initial_user: query.owner }),
        },
        ...(filtered ? [button('Clear filters', JOBS.clear, ALL)!] : []),
      ],
    },
  ];
}

/** @returns undefined for "every" */
export function chosenFilter(value: string): string | undefined {
  return value === ALL || value === '' ? undefined : value;
}

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
