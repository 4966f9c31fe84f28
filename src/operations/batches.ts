import { KeyQueue } from '../ground/key-queue.ts';

interface Batch<T, R> {
  items: T[];
  results: Promise<readonly R[]>;
}

/** Items that arrive while a batch is running form the next batch: one write for all of them, however many. */
export class Batches<T, R> {
  readonly #work: (key: string, items: readonly T[]) => Promise<readonly R[]>;
  readonly #queue = new KeyQueue<string>();
  /** Items that have not begun yet. */
  readonly #waiting = new Map<string, Batch<T, R>>();

  /** @param work runs one at a time for each key; returns one result per item, in order */
  constructor(work: (key: string, items: readonly T[]) => Promise<readonly R[]>) {
    this.#work = work;
  }

  async add(key: string, item: T): Promise<R> {
    const batch = this.#waiting.get(key) ?? this.#begin(key);
    const index = batch.items.push(item) - 1;
    return (await batch.results)[index]!;
  }

  /** Waits for the next turn, so that what comes at the same time goes together. */
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
