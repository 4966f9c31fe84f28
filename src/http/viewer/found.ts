/** The matches of a search so far, in the log's order. */

/** One match, whatever is found before and after it. */
export interface Hit {
  /** Of its line. */
  offset: number;
  /** How many come before it in the same line. */
  inLine: number;
  /** How many came after it there when it was found. */
  after: number;
}

export class Found {
  /** Offsets of their lines, newest first. */
  readonly #older: number[] = [];
  /** In order, after all of those. */
  #newer: number[] = [];
  /** Everything from here on has been searched. */
  searchedFrom = Infinity;

  get count(): number {
    return this.#older.length + this.#newer.length;
  }

  addOlder(hits: ArrayLike<number>, from: number): void {
    for (let i = hits.length - 1; i >= 0; i--) this.#older.push(hits[i]!);
    this.searchedFrom = from;
  }

  /** Replaces all from an offset on. */
  replaceNewer(hits: ArrayLike<number>, from: number): void {
    this.#newer = [...this.#newer.filter((hit) => hit < from), ...Array.from(hits)];
    let stale = 0;
    while (this.#older[stale] !== undefined && this.#older[stale]! >= from) stale += 1;
    this.#older.splice(0, stale);
  }

  /** Counted from the newest, which is 0, so that matches found further back do not change it. */
  at(fromNewest: number): number | undefined {
    const { length } = this.#newer;
    return fromNewest < length ? this.#newer[length - 1 - fromNewest] : this.#older[fromNewest - length];
  }

  /** @param fromNewest counted as in {@link at} */
  hit(fromNewest: number): Hit | undefined {
    const offset = this.at(fromNewest);
    if (offset === undefined) return undefined;
    let inLine = 0;
    while (this.at(fromNewest + inLine + 1) === offset) inLine += 1;
    let after = 0;
    while (this.at(fromNewest - after - 1) === offset) after += 1;
    return { offset, inLine, after };
  }

  /** @returns counted from the newest; undefined: its line does not have it any more */
  indexOf({ offset, inLine }: Hit): number | undefined {
    const newest = this.newestBefore(offset + 1);
    if (this.at(newest) !== offset) return undefined;
    let oldest = newest;
    while (this.at(oldest + 1) === offset) oldest += 1;
    return oldest - inLine >= newest ? oldest - inLine : undefined;
  }

  /** How many matches are newer than the last one that begins before an offset. */
  newestBefore(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle)! >= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
