/** A terminal's four character sets, G0 to G3: each is ASCII or DEC's line drawing. Others are taken for ASCII. */

/** From `` ` `` to `~`. */
const GRAPHICS = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·';
const GRAPHICS_FROM = 0x60;
const DESIGNATES = '()*+';

export class Charsets {
  #drawing = [false, false, false, false];
  #current = 0;
  /** Whether the current one is line drawing. */
  drawsLines = false;

  reset(): void {
    this.#drawing = [false, false, false, false];
    this.shift(0);
  }

  /** @param set 0 to 3, the one that counts from now on */
  shift(set: number): void {
    this.#current = set;
    this.drawsLines = this.#drawing[set]!;
  }

  /** `ESC ( 0` and the like. */
  designate(intermediates: string, final: string): void {
    if (intermediates === '%') {
      // UTF-8 or not, a terminal begins anew with its first set.
      this.#drawing[0] = false;
      this.shift(0);
      return;
    }
    const set = intermediates.length === 1 ? DESIGNATES.indexOf(intermediates) : -1;
    if (set < 0) return;
    this.#drawing[set] = final === '0';
    this.shift(this.#current);
  }

  drawn(code: number): number {
    const isDrawn = this.drawsLines && code >= GRAPHICS_FROM && code < 0x7f;
    return isDrawn ? GRAPHICS.charCodeAt(code - GRAPHICS_FROM) : code;
  }
}
