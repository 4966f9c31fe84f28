/**
 * rsyslog writes control characters as `#` and three octal digits (`$EscapeControlCharactersOnReceive`), and the logs of
 * SageMaker's older built-in algorithms came through it: `[0]#011train-rmse:9.1`, `#015 10%|█         |`.
 */

/** Those that change what is seen. */
const CONTROLS: Record<string, string> = {
  '010': '\b',
  '011': '\t',
  '012': '\n',
  '015': '\r',
  '033': '\u001b',
};
const ESCAPED = /#(?:01[0125]|033)/;
const EACH = /#(01[0125]|033)/g;
/** With one of these in it, nothing has escaped them. */
const REAL = /\p{Cc}/u;
/** `issue #012`, `(#015`: a number. */
const NUMBER_BEFORE = /(?:^|[^ ]) $|\($/;
const COLOUR = /^#(?![0-9]{6})[0-9a-fA-F]{6}(?![0-9A-Za-z])/;

/** @returns the message as it was before syslog; unchanged when it did not come through it */
export function withoutSyslogEscapes(message: string): string {
  if (!ESCAPED.test(message) || REAL.test(message.endsWith('\n') ? message.slice(0, -1) : message))
    return message;
  return message.replace(EACH, (found, digits: string, at: number) =>
    isMeant(message, digits, at) ? CONTROLS[digits]! : found,
  );
}

function isMeant(message: string, digits: string, at: number): boolean {
  const after = message.slice(at + 4, at + 11);
  if (digits === '033') return /^[[\]()M78c]/.test(after);
  // Backspaces come in rows.
  if (digits === '010') return after.startsWith('#01') || message.startsWith('#010', at - 4);
  if (COLOUR.test(message.slice(at, at + 8))) return false;
  // A bar's percentage or its count follows at once, right-aligned.
  if (digits === '015' && /^ *[0-9]+[%/]/.test(after)) return true;
  if (at === 0) return digits === '015' || !after.startsWith(' ');
  return !NUMBER_BEFORE.test(message.slice(Math.max(0, at - 2), at));
}
