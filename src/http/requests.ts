/** What requests say, read strictly: each refusal tells what was expected and what came. */
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { AppError } from '../ground/errors.ts';
import { jsonAnswer } from '../ports/http-routes.ts';

/** @param what names the number: `?offset=`; @throws AppError invalid_input */
export function readByteCount(given: string | undefined, what: string): number {
  if (given !== undefined && /^\d{1,16}$/.test(given) && Number.isSafeInteger(Number(given)))
    return Number(given);
  throw new AppError(
    'invalid_input',
    `${what} is ${given === undefined ? 'missing' : JSON.stringify(given.slice(0, 40))}: expected a whole number of bytes from 0 to ${Number.MAX_SAFE_INTEGER}.`,
  );
}

/** Answers 413 to larger bodies. @param expected in words */
export function bodyAtMost(bytes: number, expected: string): MiddlewareHandler {
  return bodyLimit({
    maxSize: bytes,
    onError: () => jsonAnswer(413, { ok: false, error: 'too_large', message: expected }),
  });
}
