/**
 * The one error class. An adapter throws it for every failure that its service can report; each way in (Slack, HTTP,
 * CLI) renders it in one place. Anything else that is thrown is a bug and is rendered as `internal`, with its
 * reference id and never its stack.
 */
import { randomBytes } from 'node:crypto';

export type ErrorCode =
  | 'invalid_input'
  | 'permission_denied'
  | 'not_found'
  | 'conflict'
  | 'rate_limited'
  | 'unavailable'
  | 'timeout'
  | 'internal';

export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_input: 400,
  permission_denied: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  unavailable: 503,
  timeout: 504,
  internal: 500,
};

export interface AppErrorOptions {
  /** What the reader can do about it, one or more lines. */
  hint?: string;
  /** Only for people who may see account details (use-case admins): ARNs, the service's own words. */
  adminHint?: string;
  retryAfterMs?: number;
  cause?: unknown;
  /** Taken from a wrapped error, so that all mentions of one failure share an id. */
  ref?: string;
}

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly adminHint: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Eight characters, shown to the user and written to the log. */
  readonly ref: string;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.adminHint = options.adminHint;
    this.retryAfterMs = options.retryAfterMs;
    this.ref = options.ref ?? newReference();
  }
}

const PASSING: readonly ErrorCode[] = ['rate_limited', 'unavailable', 'timeout'];

/** Whether the same request may succeed a little later although nobody has put anything right. */
export const isPassing = (error: unknown): boolean =>
  error instanceof AppError && PASSING.includes(error.code);

/** The same failure in other words, with the same reference. */
export function reworded(error: AppError, words: { message?: string; hint?: string }): AppError {
  const { code, adminHint, retryAfterMs, ref } = error;
  const { message = error.message, hint = error.hint } = words;
  return new AppError(code, message, {
    ...{ ref, cause: error },
    ...(hint === undefined ? {} : { hint }),
    ...(adminHint === undefined ? {} : { adminHint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The same failure with one more line of what the reader can do about it. */
export const withHint = (error: AppError, line: string): AppError =>
  reworded(error, { hint: error.hint ? `${error.hint}\n${line}` : line });

/** Cancelled by a button, a signal or a shutdown. Not a failure: rendered as "cancelled". */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
  constructor(message = 'Cancelled', options?: { cause?: unknown }) {
    super(message, options);
  }
}

const REFERENCE_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A reference id that can be read aloud: no look-alike characters. */
function newReference(): string {
  let ref = '';
  for (const byte of randomBytes(8)) ref += REFERENCE_ALPHABET[byte % REFERENCE_ALPHABET.length];
  return ref;
}

/** Any thrown value as an AppError: itself, or an `internal` one that keeps it as cause. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError('internal', 'Something went wrong inside Signalbox.', {
    cause: thrown,
    hint: 'Try again. If it happens again, give the reference to whoever runs Signalbox: it is in its log.',
  });
}
