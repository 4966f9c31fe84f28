/** The window of `/train`: which template, its parameters as typed fields, and the name of the run. */
import { LIMITS } from '#sandbox/block-kit';
import { PROVIDERS } from '../domain/providers.ts';
import { expectation, type RunParameter } from '../domain/run-templates.ts';
import type { TrainTemplate } from '../domain/train-templates.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import type { TemplateChoices } from '../ports/training-provider.ts';
import { errorWords, textField } from './form-fields.ts';
import type { Block, Modal, Option } from './message.ts';
import { code, codeBlock, context, duration, label, option, plain, section } from './text.ts';
import { TRAIN } from './train-ids.ts';

/** Block ids of the form; a parameter's is `value.<template>.<name>`, so that one template's text is not another's. */
export const TRAIN_FIELDS = { template: 'template', machine: 'machine', name: 'name', more: 'more' } as const;

export const valueField = (template: string, parameter: string): string => `value.${template}.${parameter}`;
export const machineField = (template: string): string => `${TRAIN_FIELDS.machine}.${template}`;
export const nameField = (template: string): string => `${TRAIN_FIELDS.name}.${template}`;
export const moreField = (template: string): string => `${TRAIN_FIELDS.more}.${template}`;

/** Parameters with a field of their own; a window has 100 blocks. The others are written as lines. */
const FIELDS = 60;
const NAME_LIMIT = 63;

/** Those that stand in the field for several. */
export const inOneField = (names: readonly string[]): readonly string[] =>
  names.length > FIELDS ? names.slice(FIELDS - 1) : [];

export interface TemplateRef {
  useCase: Pick<UseCase, 'id' | 'name'>;
  template: TrainTemplate;
}

export interface TrainFormFacts {
  /** All that may be chosen. */
  templates: readonly TemplateRef[];
  /** The one whose fields are shown. */
  chosen: TemplateRef;
  /** Left out: its provider gives no answer, so it cannot be started now. */
  choices?: TemplateChoices | undefined;
  /** What stands in the fields. */
  name: string;
  written: Readonly<Record<string, string>>;
  machine?: string | undefined;
  more?: string | undefined;
  /** Why a submission started nothing, or why there are no fields. */
  error?: Pick<AppError, 'message' | 'hint' | 'adminHint' | 'ref'> | undefined;
  /** Who looks may see account details. */
  asAdmin?: boolean | undefined;
}

const templateValue = ({ useCase, template }: TemplateRef): string => `${useCase.id} ${template.name}`;

export function trainForm(metadata: string, facts: TrainFormFacts): Modal {
  const { chosen, choices, error, templates } = facts;
  const { template } = chosen;
  const several = new Set(templates.map(({ useCase }) => useCase.id)).size > 1;
  const options = templates.slice(0, LIMITS.options.select).map((one) => templateOption(one, several));
  const selected = options.find(({ value }) => value === templateValue(chosen));
  const select = {
    type: 'static_select' as const,
    action_id: TRAIN.template,
    placeholder: { type: 'plain_text' as const, text: 'Choose a template' },
    options,
    ...(selected ? { initial_option: selected } : {}),
  };
  const limit =
    template.maxTime === undefined ? '' : ` · ends after ${duration(template.maxTime)} at the latest`;
  return {
    ...trainFrame(metadata),
    callback_id: TRAIN.start,
    ...(choices ? { submit: { type: 'plain_text' as const, text: 'Start' } } : {}),
    close: { type: 'plain_text', text: 'Cancel' },
    blocks: [
      ...(error ? [section(errorWords(error))] : []),
      ...(facts.asAdmin && error?.adminHint ? [section(codeBlock(error.adminHint, 1500))] : []),
      choices
        ? {
            type: 'input',
            block_id: TRAIN_FIELDS.template,
            dispatch_action: true,
            label: { type: 'plain_text', text: 'Template' },
            element: select,
          }
        : // A window with input blocks needs a button to submit them.
          { type: 'actions', block_id: TRAIN_FIELDS.template, elements: [select] },
      ...(template.description ? [context(plain(template.description, 200))] : []),
      context(`${PROVIDERS[template.provider].label}${limit}`),
      ...(choices ? fields(facts, choices) : []),
    ],
  };
}

function fields(facts: TrainFormFacts, { parameters, machines }: TemplateChoices): Block[] {
  const { template } = facts.chosen;
  const names = Object.keys(parameters);
  const lines = inOneField(names);
  const own = names.slice(0, names.length - lines.length);
  return [
    ...own.map((name) => parameterBlock(template.name, name, parameters[name]!, facts.written[name])),
    ...(lines.length > 0
      ? [
          textField(moreField(template.name), `${lines.length} more parameters`, facts.more ?? '', {
            maxLength: LIMITS.plainTextInput.maxLength,
            multiline: true,
            optional: lines.every((name) => parameters[name]?.default !== undefined),
            hint: 'One name=value on each line; what is left out has its default.',
          }),
        ]
      : []),
    ...(machines.length > 0 ? [machineBlock(template.name, machines, facts.machine)] : []),
    textField(nameField(template.name), 'Name of the run', facts.name, {
      maxLength: NAME_LIMIT,
      hint: 'Each run has a name of its own, also after it has ended.',
    }),
  ];
}

function templateOption(ref: TemplateRef, several: boolean): Option {
  const { useCase, template } = ref;
  const where = PROVIDERS[template.provider].label;
  const words = `${template.name} (${where})${several ? ` · ${useCase.name}` : ''}`;
  return option(words, templateValue(ref), template.description);
}

function parameterBlock(
  template: string,
  name: string,
  parameter: RunParameter,
  written: string | undefined,
): Block {
  const id = valueField(template, name);
  const value = written ?? parameter.default ?? '';
  const ifEmpty = parameter.default === undefined ? '' : ` Empty: ${parameter.default}.`;
  const base = {
    type: 'input' as const,
    block_id: id,
    label: { type: 'plain_text' as const, text: label(name, LIMITS.input.label) },
    optional: parameter.default !== undefined,
  };
  if (parameter.type === 'choice' && parameter.values.length <= LIMITS.options.select) {
    const options = parameter.values.map((one) =>
      option(one === '' ? '(empty)' : one, one === '' ? ' ' : one),
    );
    const initial = options[parameter.values.indexOf(value)];
    return {
      ...base,
      // What is chosen beforehand cannot be taken back, so that nobody wonders what an empty field means.
      optional: false,
      element: {
        type: 'static_select',
        action_id: id,
        placeholder: { type: 'plain_text', text: 'Choose one' },
        options,
        ...(initial ? { initial_option: initial } : {}),
      },
    };
  }
  const words = expectation(parameter);
  const hint = `${words.charAt(0).toUpperCase()}${words.slice(1)}.${ifEmpty}`;
  return {
    ...base,
    hint: { type: 'plain_text', text: label(hint, LIMITS.input.hint) },
    element: {
      type: 'plain_text_input',
      action_id: id,
      max_length:
        parameter.type === 'text' || parameter.type === 'choice' ? LIMITS.plainTextInput.maxLength : 40,
      ...(value === '' ? {} : { initial_value: value.slice(0, LIMITS.plainTextInput.maxLength) }),
    },
  };
}

/** Only what the template allows; Slack searches in it while somebody types. */
function machineBlock(template: string, machines: readonly string[], chosen: string | undefined): Block {
  const options = machines.slice(0, LIMITS.options.select).map((one) => option(one, one));
  const id = machineField(template);
  return {
    type: 'input',
    block_id: id,
    label: { type: 'plain_text', text: 'Machine' },
    hint: { type: 'plain_text', text: 'Those that the template allows. Type to search.' },
    element: {
      type: 'static_select',
      action_id: id,
      placeholder: { type: 'plain_text', text: 'Choose one' },
      options,
      initial_option: options.find(({ value }) => value === chosen) ?? options[0]!,
    },
  };
}

export function trainFailed(metadata: string, what: string, error: AppError): Modal {
  return {
    ...trainFrame(metadata),
    blocks: [section(`${code(what)} was not started.\n${errorWords(error)}`)],
  };
}

/** Of the window from its first picture to its last. */
export function trainFrame(metadata: string): Omit<Modal, 'blocks'> {
  return {
    type: 'modal',
    callback_id: `${TRAIN.start}.state`,
    title: { type: 'plain_text', text: 'Start a training' },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
  };
}
