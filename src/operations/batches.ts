/** What comes while the one before it is under way goes on together: one write for all of it, however many come. */
export class Batches<T, R> {
  readonly #work: (key: string, items: readonly T[]) => Promise<readonly R[]>;
  readonly #waiting = new Map<
    string,
    { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[]
  >();
  readonly #running = new Set<string>();

  /** @param work one at a time for each key; as many results as items, in their order */
  constructor(work: (key: string, items: readonly T[]) => Promise<readonly R[]>) {
    this.#work = work;
  }

  add(key: string, item: T): Promise<R> {
    const added = new Promise<R>((resolve, reject) => {
      const list = this.#waiting.get(key) ?? [];
      this.#waiting.set(key, list);
      list.push({ item, resolve, reject });
    });
    if (!this.#running.has(key)) void this.#run(key);
    return added;
  }

  async #run(key: string): Promise<void> {
    this.#running.add(key);
    // Not before the next turn: what comes at the same time goes together.
    await Promise.resolve();
    for (let batch = this.#take(key); batch.length > 0; batch = this.#take(key))
      try {
        const results = await this.#work(
          key,
          batch.map(({ item }) => item),
        );
        for (const [index, { resolve }] of batch.entries()) resolve(results[index]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    this.#running.delete(key);
  }

  #take(key: string) {
    const batch = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    return batch;
  }
}
