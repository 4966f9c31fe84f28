/** Runs work with the same key in order, and with different keys side by side. */
export class KeyQueue<K> {
  /** Key → the last work queued for it. */
  readonly #tails = new Map<K, Promise<unknown>>();

  /**
   * Begins once everything queued earlier for this key has ended, successfully or not.
   * @returns the work's result
   */
  run<T>(key: K, work: () => T | Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
      });
    this.#tails.set(key, tail);
    return result;
  }

  /** Whether work for this key is queued or running. */
  has(key: K): boolean {
    return this.#tails.has(key);
  }

  /** Resolves when nothing is queued or running, including work added meanwhile. Never rejects. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all([...this.#tails.values()]);
  }
}

/** One at a time for each key: calls made while it runs share its result. */
export class SingleFlight<K, T = void> {
  readonly #underWay = new Map<K, Promise<T>>();

  run(key: K, work: () => Promise<T>): Promise<T> {
    const known = this.#underWay.get(key);
    if (known) return known;
    const begun = work().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, begun);
    return begun;
  }

  has(key: K): boolean {
    return this.#underWay.has(key);
  }

  /** Resolves when nothing is running. Never rejects. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay.values()]);
  }
}
