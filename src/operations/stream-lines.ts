/** The lines of a log of several streams, given back to each stream: `2026-11-20T03:14:15.926Z algo-1 loss=0.1`. */

/** Bytes of a line's time and the blank behind it. */
const TIME = 25;
const NEWLINE = 10;

export class StreamLines {
  readonly #names: readonly string[];
  readonly #take: readonly ((bytes: Uint8Array) => void)[];
  /** Bytes of the column with the stream's name, the blank behind it included. */
  readonly #column: number;
  #held: Buffer = Buffer.alloc(0);
  /** Whose line is at hand: a message of several lines has its time before the first only. */
  #current: number | undefined;
  #midLine = false;

  /** @param streams short names, all of those in the log, and who takes each one's lines */
  constructor(streams: readonly { name: string; take: (bytes: Uint8Array) => void }[]) {
    this.#names = streams.map(({ name }) => name);
    this.#take = streams.map(({ take }) => take);
    this.#column = Math.max(...this.#names.map((name) => Buffer.byteLength(name))) + 1;
  }

  feed(bytes: Buffer): void {
    const all = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    const lead = TIME + this.#column;
    let at = 0;
    while (at < all.length) {
      const newline = all.indexOf(NEWLINE, at);
      const end = newline < 0 ? all.length : newline + 1;
      // Whether a line begins with a time shows only once that much of it is there.
      if (!this.#midLine && newline < 0 && end - at < lead) break;
      const from = this.#midLine ? at : this.#begin(all, at, end);
      if (this.#current !== undefined) this.#take[this.#current]!(all.subarray(from, end));
      this.#midLine = newline < 0;
      at = end;
    }
    this.#held = Buffer.from(all.subarray(at));
  }

  end(): void {
    if (this.#held.length > 0 && this.#current !== undefined) this.#take[this.#current]!(this.#held);
    this.#held = Buffer.alloc(0);
  }

  /** @returns where the message begins */
  #begin(all: Buffer, at: number, end: number): number {
    const lead = TIME + this.#column;
    const stamped =
      end - at >= lead &&
      all[at + 4] === 0x2d &&
      all[at + 10] === 0x54 &&
      all[at + 23] === 0x5a &&
      all[at + 24] === 0x20;
    if (!stamped) return at;
    const name = all.toString('utf8', at + TIME, at + lead).trimEnd();
    const index = this.#names.indexOf(name);
    if (index < 0) return at;
    this.#current = index;
    return at + lead;
  }
}
