/** Finding in lines of text. */

export interface Match {
  /** Index of the line. */
  line: number;
  /** In UTF-16 units within the line. */
  start: number;
  length: number;
}

/** More cannot be stepped through anyway, and each is an element on the page. */
export const MOST_MATCHES = 10_000;

/** Where the words stand, whatever their case; the first `MOST_MATCHES` of them, in order. */
export function findIn(lines: readonly string[], words: string): Match[] {
  if (words === '') return [];
  const pattern = new RegExp(words.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'), 'giu');
  const found: Match[] = [];
  for (const [line, text] of lines.entries())
    for (const match of text.matchAll(pattern)) {
      if (found.length === MOST_MATCHES) return found;
      found.push({ line, start: match.index, length: match[0].length });
    }
  return found;
}

/**
 * The match to begin with: the first one from that line on, else the last one before it.
 * @returns -1 when there is none
 */
export function nearest(matches: readonly Match[], line: number): number {
  const after = matches.findIndex((match) => match.line >= line);
  return after === -1 ? matches.length - 1 : after;
}
