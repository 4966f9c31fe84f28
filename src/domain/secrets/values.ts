/** Where the value after a name ends, in quotes of any depth or bare. */
import { isWordCode, MASK } from './span.ts';

export interface Value {
  /** Of the value itself, without quotes. */
  start: number;
  /** Exclusive. */
  stop: number;
  quoted: boolean;
}

const BACKSLASH = 0x5c;
const isQuote = (code: number): boolean => code === 0x22 || code === 0x27 || code === 0x60;
const isSpace = (code: number): boolean =>
  code <= 0x20 || code === 0xa0 || code === 0x2028 || code === 0x2029;

/** Backslashes from an index on. */
export function backslashes(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === BACKSLASH) at += 1;
  return at - from;
}

export function skipSpaces(text: string, from: number, atMost: number): number {
  let at = from;
  while (at < from + atMost && (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09)) at += 1;
  return at;
}

export interface ValueOptions {
  /** A bare value holds spaces, as a header's does. */
  toLineEnd?: boolean;
  /** Characters that are looked at; longer values are cut there. */
  atMost?: number;
}

/** @returns undefined when there is none */
export function valueAt(
  text: string,
  from: number,
  { toLineEnd = false, atMost = Number.POSITIVE_INFINITY }: ValueOptions = {},
): Value | undefined {
  let at = from;
  // Python's b'…', r"…".
  if (/[bBrRuUfF]/.test(text.charAt(at)) && isQuote(text.charCodeAt(at + 1))) at += 1;
  const depth = backslashes(text, at);
  const quote = text.charCodeAt(at + depth);
  if (isQuote(quote)) {
    const start = at + depth + 1;
    // The end of the string in which the name stands, and no value: `["password="]`.
    if (/[,:)}\]]/.test(text.charAt(start)) || start === text.length) return undefined;
    const stop = quotedStop(text, start, quote, depth, Math.min(text.length, start + atMost));
    return { start, stop, quoted: true };
  }
  const limit = Math.min(text.length, from + atMost);
  const stop = toLineEnd ? lineStop(text, from, limit) : bareStop(text, from, limit);
  return stop > from ? { start: from, stop, quoted: false } : undefined;
}

/**
 * A quote ends a string when the backslashes before it are those of its own depth: none, 1 in JSON inside JSON,
 * 3 one level below; more of them belong to a quote inside. Without an end: up to the end of the line.
 */
function quotedStop(text: string, start: number, quote: number, depth: number, limit: number): number {
  let run = 0;
  for (let at = start; at < limit; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) run += 1;
    else if (code === quote && run % (2 * (depth + 1)) === depth) return at - depth;
    else if (code === 0x0a || code === 0x0d) return at;
    // A shallower quote ends everything inside of it: what comes here was cut off.
    else if (code === 0x22 && depth > 0 && run < depth) return at - run;
    // A string of JSON ends in which a single quote has begun.
    else if (code === 0x22 && quote !== 0x22 && /[,:}\]\\]|^$/.test(text.charAt(at + 1))) return at - run;
    else run = 0;
  }
  return limit;
}

/** Of a header: to the end of the line, or of the string in which it stands. */
function lineStop(text: string, from: number, limit: number): number {
  let at = from;
  for (; at < limit; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a || code === 0x0d) break;
    if (isQuote(code) && !isWordCode(text.charCodeAt(at + 1)) && (code !== 0x22 || !isCookieQuote(text, at)))
      break;
    if (code === BACKSLASH) {
      const run = backslashes(text, at);
      const next = text.charCodeAt(at + run);
      if (next === 0x6e || next === 0x72 || next === 0x22 || next === 0x27) break;
      at += run - 1;
    }
  }
  return trimmed(text, from, at);
}

/** `name="value"` inside of a header. */
const isCookieQuote = (text: string, at: number): boolean =>
  text.charAt(at - 1) === '=' && !/[,:)}\]]|^$/.test(text.charAt(at + 1));

/** Characters of a name that may come after `&`, `;` or `,`, and then `=` or `:`. */
const NEXT_PAIR = /(?:&amp;|[&;,])(?:["']|\\["']|\s|$|[A-Za-z_][A-Za-z0-9_.-]{0,40}[=:])/y;
const ENTITY_END = /&(?:quot|#39|#x27|apos);|&lt;(?=\/|$|\s)|&gt;(?![A-Za-z0-9])/y;

function bareStop(text: string, from: number, limit: number): number {
  let at = text.startsWith(MASK, from) ? from + MASK.length : from;
  for (; at < limit; at++) {
    const code = text.charCodeAt(at);
    if (isSpace(code)) break;
    if (isWordCode(code)) continue;
    if (isQuote(code)) {
      if (at === from || !isWordCode(text.charCodeAt(at + 1))) break;
    } else if (code === BACKSLASH) {
      const run = backslashes(text, at);
      if (endsAfterBackslashes(text, at + run)) break;
      at += run - 1;
    } else if (code === 0x26 || code === 0x3b || code === 0x2c) {
      NEXT_PAIR.lastIndex = at;
      ENTITY_END.lastIndex = at;
      if (NEXT_PAIR.test(text) || ENTITY_END.test(text)) break;
    } else if (code === 0x3c || code === 0x3e) {
      if (!isWordCode(text.charCodeAt(at + 1))) break;
    } else if (text.startsWith(MASK, at)) at += MASK.length - 1;
  }
  return trimmed(text, from, at);
}

/** `\n`, `\r`, `\t`, a quote, a control character, the end of a line. */
function endsAfterBackslashes(text: string, at: number): boolean {
  const next = text.charAt(at);
  if (next === '' || /[nrt\s]/.test(next)) return true;
  if (isQuote(next.charCodeAt(0))) return !isWordCode(text.charCodeAt(at + 1));
  return next === 'u' && /^00[01][0-9a-fA-F]/.test(text.slice(at + 1, at + 5));
}

/** Without the brackets and commas behind, which belong to what is around. */
function trimmed(text: string, from: number, to: number): number {
  let stop = to;
  while (stop > from) {
    const code = text.charCodeAt(stop - 1);
    const closes =
      code === 0x29 || code === 0x5d || code === 0x7d || code === 0x2c || code === 0x3b || code === 0x20;
    if (!closes || (code === 0x5d && endsInMask(text, from, stop))) break;
    stop -= 1;
  }
  return stop;
}

const endsInMask = (text: string, from: number, stop: number): boolean =>
  stop - MASK.length >= from && text.startsWith(MASK, stop - MASK.length);
