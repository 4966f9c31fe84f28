/** Which messages are asked for. Regular expressions are RE2: linear time whatever the pattern and the text. */
import type { RE2JS } from 're2js';
import { AppError } from '../ground/errors.ts';
import type { LogDownloadRequest } from '../ports/log-engine.ts';

export type MessageFilter = (message: Buffer) => boolean;

const LONGEST_PATTERN = 1000;

/** @throws AppError invalid_input with the place of a pattern's mistake */
export async function messageFilter(match: LogDownloadRequest['match']): Promise<MessageFilter | undefined> {
  if (!match) return undefined;
  if (match.pattern.length > LONGEST_PATTERN) {
    throw new AppError(
      'invalid_input',
      `The pattern has ${match.pattern.length} characters; ${LONGEST_PATTERN} are the most.`,
    );
  }
  if (match.pattern === '') {
    throw new AppError('invalid_input', 'The pattern is empty.', { hint: 'Give some text: --grep "loss"' });
  }
  if (match.kind === 'text') {
    const needle = Buffer.from(match.pattern, 'utf8');
    return (message) => message.includes(needle);
  }
  // Few requests have one, and its tables would take a thirtieth of the bot's start.
  const { RE2JS } = await import('re2js');
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(match.pattern);
  } catch (error) {
    throw new AppError(
      'invalid_input',
      `\`${match.pattern}\` is not a regular expression that can be used here: ${(error as Error).message}`,
      {
        hint: 'The syntax is RE2: no look-ahead and no back-references, so that no pattern can hang. For plain text use --grep.',
        cause: error,
      },
    );
  }
  return (message) => pattern.matcher(message.toString('utf8')).find();
}
