/** What forms have in common: a text field, and why a submission came to nothing. */
import type { AppError } from '../ground/errors.ts';
import type { Block } from './message.ts';
import { plain, prose } from './text.ts';

/** @param id of the block and the element */
export function textField(
  id: string,
  text: string,
  initial: string,
  more: { maxLength: number; hint?: string; multiline?: boolean; optional?: boolean },
): Block {
  return {
    type: 'input',
    block_id: id,
    ...(more.optional ? { optional: true } : {}),
    label: { type: 'plain_text', text },
    ...(more.hint === undefined ? {} : { hint: { type: 'plain_text', text: more.hint } }),
    element: {
      type: 'plain_text_input',
      action_id: id,
      max_length: more.maxLength,
      ...(more.multiline ? { multiline: true } : {}),
      ...(initial === '' ? {} : { initial_value: initial.slice(0, more.maxLength) }),
    },
  };
}

export function errorWords({ message, hint: fix, ref }: Pick<AppError, 'message' | 'hint' | 'ref'>): string {
  return [`:x: *${plain(message, 900)}*`, ...(fix ? [prose(fix, 1200)] : []), `Reference \`${ref}\``].join(
    '\n',
  );
}
