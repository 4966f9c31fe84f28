/** `Authorization: Bearer …`, compared in a time that says nothing of the token. */
import { sameSecret } from '../ground/same-secret.ts';
import { jsonAnswer } from '../ports/http-routes.ts';

/** @returns the answer to who has not the token; undefined: go on */
export function bearerRefusal(request: Request, token: string): Response | undefined {
  return hasBearer(request, token) ? undefined : wrongBearer(request);
}

export function hasBearer(request: Request, token: string): boolean {
  const given = bearerOf(request);
  return given !== undefined && sameSecret(given, token);
}

/** The answer to who has none of the tokens. */
export function wrongBearer(request: Request): Response {
  const isMissing = bearerOf(request) === undefined;
  return jsonAnswer(
    401,
    {
      ok: false,
      error: 'permission_denied',
      message: isMissing ? 'The request has no bearer token.' : 'The bearer token is a wrong one.',
      hint: 'Send the header Authorization: Bearer <token>.',
    },
    { 'www-authenticate': 'Bearer' },
  );
}

function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}
