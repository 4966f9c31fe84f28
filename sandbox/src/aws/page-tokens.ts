/** Continuation tokens: opaque to the caller, without state here, and good for 24 hours as on the real service. */
import type { EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';

const TOKEN_LIFE_MS = 24 * 3_600_000;

export type TokenPart = string | number | null;

export function sealToken(parts: readonly TokenPart[], now: EpochMs): string {
  return Buffer.from(JSON.stringify([now, ...parts])).toString('base64url');
}

/** @throws AwsError InvalidParameterException: not one of ours, or too old */
export function openToken(token: string, now: EpochMs): TokenPart[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw invalidToken();
  }
  if (!Array.isArray(parts) || typeof parts[0] !== 'number') throw invalidToken();
  if (now - parts[0] > TOKEN_LIFE_MS) throw invalidToken();
  return parts.slice(1);
}

export const invalidToken = () =>
  new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');

/** For lists that are short enough to be made whole: one page of it, and the token for the next. */
export function pageOf<T>(
  items: readonly T[],
  limit: number,
  token: string | undefined,
  now: EpochMs,
): { items: T[]; nextToken: string | undefined } {
  const start = token === undefined ? 0 : openToken(token, now)[0];
  if (typeof start !== 'number') throw invalidToken();
  const end = start + limit;
  return {
    items: items.slice(start, end),
    nextToken: end < items.length ? sealToken([end], now) : undefined,
  };
}
