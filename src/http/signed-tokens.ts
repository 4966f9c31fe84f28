/** Tokens that only this program can make: signed claims, safe in a URL, a cookie and a fragment. */
import { createHmac } from 'node:crypto';
import { sameSecret } from '../ground/same-secret.ts';

/** @param purpose a token is valid for one purpose only */
export function signToken(secret: string, purpose: string, claims: unknown): string {
  const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${body}.${signature(secret, purpose, body)}`;
}

/** @returns the claims; undefined if the signature does not match */
export function readToken(secret: string, purpose: string, token: string): unknown {
  const [body, signed, ...rest] = token.split('.');
  if (body === undefined || signed === undefined || rest.length > 0) return undefined;
  if (!sameSecret(signed, signature(secret, purpose, body))) return undefined;
  return JSON.parse(Buffer.from(body, 'base64url').toString());
}

const signature = (secret: string, purpose: string, body: string): string =>
  createHmac('sha256', secret).update(`${purpose}\n${body}`).digest('base64url');
