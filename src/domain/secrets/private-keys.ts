/**
 * Private keys in PEM, OpenSSH, PGP and PuTTY form: whole blocks, and of a block that an excerpt cuts off at
 * either end the lines of its body that are there. Lines may carry a log's prefix, and line ends may be `\n`
 * written out, as in JSON.
 */
import type { Span } from './span.ts';

const BEGIN = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|Private-Lines: \d{1,4}/g;
const END = /-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: [0-9a-f]{40,64}/g;
/** The end of a line: the character itself or, in JSON inside JSON, its escape. */
const LINE_END = /\r?\n|(?:\\{1,15}r)?\\{1,15}n/g;
/** The longest key in use (RSA, 16,384 bits) has 13 kB; with a prefix on every line perhaps three times that. */
const WHOLE_AT_MOST = 40_000;

/** Lines that may stand between the marker and the key. */
const HEADER = /(?:^|[\s|>:])(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash): /;
const BASE64_LAST = /[A-Za-z0-9+/=]{1,100}$/;
/** Characters of a key's line with a log's prefix, except the last one. */
const FULL_LINE = 40;
/** Characters of a key's line that stands alone. */
const FIRST_LINE = 16;
const LINE_AT_MOST = 1_000;
const ON_ONE_LINE = /[ \t]+[A-Za-z0-9+/=]{16,}(?:[ \t]+[A-Za-z0-9+/=]{16,})*(?![^\s\\"'])/y;

/** In order of their beginnings, none overlapping another. */
export function findPrivateKeys(text: string): Span[] {
  const begins = allOf(BEGIN, text);
  const ends = allOf(END, text);
  const spans: Span[] = [];
  let at = 0;
  let nextEnd = 0;
  for (let index = 0; index <= begins.length; index++) {
    const begin = begins[index];
    // Ends without a beginning: the excerpt starts inside a key.
    for (; nextEnd < ends.length && (!begin || ends[nextEnd]!.start < begin.start); nextEnd++) {
      const end = ends[nextEnd]!;
      if (end.start < at) continue;
      spans.push({ start: bodyStart(text, at, end.start), stop: end.stop });
      at = end.stop;
    }
    if (!begin) break;
    const end = ends[nextEnd];
    const next = begins[index + 1]?.start ?? text.length;
    const whole = end !== undefined && end.start <= next && isOneBlock(text.slice(begin.stop, end.start));
    const stop = whole ? end.stop : bodyStop(text, begin, next);
    spans.push({ start: begin.start, stop });
    at = stop;
  }
  return spans;
}

/** The markers may be of two keys; and in JSON, which has no line ends of its own, of two strings. */
const isOneBlock = (between: string): boolean =>
  between.length <= WHOLE_AT_MOST && (between.includes('\n') || !between.includes('"'));

function allOf(pattern: RegExp, text: string): Span[] {
  return [...text.matchAll(pattern)].map((match) => ({
    start: match.index,
    stop: match.index + match[0].length,
  }));
}

interface KeyLine {
  /** Characters before the key's own: the log's prefix. */
  prefix: number;
  /** Characters of the key; 0 when the line is no part of one. */
  length: number;
}

/** The base64 that ends a line, as a word of its own: the end of a path or of a longer name is none. */
function keyLine(line: string): KeyLine {
  const trimmed = line.trimEnd();
  const length = BASE64_LAST.exec(trimmed)?.[0].length ?? 0;
  const prefix = trimmed.length - length;
  return length > 0 && (prefix === 0 || /[\s|>:\]"']/.test(trimmed.charAt(prefix - 1)))
    ? { prefix, length }
    : { prefix, length: 0 };
}

/** A key's last line is short. Unlike a word, it is below (or above) a full line in the same column. */
const inColumn = (line: KeyLine, full: KeyLine | undefined): boolean =>
  line.length > 0 && full !== undefined && Math.abs(line.prefix - full.prefix) <= 2;

/** Where the lines of a key right after a begin marker end. */
function bodyStop(text: string, begin: Span, limit: number): number {
  // On the marker's own line there may be a key whose line ends have become spaces.
  ON_ONE_LINE.lastIndex = begin.stop;
  const spaced = ON_ONE_LINE.exec(text);
  let stop = spaced ? ON_ONE_LINE.lastIndex : begin.stop;
  let full: KeyLine | undefined;
  LINE_END.lastIndex = stop;
  let lineEnd = LINE_END.exec(text);
  if (!lineEnd || text.slice(stop, lineEnd.index).trim() !== '') return stop;
  while (lineEnd && lineEnd.index < limit) {
    const start = lineEnd.index + lineEnd[0].length;
    LINE_END.lastIndex = start;
    lineEnd = LINE_END.exec(text);
    const lineStop = Math.min(lineEnd?.index ?? text.length, limit, stringStop(text, start));
    const line = text.slice(start, lineStop);
    const part = keyLine(line);
    const cutOff = lineStop === text.length && part.length >= FIRST_LINE;
    const first = part.length >= FULL_LINE || cutOff || (part.prefix === 0 && part.length >= FIRST_LINE);
    if (full ? part.length >= FULL_LINE || inColumn(part, full) : first) stop = start + line.trimEnd().length;
    else if (full || !(line.trim() === '' || HEADER.test(line))) break;
    if (full && part.length < FULL_LINE) break;
    if (part.length >= FIRST_LINE) full = part;
    if (lineStop !== lineEnd?.index) break;
  }
  return stop;
}

/** Where the string that contains a line ends, as far as a line of a key goes. */
function stringStop(text: string, from: number): number {
  for (let at = from; at < from + LINE_AT_MOST; at++) {
    if (at >= text.length) return text.length;
    const code = text.charCodeAt(at);
    if (code === 0x22 || code === 0x27) {
      let stop = at;
      while (stop > from && text.charCodeAt(stop - 1) === 0x5c) stop -= 1;
      return stop;
    }
  }
  return from + LINE_AT_MOST;
}

/** Where the lines of a key right before an end marker begin. */
function bodyStart(text: string, from: number, end: number): number {
  const earliest = Math.max(from, end - WHOLE_AT_MOST);
  const before = text.slice(earliest, end);
  const lines: Span[] = [];
  let start = 0;
  LINE_END.lastIndex = 0; // `matchAll` begins there.
  for (const lineEnd of before.matchAll(LINE_END)) {
    lines.push({ start, stop: lineEnd.index });
    start = lineEnd.index + lineEnd[0].length;
  }
  // What stands before the marker on its own line is the log's prefix, unless another string or block ends there.
  if (/"|-----/.test(before.slice(start))) return end;
  let first = end;
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index]!;
    const part = keyLine(before.slice(line.start, line.stop));
    const last = index === lines.length - 1;
    const above = lines[index - 1];
    const fits =
      part.length >= FULL_LINE ||
      (part.prefix === 0 && part.length >= FIRST_LINE) ||
      (last &&
        ((part.prefix === 0 && part.length > 0 && /=$/.test(before.slice(line.start, line.stop).trimEnd())) ||
          (above !== undefined && inColumn(part, fullLine(before.slice(above.start, above.stop))))));
    if (!fits) break;
    first = earliest + line.start + part.prefix;
    // The string begins here.
    if (before.slice(line.start, line.start + part.prefix).includes('"')) break;
  }
  return first;
}

function fullLine(line: string): KeyLine | undefined {
  const part = keyLine(line);
  return part.length >= FULL_LINE ? part : undefined;
}
