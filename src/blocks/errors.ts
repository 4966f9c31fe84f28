/** Every failure in Slack looks like this: what failed, why, what to do, reference. */
import type { AppError, ErrorCode } from '../ground/errors.ts';
import type { Button, Message } from './message.ts';
import { actions, codeBlock, context, mention, plain, prose, section } from './text.ts';

/** A word beside the sign: never a colour or an emoji alone. */
const SIGN: Readonly<Record<ErrorCode, string>> = {
  invalid_input: ':warning: *Please check your request*',
  permission_denied: ':no_entry: *Not allowed*',
  not_found: ':mag: *Not found*',
  conflict: ':warning: *Not possible now*',
  rate_limited: ':hourglass_flowing_sand: *Too many requests*',
  unavailable: ':rotating_light: *Not available now*',
  timeout: ':hourglass: *Took too long*',
  internal: ':rotating_light: *Something went wrong*',
};

export interface ErrorOptions {
  /** Show account details too. Only in messages that a use-case admin alone sees. */
  asAdmin?: boolean;
  /** Whom to ask, as mentions. Only in messages that one person sees, where they ping nobody. */
  ask?: readonly string[];
  /** Buttons below, such as Retry. */
  buttons?: readonly (Button | undefined)[];
}

export function errorMessage(error: AppError, options: ErrorOptions = {}): Message {
  const ask = [...new Set(options.ask)].slice(0, 10).map(mention);
  const wait =
    error.retryAfterMs === undefined
      ? ''
      : ` · try again in ${Math.max(1, Math.ceil(error.retryAfterMs / 1000))} s`;
  return {
    text: plain(`${error.message} (reference ${error.ref})`, 1000),
    blocks: [
      section(`${SIGN[error.code]}\n${prose(error.message, 2800)}`),
      ...(error.hint ? [section(prose(error.hint, 2900))] : []),
      ...(ask.length > 0 ? [section(`Who can give you access: ${ask.join(', ')}`)] : []),
      ...(options.asAdmin && error.adminHint
        ? [section('For admins of the use case:'), section(codeBlock(error.adminHint, 2900))]
        : []),
      ...actions(...(options.buttons ?? [])),
      context(`Reference \`${error.ref}\`${wait}`),
    ],
  };
}
