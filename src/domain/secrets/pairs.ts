/** Secrets by the name before them: `name=value`, JSON, YAML, flags, headers, XML, pairs of name and value. */
import { isPlaceholder, isSaid, kindOfName, LOOKED_AT, looksSecret, type NameKind } from './names.ts';
import { isWordCode, MASK, type Span } from './span.ts';
import { backslashes, skipSpaces, type Value, valueAt } from './values.ts';

export interface PairOptions {
  /** Members of JSON: the name alone is enough, whatever the value looks like. */
  trustNames?: boolean;
}

/** Where a value stands, and under which name. */
interface Place {
  name: string;
  /** Index of the name. */
  nameAt: number;
  /** Where its value begins, perhaps with a quote. */
  valueFrom: number;
  /** The name is in quotes, after so many backslashes: a member of JSON. */
  member?: { quote: string; depth: number };
  /** A colon and a blank stand between, as in a sentence. */
  sentence?: boolean;
  /** Its value is on the next line, if anywhere. */
  nextLine?: boolean;
}

/** Also as an address writes them, and an arrow. */
const SEPARATOR = /[=:→]|%3[AaDd]/g;
/** Types that stand between a name and its value in code. */
const TYPES = new Set(['str', 'string', 'bytes', 'Optional', 'SecretStr', 'String', 'any']);

export function findPairs(text: string, options: PairOptions = {}): Span[] {
  const spans: Span[] = [];
  let done = 0;
  SEPARATOR.lastIndex = 0;
  for (let found = SEPARATOR.exec(text); found; found = SEPARATOR.exec(text)) {
    const place = placeAt(text, found.index, found[0].length);
    if (!place || place.valueFrom < done) continue;
    const kind = kindOfPlace(text, place);
    if (!kind) continue;
    const masked = maskValues(text, place, kind, options);
    if (masked.length === 0) continue;
    spans.push(...masked);
    done = masked.at(-1)!.stop;
    SEPARATOR.lastIndex = Math.max(done, SEPARATOR.lastIndex);
  }
  return spans;
}

const isNameCode = (code: number): boolean =>
  isWordCode(code) || code === 0x5f || code === 0x2d || code === 0x2e;
const NAME_AT_MOST = 80;

/** The name before a separator, and where its value begins. */
function placeAt(text: string, separator: number, length: number): Place | undefined {
  const code = text.charCodeAt(separator);
  const next = text.charCodeAt(separator + length);
  // Of `==`, `:=` and `::` the last counts; `://` is an address.
  if (next === 0x3d || (code === 0x3a && (next === 0x3a || next === 0x2f))) return undefined;
  let before = separator;
  while (before > separator - 3 && /[=:!<>?+]/.test(text.charAt(before - 1))) before -= 1;
  const name = nameBefore(text, before);
  // `https://x-access-token:…@host` is an address.
  if (!name || (code === 0x3a && text.startsWith('//', name.nameAt - 2))) return undefined;
  const arrow = code === 0x3d && next === 0x3e ? 1 : 0;
  const valueFrom = skipSpaces(text, separator + length + arrow, 8);
  if (code === 0x3d && TYPES.has(name.name)) {
    const gap = /:\s{0,2}$/.exec(text.slice(Math.max(0, name.nameAt - 3), name.nameAt));
    const typed = gap ? nameBefore(text, name.nameAt - gap[0].length) : undefined;
    if (typed) return { ...typed, valueFrom };
  }
  const sentence = code === 0x3a && next === 0x20 && !name.member;
  const below = nextLine(text, valueFrom);
  if (below !== undefined) return { ...name, sentence, nextLine: true, valueFrom: below };
  return { ...name, sentence, valueFrom: blockScalar(text, skipMarks(text, valueFrom)) };
}

/** A colour, a quote as HTML writes it, the end of bold text: `**Password:** …`. */
function skipMarks(text: string, given: number): number {
  COLOUR.lastIndex = given;
  const from = COLOUR.test(text) ? COLOUR.lastIndex : given;
  if (text.startsWith(HTML_QUOTE, from)) return from + HTML_QUOTE.length;
  const bold = /\*{1,2} /y;
  bold.lastIndex = from;
  return bold.test(text) ? bold.lastIndex : from;
}
const HTML_QUOTE = '&quot;';
/** Also as JSON writes it, and without its first character, which is not shown. */
const COLOUR_CODE = '(?:\\u001b|\\\\u001[bB])?\\[[\\d;]{0,8}m(?!asked\\])';
const COLOUR = new RegExp(COLOUR_CODE, 'y');
const COLOUR_BEFORE = new RegExp(`${COLOUR_CODE}$`);

/** @returns where the text of the next line begins, if there is nothing more on this one */
function nextLine(text: string, from: number): number | undefined {
  const end = /(?:\r?\n|\\{1,7}n)[ \t]{0,80}(?=\S)/y;
  end.lastIndex = from;
  return end.test(text) ? end.lastIndex : undefined;
}

/** YAML's `|` and `>`: the value begins on the next line. */
function blockScalar(text: string, from: number): number {
  if (text.charAt(from) !== '|' && text.charAt(from) !== '>') return from;
  const mark = /[|>][-+]?[ \t]{0,8}(?:\r?\n|\\{1,7}n)[ \t]{0,80}/y;
  mark.lastIndex = from;
  return mark.test(text) ? mark.lastIndex : from;
}

function nameBefore(text: string, end: number): Omit<Place, 'valueFrom'> | undefined {
  let at = end;
  while (at > end - 4 && (text.charCodeAt(at - 1) === 0x20 || text.charCodeAt(at - 1) === 0x09)) at -= 1;
  if (text.charAt(at - 1) === 'm')
    at -= COLOUR_BEFORE.exec(text.slice(Math.max(0, at - 20), at))?.[0].length ?? 0;
  if (text.startsWith(HTML_QUOTE, at - HTML_QUOTE.length)) at -= HTML_QUOTE.length;
  // `*password*: …`
  for (let marks = 0; marks < 2 && text.charAt(at - 1) === '*'; marks += 1) at -= 1;
  // `os.environ["TOKEN"] = …`
  if (text.charAt(at - 1) === ']') at -= 1;
  const quote = text.charAt(at - 1);
  let member: Place['member'];
  if (quote === '"' || quote === "'") {
    at -= 1;
    let depth = 0;
    while (depth < 64 && text.charCodeAt(at - 1) === 0x5c) {
      at -= 1;
      depth += 1;
    }
    member = { quote, depth };
  }
  let nameAt = at;
  while (nameAt > at - NAME_AT_MOST && isNameCode(text.charCodeAt(nameAt - 1))) nameAt -= 1;
  return nameAt < at ? { name: text.slice(nameAt, at), nameAt, ...(member ? { member } : {}) } : undefined;
}

function kindOfPlace(text: string, place: Place): NameKind | undefined {
  const kind = kindOfName(place.name);
  // Kaggle's own file: {"username":"ada","key":"…"}.
  if (
    !kind &&
    /^key$/i.test(place.name) &&
    text.slice(Math.max(0, place.nameAt - 160), place.nameAt).includes('username')
  )
    return 'maybe';
  const inProse = kind === undefined || kind === 'maybe' ? kindOfTwoWords(text, place) : undefined;
  if (inProse) return inProse;
  // The next line may be anything, so only what looks like a secret is one.
  if (place.nextLine) return kind === 'sure' ? 'likely' : kind === 'cookie' ? undefined : kind;
  // PWD=/opt/ml/code is a folder.
  if (
    kind === 'sure' &&
    /pwd$/i.test(place.name) &&
    /^["']?(?:[/~.]|[A-Za-z]:\\)/.test(text.slice(place.valueFrom, place.valueFrom + 4))
  )
    return undefined;
  return kind;
}

/** `API key: …`, `access token: …`: in prose a name has blanks. */
function kindOfTwoWords(text: string, { name, nameAt }: Place): NameKind | undefined {
  if (!/^(?:key|token)$/i.test(name)) return undefined;
  const before = /(?<![A-Za-z0-9_-])[A-Za-z]{2,14} $/.exec(text.slice(Math.max(0, nameAt - 16), nameAt))?.[0];
  if (!before || (/^token$/i.test(name) && !/^(?:access|api|auth|bearer|bot|id|refresh) $/i.test(before)))
    return undefined;
  return kindOfName(before + name);
}

/** The value after a name, or each of a list in brackets. */
function maskValues(text: string, place: Place, kind: NameKind, options: PairOptions): Span[] {
  const { valueFrom } = place;
  if (text.charAt(valueFrom) === '[' && !text.startsWith(MASK, valueFrom))
    return maskList(text, place, kind, options);
  const span = maskAt(text, valueFrom, place, kind, options);
  return span ? [span] : [];
}

/** @param place the name under which the value stands, as far as it says how to mask it */
export function maskAt(
  text: string,
  from: number,
  place: Pick<Place, 'name' | 'member' | 'sentence'>,
  kind: NameKind,
  options: PairOptions = {},
): Span | undefined {
  // An object: its own members say what they are.
  if (/^\{(?:[\s"'\\}]|$)/.test(text.slice(from, from + 2))) return undefined;
  if (place.sentence && isSaid(text.slice(from, from + 20))) return undefined;
  const toLineEnd = kind === 'cookie' || kind === 'header';
  // What is no secret is read again from the next name on, but only its beginning, so that the time stays linear.
  const beginning = valueAt(text, from, { toLineEnd, atMost: LOOKED_AT });
  if (!beginning || !maskValue(text, beginning, place, kind, options)) return undefined;
  const value = valueAt(text, from, { toLineEnd });
  const span = value && maskValue(text, value, place, kind, options);
  // JSON's number in place of a string: the mask gets the quotes that it needs.
  const bare = span && place.member && !value.quoted && /^[-\w.+]+$/.test(text.slice(span.start, span.stop));
  return bare ? { ...span, replacement: quotedMask(place.member!) } : span;
}

function maskList(text: string, place: Place, kind: NameKind, options: PairOptions): Span[] {
  const spans: Span[] = [];
  let at = place.valueFrom + 1;
  for (;;) {
    at += /^[\s,]*/.exec(text.slice(at, at + 80))![0].length;
    const quote = /^\\*["'`]/.exec(text.slice(at, at + 64));
    const span = quote && maskAt(text, at, place, kind, options);
    if (!span) return spans;
    spans.push(span);
    at = span.stop + backslashes(text, span.stop) + 1;
  }
}

const SCHEME =
  /^(?:Bearer|Basic|Token|Digest|ApiKey|Api-Key|Key|Negotiate|NTLM|Hawk|GoogleLogin|Splunk|SharedKey|SharedKeyLite|AWS4-HMAC-SHA256|AWS|SSWS|GenieKey|DPoP|OAuth|Bot|PRIVATE-TOKEN)\s+(?=\S)/i;

function maskValue(
  text: string,
  { start, stop, quoted }: Value,
  { name, member }: Pick<Place, 'name' | 'member'>,
  kind: NameKind,
  { trustNames = false }: PairOptions,
): Span | undefined {
  const words = text.slice(start, Math.min(stop, start + LOOKED_AT));
  if (words === MASK && stop - start === MASK.length) return undefined;
  if (isPlaceholder(words)) return undefined;
  if (trustNames && member && quoted) return { start, stop };
  switch (kind) {
    case 'sure':
      // A count, as in `secret: 3`.
      if (!quoted && !member && /secret$/i.test(name) && words.length < 6) return undefined;
      return { start, stop };
    case 'cookie':
      return /^[^\s=;]{1,120}=./.test(words) ? { start, stop } : undefined;
    case 'header': {
      const scheme = SCHEME.exec(words)?.[0];
      if (scheme) return { start: start + scheme.length, stop };
      const word = /^\S*/.exec(words)![0];
      if (quoted) return { start, stop };
      return looksSecret(word, 'likely') ? { start, stop: start + word.length } : undefined;
    }
    default:
      if (kind === 'maybe' && isBasicCredentials(words)) return { start, stop };
      return looksSecret(words, kind) ? { start, stop } : undefined;
  }
}

function quotedMask({ quote, depth }: { quote: string; depth: number }): string {
  const mark = '\\'.repeat(depth) + quote;
  return `${mark}${MASK}${mark}`;
}

/** Base64 of `user:password`. */
export function isBasicCredentials(value: string): boolean {
  if (!/^[A-Za-z0-9+/]{6,}={0,2}$/.test(value)) return false;
  const decoded = Buffer.from(value, 'base64').toString('latin1');
  return /^[\x20-\x7e]{1,120}:[\x20-\x7e]+$/.test(decoded);
}
