/** What `/compile` says and asks. */

import { LIMITS } from '#sandbox/block-kit';
import type { TargetState } from '../domain/compilation-states.ts';
import { isLive, isSuccessful } from '../domain/compilations.ts';
import type { FailedBefore } from '../domain/compile-again.ts';
import { type CompileCorrections, FRAMEWORKS, type InputSource } from '../domain/compile-input.ts';
import { COMPILE_FLAGS } from '../domain/compile-request.ts';
import { EXAMPLE_JOB } from '../domain/job-names.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import { COMPILE } from './compile-ids.ts';
import { compilationAdvice, guidanceLines, targetWords, verbatim, writeRef } from './job-facts.ts';
import type { Block, Message, Modal, Option } from './message.ts';
import {
  actions,
  button,
  code,
  context,
  duration,
  instant,
  label,
  moment,
  option,
  plain,
  section,
} from './text.ts';

export { COMPILE } from './compile-ids.ts';

export function compileUsage(command: string): Message {
  const flags = COMPILE_FLAGS.map(
    (flag) => `• ${code(`${flag.name} ${flag.value}`)} ${plain(flag.description)}`,
  );
  const example = (args: string): string => code(`${command} ${args}`);
  return {
    text: `${command} &lt;job&gt; [targets…] compiles a completed training job’s model for devices.`,
    blocks: [
      section(
        [
          `*${code(`${command} <job> [targets…]`)} compiles a model for devices with SageMaker Neo*`,
          'With targets, they start at once; without, a form asks for them. A target that is compiled already, or compiling, is left alone.',
        ].join('\n'),
      ),
      section(
        [
          '*Examples*',
          example(EXAMPLE_JOB),
          example(`${EXAMPLE_JOB} jetson-xavier x86_64-cpu`),
          example(`${EXAMPLE_JOB} arm64-cpu --shape input=1x3x224x224`),
        ].join('\n'),
      ),
      section(
        ['*Options, which come before the job’s tags and the use case’s settings*', ...flags].join('\n'),
      ),
      ...actions(button('Choose a job…', COMPILE.choose, undefined, 'primary')),
    ],
  };
}

// --- Which job ---------------------------------------------------------------------------------------

export const WHICH_FIELD = 'job';

/** The first window of a bare `/compile`. */
export function whichJobForm(metadata: string): Modal {
  return {
    type: 'modal',
    callback_id: COMPILE.which,
    title: { type: 'plain_text', text: 'Compile a model' },
    submit: { type: 'plain_text', text: 'Next' },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks: [
      {
        type: 'input',
        block_id: WHICH_FIELD,
        label: { type: 'plain_text', text: 'Training job' },
        hint: { type: 'plain_text', text: 'Completed jobs only. Type a part of the name.' },
        element: {
          type: 'external_select',
          action_id: COMPILE.job,
          min_query_length: 0,
          placeholder: { type: 'plain_text', text: 'Search by name' },
        },
      },
    ],
  };
}

// --- The form ----------------------------------------------------------------------------------------

/** Block ids of the form; field errors are shown at them. */
export const COMPILE_FIELDS = {
  targets: 'targets',
  framework: 'framework',
  version: 'version',
  shape: 'shape',
} as const;

export interface CompileFormFacts {
  useCase: Pick<UseCase, 'name'>;
  job: TrainingJob;
  /** Every target of the use case, in its order. */
  states: readonly TargetState[];
  descriptions: ReadonlyMap<string, string>;
  preselected: readonly string[];
  /** How a target's last attempt ended, when that was badly. */
  before: ReadonlyMap<string, FailedBefore>;
  usual: ReadonlyMap<string, number>;
  input: CompileCorrections;
  sources: Partial<Record<keyof CompileCorrections, InputSource>>;
  /** Why nothing is known of the input yet. */
  problem?: string | undefined;
  now: number;
}

/** Whether an attempt may be made for it. */
export function isOpen({ attempt }: TargetState): boolean {
  return attempt === undefined || !(isLive(attempt) || isSuccessful(attempt));
}

const SOURCE_WORDS: Readonly<Record<InputSource, string>> = {
  correction: 'As you gave it.',
  tag: 'From the training job’s tags.',
  hyperparameter: 'From the training job’s hyperparameters.',
  'use case': 'From the use case’s settings.',
};

/** Targets with a line of their own among those that are not to be chosen. */
const TAKEN_SHOWN = 20;
/** The same of those that failed before: each may have 500 characters. */
const FAILED_SHOWN = 5;

export function compileForm(metadata: string, facts: CompileFormFacts): Modal {
  const { job, states, sources, input } = facts;
  const open = states.filter(isOpen);
  const taken = states.filter((state) => !isOpen(state));
  const options = open.slice(0, LIMITS.options.select).map((state) => targetOption(state, facts));
  const chosen = options.filter(({ value }) => value !== undefined && facts.preselected.includes(value));
  const blocks: Block[] = [
    section(
      `*${code(job.name)}* · ${plain(facts.useCase.name, 100)} · completed${job.endedAt === undefined ? '' : ` ${moment(job.endedAt)}`}`,
    ),
    ...(taken.length > 0
      ? [
          section(
            [
              '*Compiled or running already*, and not started again:',
              ...taken.slice(0, TAKEN_SHOWN).map((state) => targetWords(state, facts)),
              ...(taken.length > TAKEN_SHOWN ? [`… ${taken.length - TAKEN_SHOWN} more`] : []),
            ].join('\n'),
          ),
        ]
      : []),
    ...failedBlocks(open, facts),
  ];
  const frame = {
    type: 'modal' as const,
    title: { type: 'plain_text' as const, text: 'Compile a model' },
    close: { type: 'plain_text' as const, text: 'Close' },
    private_metadata: metadata,
  };
  if (options.length === 0)
    return {
      ...frame,
      callback_id: COMPILE.form,
      blocks: [...blocks, section('*Nothing is left to compile:* every target has a compilation.')],
    };
  const hint = (field: keyof CompileCorrections, otherwise: string): string =>
    [sources[field] ? SOURCE_WORDS[sources[field]] : '', otherwise].filter((part) => part !== '').join(' ');
  const framework = FRAMEWORKS.find((known) => known === input.framework?.toUpperCase());
  return {
    ...frame,
    callback_id: COMPILE.form,
    submit: { type: 'plain_text', text: 'Compile' },
    blocks: [
      ...blocks,
      {
        type: 'input',
        block_id: COMPILE_FIELDS.targets,
        label: { type: 'plain_text', text: 'Targets' },
        ...(open.length > options.length
          ? {
              hint: {
                type: 'plain_text',
                text: `… ${open.length - options.length} more: name them after the command`,
              },
            }
          : {}),
        element: {
          type: 'multi_static_select',
          action_id: COMPILE_FIELDS.targets,
          placeholder: { type: 'plain_text', text: 'Choose one or more' },
          options,
          ...(chosen.length > 0 ? { initial_options: chosen } : {}),
        },
      },
      ...(facts.problem ? [context(`:warning: ${plain(facts.problem, 800)}`)] : []),
      {
        type: 'input',
        block_id: COMPILE_FIELDS.framework,
        label: { type: 'plain_text', text: 'Framework' },
        hint: { type: 'plain_text', text: hint('framework', 'What the model was made with.') },
        element: {
          type: 'static_select',
          action_id: COMPILE_FIELDS.framework,
          placeholder: { type: 'plain_text', text: 'Choose one' },
          options: FRAMEWORKS.map((name) => option(name, name)),
          ...(framework ? { initial_option: option(framework, framework) } : {}),
        },
      },
      textField(COMPILE_FIELDS.version, 'Framework version', '1.13', input.frameworkVersion, {
        hint: hint('frameworkVersion', 'Empty: Neo’s default.'),
        maxLength: 10,
      }),
      textField(COMPILE_FIELDS.shape, 'Input shape', 'input=1x3x224x224', input.dataInputConfig, {
        hint: hint('dataInputConfig', 'Each input’s name and its shape, or JSON.'),
        maxLength: LIMITS.plainTextInput.maxLength,
        multiline: true,
      }),
    ],
  };
}

/** Why those failed that may be tried again, said before they are chosen. */
function failedBlocks(open: readonly TargetState[], facts: CompileFormFacts): Block[] {
  const failed = open.flatMap((state) => {
    const before = facts.before.get(state.target);
    return before ? [{ state, before }] : [];
  });
  if (failed.length === 0) return [];
  const shown = failed.slice(0, FAILED_SHOWN).map(({ state, before }) => {
    return [targetWords(state, facts), `${plain(before.cause, 250)}${againWords(before)}`].join('\n');
  });
  const left = failed.length - shown.length;
  return [section(['*Tried before*', ...shown, ...(left > 0 ? [`… ${left} more`] : [])].join('\n'))];
}

function againWords({ lasting, was }: FailedBefore): string {
  if (lasting) return ' With the same model and settings it would fail again, so it is not preselected.';
  const then = [
    was.framework && code(was.framework, 40),
    was.frameworkVersion && `version ${code(was.frameworkVersion, 20)}`,
    was.dataInputConfig && `the input ${code(was.dataInputConfig, 100)}`,
    was.limitSeconds && `a limit of ${duration(was.limitSeconds * 1000)}`,
  ].filter(Boolean);
  return then.length === 0 ? '' : ` That was with ${then.join(', ')}; what is set now is different.`;
}

function targetOption(state: TargetState, facts: CompileFormFacts): Option {
  const before = facts.before.get(state.target);
  return option(
    `${state.target}${before ? ` · ${state.label.word} before` : ''}`,
    state.target,
    label(before?.cause ?? facts.descriptions.get(state.target) ?? state.target, LIMITS.option.description),
  );
}

function textField(
  id: string,
  text: string,
  placeholder: string,
  initial: string | undefined,
  more: { hint: string; maxLength: number; multiline?: boolean },
): Block {
  return {
    type: 'input',
    block_id: id,
    optional: true,
    label: { type: 'plain_text', text },
    hint: { type: 'plain_text', text: more.hint },
    element: {
      type: 'plain_text_input',
      action_id: id,
      max_length: more.maxLength,
      placeholder: { type: 'plain_text', text: placeholder },
      ...(more.multiline ? { multiline: true } : {}),
      ...(initial && initial.length <= more.maxLength ? { initial_value: initial } : {}),
    },
  };
}

// --- After the submission ----------------------------------------------------------------------------

/** What became of one target at the start. */
export interface StartLine {
  target: string;
  outcome: 'started' | 'already' | 'refused' | 'unknown';
  error?: Pick<AppError, 'message' | 'hint' | 'ref'> | undefined;
}

export interface CompileStatusFacts {
  useCase: Pick<UseCase, 'id' | 'name' | 'channels'>;
  job: string;
  /** Those that were asked for. */
  states: readonly TargetState[];
  starts: readonly StartLine[];
  usual: ReadonlyMap<string, number>;
  now: number;
}

const STATUS_SHOWN = 20;

/** What the form turns into at once, before anything is known. */
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

/** The form as a status view, refreshed as long as it is open. */
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

// --- Answers -----------------------------------------------------------------------------------------

/** A link that is good for everybody who has it: only for who asked, and not for long. */
export function artifactLink(facts: {
  job: string;
  target: string;
  url: string;
  fileName: string;
  expiresAt: number;
}): Message {
  return {
    text: `The compiled model of ${code(facts.job)} for ${plain(facts.target, 60)}`,
    blocks: [
      section(
        `:package: *${plain(facts.fileName, 200)}*\n${code(facts.job)} compiled for *${plain(facts.target, 60)}*`,
      ),
      section(`<${facts.url}|Download it>`),
      context(
        `Anyone with this link can download the file until ${moment(facts.expiresAt)}. That you asked for it is on record.`,
      ),
    ],
  };
}

/** An S3 link with a session's credentials in it may be longer than a section. */
export const LINK_LIMIT = LIMITS.section.text - 20;
