/** Secrets by the words before them: flags, commands, netrc, XML, `Bearer`, pairs of `name` and `value`. */
import { kindOfName, LOOKED_AT, looksSecret } from './names.ts';
import { isBasicCredentials, maskAt, type PairOptions } from './pairs.ts';
import type { Span } from './span.ts';
import { skipSpaces, valueAt } from './values.ts';

export function findPhrases(text: string, options: PairOptions = {}): Span[] {
  return [
    ...flags(text),
    ...shortFlags(text),
    ...schemes(text, options),
    ...elements(text),
    ...namedValues(text),
    ...commands(text),
    ...variables(text),
    ...netrc(text),
  ];
}

const SURE = { name: 'password' };

/** `--token x`, `-password x`, and in lists of arguments `"--token", "x"`. */
const FLAG = /(?<![A-Za-z0-9_-])--?([A-Za-z][A-Za-z0-9_.-]{1,60})[ \t]{1,8}(?![-=])/g;
const FLAG_IN_LIST = /(?<=["'])--?([A-Za-z][A-Za-z0-9_.-]{1,60})\\{0,7}["'],\s{0,8}(?=\\{0,7}["'])/g;

function flags(text: string): Span[] {
  return [FLAG, FLAG_IN_LIST].flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const kind = kindOfName(match[1]!);
      if (kind === undefined) return [];
      // A token or a key in a flag is the thing itself.
      const whole =
        match[0].startsWith('--') &&
        kind !== 'cookie' &&
        kind !== 'header' &&
        !/(?:^|[-_])(?:sig|signature|auth|session|sid|pass)$/i.test(match[1]!);
      const from = match.index + match[0].length;
      return maskAt(text, from, { name: match[1]! }, whole ? 'sure' : kind) ?? [];
    }),
  );
}

/** Programs whose `-p`, `-a` or `-u` is a password, or a user with one. */
const SHORT_FLAG = /(?<=\s)-([pau])(\s{0,4})(?=[^\s-])/g;
const PASSWORD_PROGRAM: Readonly<Record<string, RegExp>> = {
  p: /\b(?:sshpass|mysql\w*|mariadb\w*|(?:docker|podman|helm registry|az|oc|nerdctl|skopeo) login)\b/,
  a: /\bredis-cli\b/,
  u: /\b(?:curl|wget|http|https)\b/,
};

function shortFlags(text: string): Span[] {
  return [...text.matchAll(SHORT_FLAG)].flatMap((match) => {
    const before = text.slice(Math.max(0, match.index - 200), match.index);
    const line = before.slice(Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\\n')) + 1);
    if (!PASSWORD_PROGRAM[match[1]!]!.test(line)) return [];
    const from = match.index + match[0].length;
    if (match[1] !== 'u') {
      // `mysql -p shop` asks for the password, and `shop` is a database.
      if (match[1] === 'p' && match[2] !== '' && /\b(?:mysql|mariadb)/.test(line)) return [];
      return maskAt(text, from, SURE, 'sure') ?? [];
    }
    const value = valueAt(text, from);
    const colon = value ? text.slice(value.start, value.stop).indexOf(':') : -1;
    return value && colon >= 0 && colon + 1 < value.stop - value.start
      ? [{ start: value.start + colon + 1, stop: value.stop }]
      : [];
  });
}

/** `Bearer …` and `Basic …` outside of a header. */
const BEARER = /(?<![A-Za-z0-9])Bearer(?:\s{1,3}|%20|\+)([A-Za-z0-9._~+/-]{8,}={0,2})/gi;
const BASIC = /(?<![A-Za-z0-9])Basic(?:\s{1,3}|%20)([A-Za-z0-9+/]{6,}={0,2})(?![A-Za-z0-9+/=])/gi;

function schemes(text: string, { trustNames = false }: PairOptions): Span[] {
  const spanOf = (match: RegExpExecArray): Span => {
    const stop = match.index + match[0].length;
    return { start: stop - match[1]!.length, stop };
  };
  return [
    ...[...text.matchAll(BEARER)].filter(
      ([, value = '']) =>
        value.length >= 20 ||
        (value.length >= 16 && looksSecret(value, 'likely')) ||
        (trustNames && /[\d._~+/=-]./.test(value)),
    ),
    ...[...text.matchAll(BASIC)].filter((match) => isBasicCredentials(match[1]!)),
  ].map(spanOf);
}

/** `<password>…</password>`, `<property name="password" value="…"/>`. */
const ELEMENT = /<(?:[A-Za-z][\w.-]{0,40}:)?([A-Za-z][\w.-]{1,60})>(?=[^<\s])([^<\r\n]{1,2000})/g;

function elements(text: string): Span[] {
  return [...text.matchAll(ELEMENT)].flatMap((match) => {
    const kind = kindOfName(match[1]!);
    if (kind === undefined) return [];
    const stop = match.index + match[0].length;
    const words = match[2]!;
    if (kind !== 'sure' && !looksSecret(words.slice(0, 256), 'likely')) return [];
    return [{ start: stop - words.length, stop }];
  });
}

/** The environment of a container: `{"name": "DB_PASSWORD", "value": "…"}`, in YAML on two lines. */
const NAMED =
  /(?<![A-Za-z0-9])(?:name|key)\\{0,7}["']?\s{0,3}[:=]\s{0,3}\\{0,7}["']?([A-Za-z_][\w.-]{1,80})\\{0,7}["']?(?:,|;|\s|\\{1,7}n){1,40}(?:\\{0,7}["'])?value\\{0,7}["']?\s{0,3}[:=]\s{0,3}/gi;

function namedValues(text: string): Span[] {
  return [...text.matchAll(NAMED)].flatMap((match) => {
    const kind = kindOfName(match[1]!);
    if (kind === undefined) return [];
    return maskAt(text, match.index + match[0].length, { name: match[1]! }, kind) ?? [];
  });
}

/** Words behind which the next one is a secret. */
const COMMAND =
  /(?<![A-Za-z0-9])(?:wandb login|vault login|comet login|neptune login|infracost configure set api_key|npm config set [^\s]{0,120}_(?:authToken|auth|password)|aws configure set (?:[\w.-]{1,40}\.)?(?:aws_secret_access_key|aws_session_token)|aws_?secret_?access_?key|aws_?session_?token|secret_?access_?key|(?:ENV|ARG|setenv) [A-Z0-9_]{0,40}(?:PASSWORD|TOKEN|SECRET|API_KEY|ACCESS_KEY))(?:[ \t|]{1,20}|\\t)/gi;

function commands(text: string): Span[] {
  return [...text.matchAll(COMMAND)].flatMap((match) => {
    const from = skipSpaces(text, match.index + match[0].length, 8);
    const value = valueAt(text, from, { atMost: 256 });
    const kind = /^(?:ENV|ARG|setenv)/.test(match[0]) ? 'sure' : 'likely';
    if (!value || /^[-=:]/.test(text.slice(value.start, value.start + 1))) return [];
    return maskAt(text, from, SURE, kind) ?? [];
  });
}

/** A listing of the environment: `WANDB_API_KEY  0123…`, in columns or in a table. */
const VARIABLE =
  /(?<![A-Za-z0-9_-])([A-Z][A-Z0-9_]{0,60}(?:PASSWORD|TOKEN|SECRET|KEY|PASSPHRASE))(?:[ \t]{1,40}|[ \t]{0,40}[|│][ \t]{0,8})(?=[^\s=:|│])/g;

function variables(text: string): Span[] {
  return [...text.matchAll(VARIABLE)].flatMap((match) => {
    const kind = kindOfName(match[1]!);
    if (kind === undefined || !match[1]!.includes('_')) return [];
    const from = match.index + match[0].length;
    const value = valueAt(text, from, { atMost: 256 });
    if (
      !value ||
      !looksSecret(text.slice(value.start, Math.min(value.stop, value.start + LOOKED_AT)), 'maybe')
    )
      return [];
    return maskAt(text, from, { name: match[1]! }, 'sure') ?? [];
  });
}

/** `machine host login user password secret`, on one line or on several; an excerpt may begin at `login`. */
const NETRC = /(?<![A-Za-z0-9_])(?:machine|login)(?:\s|\\{1,7}[nt])/g;
const NETRC_WORD = /(?:\s|\\{1,7}[nt]){0,12}(machine|login|account|password)(?:\s|\\{1,7}[nt]){1,12}/y;
const NETRC_VALUE = /[^\s\\"'`]{1,256}/y;

function netrc(text: string): Span[] {
  const spans: Span[] = [];
  let done = 0;
  for (const match of text.matchAll(NETRC)) {
    if (match.index < done) continue;
    const seen = new Set<string>();
    for (let at = match.index; ; ) {
      NETRC_WORD.lastIndex = at;
      const word = NETRC_WORD.exec(text)?.[1];
      if (!word) break;
      const from = NETRC_WORD.lastIndex;
      const span = word === 'password' && seen.size > 0 ? maskAt(text, from, SURE, 'sure') : undefined;
      NETRC_VALUE.lastIndex = from;
      if (!NETRC_VALUE.test(text)) break;
      at = span?.stop ?? NETRC_VALUE.lastIndex;
      done = at;
      if (span) spans.push(span);
      seen.add(word);
    }
  }
  return spans;
}
