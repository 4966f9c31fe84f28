/** The shapes of Block Kit's text and composition objects, and of ids. Source: Slack's Block Kit reference. */
import { LIMITS } from './limits.ts';
import {
  anything,
  boolean,
  type Check,
  isObject,
  list,
  object,
  oneOf,
  oneOfTypes,
  report,
  string,
} from './schema.ts';

const plainFields = { text: anything, emoji: boolean };
const mrkdwnFields = { text: anything, verbatim: boolean };

/** Length is checked at `…/text/text`, as Slack reports it. */
export function plainText(max: number): Check {
  const shape = object({ ...plainFields, text: string(max, 1) }, ['text']);
  return (value, at, visit) => {
    if (isObject(value) && value.type !== 'plain_text') {
      report(visit, `${at}/type`, 'must be one of: plain_text');
    }
    shape(value, at, visit);
  };
}

export function mrkdwn(max: number): Check {
  return oneOfTypes({ mrkdwn: object({ ...mrkdwnFields, text: string(max, 1) }, ['text']) });
}

export function text(max: number): Check {
  return oneOfTypes({
    plain_text: object({ ...plainFields, text: string(max, 1) }, ['text']),
    mrkdwn: object({ ...mrkdwnFields, text: string(max, 1) }, ['text']),
  });
}

export const blockId: Check = (value, at, visit) => {
  string(LIMITS.id)(value, at, visit);
  if (typeof value !== 'string' || value === '') return;
  if (visit.blockIds.has(value)) report(visit, at, `\`block_id\` "${value}" already exists`);
  visit.blockIds.add(value);
};

export const actionId: Check = (value, at, visit) => {
  string(LIMITS.id)(value, at, visit);
  if (typeof value !== 'string' || value === '') return;
  if (visit.actionIds.has(value)) report(visit, at, `\`action_id\` "${value}" already exists`);
  visit.actionIds.add(value);
};

export const url = (max: number): Check => string(max, 1);
export const style = oneOf('primary', 'danger');

export const confirm: Check = object(
  {
    title: plainText(LIMITS.confirm.title),
    text: text(LIMITS.confirm.text),
    confirm: plainText(LIMITS.confirm.confirm),
    deny: plainText(LIMITS.confirm.deny),
    style,
  },
  ['text'],
);

export const option = (label: (max: number) => Check, withUrl = false): Check =>
  object(
    {
      text: label(LIMITS.option.text),
      value: string(LIMITS.option.value, 1),
      description: label(LIMITS.option.description),
      ...(withUrl ? { url: url(LIMITS.option.url) } : {}),
    },
    withUrl ? ['text'] : ['text', 'value'],
  );

export const plainOption = option(plainText);
export const richOption = option(text);

export const options = (max: number): Check => list(plainOption, max);

export const optionGroups: Check = list(
  object({ label: plainText(LIMITS.optionGroup.label), options: options(LIMITS.options.select) }, [
    'label',
    'options',
  ]),
  LIMITS.options.groups,
);

export const dispatchActionConfig: Check = object({
  trigger_actions_on: list(oneOf('on_enter_pressed', 'on_character_entered'), 2),
});

export const conversationFilter: Check = object(
  {
    include: list(oneOf('im', 'mpim', 'private', 'public'), 4),
    exclude_external_shared_channels: boolean,
    exclude_bot_users: boolean,
  },
  [],
  (value, at, visit) => {
    if (Object.keys(value).length === 0) report(visit, at, 'must provide at least one filter');
  },
);
