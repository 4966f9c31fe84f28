/** The window in which a training job is run again, and what became of it. */

import { LIMITS } from '#sandbox/block-kit';
import type { AlertRetry } from '../domain/alerts.ts';
import { trainingPage } from '../domain/console-links.ts';
import { editableHyperparameters, type KeptReason } from '../domain/hyperparameters.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { Rerun } from '../domain/job-records.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS, type ProviderName, providerWord } from '../domain/providers.ts';
import { TRAINING_NAME_LIMIT } from '../domain/training-names.ts';
import { trainingLabel } from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import { grouped } from '../ground/numbers.ts';
import type { TrainingSetup } from '../ports/training-provider.ts';
import { COMPILE } from './compile-ids.ts';
import { errorWords, textField } from './form-fields.ts';
import { changesWords, machine, starter, writeRef } from './job-facts.ts';
import type { Block, Modal } from './message.ts';
import { actions, button, code, codeBlock, context, label, link, moment, plain, section } from './text.ts';
import { TRAIN } from './train-ids.ts';

/** Block ids of the form; field errors are shown at them. */
export const RUN_AGAIN_FIELDS = {
  name: 'name',
  type: 'type',
  count: 'count',
  hyperparameters: 'hyperparameters',
} as const;

/** Characters that its text of hyperparameters may have. */
export const HYPERPARAMETERS_ROOM = LIMITS.plainTextInput.maxLength;
/** The longest of SageMaker's instance types has about 20 characters. */
const TYPE_LIMIT = 100;
const TITLE = 'Run again';

/** What the failure's advice made different in the fields, and what else it names; plain text. */
interface AdvisedWords {
  changed: readonly string[];
  besides: readonly string[];
}

export interface RunAgainFormFacts {
  useCase: Pick<UseCase, 'name'>;
  job: TrainingJob;
  setup: TrainingSetup;
  /** What stands in the fields. */
  name: string;
  machines?: { type: string; count: string } | undefined;
  /** Left out: those of the job. */
  hyperparameters?: string | undefined;
  advised?: AdvisedWords | undefined;
  /** Why a submission started nothing. */
  error?: Pick<AppError, 'message' | 'hint' | 'adminHint' | 'ref'> | undefined;
  /** Who looks may see account details. */
  asAdmin?: boolean | undefined;
}

export function runAgainForm(metadata: string, facts: RunAgainFormFacts): Modal {
  const { job, setup, useCase, machines } = facts;
  const { text, kept } = editableHyperparameters(setup.hyperparameters, HYPERPARAMETERS_ROOM);
  const status = trainingLabel(job);
  const { again = 'A new run of the same kind.', nameCharacters, machines: called } = PROVIDERS[job.provider];
  const fields = RUN_AGAIN_FIELDS;
  return {
    ...frame(metadata),
    callback_id: TRAIN.form,
    submit: { type: 'plain_text', text: 'Start' },
    close: { type: 'plain_text', text: 'Cancel' },
    blocks: [
      ...(facts.error ? [section(errorWords(facts.error))] : []),
      ...(facts.asAdmin && facts.error?.adminHint ? [section(codeBlock(facts.error.adminHint, 1500))] : []),
      section(
        [
          `*${code(job.name)}* · ${plain(useCase.name, 100)} · ${status.symbol} ${plain(status.word, 60)}`,
          `${again} Only what you change here is different.`,
          ...advisedLines(facts.advised),
          ...setup.notes.map((note) => `:information_source: ${plain(note, 400)}`),
        ].join('\n'),
      ),
      textField(fields.name, 'Name of the new run', facts.name, {
        maxLength: TRAINING_NAME_LIMIT,
        hint: `${nameCharacters.charAt(0).toUpperCase()}${nameCharacters.slice(1)}.`,
      }),
      ...(called ? machineBlocks(called, job, machines) : []),
      textField(fields.hyperparameters, 'Hyperparameters', facts.hyperparameters ?? text, {
        maxLength: HYPERPARAMETERS_ROOM,
        multiline: true,
        optional: true,
        hint: hint(setup, text),
      }),
      ...(kept.length > 0 ? [context(keptWords(kept))] : []),
    ],
  };
}

function machineBlocks(
  called: { type: string; count: string },
  job: TrainingJob,
  machines: RunAgainFormFacts['machines'],
): Block[] {
  if (!machines)
    return [section(`*${called.count}:* as before${machine(job) === '' ? '' : ` (${machine(job)})`}`)];
  return [
    textField(RUN_AGAIN_FIELDS.type, called.type, machines.type, { maxLength: TYPE_LIMIT }),
    textField(RUN_AGAIN_FIELDS.count, called.count, machines.count, { maxLength: 4 }),
  ];
}

function advisedLines(advised: AdvisedWords | undefined): string[] {
  if (!advised) return [];
  const { changed, besides } = advised;
  return [
    ...changed.map((line) => `:bulb: *Filled in as the failure advises:* ${plain(line, 400)}`),
    ...besides.map((line) => plain(line, 400)),
  ];
}

/** The SageMaker SDK writes every value as JSON: texts stand in quotes then, and have to. */
function hint({ hyperparameters }: TrainingSetup, text: string): string {
  const quoted = /="[^\n]*"$/m.test(text) && Object.hasOwn(hyperparameters, 'sagemaker_program');
  return [
    'One name=value on each line.',
    ...(quoted ? ['Texts stand in quotes, as the SageMaker SDK writes them.'] : []),
  ].join(' ');
}

const KEPT_WORDS: Readonly<Record<KeptReason, string>> = {
  sdk: 'the SageMaker SDK’s own',
  secret: 'with secrets in them',
  form: 'that do not fit on one line',
  room: `too long for a field of ${grouped(HYPERPARAMETERS_ROOM)} characters`,
};
const KEPT_NAMED = 8;

function keptWords(kept: readonly { name: string; why: KeptReason }[]): string {
  const groups = Object.entries(KEPT_WORDS).flatMap(([why, words]) => {
    const names = kept.filter((one) => one.why === why).map(({ name }) => code(name, 60));
    const more = names.length - KEPT_NAMED;
    if (names.length === 0) return [];
    return [`${names.slice(0, KEPT_NAMED).join(' ')}${more > 0 ? ` … ${more} more` : ''} (${words})`];
  });
  return `Not shown, and kept unless a line names them: ${groups.join(' · ')}`;
}

/** What the form turns into at once, before anything is known. */
export function runAgainStarting(metadata: string, name: string): Modal {
  return {
    ...frame(metadata),
    blocks: [
      section(`:hourglass_flowing_sand: *Starting* ${code(name)}`),
      context('This takes a few seconds. You can close this window: the new run gets a card in the channel.'),
    ],
  };
}

export function runAgainStarted(
  metadata: string,
  facts: { useCase: Pick<UseCase, 'id' | 'channels'>; job: TrainingJob; rerun: Rerun },
): Modal {
  const { useCase, job, rerun } = facts;
  const [channel] = useCase.channels;
  return {
    ...frame(metadata),
    blocks: [
      section(
        [
          `:white_check_mark: *Started* ${code(job.name)}`,
          `From ${code(rerun.of)}: ${changesWords(rerun.changes)}`,
          ...(channel ? [`Its card is in <#${channel}>.`] : []),
        ].join('\n'),
      ),
      ...actions(button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: jobKey(job) }))),
      context(moment(rerun.at)),
    ],
  };
}

/** Somebody was first: the way to what they started instead of a second one. */
export function runAgainTaken(
  metadata: string,
  facts: { useCase: Pick<UseCase, 'id' | 'aws' | 'channels'>; job: string; retry: AlertRetry },
): Modal {
  const { useCase, job, retry } = facts;
  const url = trainingPage(useCase, retry.as);
  return {
    ...frame(metadata),
    blocks: [
      section(
        [
          `:repeat: ${code(job)} *is being run again already*, and was not started a second time.`,
          `${starter(retry.by)} started ${url === undefined ? code(retry.as) : link(url, retry.as)}, ${moment(retry.at)}.`,
          'Should it fail as well, you can retry from its alert.',
        ].join('\n'),
      ),
      ...actions(button('See that run', COMPILE.details, writeRef({ useCase: useCase.id, job: retry.as }))),
    ],
  };
}

/** Nothing was, or can be, started, and there is nothing to correct in a form. */
export function runAgainFailed(metadata: string, job: string, error: AppError): Modal {
  return { ...frame(metadata), blocks: [section(`${code(job)} was not run again.\n${errorWords(error)}`)] };
}

function frame(metadata: string): Omit<Modal, 'blocks'> {
  return {
    type: 'modal',
    callback_id: `${TRAIN.form}.state`,
    title: { type: 'plain_text', text: label(TITLE, LIMITS.modal.title) },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
  };
}

/** Problems of lines as one text, which is all that a field's error can be. */
export function lineProblems(problems: readonly { line: number; problem: string }[]): string {
  const shown = problems.slice(0, 5).map(({ line, problem }) => `Line ${line}: ${problem}.`);
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`… ${more} more.`] : [])].join(' ');
}

/** @returns undefined: the provider takes so many */
export function tooManyHyperparameters(provider: ProviderName, count: number): string | undefined {
  const { mostHyperparameters: most = Number.POSITIVE_INFINITY } = PROVIDERS[provider];
  return count > most ? `${providerWord(provider)} takes ${most} hyperparameters at most.` : undefined;
}
