/** Printed bytes that move to other lines than newlines do: where text is on the screen cannot be counted then. */

/** Colours, erasing in the line, columns, titles, links, and whether there is a cursor: none of them leaves its line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's sequences begin with one.
const IN_LINE = /\x1b(?:\[[\d;:]*[mKCDGPX@]|\[\?25[hl]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>]|\([0-9A-B])/g;
/** What else begins a sequence, and line feeds other than newlines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are control characters.
const LEAVES_LINE = /[\x1b\x0b\x0c\x80-\x9f]/;

/** @returns whether only newlines move to other lines, so that lines can be counted */
export function keepsToItsLines(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  return !LEAVES_LINE.test(text.replace(IN_LINE, ''));
}

/** What is not printed, as a terminal reads it: sequences, and titles or links up to their ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's sequences begin with one.
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])/g;

/**
 * Where the text of a match begins in a line's bytes, if something before it may have moved to other lines.
 * @param after how many matches follow in the same line
 * @returns 0: it is where the line begins, or nowhere in particular
 */
export function textBegins(line: Uint8Array, needle: string, matchCase: boolean, after: number): number {
  if (keepsToItsLines(line)) return 0;
  // A character for each byte, so that places are counted in bytes.
  const fold = (bytes: Uint8Array): string => {
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    return matchCase ? text : text.toLowerCase();
  };
  const printed = fold(line).replace(SEQUENCE, (sequence) => '\0'.repeat(sequence.length));
  const places = [...printed.matchAll(/[^\0]+/g)];
  const text = places.map(([part]) => part).join('');
  const wanted = fold(new TextEncoder().encode(needle));
  let at = text.length;
  for (let left = after; left >= 0 && at >= 0; left--) at = at === 0 ? -1 : text.lastIndexOf(wanted, at - 1);
  if (at < 0) return 0;
  for (const { 0: part, index } of places) {
    if (at < part.length) return keepsToItsLines(line.subarray(0, index + at)) ? 0 : index + at;
    at -= part.length;
  }
  return 0;
}
