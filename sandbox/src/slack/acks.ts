/** What an app answers to a payload: whether it is a proper ack, and what is in it. */
import { isObject, type Json } from '../block-kit/schema.ts';
import { type Problem, validateBlocks } from '../block-kit/validate.ts';
import type { InteractionResult } from '../protocol.ts';
import type { Answer } from './app-link.ts';

export const refused = (error: string, detail: string): InteractionResult => ({ ok: false, error, detail });

/** What the user is told when there was no proper ack. Undefined when there was one. */
export function failed(answer: Answer, words: (code: string) => string): InteractionResult | undefined {
  const code = {
    acked: undefined,
    timeout: 'operation_timeout',
    unconnected: 'dispatch_failed',
    refused: answer.kind === 'refused' && answer.status < 500 ? 'http_client_error' : 'http_service_error',
  }[answer.kind];
  return code === undefined ? undefined : refused(code, words(code));
}

/** The ack's body as an object. A bare text becomes `{ text }`. */
export function bodyOf(answer: Answer): Json | undefined {
  if (answer.kind !== 'acked') return undefined;
  if (typeof answer.body === 'string') return answer.body.trim() === '' ? undefined : { text: answer.body };
  return isObject(answer.body) ? answer.body : undefined;
}

/** Checks an answer with options as if they were those of a static select. */
export function optionProblems(body: Json): Problem[] {
  const { options, option_groups } = body;
  if (options === undefined && option_groups === undefined) {
    return [{ message: 'missing required field: options', pointer: '' }];
  }
  // Unlike in a static select, having no options is fine: nothing matched.
  if (Array.isArray(options) && options.length === 0) return [];
  if (Array.isArray(option_groups) && option_groups.length === 0) return [];
  const element = {
    type: 'static_select',
    action_id: 'a',
    ...(options === undefined ? {} : { options }),
    ...(option_groups === undefined ? {} : { option_groups }),
  };
  return validateBlocks([{ type: 'actions', elements: [element] }], 'message', '').map((problem) => ({
    ...problem,
    pointer: problem.pointer.replace('/0/elements/0', ''),
  }));
}
