/** The embedded store's state for work under a lease: its writes are refused once a newer holder is known. */
import { type Fence, outdated } from '../ports/fences.ts';
import type { AttemptArchive } from './attempt-archive.ts';
import type { DurableState } from './durable-state.ts';
import type { JournalEntry } from './journal.ts';
import type { Tables } from './tables.ts';

/** What a store works with. */
export type OpenState = Pick<
  DurableState,
  'folder' | 'tables' | 'archive' | 'nextSeq' | 'requireOpen' | 'change' | 'problem'
>;

/** In memory only: the folder's lock already keeps earlier processes from writing, whatever their fence was. */
export class Fences {
  readonly #newest = new Map<string, number>();

  /** @throws AppError conflict when a newer one is known */
  raise(fence: Fence): void {
    this.check(fence);
    this.#newest.set(fence.lease, fence.fence);
  }

  /** @throws AppError conflict */
  check(fence: Fence): void {
    const newest = this.#newest.get(fence.lease);
    if (newest !== undefined && newest > fence.fence) throw outdated(fence, newest);
  }
}

export class FencedState implements OpenState {
  readonly #state: DurableState;
  readonly #fences: Fences;
  readonly #fence: Fence;

  constructor(state: DurableState, fences: Fences, fence: Fence) {
    this.#state = state;
    this.#fences = fences;
    this.#fence = fence;
  }

  get folder(): string {
    return this.#state.folder;
  }

  get tables(): Tables {
    return this.#state.tables;
  }

  get archive(): AttemptArchive {
    return this.#state.archive;
  }

  get nextSeq(): number {
    return this.#state.nextSeq;
  }

  problem(): string | undefined {
    return this.#state.problem();
  }

  requireOpen(): void {
    this.#state.requireOpen();
    this.#fences.check(this.#fence);
  }

  async change<T>(kind: JournalEntry['kind'], record: T): Promise<T> {
    this.#fences.check(this.#fence);
    return this.#state.change(kind, record);
  }
}
