/** Lets little that comes right after a write wait for more, so that a flood makes few large writes and a word is written at once. */

export class Pace {
  readonly #gap: number;
  #lastAt = Number.NEGATIVE_INFINITY;
  #go: (() => void) | undefined;

  /** @param gap milliseconds between the ends of two small writes */
  constructor(gap: number) {
    this.#gap = gap;
  }

  /** A write has ended. */
  wrote(): void {
    this.#lastAt = performance.now();
  }

  /** @returns undefined: now; otherwise resolves when the gap is over, or with `hurry` */
  wait(): Promise<void> | undefined {
    const left = this.#lastAt + this.#gap - performance.now();
    if (left <= 0) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.hurry(), Math.ceil(left));
      this.#go = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Whoever waits goes on. */
  hurry(): void {
    const go = this.#go;
    this.#go = undefined;
    go?.();
  }
}
