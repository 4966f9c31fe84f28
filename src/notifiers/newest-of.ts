/** When each thing's newest event happened: what an older one says that arrives later is over. */
import type { EpochMs } from '../ports.ts';

/** Things remembered; the least recent go first. */
const KEPT = 20_000;

export class NewestOf {
  readonly #at = new Map<string, EpochMs>();

  /** Takes note of it. @returns whether a newer one of the same thing was here already */
  isStale(key: string, at: EpochMs): boolean {
    const known = this.#at.get(key);
    if (known !== undefined && at < known) return true;
    this.#at.delete(key);
    this.#at.set(key, at);
    if (this.#at.size > KEPT) this.#at.delete(this.#at.keys().next().value!);
    return false;
  }
}
