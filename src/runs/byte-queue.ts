/** Bytes of a stream that wait, in order, with their offsets; if there are too many, the oldest are dropped. */

/** One append or write at most. */
const LARGEST_BATCH = 1_048_576;
/** So much is worth a write of its own: it is not copied to make a larger one. */
const LARGE = 262_144;

export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #first = 0;
  #held = 0;
  #end: number;

  /** @param offset of the first byte that will be added */
  constructor(offset = 0) {
    this.#end = offset;
  }

  /** Bytes that wait. */
  get held(): number {
    return this.#held;
  }

  /** Offset of the next byte that is added. */
  get end(): number {
    return this.#end;
  }

  /** Offset of the first byte that waits; `end` where none does. */
  get start(): number {
    return this.#end - this.#held;
  }

  /** @param bytes kept, not copied */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    this.#end += bytes.length;
  }

  /** @returns the oldest, up to 1 MiB or one chunk; empty where nothing waits */
  take(): Uint8Array {
    const batch: Uint8Array[] = [];
    let length = 0;
    while (this.#first < this.#chunks.length) {
      const chunk = this.#chunks[this.#first]!;
      if (length > 0 && length + chunk.length > LARGEST_BATCH) break;
      const before = batch.at(-1);
      const joined = before && joinedViews(before, chunk);
      if (joined) batch[batch.length - 1] = joined;
      else if (length >= LARGE) break;
      else batch.push(chunk);
      length += chunk.length;
      this.#forgetFirst();
    }
    this.#held -= length;
    return batch.length === 1 ? batch[0]! : Buffer.concat(batch, length);
  }

  /** Gives back what was taken last. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.splice(0, this.#first, bytes);
    this.#first = 0;
    this.#held += bytes.length;
  }

  /** Drops the oldest until no more than so many wait. @returns how many were dropped */
  shrinkTo(most: number): number {
    let lost = 0;
    while (this.#held - lost > most) {
      lost += this.#chunks[this.#first]!.length;
      this.#forgetFirst();
    }
    this.#held -= lost;
    return lost;
  }

  #forgetFirst(): void {
    this.#chunks[this.#first++] = undefined as never;
    if (this.#first < 1024 && this.#first < this.#chunks.length) return;
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
  }
}

/** @returns one view of both where they lie side by side in the same memory, as what one block was filled with does */
function joinedViews(first: Uint8Array, second: Uint8Array): Uint8Array | undefined {
  const { buffer, byteOffset, length } = first;
  if (second.buffer !== buffer || second.byteOffset !== byteOffset + length) return undefined;
  return Buffer.from(buffer, byteOffset, length + second.length);
}
