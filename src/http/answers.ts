/** Answers in JSON, and what of an error they may tell. */
import { maskSecrets } from '../domain/mask-secrets.ts';
import { HTTP_STATUS, toAppError } from '../ground/errors.ts';

export function jsonAnswer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  const text = `${JSON.stringify(body)}\n`;
  return new Response(text, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(text)),
      'cache-control': 'no-store',
      ...headers,
    },
  });
}

/** What a client may know of an error: never an `adminHint`, never a cause. */
export function errorAnswer(thrown: unknown): Response {
  const { code, message, hint, ref, retryAfterMs } = toAppError(thrown);
  return jsonAnswer(
    HTTP_STATUS[code],
    { ok: false, error: code, message: maskSecrets(message), hint: hint && maskSecrets(hint), ref },
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) },
  );
}
