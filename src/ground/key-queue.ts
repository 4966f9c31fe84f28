/** Work in order, key by key: what has the same key waits for its turn, what has another does not. */
export class KeyQueue<K> {
  /** Key → the last work that was handed over for it. */
  readonly #tails = new Map<K, Promise<unknown>>();

  /**
   * Begins once everything handed over for this key before has ended, whether well or badly.
   * @returns what the work comes to
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

  /** Whether there is work for this key. */
  has(key: K): boolean {
    return this.#tails.has(key);
  }

  /** Resolves when nothing is under way, also of what is handed over meanwhile. Never rejects. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all([...this.#tails.values()]);
  }
}

/** One at a time for each key: who asks while it is under way gets the same. */
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

  /** Resolves when nothing is under way. Never rejects. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay.values()]);
  }
}
