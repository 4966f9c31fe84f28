/** What a terminal would show in the end for one log message: colours gone, overwritten text gone. */
import { TerminalScreen } from '../terminal/screen.ts';
import { withoutSyslogEscapes } from './syslog-escapes.ts';

const ESC = '\\u001b';
/** All but C0 without tab and line feed, and DEL. */
const isPlain = new Uint8Array(256).fill(1);
for (let code = 0; code < 0x20; code++) isPlain[code] = 0;
isPlain[0x09] = 1;
isPlain[0x0a] = 1;
isPlain[0x7f] = 0;
/** Lead byte of C1, and what syslog writes for a control character begins so. */
const C1_LEAD = 0xc2;
const HASH = 0x23;
const ZERO = 0x30;

/** Whether a message, UTF-8, may look other on a terminal than it is written: most do not, and need no more than this. */
export function needsTerminal(message: Uint8Array): boolean {
  for (let at = 0; at < message.length; at++) {
    const byte = message[at]!;
    if (isPlain[byte] === 0) return true;
    if (byte === HASH ? message[at + 1] === ZERO : byte === C1_LEAD && message[at + 1]! < 0xa0) return true;
  }
  return false;
}

const NEEDS = /(?![\t\n])\p{Cc}/u;
/** Colours, and the way back to ASCII that `tput sgr0` prints with them: most messages have nothing else. */
const COLOURS = new RegExp(`${ESC}(?:\\[[\\d;:]*m|\\(B)`, 'g');
const screen = new TerminalScreen();

/**
 * Each message is drawn on a screen of its own: what moves above its first line (a bar below a bar) takes lines above
 * it, and never changes another message.
 *
 * @returns the message without escapes, each line as it looked last; undefined when nothing of it is seen and its
 *   cursor ended above its own line, so that on a terminal it takes no line
 */
export function terminalPicture(message: string): string | undefined {
  const text = withoutSyslogEscapes(message);
  if (!NEEDS.test(text)) return text;
  const colourless = text.replace(COLOURS, '');
  if (!NEEDS.test(colourless)) return colourless;
  screen.reset();
  screen.write(text);
  const final = screen.takeFinal();
  const visible = screen.visible();
  return visible === undefined ? final || undefined : final + visible;
}
