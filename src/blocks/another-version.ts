/** The error for a button whose content no version known here has written. */
import type { z } from 'zod';
import { AppError } from '../ground/errors.ts';

const HINT = 'Ask again with the command.';

export function anotherVersion(
  what: 'button' | 'menu' | 'window' = 'button',
  { hint = HINT, cause }: { hint?: string; cause?: unknown } = {},
): AppError {
  return new AppError('invalid_input', `This ${what} is from another version of Signalbox.`, { hint, cause });
}

/** What a button carries as JSON. @throws AppError invalid_input for a value that no version wrote */
export function readButtonJson<T>(value: string, shape: z.ZodType<T>): T {
  try {
    return shape.parse(JSON.parse(value));
  } catch (cause) {
    throw anotherVersion('button', { cause });
  }
}
