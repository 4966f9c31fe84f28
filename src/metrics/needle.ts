/**
 * A text that is looked for again and again, mostly not far away: Horspool's search, whose table is made once. Node's own
 * makes one for each search, and is faster where the way is long, or the text short.
 */

const SHORT = 6;
/** Bytes. */
const FAR = 4096;

export class Needle {
  readonly bytes: Buffer;
  /** By a byte under the needle's end: how far on it can be moved; 0 where it may stand here. */
  readonly #skips: Uint8Array;
  /** How far on it can be moved where it may stand, and does not. */
  readonly #again: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    const last = bytes.length - 1;
    this.#skips = new Uint8Array(256).fill(Math.min(255, bytes.length));
    for (let k = 0; k < last; k++) this.#skips[bytes[k]!] = Math.min(255, last - k);
    this.#again = this.#skips[bytes[last]!] ?? 1;
    if (last >= 0) this.#skips[bytes[last]!] = 0;
  }

  /** @returns where it stands first, wholly before `end`; −1 where it does not */
  find(bytes: Uint8Array, from: number, end: number): number {
    const needle = this.bytes;
    const skips = this.#skips;
    const last = needle.length - 1;
    if (last < 0) return from;
    const near = last < SHORT ? from : Math.min(end, from + FAR);
    let p = from + last;
    while (p < near) {
      const skip = skips[bytes[p]!]!;
      if (skip > 0) {
        p += skip;
        continue;
      }
      let k = last - 1;
      let q = p - 1;
      while (k >= 0 && bytes[q] === needle[k]) {
        k--;
        q--;
      }
      if (k < 0) return q + 1;
      p += this.#again;
    }
    if (near === end) return -1;
    const begin = p - last;
    const at = Buffer.from(bytes.buffer, bytes.byteOffset + begin, Math.max(0, end - begin)).indexOf(needle);
    return at < 0 ? -1 : begin + at;
  }
}
