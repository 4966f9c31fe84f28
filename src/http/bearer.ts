/** `Authorization: Bearer …`, compared in a time that says nothing of the token. */
import { sameSecret } from '../ground/same-secret.ts';
import { jsonAnswer } from '../ports/http-routes.ts';

/** @returns the answer to who has not the token; undefined: go on */
export function bearerRefusal(request: Request, token: string): Response | undefined {
  const given = bearerOf(request);
  if (given !== undefined && sameSecret(given, token)) return undefined;
  return jsonAnswer(
    401,
    {
      ok: false,
      error: 'permission_denied',
      message: given === undefined ? 'The request has no bearer token.' : 'The bearer token is a wrong one.',
      hint: 'Send the header Authorization: Bearer <token>.',
    },
    { 'www-authenticate': 'Bearer' },
  );
}

export function hasBearer(request: Request, token: string): boolean {
  const given = bearerOf(request);
  return given !== undefined && sameSecret(given, token);
}

function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}
