/** What can be seen of one printed line, for finding text in it: moves to other lines are ignored. */
import { TerminalScreen } from '../../terminal/screen.ts';

const ESC = '\x1b';
/** One row: longer text continues on it. */
const screen = new TerminalScreen({ rows: 1, columns: 16 * 1024, tabs: 'spaces' });

/** @param line without its newline */
export function visibleLine(line: string): string {
  const plain = withoutColours(line);
  if (isPlain(plain)) return plain;
  screen.reset();
  screen.write(line);
  return screen.takeFinal() + (screen.visible() ?? '');
}

/** @returns whether a text looks as it is written, apart from its line ends */
export function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 || code === 127) && code !== 10) return false;
  }
  return true;
}

/**
 * Removes most of what is invisible in one go: colours, and the carriage returns of line ends. The result is what can
 * be seen only if it is plain.
 */
export const withoutColours = (text: string): string => text.replace(COLOURS, '').replaceAll('\r\n', '\n');

const COLOURS = new RegExp(`${ESC}\\[[\\d;:]*m`, 'g');
