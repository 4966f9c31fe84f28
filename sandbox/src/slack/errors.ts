/** Refusals in Slack's own codes. */

import type { Json } from '../block-kit/schema.ts';
import type { Problem } from '../block-kit/validate.ts';

export class SlackError extends Error {
  override readonly name = 'SlackError';
  readonly code: string;
  readonly extra: Json;

  constructor(code: string, extra: Json = {}) {
    super(code);
    this.code = code;
    this.extra = extra;
  }

  /** A code that comes with places, as Slack writes them: `must be … [json-pointer:/blocks/0/text]`. */
  static withProblems(code: string, problems: readonly Problem[]): SlackError {
    const own = problems.every((problem) => problem.code !== undefined) ? problems[0]?.code : undefined;
    const words = problems.slice(0, 20).map(({ message, pointer }) => `${message} [json-pointer:${pointer}]`);
    return new SlackError(own ?? code, {
      ...(code === 'invalid_blocks' ? { errors: words } : {}),
      response_metadata: { messages: words.map((each) => `[ERROR] ${each}`) },
    });
  }

  static missingField(field: string): SlackError {
    return new SlackError('invalid_arguments', {
      response_metadata: { messages: [`[ERROR] missing required field: ${field}`] },
    });
  }
}
