import { KeyQueue } from '../ground/key-queue.ts';

interface Batch<T, R> {
  items: T[];
  results: Promise<readonly R[]>;
}

/** What comes while the one before it is under way goes on together: one write for all of it, however many come. */
export class Batches<T, R> {
  readonly #work: (key: string, items: readonly T[]) => Promise<readonly R[]>;
  readonly #queue = new KeyQueue<string>();
  /** Those that have not begun yet. */
  readonly #waiting = new Map<string, Batch<T, R>>();

  /** @param work one at a time for each key; as many results as items, in their order */
  constructor(work: (key: string, items: readonly T[]) => Promise<readonly R[]>) {
    this.#work = work;
  }

  async add(key: string, item: T): Promise<R> {
    const batch = this.#waiting.get(key) ?? this.#begin(key);
    const index = batch.items.push(item) - 1;
    return (await batch.results)[index]!;
  }

  /** Not before the next turn: what comes at the same time goes together. */
  #begin(key: string): Batch<T, R> {
    const items: T[] = [];
    const results = this.#queue.run(key, () => {
      this.#waiting.delete(key);
      return this.#work(key, items);
    });
    const batch = { items, results };
    this.#waiting.set(key, batch);
    return batch;
  }
}
