/** Where in bytes at hand a line ends or is written over, and where something is only for the terminal. */

export const [NEWLINE, RETURN, BACKSPACE, ESC] = [0x0a, 0x0d, 0x08, 0x1b] as const;

/** Each kind is looked for at once as far as the next one, however many pieces lie before it. */
export class Stops {
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #next = new Float64Array(4);

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#next.fill(-1);
  }

  /** @returns the first newline, carriage return or backspace from `start` on; Infinity where there is none */
  end(start: number): number {
    return Math.min(
      this.#from(0, NEWLINE, start),
      this.#from(1, RETURN, start),
      this.#from(2, BACKSPACE, start),
    );
  }

  hasEscape(start: number, end: number): boolean {
    return this.#from(3, ESC, start) < end;
  }

  #from(kind: number, byte: number, start: number): number {
    const known = this.#next[kind]!;
    if (known >= start) return known;
    const found = this.#bytes.indexOf(byte, start);
    const next = found < 0 ? Number.POSITIVE_INFINITY : found;
    this.#next[kind] = next;
    return next;
  }
}
