/** Tells whoever listens of the newest value: the first at once, and those that follow soon after one another as one. */
export class Announcer<T> {
  readonly #pauseMs: number;
  readonly #listeners = new Set<(value: T) => void>();
  #newest: { value: T } | undefined;
  /** Listeners have not been told of the newest. */
  #isDue = false;
  #pause: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param pauseMs milliseconds between two calls */
  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  get newest(): T | undefined {
    return this.#newest?.value;
  }

  get isPausing(): boolean {
    return this.#pause !== undefined;
  }

  /**
   * @param listener told of what is known in a moment; the same function may be added twice
   * @returns ends it, and says how many are left
   */
  add(listener: (value: T) => void): () => number {
    const own = (value: T): void => listener(value);
    this.#listeners.add(own);
    const known = this.#newest;
    if (known)
      queueMicrotask(() => {
        if (this.#listeners.has(own)) own(known.value);
      });
    return () => {
      this.#listeners.delete(own);
      return this.#listeners.size;
    };
  }

  tell(value: T): void {
    if (this.#isStopped) return;
    this.#newest = { value };
    this.#isDue = true;
    this.#tell();
  }

  /** Nobody is told anything any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#pause);
  }

  #tell(): void {
    if (this.#pause || !this.#isDue || !this.#newest) return;
    this.#isDue = false;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#tell();
    }, this.#pauseMs);
    for (const listener of [...this.#listeners]) listener(this.#newest.value);
  }
}
