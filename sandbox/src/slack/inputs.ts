/** Interactive elements: where they are, what they hold, and what a person's choice looks like in a payload. */
import { randomBytes } from 'node:crypto';
import { isObject, type Json } from '../block-kit/schema.ts';
import type { Block } from '../protocol.ts';
import type { StateValues } from './workspace.ts';

export interface Found {
  block: Block;
  element: Json;
}

const shortId = (): string => randomBytes(4).toString('base64url').slice(0, 5);

/** A copy in which every block has a `block_id` and every interactive element an `action_id`, as Slack gives them. */
export function withIds(blocks: readonly Block[]): Block[] {
  const copy = structuredClone(blocks) as Block[];
  for (const block of everyBlock(copy)) {
    block.block_id ||= shortId();
    for (const element of elementsOf(block)) {
      if (element.type !== 'image' && !isTextObject(element)) element.action_id ||= shortId();
    }
  }
  return copy;
}

function* everyBlock(blocks: readonly Block[]): Generator<Block> {
  for (const block of blocks) {
    yield block;
    for (const key of ['child_blocks', 'elements', 'tasks']) {
      const inner = block[key];
      if (block.type !== 'container' && block.type !== 'carousel' && block.type !== 'plan') continue;
      if (Array.isArray(inner)) yield* everyBlock(inner as Block[]);
    }
  }
}

const isTextObject = (element: Json): boolean => element.type === 'mrkdwn' || element.type === 'plain_text';

function* elementsOf(block: Block): Generator<Json> {
  if (block.type === 'section' && isObject(block.accessory)) yield block.accessory;
  if (block.type === 'input' && isObject(block.element)) yield block.element;
  const list = block.type === 'card' ? block.actions : block.elements;
  if (['actions', 'context', 'context_actions', 'card'].includes(block.type) && Array.isArray(list)) {
    for (const element of list) if (isObject(element)) yield element;
  }
}

/** The interactive element with this action id. */
export function findElement(blocks: readonly Block[], action: string, block?: string): Found | undefined {
  for (const candidate of everyBlock(blocks)) {
    if (block !== undefined && candidate.block_id !== block) continue;
    for (const element of elementsOf(candidate)) {
      if (element.action_id === action) return { block: candidate, element };
    }
  }
  return undefined;
}

/** Elements that only fire and hold nothing. */
const HOLDS_NOTHING: ReadonlySet<string> = new Set([
  'button',
  'overflow',
  'image',
  'workflow_button',
  'feedback_buttons',
  'icon_button',
]);

/** `state.values` before anybody has chosen anything. */
export function initialState(blocks: readonly Block[]): StateValues {
  const values: StateValues = {};
  for (const block of everyBlock(blocks)) {
    for (const element of elementsOf(block)) {
      const type = String(element.type);
      if (HOLDS_NOTHING.has(type) || isTextObject(element)) continue;
      const field = VALUE_FIELDS[type];
      if (field === undefined) continue;
      const initial = element[field.initial];
      values[String(block.block_id)] = {
        ...values[String(block.block_id)],
        [String(element.action_id)]: { type, [field.value]: initial ?? field.empty },
      };
    }
  }
  return values;
}

interface ValueField {
  /** Its name in `state.values` and in actions. */
  value: string;
  /** Its name in the element. */
  initial: string;
  empty: unknown;
  kind: 'option' | 'options' | 'id' | 'ids' | 'text' | 'number' | 'rich' | 'files';
}

const field = (
  value: string,
  initial: string,
  kind: ValueField['kind'],
  empty: unknown = kind === 'options' || kind === 'ids' || kind === 'files' ? [] : null,
): ValueField => ({ value, initial, empty, kind });

const VALUE_FIELDS: Readonly<Record<string, ValueField>> = {
  static_select: field('selected_option', 'initial_option', 'option'),
  external_select: field('selected_option', 'initial_option', 'option'),
  radio_buttons: field('selected_option', 'initial_option', 'option'),
  checkboxes: field('selected_options', 'initial_options', 'options'),
  multi_static_select: field('selected_options', 'initial_options', 'options'),
  multi_external_select: field('selected_options', 'initial_options', 'options'),
  users_select: field('selected_user', 'initial_user', 'id'),
  channels_select: field('selected_channel', 'initial_channel', 'id'),
  conversations_select: field('selected_conversation', 'initial_conversation', 'id'),
  multi_users_select: field('selected_users', 'initial_users', 'ids'),
  multi_channels_select: field('selected_channels', 'initial_channels', 'ids'),
  multi_conversations_select: field('selected_conversations', 'initial_conversations', 'ids'),
  datepicker: field('selected_date', 'initial_date', 'id'),
  timepicker: field('selected_time', 'initial_time', 'id'),
  datetimepicker: field('selected_date_time', 'initial_date_time', 'number'),
  plain_text_input: field('value', 'initial_value', 'text'),
  email_text_input: field('value', 'initial_value', 'text'),
  url_text_input: field('value', 'initial_value', 'text'),
  number_input: field('value', 'initial_value', 'text'),
  rich_text_input: field('rich_text_value', 'initial_value', 'rich'),
  file_input: field('files', 'files', 'files'),
};

/** Options that an app sent for a typeahead, to be chosen from by value. */
export type Offered = (element: Json) => readonly Json[];

/**
 * A choice as it stands in `state.values` and, with more fields, in an action.
 * @param given a value or a list of values; an option may also be given whole; nothing clears
 * @returns undefined when it is not among what the element offers
 */
export function choose(element: Json, given: unknown, offered: Offered): Json | undefined {
  const type = String(element.type);
  if (type === 'overflow') {
    const option = pickOption(element, given, offered);
    return option === undefined ? undefined : { type, selected_option: option };
  }
  const known = VALUE_FIELDS[type];
  if (known === undefined) {
    const value = given ?? element.value;
    return value === undefined ? { type } : { type, value: String(value) };
  }
  if (isObject(given) && given.type === type) return entered(given);
  const value = chosenValue(known, element, given, offered);
  return value === undefined ? undefined : { type, [known.value]: value };
}

function chosenValue(known: ValueField, element: Json, given: unknown, offered: Offered): unknown {
  if (given === undefined || given === null) return known.empty;
  const many = Array.isArray(given) ? given : [given];
  switch (known.kind) {
    case 'option':
      return pickOption(element, many[0], offered);
    case 'options': {
      const options = many.map((one) => pickOption(element, one, offered));
      return options.includes(undefined) ? undefined : options;
    }
    case 'ids':
      return many.map(String);
    case 'number':
      return Number(many[0]);
    case 'rich':
    case 'files':
      return given;
    default:
      return String(many[0]);
  }
}

function pickOption(element: Json, given: unknown, offered: Offered): Json | undefined {
  const value = isObject(given) ? given.value : given;
  return [...optionsOf(element), ...offered(element)].find((option) => option.value === value);
}

export function optionsOf(from: Json): Json[] {
  const groups = Array.isArray(from.option_groups) ? from.option_groups : [];
  return [from.options, ...groups.map((group: unknown) => (isObject(group) ? group.options : undefined))]
    .flatMap((some) => (Array.isArray(some) ? some : []))
    .filter(isObject);
}

/** Only what `state.values` keeps of a choice. */
export function entered(choice: Json): Json {
  const known = VALUE_FIELDS[String(choice.type)];
  if (known === undefined) return choice;
  return { type: choice.type, [known.value]: choice[known.value] ?? known.empty };
}

/** Whether a choice is kept in state at all: buttons and overflow menus only fire. */
export const isHeld = (choice: Json): boolean => VALUE_FIELDS[String(choice.type)] !== undefined;

/** What Slack's own client says about an input before anything is sent to the app; undefined when it is fine. */
export function inputError(block: Block, value: Json | undefined): string | undefined {
  const element = block.element as Json;
  const known = VALUE_FIELDS[String(element.type)];
  const held = known === undefined ? undefined : value?.[known.value];
  const isEmpty =
    held === undefined || held === null || held === '' || (Array.isArray(held) && held.length === 0);
  if (isEmpty) return block.optional === true ? undefined : 'Please complete this required field.';
  if (typeof held !== 'string') return undefined;
  if (typeof element.min_length === 'number' && held.length < element.min_length) {
    return `This entry must be more than ${element.min_length - 1} characters.`;
  }
  if (typeof element.max_length === 'number' && held.length > element.max_length) {
    return `This entry must be less than ${element.max_length + 1} characters.`;
  }
  if (element.type === 'email_text_input' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(held)) {
    return 'Please enter a valid email address.';
  }
  if (element.type === 'url_text_input' && !URL.canParse(held)) return 'Please enter a valid URL.';
  if (element.type === 'number_input') return numberError(element, held);
  return undefined;
}

function numberError(element: Json, held: string): string | undefined {
  const value = Number(held);
  if (!Number.isFinite(value)) return 'Please enter a valid number.';
  if (element.is_decimal_allowed !== true && !Number.isInteger(value)) return 'Please enter a whole number.';
  if (element.min_value !== undefined && value < Number(element.min_value)) {
    return `Please enter a number greater than or equal to ${String(element.min_value)}.`;
  }
  if (element.max_value !== undefined && value > Number(element.max_value)) {
    return `Please enter a number less than or equal to ${String(element.max_value)}.`;
  }
  return undefined;
}
