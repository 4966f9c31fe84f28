/** What `/logs` says and asks. */

import { LIMITS } from '#sandbox/block-kit';
import { exactWord, jobKey } from '../domain/job-keys.ts';
import { EXAMPLE_JOB } from '../domain/job-names.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { type LogOrder, wholeLog } from '../domain/log-order.ts';
import { LOG_FLAGS } from '../domain/log-query.ts';
import {
  notLookedAt,
  ONLY_TRAINING,
  onProvider,
  PROVIDERS,
  type ProviderName,
  type SageMakerName,
  thingsOf,
} from '../domain/providers.ts';
import { kindWord } from '../domain/sagemaker-kinds.ts';
import { trainingLabel } from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { firstLines, type ShownLines } from './first-lines.ts';
import { orderButton } from './log-buttons.ts';
import type { Block, Button, Message, Modal, Option } from './message.ts';
import {
  actions,
  button,
  code,
  context,
  group,
  label,
  moment,
  option,
  plain,
  said,
  section,
  size,
} from './text.ts';

export const LOGS = {
  get: 'logs.get',
  retry: 'logs.retry',
  cancel: 'logs.cancel',
  enough: 'logs.enough',
  choose: 'logs.choose',
  job: 'logs.job',
  form: 'logs.form',
  shortcut: 'logs.from_message',
} as const;

/** For every card and alert about a job. @param job its key */
export function getLogsButton(useCase: string, job: string): Button | undefined {
  return orderButton('Get logs', LOGS.get, wholeLog(exactWord(job), useCase));
}

/** @param job a job there is, for the examples; @param kinds of SageMaker's jobs that are looked at here */
export function logsUsage(
  command: string,
  job: string = EXAMPLE_JOB,
  kinds: readonly SageMakerName[] = [],
): Message {
  const flags = LOG_FLAGS.map(
    (flag) => `• ${code(flag.value ? `${flag.name} ${flag.value}` : flag.name)} ${flag.description}`,
  );
  const example = (args: string): string => code(`${command} ${args}`);
  const others = kinds.filter((kind) => PROVIDERS[kind].isKind);
  const a = others.length > 0 ? 'a job' : 'a training job';
  return {
    text: `${command} <job> brings the complete log of ${a} as a file.`.replace('<job>', '&lt;job&gt;'),
    blocks: [
      section(
        [
          `*${code(`${command} <job>`)} brings the complete log of ${a} as one file*`,
          'every event of every stream, in order, for a job that runs, completed, failed or was stopped.',
        ].join('\n'),
      ),
      section(
        [
          '*Examples*',
          example(job),
          example(`${job} --last 2h --grep "CUDA out of memory"`),
          example(`${job} --tail 500 --plain --dm`),
        ].join('\n'),
      ),
      ...(others[0]
        ? [
            section(
              `*Looked at here:* ${thingsOf(kinds)}.\nWhere two of them have one name, ${code(`${kindWord(others[0])}:name`)} says which.`,
            ),
          ]
        : []),
      section(['*To narrow it down*', ...flags].join('\n')),
      ...actions(button('Choose a job…', LOGS.choose, undefined, 'primary')),
      context(
        'In a thread, where commands do not work: mention me with `logs` and the name, or use the message shortcut *Get training logs*.',
      ),
    ],
  };
}

// --- While it runs -----------------------------------------------------------------------------------

export type LogStage =
  | { kind: 'waiting'; ahead: number }
  | { kind: 'opening' }
  | { kind: 'fetching'; events: number; textBytes: number; fraction: number; throttled: boolean }
  | { kind: 'writing'; events: number; textBytes: number }
  | { kind: 'uploading'; bytes: number; fraction: number; throttled: boolean };

interface Progress {
  job: string;
  /** The person's name, where Slack told it. */
  by: string | undefined;
  stage: LogStage;
  downloadId: string;
  /** Opens the run, where it can be. */
  live?: Button | undefined;
  /** Shows the run as it prints, where it does. */
  watch?: Button | undefined;
  /** The log's end, once it is known. */
  lines?: ShownLines | undefined;
}

export function logsProgress({ job, by, stage, downloadId, live, watch, lines }: Progress): Message {
  const words = stageInWords(stage);
  const title = `:hourglass_flowing_sand: Log of ${code(job)}${by === undefined ? '' : ` for ${plain(by, 80)}`}`;
  return {
    text: `Log of ${code(job)}: ${words}`,
    blocks: [
      section(`${title}\n${words}`),
      ...(lines ? firstLines(lines) : []),
      ...actions(
        live,
        watch,
        lines && button('This will do', LOGS.enough, downloadId),
        button('Cancel', LOGS.cancel, downloadId),
      ),
    ],
  };
}

function stageInWords(stage: LogStage): string {
  switch (stage.kind) {
    case 'waiting':
      return `waiting for ${stage.ahead} other ${stage.ahead === 1 ? 'download' : 'downloads'}`;
    case 'opening':
      return 'looking for the job';
    case 'fetching': {
      const done = `${bar(stage.fraction)} ${Math.floor(stage.fraction * 100)} % of the time range · ${group(stage.events)} events · ${size(stage.textBytes)}`;
      return stage.throttled ? `${done}\nstill fetching: the log service is slowing us down` : done;
    }
    case 'writing':
      return `sorting and writing ${group(stage.events)} events · ${size(stage.textBytes)}`;
    case 'uploading': {
      const done = `${bar(stage.fraction)} uploading ${size(stage.bytes)} to Slack`;
      return stage.throttled ? `${done}\nfetched and waiting: Slack takes only so many files a minute` : done;
    }
  }
}

function bar(fraction: number): string {
  const full = Math.max(0, Math.min(10, Math.round(fraction * 10)));
  return '▓'.repeat(full) + '░'.repeat(10 - full);
}

// --- How it ends -------------------------------------------------------------------------------------

export function logsSentDirectly(job: string, why: string): Message {
  return said(`I am sending you the log of ${code(job)} as a direct message${why === '' ? '' : `: ${why}`}.`);
}

/** @param nearest names with the order that each stands for. @param asked what was looked for, what could not be, and whether that is set to be training jobs alone */
export function logsUnknownJob(
  job: string,
  where: string,
  nearest: readonly { name: string; order: LogOrder }[],
  asked: { thing?: string; refused?: readonly ProviderName[]; trainingAlone?: boolean } = {},
): Message {
  const { thing = 'training job', refused = [], trainingAlone = false } = asked;
  const found = nearest.length > 0 ? 'Did you mean one of these?' : 'No job there has a similar name.';
  return {
    text: `There is no ${thing} ${code(job)} in ${plain(where, 200)}`,
    blocks: [
      section(`:mag: *There is no ${thing} ${code(job)}* in ${plain(where, 200)}.\n${found}`),
      ...actions(
        ...nearest
          .slice(0, 10)
          .map(({ name, order }, index) => orderButton(name, `${LOGS.get}:${index}`, order)),
        button('Choose a job…', LOGS.choose),
      ),
      ...(refused.length === 0 ? [] : [context(notLookedAt(refused))]),
      ...(trainingAlone ? [context(ONLY_TRAINING)] : []),
    ],
  };
}

export function logsWhichUseCase(open: readonly { useCase: UseCase; order: LogOrder }[]): Message {
  const offered = open.slice(0, LIMITS.actions.elements);
  return {
    text: 'This channel does not belong to a use case.',
    blocks: [
      section(
        ':grey_question: *This channel does not belong to a use case.* Choose one, or give its id with `--use-case`. You get the file as a direct message, because others here may not be allowed to read it.',
      ),
      ...actions(
        ...offered.map(({ useCase, order }, index) =>
          orderButton(useCase.name, `${LOGS.get}:${index}`, order),
        ),
      ),
      ...(open.length > offered.length ? [context(`… ${open.length - offered.length} more`)] : []),
    ],
  };
}

/** @param why in Slack's markup: who cancelled it. @param again asks for the same once more */
export function logsCancelled(job: string, why: string, again: Button | undefined): Message {
  return {
    text: `The download of ${code(job)} was cancelled`,
    blocks: [section(`:octagonal_sign: *Cancelled:* the log of ${code(job)}\n${why}`), ...actions(again)],
  };
}

/** @param again asks for the same once more */
export function logsInterrupted(job: string, again: Button | undefined): Message {
  return {
    text: `The download of ${code(job)} was interrupted`,
    blocks: [
      section(
        `:warning: *Interrupted:* the log of ${code(job)}\nSignalbox was stopped in the middle of it. Ask again: within the hour it goes on from where it was.`,
      ),
      ...actions(again),
    ],
  };
}

/** @param again asks for the same once more */
export function logsPerhapsThere(job: string, again: Button | undefined): Message {
  return {
    text: `Whether the log of ${code(job)} arrived is not known`,
    blocks: [
      section(
        `:warning: *Interrupted:* the log of ${code(job)}\nSignalbox was stopped just as Slack was taking the file. If it is not here, ask again: within the hour it goes on from where it was.`,
      ),
      ...actions(again),
    ],
  };
}

export function logsAlreadyRunning(job: string, startedAt: number, by: string | undefined): Message {
  return said(
    `The log of ${code(job)} is being fetched already: ${by === undefined ? 'it was asked for' : `${plain(by, 80)} asked for it`} ${moment(startedAt)}. The file comes to the same place.`,
  );
}

export function logsNotRunning(): Message {
  return said(
    'This download is no longer running: it has ended, or Signalbox was restarted. Ask again to start it anew.',
  );
}

// --- The form ----------------------------------------------------------------------------------------

/** Block ids of the form; field errors are shown at them. */
export const LOGS_FIELDS = {
  job: 'job',
  last: 'last',
  tail: 'tail',
  grep: 'grep',
  options: 'options',
  form: 'form',
} as const;

export const LOGS_OPTIONS = { regex: 'regex', dm: 'dm' } as const;

export function logsForm(metadata: string, chosen?: Option): Modal {
  const input = (id: string, text: string, placeholder: string, hint: string): Block => ({
    type: 'input',
    block_id: id,
    optional: true,
    label: { type: 'plain_text', text },
    hint: { type: 'plain_text', text: hint },
    element: {
      type: 'plain_text_input',
      action_id: id,
      max_length: 500,
      placeholder: { type: 'plain_text', text: placeholder },
    },
  });
  const lines = option('Lines', 'lines', 'Time, stream, message');
  return {
    type: 'modal',
    callback_id: LOGS.form,
    title: { type: 'plain_text', text: 'Get logs' },
    submit: { type: 'plain_text', text: 'Get logs' },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks: [
      {
        type: 'input',
        block_id: LOGS_FIELDS.job,
        label: { type: 'plain_text', text: 'Job' },
        hint: { type: 'plain_text', text: 'Type a part of its name.' },
        element: {
          type: 'external_select',
          action_id: LOGS.job,
          min_query_length: 0,
          placeholder: { type: 'plain_text', text: 'Search by name' },
          ...(chosen ? { initial_option: chosen } : {}),
        },
      },
      input(LOGS_FIELDS.last, 'Only the last', '2h', 'A duration: 90s, 30m, 2h, 1d. Empty: everything.'),
      input(LOGS_FIELDS.tail, 'Only the last lines', '500', 'How many. Empty: all.'),
      input(
        LOGS_FIELDS.grep,
        'Only lines with',
        'CUDA out of memory',
        'Text, or a pattern if you say so below.',
      ),
      {
        type: 'input',
        block_id: LOGS_FIELDS.options,
        optional: true,
        label: { type: 'plain_text', text: 'Options' },
        element: {
          type: 'checkboxes',
          action_id: LOGS_FIELDS.options,
          options: [
            option('The text above is a pattern', LOGS_OPTIONS.regex, 'A regular expression'),
            option('Send it to me alone', LOGS_OPTIONS.dm, 'As a direct message'),
          ],
        },
      },
      {
        type: 'input',
        block_id: LOGS_FIELDS.form,
        label: { type: 'plain_text', text: 'Form' },
        element: {
          type: 'radio_buttons',
          action_id: LOGS_FIELDS.form,
          initial_option: lines,
          options: [
            lines,
            option('Raw', 'raw', 'The bytes as printed'),
            option('Plain', 'plain', 'As a terminal shows it at the end'),
          ],
        },
      },
    ],
  };
}

/** One suggestion; its value is `use case`, a space, the job's key. */
export function jobOption(job: TrainingJob, useCase: UseCase): Option | undefined {
  const value = `${useCase.id} ${jobKey(job)}`;
  if (value.length > LIMITS.option.value) return undefined;
  const day = new Date(job.createdAt).toISOString().slice(0, 16).replace('T', ' ');
  return option(
    job.name,
    value,
    label(
      `${trainingLabel(job).word}${PROVIDERS[job.provider].isKind ? ` · ${PROVIDERS[job.provider].thing}` : ''}${onProvider(job.provider)} · ${useCase.name} · ${day} UTC`,
      LIMITS.option.description,
    ),
  );
}
