/**
 * Secrets that are known by their own look: a prefix that their service gives them, or a structure. Prefixes and
 * lengths are those of the services' pages and of the public rule sets (gitleaks, secretlint, GitHub's secret
 * scanning); lengths are lower limits, for a key that an excerpt cuts off.
 */
import type { Span } from './span.ts';

const HEX = '[0-9a-fA-F]';
const ALNUM = '[A-Za-z0-9]';
const TOKEN = '[A-Za-z0-9_-]';

/** Alternatives of one pattern, looked for in long words alone; each has a fixed beginning and never backtracks. */
const PREFIXED = [
  // AWS: key ids, keys of Bedrock and of Secrets.
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])',
  `ABSK${ALNUM}{40,}`,
  // Where code, packages and images are kept.
  `gh[pousr]_${ALNUM}{20,}`,
  'github_pat_[A-Za-z0-9_]{20,}',
  `gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|agent|oas|ffct)-${TOKEN}{16,}`,
  `npm_${ALNUM}{30,}`,
  `pypi-${TOKEN}{30,}`,
  `dckr_(?:pat|oat)_${TOKEN}{20,}`,
  `rubygems_${HEX}{32,}`,
  `ATBB${ALNUM}{24,}`,
  `AT(?:ATT|CTT)3[A-Za-z0-9_=-]{40,}`,
  `CCIPAT_${TOKEN}{20,}`,
  `bkua_${HEX}{32,}`,
  `AKCp${ALNUM}{40,}`,
  // Models and their tools.
  `hf_${ALNUM}{20,}`,
  `api_org_${ALNUM}{20,}`,
  `rp[as]_${ALNUM}{20,}`,
  `nvapi-${TOKEN}{20,}`,
  `sk-(?:ant|proj|svcacct|admin|or|lf)-${TOKEN}{16,}`,
  `sk-(?=${TOKEN}{0,60}\\d)(?=${TOKEN}{0,60}[A-Z]|${ALNUM}{32})${TOKEN}{20,}`,
  `sess-${ALNUM}{30,}`,
  `r8_${ALNUM}{30,}`,
  `gsk_${ALNUM}{40,}`,
  `xai-${ALNUM}{40,}`,
  `pplx-${ALNUM}{30,}`,
  `pcsk_[A-Za-z0-9_]{40,}`,
  `lsv2_(?:pt|sk)_[A-Za-z0-9_]{30,}`,
  `tgp_v1_${TOKEN}{30,}`,
  `wandb_v1_${TOKEN}{30,}`,
  `KGAT_${HEX}{30,}`,
  `dapi${HEX}{32}(?:-\\d{1,2})?`,
  // Clouds.
  `AIza${TOKEN}{30,}`,
  `ya29\\.[A-Za-z0-9._-]{20,}`,
  `GOCSPX-${TOKEN}{20,}`,
  '[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])',
  `do[opr]_v1_${HEX}{40,}`,
  `hv[sbr]\\.${TOKEN}{20,}`,
  `${ALNUM}{14}\\.atlasv1\\.${TOKEN}{40,}`,
  `pul-${HEX}{40}`,
  `dp\\.(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9._-]{30,}`,
  `pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}`,
  `sbp_${HEX}{40}`,
  `sb_secret_${TOKEN}{20,}`,
  `tskey-[a-z]{2,12}-${TOKEN}{16,}`,
  `HRKU-${TOKEN}{30,}`,
  `AGE-SECRET-KEY-1[A-Z0-9]{40,}`,
  // Messages, payments, operations.
  `xox[a-z](?:\\.xox[a-z])?-[A-Za-z0-9-]{8,}`,
  'xapp-[A-Za-z0-9-]{8,}',
  `(?:sk|rk)_(?:live|test)_${ALNUM}{10,}`,
  `whsec_${ALNUM}{20,}`,
  `SK${HEX}{32}(?![A-Za-z0-9])`,
  `SG\\.${TOKEN}{16,24}\\.${TOKEN}{16,64}`,
  `key-${HEX}{32}(?![A-Za-z0-9])`,
  `${HEX}{32}-us\\d{1,2}(?![A-Za-z0-9])`,
  `sh(?:pat|pca|ppa|pss)_${HEX}{32}`,
  `sq0(?:atp|csp|idp)-${TOKEN}{22,}`,
  `NRAK-[A-Z0-9]{27}`,
  `gl(?:sa|c)_[A-Za-z0-9_+/=-]{30,}`,
  `sntry[su]_[A-Za-z0-9_+/=-]{30,}`,
  `lin_(?:api|oauth)_${ALNUM}{30,}`,
  `(?:ntn|secret)_${ALNUM}{40,}`,
  `PMAK-${HEX}{24}-${HEX}{34}`,
  `figd_${TOKEN}{30,}`,
  `pat${ALNUM}{14}\\.${HEX}{64}`,
  '[MNO][A-Za-z0-9]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,40}',
];
const IN_WORD = new RegExp(`(?<![A-Za-z0-9])(?:${PREFIXED.join('|')})`, 'g');
/** Characters of which all of them are made; shorter words hold none. */
const LONG_WORD = /[A-Za-z0-9_.~-]{17,}/g;

/** A letter before a word may belong to an escape: `\n`, `\u001b`, a colour, `%3D`. */
const ESCAPE = String.raw`\\[nrtbf]|\\u[0-9a-fA-F]{4}|\[[0-9;]{0,12}m|%[0-9A-Fa-f]{2}`;
const ESCAPE_BEFORE = new RegExp(`(?:${ESCAPE})$`);
const WORD_BEGIN = `(?:(?<![A-Za-z0-9_-])|(?<=${ESCAPE}))`;
const BASE64_BEGIN = `(?:(?<![A-Za-z0-9+/])|(?<=${ESCAPE}))`;

/** By structure, in the text as a whole. */
const STRUCTURED: readonly RegExp[] = [
  // A JSON Web Token; of one that is cut off, the header and what follows it.
  new RegExp(`${WORD_BEGIN}eyJ${TOKEN}{8,}\\.(?:eyJ${TOKEN}{8,}|\\.?${TOKEN}{20,})[A-Za-z0-9_.-]*`, 'g'),
  // AWS session tokens: base64 of the service's own header.
  new RegExp(
    `${BASE64_BEGIN}(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AQoDYXdz|AgoJb3JpZ2lu)[A-Za-z0-9+/=%]{20,}`,
    'g',
  ),
  // A PEM block that is base64 once more (Kubernetes secrets), unless a certificate or a public key.
  new RegExp(`${BASE64_BEGIN}LS0tLS1CRUdJTi(?!BDRVJU|BQVUJM)[A-Za-z0-9+/=]{20,}`, 'g'),
  // Telegram's bots.
  /(?<![A-Za-z0-9])(?:bot)?\d{8,10}:AA[A-Za-z0-9_-]{30,36}(?![A-Za-z0-9_-])/g,
];

/** In a list of credentials the secret key stands right behind its key id, without a name. */
const SECRET_OF_KEY_ID =
  /[\s,;:|"'\\]{1,8}(?=[A-Za-z0-9/+]{0,39}\d)(?=[A-Za-z0-9/+]{0,39}[A-Z])(?=[A-Za-z0-9/+]{0,39}[g-z/+])([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/y;

export function findTokens(text: string): Span[] {
  const spans: Span[] = [];
  for (const word of text.matchAll(LONG_WORD)) {
    const skipped = escapeLength(text, word.index, word[0]);
    const begin = word.index + skipped;
    for (const { 0: found, index } of word[0].slice(skipped).matchAll(IN_WORD)) {
      const start = begin + index;
      const stop = start + found.length;
      spans.push({ start, stop });
      if (!/^A[KSBC]/.test(found)) continue;
      SECRET_OF_KEY_ID.lastIndex = stop;
      const secret = SECRET_OF_KEY_ID.exec(text)?.[1];
      if (secret)
        spans.push({ start: SECRET_OF_KEY_ID.lastIndex - secret.length, stop: SECRET_OF_KEY_ID.lastIndex });
    }
  }
  for (const pattern of STRUCTURED)
    for (const match of text.matchAll(pattern))
      spans.push({ start: match.index, stop: match.index + match[0].length });
  return spans;
}

/** Characters at the beginning of a word that belong to an escape before it. */
function escapeLength(text: string, start: number, word: string): number {
  const context = text.slice(Math.max(0, start - 16), start);
  for (let length = 1; length <= Math.min(12, word.length); length++) {
    const before = context.charAt(context.length - 1);
    if (before !== '\\' && before !== '%' && before !== '[' && before !== ';') return 0;
    if (ESCAPE_BEFORE.test(context + word.slice(0, length))) return length;
  }
  return 0;
}
