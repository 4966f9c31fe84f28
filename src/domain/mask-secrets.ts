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

/** Whole blocks; of one that an excerpt cuts off, everything up to the end of the text. */
function maskPrivateKeys(text: string): string {
  let result = '';
  let at = 0;
  for (;;) {
    KEY_BEGIN.lastIndex = at;
    const begin = KEY_BEGIN.exec(text);
    if (!begin) return result + text.slice(at);
    KEY_END.lastIndex = begin.index;
    const end = KEY_END.exec(text);
    result += `${text.slice(at, begin.index)}${MASK}`;
    if (!end) return result;
    at = end.index + end[0].length;
  }
}
