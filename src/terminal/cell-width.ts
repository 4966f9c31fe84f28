/** How many cells of a terminal a character takes. */
import { eastAsianWidth } from 'get-east-asian-width';

const MARKS = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff\ud7b0-\ud7ff]$/u;
/** Shown by terminals although Unicode calls it a format character. */
const SOFT_HYPHEN = 0xad;

/** By code point of the basic plane, plus one; 0: not asked for yet. */
const known = new Uint8Array(0x10000);

/** @returns 0 for what joins the character before it, 2 for East Asian wide characters and most emoji, else 1 */
export function cellWidth(codePoint: number): 0 | 1 | 2 {
  if (codePoint < 0x300) return 1;
  if (codePoint >= 0x10000) return measure(codePoint);
  const width = known[codePoint]! - 1;
  if (width >= 0) return width as 0 | 1 | 2;
  const measured = measure(codePoint);
  known[codePoint] = measured + 1;
  return measured;
}

function measure(codePoint: number): 0 | 1 | 2 {
  if (codePoint === SOFT_HYPHEN) return 1;
  if (MARKS.test(String.fromCodePoint(codePoint))) return 0;
  return eastAsianWidth(codePoint) === 2 ? 2 : 1;
}
