/** Which lines of a log somebody asks for. */
import { AppError } from '../ground/errors.ts';

export interface LineRange {
  /** Lines at most: 1 to `LINES_MOST`. */
  limit: number;
  /** Number of the first line, from 0; left out: the last `limit` lines. */
  offset?: number | undefined;
}

export const LINES_MOST = 10_000;

/** @throws AppError invalid_input */
export function checkLineRange({ limit, offset }: LineRange): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > LINES_MOST)
    throw new AppError('invalid_input', `Expected 1 to ${LINES_MOST} lines, but got ${limit}.`);
  if (offset !== undefined && !(Number.isSafeInteger(offset) && offset >= 0))
    throw new AppError('invalid_input', `Expected the number of a line, 0 or more, but got ${offset}.`);
}
