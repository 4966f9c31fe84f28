/** What every method of the Web API is made of: who may call it, its arguments, its refusals. */

import type { Json } from '../block-kit/schema.ts';
import type { Fault } from '../protocol.ts';
import type { Context } from './context.ts';
import { SlackError } from './errors.ts';

export interface Call {
  readonly context: Context;
  readonly args: Json;
  /** A fault that only the method itself can have: `late_share`. */
  readonly fault?: Fault | undefined;
}

/** One method: who may call it, how often, what it does. */
export interface Method {
  /** Default `bot`. `none`: works without. */
  token?: 'bot' | 'app' | 'any' | 'none';
  /** One of these is enough; left out: none is needed. A method may ask for more once it knows the channel. */
  scopes?: readonly string[];
  /** Calls a minute. Slack's tiers: 1, 20, 50, 100; those without a tier are given a high one. */
  perMinute: number;
  run(call: Call): Json | Promise<Json>;
}

/** Thrown by a method whose quota depends on its arguments. */
export class RateLimited extends Error {
  override readonly name = 'RateLimited';
  readonly seconds: number;
  constructor(seconds: number) {
    super(`Rate limited for ${seconds} s`);
    this.seconds = seconds;
  }
}

/** @throws SlackError missing_scope with what is needed and what the manifest grants */
export function requireScope(
  context: Context,
  anyOf: readonly string[],
  granted: ReadonlySet<string> = context.manifest.botScopes,
): void {
  if (anyOf.some((scope) => granted.has(scope))) return;
  throw new SlackError('missing_scope', { needed: anyOf.join(','), provided: [...granted].join(',') });
}

// --- Arguments ---

export function optional(args: Json, field: string): string | undefined {
  const value = args[field];
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : String(value);
}

/** @throws SlackError invalid_arguments naming the field */
export function required(args: Json, field: string): string {
  const value = optional(args, field);
  if (value === undefined) throw SlackError.missingField(field);
  return value;
}

export const flag = (args: Json, field: string): boolean => ['true', '1'].includes(String(args[field]));

/** How a list is paged. */
export interface Paging<T> {
  /** Items a page at most, and those when no `limit` is given. */
  max: number;
  /** Stands in the cursor before the item's key, as on the real service. */
  prefix: string;
  /** What an item is known by. A page begins at an item, so that what comes new meanwhile doubles none. */
  keyOf(item: T): string;
  /** Where a list goes on whose item is not there any more. @returns whether `item` comes after `key` in the list */
  isAfter?(item: T, key: string): boolean;
}

/** One page of a list, with Slack's opaque cursor. @throws SlackError invalid_cursor, invalid_limit */
export function page<T>(
  args: Json,
  items: readonly T[],
  { max, prefix, keyOf, isAfter }: Paging<T>,
): { items: T[]; metadata: Json } {
  const cursor = optional(args, 'cursor');
  let start = 0;
  if (cursor !== undefined) {
    const key = openCursor(cursor, prefix);
    start = items.findIndex((item) => keyOf(item) === key || isAfter?.(item, key));
    if (start < 0) {
      if (isAfter === undefined) throw new SlackError('invalid_cursor');
      start = items.length;
    }
  }
  const limit = Number(optional(args, 'limit') ?? 100);
  if (!Number.isInteger(limit) || limit < 0) throw new SlackError('invalid_limit');
  const end = start + Math.min(limit === 0 ? max : limit, max);
  const following = items[end];
  const next = following === undefined ? '' : sealCursor(prefix, keyOf(following));
  return { items: items.slice(start, end), metadata: { next_cursor: next } };
}

const sealCursor = (prefix: string, key: string) =>
  Buffer.from(`${prefix}:${key}`, 'latin1').toString('base64');

function openCursor(cursor: string, prefix: string): string {
  const text = Buffer.from(cursor, 'base64').toString('latin1');
  const key = text.slice(prefix.length + 1);
  // Base64 forgives much; only what was given out is taken.
  if (key === '' || sealCursor(prefix, key) !== cursor) throw new SlackError('invalid_cursor');
  return key;
}
