/** The shapes of Block Kit's elements, and which element may be where. Source: Slack's Block Kit reference. */
import {
  actionId,
  confirm,
  conversationFilter,
  dispatchActionConfig,
  option,
  optionGroups,
  options,
  plainOption,
  plainText,
  richOption,
  style,
  url,
} from './composition-objects.ts';
import { LIMITS } from './limits.ts';
import {
  anything,
  boolean,
  type Check,
  isObject,
  type Json,
  list,
  number,
  object,
  oneOf,
  oneOfTypes,
  pattern,
  report,
  string,
  type Visit,
} from './schema.ts';

const focus: Check = (value, at, visit) => {
  boolean(value, at, visit);
  if (value !== true) return;
  visit.focused += 1;
  if (visit.focused > 1) report(visit, at, 'only one element may have `focus_on_load` set to true');
};

const actionable = { action_id: actionId };
const confirmable = { confirm };
const focusable = { focus_on_load: focus };
const placeholder = { placeholder: plainText(LIMITS.placeholder) };
const dispatchable = { dispatch_action_config: dispatchActionConfig };
const select = { ...actionable, ...confirmable, ...focusable, ...placeholder };
const manySelect = { ...select, max_selected_items: number(1, Number.MAX_SAFE_INTEGER) };
const ids = list(string(LIMITS.id, 1), LIMITS.options.select, 0);
const respondable: Check = (value, at, visit) => {
  boolean(value, at, visit);
  if (value === true && visit.surface !== 'modal') report(visit, at, 'only available for modals');
};

/** Options or groups, one of them; what is preselected must be among them. */
function chosenAmongOptions(value: Json, at: string, visit: Visit): void {
  const hasOptions = value.options !== undefined;
  const hasGroups = value.option_groups !== undefined;
  if (!hasOptions && !hasGroups) report(visit, at, 'missing required field: options');
  if (hasOptions && hasGroups) report(visit, at, 'must not provide both `options` and `option_groups`');
  preselected(value, at, visit);
}

function preselected(value: Json, at: string, visit: Visit): void {
  const groups = Array.isArray(value.option_groups) ? value.option_groups : [];
  const offered = [value.options, ...groups.map((group: unknown) => (isObject(group) ? group.options : []))]
    .flatMap((some) => (Array.isArray(some) ? some : []))
    .map(fingerprint);
  const check = (chosen: unknown, place: string): void => {
    if (!offered.includes(fingerprint(chosen)))
      report(visit, place, 'must match one of the options provided');
  };
  if (isObject(value.initial_option)) check(value.initial_option, `${at}/initial_option`);
  if (Array.isArray(value.initial_options)) {
    for (const [index, chosen] of value.initial_options.entries())
      check(chosen, `${at}/initial_options/${index}`);
  }
}

/** What makes two options the same for Slack: value and label. */
function fingerprint(given: unknown): string {
  if (!isObject(given)) return '';
  return JSON.stringify([given.value, isObject(given.text) ? given.text.text : undefined]);
}

const imageSource = {
  image_url: url(LIMITS.image.url),
  slack_file: object({ id: string(LIMITS.id, 1), url: url(LIMITS.image.url) }),
};

export function hasImageSource(value: Json, at: string, visit: Visit): void {
  const given = ['image_url', 'slack_file'].filter((key) => value[key] !== undefined);
  if (given.length === 0) report(visit, at, 'missing required field: image_url');
  if (given.length === 2) report(visit, at, 'must not provide both `image_url` and `slack_file`');
}

export const imageFields = { ...imageSource, alt_text: string(LIMITS.image.altText) };

const feedbackButton = object(
  {
    text: plainText(LIMITS.button.text),
    accessibility_label: string(LIMITS.button.accessibilityLabel),
    value: string(LIMITS.button.value),
  },
  ['text', 'value'],
);

const picker = { ...actionable, ...confirmable, ...focusable };
const dateFormat = pattern(/^\d{4}-\d{2}-\d{2}$/, 'must be a date in the format YYYY-MM-DD');
const timeFormat = pattern(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time in the format HH:mm');
const decimal = pattern(/^-?\d+(\.\d+)?$/, 'must be a number given as a string');

export const button: Check = object(
  {
    ...actionable,
    ...confirmable,
    text: plainText(LIMITS.button.text),
    value: string(LIMITS.button.value),
    url: url(LIMITS.button.url),
    style,
    accessibility_label: string(LIMITS.button.accessibilityLabel),
  },
  ['text'],
);

export const imageElement: Check = object(imageFields, ['alt_text'], hasImageSource);

const richTextSections: Check = list(anything, Number.MAX_SAFE_INTEGER, 0);

/** Inside a rich text block. Styles and the like are Slack's client's own output, so they are not picked at. */
export const richTextElements: Check = list(
  oneOfTypes({
    rich_text_section: object({ elements: richTextSections }, ['elements']),
    rich_text_list: object(
      {
        elements: list(
          oneOfTypes({ rich_text_section: object({ elements: richTextSections }, ['elements']) }),
          Number.MAX_SAFE_INTEGER,
          0,
        ),
        style: oneOf('bullet', 'ordered'),
        indent: number(0, 8),
        offset: number(0, Number.MAX_SAFE_INTEGER),
        border: number(0, 1),
      },
      ['elements', 'style'],
    ),
    rich_text_preformatted: object(
      { elements: richTextSections, border: number(0, 1), language: string(LIMITS.id) },
      ['elements'],
    ),
    rich_text_quote: object({ elements: richTextSections, border: number(0, 1) }, ['elements']),
  }),
  Number.MAX_SAFE_INTEGER,
  0,
);

/** Not a block: without a block_id of its own, as in table cells and rich text inputs. */
export const richText: Check = oneOfTypes({
  rich_text: object({ elements: richTextElements, block_id: string(LIMITS.id) }, ['elements']),
});

const ELEMENTS: Readonly<Record<string, Check>> = {
  button,
  image: imageElement,
  checkboxes: object(
    {
      ...picker,
      options: list(richOption, LIMITS.options.checkboxes),
      initial_options: list(richOption, LIMITS.options.checkboxes),
    },
    ['options'],
    preselected,
  ),
  radio_buttons: object(
    { ...picker, options: list(richOption, LIMITS.options.radioButtons), initial_option: richOption },
    ['options'],
    preselected,
  ),
  overflow: object(
    { ...actionable, ...confirmable, options: list(option(plainText, true), LIMITS.options.overflow) },
    ['options'],
  ),
  static_select: object(
    {
      ...select,
      options: options(LIMITS.options.select),
      option_groups: optionGroups,
      initial_option: plainOption,
    },
    [],
    chosenAmongOptions,
  ),
  multi_static_select: object(
    {
      ...manySelect,
      options: options(LIMITS.options.select),
      option_groups: optionGroups,
      initial_options: options(LIMITS.options.select),
    },
    [],
    chosenAmongOptions,
  ),
  external_select: object({ ...select, initial_option: plainOption, min_query_length: number(0, 3000) }),
  multi_external_select: object({
    ...manySelect,
    initial_options: options(LIMITS.options.select),
    min_query_length: number(0, 3000),
  }),
  users_select: object({ ...select, initial_user: string(LIMITS.id, 1) }),
  multi_users_select: object({ ...manySelect, initial_users: ids }),
  channels_select: object({
    ...select,
    initial_channel: string(LIMITS.id, 1),
    response_url_enabled: respondable,
  }),
  multi_channels_select: object({ ...manySelect, initial_channels: ids }),
  conversations_select: object({
    ...select,
    initial_conversation: string(LIMITS.id, 1),
    default_to_current_conversation: boolean,
    response_url_enabled: respondable,
    filter: conversationFilter,
  }),
  multi_conversations_select: object({
    ...manySelect,
    initial_conversations: ids,
    default_to_current_conversation: boolean,
    filter: conversationFilter,
  }),
  datepicker: object({ ...picker, ...placeholder, initial_date: dateFormat }),
  timepicker: object({ ...picker, ...placeholder, initial_time: timeFormat, timezone: string(LIMITS.id) }),
  datetimepicker: object({ ...picker, initial_date_time: number(1_000_000_000, 9_999_999_999) }),
  plain_text_input: object(
    {
      ...actionable,
      ...focusable,
      ...placeholder,
      ...dispatchable,
      initial_value: string(LIMITS.plainTextInput.maxLength),
      multiline: boolean,
      min_length: number(0, LIMITS.plainTextInput.maxLength),
      max_length: number(1, LIMITS.plainTextInput.maxLength),
    },
    [],
    (value, at, visit) => {
      if (typeof value.min_length === 'number' && typeof value.max_length === 'number') {
        if (value.min_length > value.max_length)
          report(visit, `${at}/min_length`, 'must be less than max_length');
      }
    },
  ),
  email_text_input: object({
    ...actionable,
    ...focusable,
    ...placeholder,
    ...dispatchable,
    initial_value: string(LIMITS.textObject),
  }),
  url_text_input: object({
    ...actionable,
    ...focusable,
    ...placeholder,
    ...dispatchable,
    initial_value: string(LIMITS.textObject),
  }),
  number_input: object(
    {
      ...actionable,
      ...focusable,
      ...placeholder,
      ...dispatchable,
      is_decimal_allowed: boolean,
      initial_value: decimal,
      min_value: decimal,
      max_value: decimal,
    },
    ['is_decimal_allowed'],
  ),
  rich_text_input: object({
    ...actionable,
    ...focusable,
    ...placeholder,
    ...dispatchable,
    initial_value: richText,
  }),
  file_input: object({
    ...actionable,
    filetypes: list(string(LIMITS.id, 1), 100, 0),
    max_files: number(1, LIMITS.fileInput.maxFiles),
  }),
  feedback_buttons: object(
    { ...actionable, positive_button: feedbackButton, negative_button: feedbackButton },
    ['positive_button', 'negative_button'],
  ),
  icon_button: object(
    {
      ...actionable,
      ...confirmable,
      icon: oneOf('trash'),
      text: plainText(LIMITS.button.text),
      accessibility_label: string(LIMITS.button.accessibilityLabel),
      value: string(LIMITS.button.value),
      visible_to_user_ids: ids,
    },
    ['icon', 'text'],
  ),
  workflow_button: object(
    {
      ...actionable,
      text: plainText(LIMITS.button.text),
      workflow: anything,
      style,
      accessibility_label: string(LIMITS.button.accessibilityLabel),
    },
    ['text', 'workflow'],
  ),
};

const SELECTS = [
  'static_select',
  'external_select',
  'users_select',
  'channels_select',
  'conversations_select',
  'multi_static_select',
  'multi_external_select',
  'multi_users_select',
  'multi_channels_select',
  'multi_conversations_select',
];
const CHOICES = [...SELECTS, 'checkboxes', 'radio_buttons', 'datepicker', 'timepicker'];

const pick = (names: readonly string[]): Check =>
  oneOfTypes(Object.fromEntries(names.map((name) => [name, ELEMENTS[name] as Check])));

/** Which elements may stand where. */
export const inActions = pick([
  ...CHOICES,
  'button',
  'overflow',
  'datetimepicker',
  'workflow_button',
  'rich_text_input',
]);
export const inAccessory = pick([...CHOICES, 'button', 'image', 'overflow', 'workflow_button']);
export const inInput = pick([
  ...CHOICES,
  'datetimepicker',
  'plain_text_input',
  'email_text_input',
  'url_text_input',
  'number_input',
  'rich_text_input',
  'file_input',
]);
export const inContextActions = pick(['feedback_buttons', 'icon_button']);
