/** A line without what was only meant for the terminal. */

const ESC = 0x1b;

/** Behind the last call: whether the cursor goes up a line, so that the next line is the same one again. */
export interface Stripped {
  length: number;
  goesUp: boolean;
}

/** Copies without escape sequences. @param into has room for all of it */
export function stripEscapes(bytes: Uint8Array, start: number, end: number, into: Uint8Array): Stripped {
  let length = 0;
  let goesUp = false;
  let i = start;
  while (i < end) {
    const c = bytes[i]!;
    if (c !== ESC) {
      into[length++] = c;
      i++;
      continue;
    }
    // Another one within a sequence begins anew.
    i++;
    const kind = i < end ? bytes[i]! : ESC;
    if (kind === ESC) continue;
    i++;
    if (kind === 0x5b) {
      // CSI: parameters, then one letter.
      while (i < end && bytes[i]! >= 0x20 && bytes[i]! < 0x40) i++;
      if (i < end && bytes[i] === 0x41) goesUp = true;
      if (bytes[i] !== ESC) i++;
    } else if (kind === 0x5d) {
      // OSC: up to BEL or ESC \.
      while (i < end && bytes[i] !== 0x07 && bytes[i] !== ESC) i++;
      if (bytes[i] !== ESC) i++;
      else if (bytes[i + 1] === 0x5c) i += 2;
    } else if ((kind === 0x28 || kind === 0x29) && bytes[i] !== ESC) i++;
  }
  return { length, goesUp };
}
