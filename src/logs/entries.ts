/** Which events some text consists of: times, ends and streams beside it, as the merge writes it. */

export interface Entries {
  count: number;
  times: Float64Array;
  /** Of each in the text, which begins at 0. */
  ends: Uint32Array;
  /** Index of each one's stream. */
  streams: Uint32Array;
}

/** Entries of a text that grows, in memory that is used again. */
export class EntryList {
  #count = 0;
  #bytes = 0;
  #times = new Float64Array(1024);
  #ends = new Uint32Array(1024);
  #streams = new Uint32Array(1024);

  /**
   * Adds entries of a page; their text follows what is here already.
   * @param of from `at` on, the first of which begins at `start` in the page's text
   */
  add(
    times: Float64Array,
    ends: Uint32Array,
    of: { at: number; count: number; start: number; stream: number },
  ): void {
    const count = this.#count + of.count;
    if (count > this.#times.length) this.#grow(count * 2);
    const shift = this.#bytes - of.start;
    for (let from = of.at, to = this.#count; to < count; from++, to++) {
      this.#times[to] = times[from]!;
      this.#ends[to] = ends[from]! + shift;
    }
    this.#streams.fill(of.stream, this.#count, count);
    this.#count = count;
    this.#bytes = count === 0 ? 0 : this.#ends[count - 1]!;
  }

  /** All so far. The list is empty afterwards, and the next `add` writes over what was returned. */
  empty(): Entries {
    const count = this.#count;
    this.#count = 0;
    this.#bytes = 0;
    return {
      count,
      times: this.#times.subarray(0, count),
      ends: this.#ends.subarray(0, count),
      streams: this.#streams.subarray(0, count),
    };
  }

  #grow(size: number): void {
    const grow = <T extends Float64Array | Uint32Array>(old: T, larger: T): T => {
      larger.set(old);
      return larger;
    };
    this.#times = grow(this.#times, new Float64Array(size));
    this.#ends = grow(this.#ends, new Uint32Array(size));
    this.#streams = grow(this.#streams, new Uint32Array(size));
  }
}
