/**
 * Pages that go to the merge in memory, without being on disk: where the source is near, a merge that keeps pace with the
 * fetching needs no spool.
 */
import type { PageContent, PageOrigin, Spool, SpooledPage } from './spool.ts';

/** Pages of a stream in memory: one that the merge works on, one that only the next proves to be final, and that. */
const MOST_HELD = 3;

export class HeldPages {
  readonly #spool: Spool;
  readonly #onChange: () => void;
  /** Of each stream: pages that the merge has not finished with. */
  readonly #held = new Map<number, number>();
  /** Streams that the merge waits for. */
  readonly #wanted = new Set<number>();
  /** Until pages have to be sorted on disk. */
  #isAllowed: boolean;

  /** @param onChange a stream may be read on */
  constructor(spool: Spool, isAllowed: boolean, onChange: () => void) {
    this.#spool = spool;
    this.#isAllowed = isAllowed;
    this.#onChange = onChange;
  }

  get isAllowed(): boolean {
    return this.#isAllowed;
  }

  /** What is in memory is of no use any more, and from now on everything goes to disk. */
  stop(): void {
    this.#isAllowed = false;
    this.#spool.dropHeld();
  }

  hold(
    stream: number,
    content: PageContent,
    origin: PageOrigin,
    release: (() => void) | undefined,
  ): SpooledPage {
    this.#held.set(stream, this.#countOf(stream) + 1);
    return this.#spool.hold(content, origin, () => {
      this.#held.set(stream, this.#countOf(stream) - 1);
      release?.();
      this.#onChange();
    });
  }

  /** The merge cannot go on without a stream: it gets its next page, whatever is in memory. */
  want(stream: number): void {
    if (this.#wanted.has(stream)) return;
    this.#wanted.add(stream);
    this.#onChange();
  }

  unwant(stream: number): void {
    this.#wanted.delete(stream);
  }

  /** A stream is so far ahead that its pages would pile up: the merge is busy with them or waits for another stream. */
  isAhead(stream: number): boolean {
    return this.#countOf(stream) >= MOST_HELD && !this.#wanted.has(stream);
  }

  #countOf(stream: number): number {
    return this.#held.get(stream) ?? 0;
  }
}
