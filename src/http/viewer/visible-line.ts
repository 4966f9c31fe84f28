/**
 * What is seen of one line that a program printed: without colours, and with what was overwritten gone. Moves to other
 * lines count for nothing, and a wide character as one column: it is for finding text, not for showing it.
 */

const ESC = '\x1b';
/** Longer lines are not resolved, only stripped. */
const LONGEST = 256 * 1024;

/** @param line without its newline */
export function visibleLine(line: string): string {
  const plain = withoutColours(line);
  if (isPlain(plain)) return plain;
  const row: string[] = [];
  let column = 0;
  const put = (char: string): void => {
    while (row.length < column) row.push(' ');
    if (row.length < LONGEST) row[column] = char;
    column = Math.min(LONGEST, column + 1);
  };
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (char === '\r') column = 0;
    else if (char === '\b') column = Math.max(0, column - 1);
    else if (char === '\t') column = Math.min(LONGEST, column + 8 - (column % 8));
    else if (char === ESC) {
      const sequence = sequenceAt(line, at);
      at += sequence.length - 1;
      column = obey(sequence, row, column);
    } else if (char >= ' ' && char !== '\x7f') put(char);
  }
  return row.join('');
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

/** From an escape character on. */
function sequenceAt(line: string, at: number): string {
  SEQUENCE.lastIndex = at;
  return SEQUENCE.exec(line)?.[0] ?? ESC;
}

const SEQUENCE = new RegExp(
  [
    // Control sequences.
    `${ESC}\\[[0-?]*[ -/]*[@-~]?`,
    // Titles, links and other strings, up to their end or the line's.
    `${ESC}[\\]PX^_][^\\x07${ESC}]*(?:\\x07|${ESC}\\\\)?`,
    // All others.
    `${ESC}[ -/]*[0-~]?`,
  ].join('|'),
  'y',
);

/** @returns the column afterwards */
function obey(sequence: string, row: string[], column: number): number {
  const [, parameters, final] = /^.\[([\d;]*)(.)$/.exec(sequence) ?? [];
  if (parameters === undefined) return column;
  const first = Number.parseInt(parameters, 10) || 0;
  const count = Math.max(1, Math.min(LONGEST, first));
  switch (final) {
    case 'K':
      if (first !== 1) row.length = first === 2 ? 0 : Math.min(row.length, column);
      else row.fill(' ', 0, column + 1);
      return column;
    case 'G':
    case '`':
      return count - 1;
    case 'C':
      return Math.min(LONGEST, column + count);
    case 'D':
      return Math.max(0, column - count);
    case 'P':
      row.splice(column, count);
      return column;
    case 'X':
      row.fill(' ', column, column + count);
      return column;
    default:
      return column;
  }
}
