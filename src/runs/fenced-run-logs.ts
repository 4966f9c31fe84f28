/** Writes under leases, for stores that one process has: the newest fence of each lease is in its memory. */
import { type Fence, outdated } from '../ports/fences.ts';
import type { RunLogStore } from '../ports/run-log-store.ts';

const WRITES = ['create', 'append', 'skip', 'note', 'finish', 'remove'] as const;

export class RunLogFences {
  readonly #newest = new Map<string, number>();
  readonly #underWay = new Map<string, Set<Promise<unknown>>>();

  /** @throws AppError conflict: a newer fence is known */
  async under(logs: RunLogStore, fence: Fence): Promise<RunLogStore> {
    this.#require(fence);
    this.#newest.set(fence.lease, fence.fence);
    // What an earlier holder has begun is read afterwards as it is then.
    await Promise.allSettled(this.#underWay.get(fence.lease) ?? []);
    const fenced: Partial<Record<(typeof WRITES)[number], unknown>> = {};
    for (const name of WRITES)
      fenced[name] = async (...given: unknown[]) => {
        this.#require(fence);
        return await this.#counted(
          fence,
          (logs[name] as (...all: unknown[]) => Promise<unknown>).apply(logs, given),
        );
      };
    return {
      ...(fenced as Pick<RunLogStore, (typeof WRITES)[number]>),
      info: (id) => logs.info(id),
      read: (id, offset, limit) => logs.read(id, offset, limit),
      release: (id) => logs.release(id),
      list: (prefix) => logs.list(prefix),
      stored: () => logs.stored(),
      watch: (id, listener) => logs.watch(id, listener),
      under: (next) => this.under(logs, next),
      // They are not its own to close.
      close: async () => undefined,
    };
  }

  #require(fence: Fence): void {
    const newest = this.#newest.get(fence.lease) ?? 0;
    if (newest > fence.fence) throw outdated(fence, newest);
  }

  async #counted<T>({ lease }: Fence, work: Promise<T>): Promise<T> {
    const all = this.#underWay.get(lease) ?? new Set();
    this.#underWay.set(lease, all.add(work));
    try {
      return await work;
    } finally {
      all.delete(work);
      if (all.size === 0 && this.#underWay.get(lease) === all) this.#underWay.delete(lease);
    }
  }
}
