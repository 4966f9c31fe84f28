/** Names by their bytes, so that one that was seen before is never made a string again. */
import { type NameKind, nameKind } from './vocabulary.ts';

/** A log can name something new on every line: when so many are known, all are forgotten. */
const MOST = 8192;
const SLOTS = 4 * MOST;

const KINDS: readonly NameKind[] = [
  'strong',
  'error',
  'weak',
  'unknown',
  'denied',
  'step',
  'batch',
  'epoch',
  'steps',
  'epochs',
];
export const [STRONG, ERROR, WEAK, UNKNOWN, DENIED, STEP, BATCH, EPOCH, STEPS, EPOCHS] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
] as const;

export class NameTable {
  readonly #slots = new Int32Array(SLOTS).fill(-1);
  #hashes = new Int32Array(MOST);
  #starts = new Int32Array(MOST + 1);
  #bytes: Buffer = Buffer.allocUnsafe(MOST * 16);
  #count = 0;
  readonly #kinds = new Uint8Array(MOST);
  readonly #texts: string[] = [];
  /** Grows whenever ids lose their meaning. */
  generation = 0;

  /** Before a line. @param most names that it can have */
  makeRoom(most: number): void {
    if (this.#count + most <= MOST) return;
    this.#slots.fill(-1);
    this.#count = 0;
    this.#texts.length = 0;
    this.generation++;
  }

  /** @returns its number, valid for this `generation` */
  intern(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5 | 0;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash ^= hash >>> 15;
    let slot = hash & (SLOTS - 1);
    for (let id = this.#slots[slot]!; id >= 0; id = this.#slots[slot]!) {
      if (this.#hashes[id] === hash && this.#is(id, bytes, start, end)) return id;
      slot = (slot + 1) & (SLOTS - 1);
    }
    return this.#add(bytes, start, end, hash);
  }

  kind(id: number): number {
    return this.#kinds[id]!;
  }

  text(id: number): string {
    return this.#texts[id]!;
  }

  #is(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#starts[id]!;
    if (this.#starts[id + 1]! - own !== end - start) return false;
    for (let i = start, k = own; i < end; i++, k++) if (bytes[i] !== this.#bytes[k]) return false;
    return true;
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const id = this.#count++;
    const own = this.#starts[id]!;
    const next = own + end - start;
    if (next > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * next);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(start, end), own);
    this.#starts[id + 1] = next;
    this.#hashes[id] = hash;
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + own, end - start).toString('utf8');
    this.#texts[id] = text;
    this.#kinds[id] = KINDS.indexOf(nameKind(text));
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = id;
    return id;
  }
}
