/**
 * Masks secrets in text that goes to a channel. What is masked is recognised by its own shape (keys and
 * tokens with a known prefix) or by the name it stands under; plain numbers, hashes and words stay.
 * Every pattern runs in linear time: repetitions are bounded, or start only where a run of such
 * characters starts.
 */

const MASK = '[masked]';

interface Rule {
  pattern: RegExp;
  /** What takes the match's place; `$1` is what is kept before the secret. */
  replacement: string;
}

/** Where a name=value ends without quotes; never a mask, so that masking twice changes nothing. */
const BARE = String.raw`(?!\[masked\])[^\s"'${'`'}&;<>]{0,512}[^\s"'${'`'}&;<>,)}\]]`;
const QUOTED = String.raw`"(?!\[masked\]")[^"\r\n]{1,512}"|'(?!\[masked\]')[^'\r\n]{1,512}'`;
const SEPARATOR = String.raw`["']?\s{0,3}(?:=>|[:=])\s{0,3}`;

const RULES: readonly Rule[] = [
  // URLs with credentials: user:password@ or one long token@.
  {
    pattern: /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/?#@:"'<>]{0,256}:)(?!\[masked\]@)[^\s/?#@"'<>]{1,512}@/gi,
    replacement: `$1${MASK}@`,
  },
  { pattern: /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[A-Za-z0-9_-]{20,256}@/gi, replacement: `$1${MASK}@` },
  { pattern: /(https:\/\/hooks\.slack\.com\/[a-z]{1,20}\/)[A-Za-z0-9/_-]{8,}/gi, replacement: `$1${MASK}` },
  {
    pattern: /(X-Amz-(?:Signature|Credential|Security-Token)=)(?!\[masked\])[^\s&"'<>]{1,4096}/gi,
    replacement: `$1${MASK}`,
  },

  // AWS: key ids; session tokens by the way they begin (base64 of the service's own header).
  { pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g, replacement: MASK },
  {
    pattern: /(?<![A-Za-z0-9+/])(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz)[A-Za-z0-9+/=%]{20,}/g,
    replacement: MASK,
  },

  // Services whose tokens have a prefix.
  { pattern: /\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}/g, replacement: MASK },
  { pattern: /\bxapp-[A-Za-z0-9-]{10,}/g, replacement: MASK },
  { pattern: /\bgh[pousr]_[A-Za-z0-9]{20,}/g, replacement: MASK },
  { pattern: /\bgithub_pat_[A-Za-z0-9_]{20,}/g, replacement: MASK },
  { pattern: /\bglpat-[A-Za-z0-9_-]{16,}/g, replacement: MASK },
  { pattern: /\bhf_[A-Za-z0-9]{20,}/g, replacement: MASK },
  { pattern: /\brp[as]_[A-Za-z0-9]{20,}/g, replacement: MASK },
  { pattern: /\bnvapi-[A-Za-z0-9_-]{20,}/g, replacement: MASK },
  { pattern: /\bnpm_[A-Za-z0-9]{30,}/g, replacement: MASK },
  { pattern: /\bpypi-[A-Za-z0-9_-]{30,}/g, replacement: MASK },
  { pattern: /\bAIza[A-Za-z0-9_-]{35}/g, replacement: MASK },
  { pattern: /(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,}/g, replacement: MASK },
  {
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
    replacement: MASK,
  },

  // By the name before it. A password may be anything; a token or key only what looks like one, because
  // logs of language models are full of tokens that are words and numbers (`pad_token=<pad>`, `tokens: 512`).
  {
    pattern: /(\b(?:Bearer|Basic)\s{1,3})(?=[A-Za-z0-9._~+/=-]{0,512}\d)[A-Za-z0-9._~+/-]{16,}={0,2}/gi,
    replacement: `$1${MASK}`,
  },
  {
    pattern: new RegExp(
      String.raw`((?:password|passwd|passphrase|(?<![A-Za-z])pwd(?!${SEPARATOR}["']?\/))${SEPARATOR})(?:${QUOTED}|${BARE})`,
      'gi',
    ),
    replacement: `$1${MASK}`,
  },
  {
    pattern: new RegExp(
      String.raw`(--(?:password|passwd|token|api-key|secret)\s{1,3})(?!-)(?:${QUOTED}|${BARE})`,
      'gi',
    ),
    replacement: `$1${MASK}`,
  },
  {
    pattern: new RegExp(
      String.raw`(secret(?:[_-]?(?:access[_-]?)?key)?${SEPARATOR})(?!["']?arn:)(?:${QUOTED}|(?=[^\s"']{6})${BARE})`,
      'gi',
    ),
    replacement: `$1${MASK}`,
  },
  {
    pattern: new RegExp(
      String.raw`((?:token|api[_-]?key|access[_-]?key|auth[_-]?key|account[_-]?key|private[_-]?key)${SEPARATOR}["']?)(?=[A-Za-z_./+=~-]{0,512}\d)(?=[\d_./+=~-]{0,512}[A-Za-z])[A-Za-z0-9_./+=~-]{12,}`,
      'gi',
    ),
    replacement: `$1${MASK}`,
  },
];

export function maskSecrets(text: string): string {
  let masked = maskPrivateKeys(text);
  for (const { pattern, replacement } of RULES) masked = masked.replace(pattern, replacement);
  return masked;
}

const KEY_BEGIN = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;
const KEY_END = /-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g;
/** Whole lines of base64, as text or as `\n` inside a JSON string; at least the first one long. */
const KEY_BODY =
  /(?:(?:\s|\\[nr]){1,4}[A-Za-z0-9+/=]{16,}(?![^\s\\"']))+(?:(?:\s|\\[nr]){1,4}[A-Za-z0-9+/=]{1,76}(?![^\s\\"']))?/y;

/** Whole blocks; of one that an excerpt cuts off at either end, the lines of its body that are there. */
function maskPrivateKeys(text: string): string {
  let result = '';
  let at = 0;
  let begin = findFrom(KEY_BEGIN, text, 0);
  let end = findFrom(KEY_END, text, 0);
  while (begin || end) {
    if (end && (!begin || end.start < begin.start)) {
      result += `${text.slice(at, bodyStart(text, at, end.start))}${MASK}`;
      at = end.stop;
    } else {
      const next = findFrom(KEY_BEGIN, text, begin!.stop);
      const whole = end && (!next || end.start < next.start);
      result += `${text.slice(at, begin!.start)}${MASK}`;
      at = whole ? end!.stop : bodyStop(text, begin!.stop);
      begin = next;
    }
    if (end && end.start < at) end = findFrom(KEY_END, text, at);
  }
  return result + text.slice(at);
}

interface Span {
  start: number;
  stop: number;
}

function findFrom(pattern: RegExp, text: string, from: number): Span | undefined {
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  return match ? { start: match.index, stop: match.index + match[0].length } : undefined;
}

/** Where the base64 lines begin that stand right before an end marker. */
function bodyStart(text: string, from: number, end: number): number {
  let start = end;
  while (start > from) {
    const lineStart = Math.max(from, text.lastIndexOf('\n', start - 2) + 1);
    if (lineStart >= start || !/^[A-Za-z0-9+/=]{1,100}\s*$/.test(text.slice(lineStart, start))) break;
    start = lineStart;
  }
  return start;
}

/** Where the base64 lines end that stand right after a begin marker. */
function bodyStop(text: string, from: number): number {
  KEY_BODY.lastIndex = from;
  return from + (KEY_BODY.exec(text)?.[0].length ?? 0);
}
