/** What a terminal would show in the end for one log message: colours gone, overwritten text gone. */

const ESC = '\\u001b';
const BEL = '\\u0007';
/** CSI, OSC (ended by BEL or ST), the two-byte escapes, and a lone ESC at the very end. */
const ESCAPES = new RegExp(
  [
    `${ESC}\\[[0-?]*[ -/]*[@-~]`,
    `${ESC}\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?`,
    `${ESC}[@-Z\\\\-_=>78]`,
    `${ESC}$`,
  ].join('|'),
  'g',
);
/** "Erase in line": to the right (0 or none), to the left (1), all (2). */
const ERASES = new RegExp(`${ESC}\\[([0-2]?)K`, 'g');
/** Stands for "erase to the end of the line" while the line is drawn; from a private area of Unicode. */
const ERASE = '\uf8fe';
const ANY_CONTROL = new RegExp(`[\\r\\x08${ESC}]`);
const ANY_MOVE = new RegExp(`[\\r\\x08${ERASE}]`);

/** @returns the message without escapes, each line as it looked last. */
export function terminalPicture(message: string): string {
  if (!ANY_CONTROL.test(message)) return message;
  // Erasing to the right matters for the picture (a shorter bar over a longer one); the rest is decoration.
  const text = message
    .replace(ERASES, (_, mode: string) => (mode === '2' ? `\r${ERASE}` : mode === '1' ? '' : ERASE))
    .replace(ESCAPES, '');
  return text.split(/\r?\n/).map(draw).join('\n');
}

/** One line with carriage returns and backspaces, drawn into cells. Linear in the line's length. */
function draw(line: string): string {
  if (!ANY_MOVE.test(line)) return line;
  const cells: string[] = [];
  let at = 0;
  for (const c of line) {
    if (c === '\r') at = 0;
    else if (c === '\b') at = Math.max(0, at - 1);
    else if (c === ERASE) cells.length = Math.min(cells.length, at);
    else cells[at++] = c;
  }
  return cells.join('');
}
