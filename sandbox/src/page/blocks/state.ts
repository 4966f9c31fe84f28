/** What is filled in: Slack's `state.values`, from elements' initial values and the user's edits. */
import type { AnyBlock, Element, Option } from './types.ts';

/** One element's entry in `state.values`; which field is set depends on `type`. */
export interface ElementState {
  type: string;
  value?: string | null;
  selected_option?: Option | null;
  selected_options?: Option[];
  selected_user?: string | null;
  selected_users?: string[];
  selected_channel?: string | null;
  selected_channels?: string[];
  selected_conversation?: string | null;
  selected_conversations?: string[];
  selected_date?: string | null;
  selected_time?: string | null;
  selected_date_time?: number | null;
  rich_text_value?: unknown;
}

/** `{ [block_id]: { [action_id]: ElementState } }`, as in Slack's payloads. */
export type StateValues = Record<string, Record<string, ElementState>>;

/** The field of `ElementState` that holds an element's choice; undefined for elements without state. */
export const STATE_FIELD: Record<string, keyof ElementState | undefined> = {
  plain_text_input: 'value',
  email_text_input: 'value',
  url_text_input: 'value',
  number_input: 'value',
  rich_text_input: 'rich_text_value',
  static_select: 'selected_option',
  external_select: 'selected_option',
  radio_buttons: 'selected_option',
  multi_static_select: 'selected_options',
  multi_external_select: 'selected_options',
  checkboxes: 'selected_options',
  users_select: 'selected_user',
  multi_users_select: 'selected_users',
  channels_select: 'selected_channel',
  multi_channels_select: 'selected_channels',
  conversations_select: 'selected_conversation',
  multi_conversations_select: 'selected_conversations',
  datepicker: 'selected_date',
  timepicker: 'selected_time',
  datetimepicker: 'selected_date_time',
};

const optionsOf = (element: Element): Option[] => [
  ...(element.options ?? []),
  ...(element.option_groups ?? []).flatMap((group) => group.options),
];

/** Slack sends the option as it stands in the list, so an initial option is looked up there first. */
const listed = (element: Element, option: Option | undefined): Option | null =>
  option ? (optionsOf(element).find(({ value }) => value === option.value) ?? option) : null;

export function initialState(element: Element): ElementState | undefined {
  const field = STATE_FIELD[element.type];
  if (!field) return undefined;
  const initial: Record<string, unknown> = {
    value: element.initial_value ?? null,
    rich_text_value: element.initial_value ?? null,
    selected_option: listed(element, element.initial_option),
    selected_options: (element.initial_options ?? []).map((option) => listed(element, option)),
    selected_user: element.initial_user ?? null,
    selected_users: element.initial_users ?? [],
    selected_channel: element.initial_channel ?? null,
    selected_channels: element.initial_channels ?? [],
    selected_conversation: element.initial_conversation ?? null,
    selected_conversations: element.initial_conversations ?? [],
    selected_date: element.initial_date ?? null,
    selected_time: element.initial_time ?? null,
    selected_date_time: element.initial_date_time ?? null,
  };
  return { type: element.type, [field]: initial[field] };
}

interface Stateful {
  block: AnyBlock;
  element: Element;
  /** `block_id/action_id`: edits are kept under it, so they survive an update that keeps both ids, as in Slack. */
  key: string;
}

export const keyOf = (block: AnyBlock, element: Element): string =>
  `${block.block_id ?? ''}/${element.action_id ?? ''}`;

function statefulElements(blocks: readonly AnyBlock[]): Stateful[] {
  return blocks.flatMap((block): Stateful[] => {
    const elements: (Element | undefined)[] =
      block.type === 'input'
        ? [block.element]
        : block.type === 'section'
          ? [block.accessory]
          : block.type === 'actions'
            ? (block.elements ?? [])
            : [];
    const own = elements.flatMap((element) =>
      element?.action_id && STATE_FIELD[element.type] ? [{ block, element, key: keyOf(block, element) }] : [],
    );
    return [...own, ...statefulElements(block.child_blocks ?? [])];
  });
}

export type Edits = Readonly<Record<string, ElementState>>;

export function stateValues(blocks: readonly AnyBlock[], edits: Edits): StateValues {
  const values: StateValues = {};
  for (const { block, element, key } of statefulElements(blocks)) {
    const state = edits[key]?.type === element.type ? edits[key] : initialState(element);
    if (!state || !block.block_id || !element.action_id) continue;
    values[block.block_id] = { ...values[block.block_id], [element.action_id]: state };
  }
  return values;
}

function isEmpty(state: ElementState | undefined): boolean {
  if (!state) return true;
  const field = STATE_FIELD[state.type];
  const value = field ? state[field] : undefined;
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

/** What Slack's own client checks before it submits. By block id. */
export function inputErrors(blocks: readonly AnyBlock[], values: StateValues): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const { block, element } of statefulElements(blocks)) {
    if (block.type !== 'input' || !block.block_id) continue;
    const state = values[block.block_id]?.[element.action_id ?? ''];
    if (isEmpty(state)) {
      if (!block.optional) errors[block.block_id] = 'Please complete this required field.';
      continue;
    }
    const value = typeof state?.value === 'string' ? state.value : '';
    if (element.type === 'number_input') {
      const number = Number(value);
      const { min_value: min, max_value: max } = element;
      if (!Number.isFinite(number)) errors[block.block_id] = 'Must be a number.';
      else if (!element.is_decimal_allowed && !Number.isInteger(number))
        errors[block.block_id] = 'Must be a whole number.';
      else if (min !== undefined && number < Number(min)) errors[block.block_id] = `Must be at least ${min}.`;
      else if (max !== undefined && number > Number(max)) errors[block.block_id] = `Must be at most ${max}.`;
    } else if (element.type === 'email_text_input' && !/^\S+@\S+\.\S+$/.test(value)) {
      errors[block.block_id] = 'Must be an email address.';
    } else if (element.type === 'url_text_input' && !/^https?:\/\/\S+$/i.test(value)) {
      errors[block.block_id] = 'Must be a link that starts with http:// or https://.';
    } else if (element.min_length !== undefined && value.length < element.min_length) {
      errors[block.block_id] = `Must be at least ${element.min_length} characters (now ${value.length}).`;
    }
  }
  return errors;
}

/** The `value` of an action call for what was just chosen. */
export function actionValue(state: ElementState): string | string[] | null {
  const field = STATE_FIELD[state.type];
  const value: unknown = field ? state[field] : null;
  const one = (item: unknown): string =>
    typeof item === 'object' && item !== null && 'value' in item
      ? String((item as Option).value ?? '')
      : String(item);
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? value.map(one) : one(value);
}
