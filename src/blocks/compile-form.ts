/** The form that asks for which targets a model is compiled, and with what input. */

import { LIMITS } from '#sandbox/block-kit';
import type { TargetState } from '../domain/compilation-states.ts';
import { holdsClaim } from '../domain/compilations.ts';
import type { FailedBefore } from '../domain/compile-again.ts';
import { type CompileCorrections, FRAMEWORKS, type InputSource } from '../domain/compile-input.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { COMPILE } from './compile-ids.ts';
import { targetWords } from './job-facts.ts';
import type { Block, Modal, Option } from './message.ts';
import { code, context, duration, label, moment, option, plain, section } from './text.ts';

/** Block ids of the form; Slack shows a field's error at its block. */
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
  /** By target: how its last attempt failed, where it did. */
  before: ReadonlyMap<string, FailedBefore>;
  usual: ReadonlyMap<string, number>;
  input: CompileCorrections;
  sources: Partial<Record<keyof CompileCorrections, InputSource>>;
  /** Why the input is not known yet. */
  problem?: string | undefined;
  now: number;
}

/** Whether another attempt may start for this target. */
export function isOpen({ attempt }: TargetState): boolean {
  return attempt === undefined || !holdsClaim(attempt);
}

const SOURCE_WORDS: Readonly<Record<InputSource, string>> = {
  correction: 'As you gave it.',
  tag: 'From the training job’s tags.',
  hyperparameter: 'From the training job’s hyperparameters.',
  'use case': 'From the use case’s settings.',
};

/** How many of the targets that cannot be chosen get a line each. */
const TAKEN_SHOWN = 20;
/** How many of the targets that failed before get lines: each may take 500 characters. */
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

/** Why earlier attempts failed, shown before somebody chooses those targets again. */
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
