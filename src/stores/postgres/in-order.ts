/** Work on several things at once: whatever shares a thing comes in the order in which it was asked for. */
export class InOrder {
  /** Thing → the last work queued for it. */
  readonly #tails = new Map<string, Promise<void>>();

  run<T>(things: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = things.flatMap((thing) => this.#tails.get(thing) ?? []);
    const result = before.length === 0 ? work() : Promise.all(before).then(work);
    const tail: Promise<void> = result.then(
      () => this.#leave(things, tail),
      () => this.#leave(things, tail),
    );
    for (const thing of things) this.#tails.set(thing, tail);
    return result;
  }

  #leave(things: readonly string[], tail: Promise<void>): void {
    for (const thing of things) if (this.#tails.get(thing) === tail) this.#tails.delete(thing);
  }
}
