/** The error for a button whose content no version known here has written. */
import { AppError } from '../ground/errors.ts';

const HINT = 'Ask again with the command.';

export function anotherVersion(
  what: 'button' | 'menu' | 'window' = 'button',
  { hint = HINT, cause }: { hint?: string; cause?: unknown } = {},
): AppError {
  return new AppError('invalid_input', `This ${what} is from another version of Signalbox.`, { hint, cause });
}
