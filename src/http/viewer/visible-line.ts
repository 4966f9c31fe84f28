/** What is seen of one line that a program printed, for finding text in it: moves to other lines count for nothing. */
import { TerminalScreen } from '../../terminal/screen.ts';

const ESC = '\x1b';
/** One row: what is longer goes on behind it. */
const screen = new TerminalScreen({ rows: 1, columns: 16 * 1024, tabs: 'spaces' });

/** @param line without its newline */
export function visibleLine(line: string): string {
  const plain = withoutColours(line);
  if (isPlain(plain)) return plain;
  screen.reset();
  screen.write(line);
  return screen.takeFinal() + (screen.visible() ?? '');
}

/** @returns whether a text is seen as it is, but for the ends of its lines */
export function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 || code === 127) && code !== 10) return false;
  }
  return true;
}

/**
 * Most of what is not seen, at once: colours, and the carriage returns of line ends. Only what is plain afterwards is what
 * is seen.
 */
export const withoutColours = (text: string): string => text.replace(COLOURS, '').replaceAll('\r\n', '\n');

const COLOURS = new RegExp(`${ESC}\\[[\\d;:]*m`, 'g');
