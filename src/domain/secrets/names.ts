/** Which names say that a secret follows, and which words after an uncertain name look like one. */

/**
 * - `sure`: whatever follows is a secret (`password`, `client_secret`).
 * - `likely`: a secret when it looks made by a machine at all (`auth_token`, `api_key`).
 * - `maybe`: only when it looks random (`token`, `key` of some kinds, `sig`); logs of language models are full
 *   of tokens that are words and numbers (`pad_token=<pad>`, `tokens: 512`).
 * - `cookie`: pairs of names and values up to the end of the line.
 * - `header`: a scheme and credentials up to the end of the line.
 */
export type NameKind = 'sure' | 'likely' | 'maybe' | 'cookie' | 'header';

/** Every name of a secret contains one of these; all other names are skipped quickly. */
const HINT = /pass|pwd|secret|token|key|auth|cookie|cred|sig|sess|sid|bearer|jwt|pat$|external.?id/i;

const SURE =
  /(?:^| )(?:\w*(?:password|passwd|passphrase|passcode|passwort)|\w*pwd|\w*secret|\w*secret ?(?:access ?)?key(?: base)?|private ?key|secret (?:string|value|binary|text)|\w*password hash|amz (?:signature|credential|security token))$/;
/** `pass` alone is a word of its own: `forward_pass`, `passed`. */
const SURE_PASS =
  /(?:^| )(?:db|database|user|mysql|pg|postgres|redis|mongo|rabbitmq|amqp|smtp|mail|imap|ldap|ftp|sftp|admin|root|login|http|proxy|registry|docker|keystore|truststore|ssl|auth|basic|git|netrc|jdbc|sudo|vault|wifi) ?pass$/;

/** Tokens that are words of a vocabulary, places in a list, or names of a request. */
const NO_SECRET_TOKEN =
  /(?:^| )(?:pad|padding|eos|bos|unk|sep|cls|mask|image|img|video|audio|vision|start|end|stop|begin|first|last|next|prev|previous|continuation|pagination|page|forward|backward|sequence|sync|resume|marker|starting|idempotency|request|client|max|min|num|n|per|new|old|prompt|completion|reasoning|special|extra|extra id|sub|word|tool|assistant|role|target|source|input|output|decoder start|forced bos|forced eos|language|lang|class|register|distillation|think|answer|token|cancellation|single|each|every|current|unknown) token$/;
const LIKELY_TOKEN = /(?:^| )\w+ token$|(?:^| )(?!token$)\w{2,}token$/;
const LIKELY_KEY =
  /(?:^| )(?:api|access|auth|account|storage|shared access|subscription|master|license|routing|kaggle|wandb|app|application|dd|admin|functions?|ingest|ingestion|instrumentation|signing|encryption|fernet|jwt|hmac|service|deploy|consumer|integration) ?key$|(?:^| )\w*apikey$/;
const MAYBE =
  /(?:^| )(?:token|sig|signature|auth|session id|sessionid|session|\w*sessid|sid|pass|bearer|jwt|pat|credentials?|external ?id|key auth|(?:client|project|host|server|ssh|customer|write|read|webhook|stripe|sendgrid|mailgun|algolia|maps) key)$/;

/** @param name as it stands in the text: `AWS_SECRET_ACCESS_KEY`, `dbPassword`, `x-api-key` */
export function kindOfName(name: string): NameKind | undefined {
  if (!HINT.test(name)) return undefined;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .replace(/ ?\d{1,3}$/, '')
    .trim();
  if (words === '') return undefined;
  if (SURE.test(words) || SURE_PASS.test(words)) return 'sure';
  if (/(?:^| )(?:set )?cookie$/.test(words)) return 'cookie';
  if (/(?:^| )authorization$/.test(words)) return 'header';
  if (NO_SECRET_TOKEN.test(words)) return undefined;
  if (LIKELY_TOKEN.test(words) || LIKELY_KEY.test(words)) return 'likely';
  return MAYBE.test(words) ? 'maybe' : undefined;
}

/** Not a secret, whatever the name: nothing, a placeholder, or the place where one is kept. */
const PLACEHOLDER =
  /^(?:|null|none|nil|true|false|undefined|n\/a|str|string|bytes|secretstr|optional|[*•.]+|x{3,}|-+|\$\{[^}]*\}?|\$[A-Z_][A-Z0-9_]*|\$\(.*|%[sdr]|%\([a-z_]{1,40}\)s|<[^<>]*>?|\{\{.*|\{[a-z_][a-z0-9_.]{0,60}\}|arn:.*|file:.*|env:.*|vault:.*)$/i;

/** Words about a secret instead of the secret: `password: expected a text`, `secret: not set`. */
const SAID =
  /^(?:expected|is|was|are|must|not|missing|required|invalid|incorrect|wrong|denied|too|cannot|could|expired|rejected|unknown|it|the|this|an?|no|none|failed|please|enter|set|unset|empty|given|changed|there|came|at least|ok|valid|accepted|authentication)(?=[\s,.;)"'\\]|$)/;

/** @param words what stands behind a name and a colon, without quotes */
export const isSaid = (words: string): boolean => SAID.test(words);

export const isPlaceholder = (value: string): boolean => PLACEHOLDER.test(value);

/** Characters looked at: anything longer is not such a word. */
export const LOOKED_AT = 96;
const MACHINE_MADE = /^[A-Za-z0-9_./+=~%:!$*@#^-]+$/;

/**
 * @param value without quotes; at most its first `LOOKED_AT` characters
 * @param kind how sure the name is
 */
export function looksSecret(value: string, kind: NameKind): boolean {
  if (isPlaceholder(value) || !MACHINE_MADE.test(value) || /^(?:\.{0,2}\/|[a-z0-9+]+:\/\/)/i.test(value))
    return false;
  const digits = /\d/.test(value);
  if (kind === 'likely') {
    if (/^[\d.,:%+-]+$/.test(value)) return value.length >= 10 && /^\d+$/.test(value);
    if (digits) return value.length >= 8;
    if (/[a-z]/.test(value) && /[A-Z]/.test(value)) return value.length >= 12 && !isWordy(value);
    return value.length >= 20 && !isWordy(value);
  }
  return digits && /[A-Za-z]/.test(value) && value.length >= 12 && !isWordy(value);
}

/** Words with a number here and there: `bert-base-uncased-v2`, `NotAuthorized`. */
function isWordy(value: string): boolean {
  return value.split(/[-_./:=]/).every((part) => WORD.test(part));
}
const WORD = /^(?:[A-Z]?[a-z]{0,20}(?:[A-Z][a-z]{1,20}){0,6}|[A-Z]{1,12})\d{0,4}$|^\d{1,4}[A-Za-z]{1,3}$/;
