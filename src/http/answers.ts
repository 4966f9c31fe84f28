/** What an answer may reveal about an error. */
import { maskSecrets } from '../domain/mask-secrets.ts';
import { HTTP_STATUS, toAppError } from '../ground/errors.ts';
import { jsonAnswer } from '../ports/http-routes.ts';

/**
 * What a client may know about an error: never an `adminHint` or a cause.
 * @param facts for programs, in addition to the words
 */
export function errorAnswer(thrown: unknown, facts: Readonly<Record<string, unknown>> = {}): Response {
  const { code, message, hint, ref, retryAfterMs } = toAppError(thrown);
  return jsonAnswer(
    HTTP_STATUS[code],
    { ok: false, error: code, message: maskSecrets(message), hint: hint && maskSecrets(hint), ref, ...facts },
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
  );
}
