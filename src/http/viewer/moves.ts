/**
 * Moves of the window on the log, one at a time. What the reader wishes for, a jump to an end or to something found, waits for
 * the move that is under way; of several that wait only the newest is made, so that it is also what is shown in the end.
 */

type Work = () => Promise<unknown>;

interface Waiting {
  work: Work;
  /** @param isMade false: something newer took its place */
  settle(isMade: boolean): void;
  fail(error: unknown): void;
}

export class Moves {
  readonly #changed: () => void;
  #isMoving = false;
  #wish: Waiting | undefined;
  /** These come before the wish, and none is left out. */
  readonly #needed: Waiting[] = [];
  #wishes = 0;

  /** @param changed called when moves begin, and after the last of them */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isMoving(): boolean {
    return this.#isMoving;
  }

  /** A wish waits: what is being done will not be what is shown. */
  get hasWish(): boolean {
    return this.#wish !== undefined;
  }

  /** Counts what the reader wished for. */
  get wishes(): number {
    return this.#wishes;
  }

  /** The reader went somewhere that needs no move of the window; none is under way. */
  wentThere(): void {
    this.#wishes += 1;
  }

  /** What the reader wishes to see. @returns false: it was not made, because of a newer wish */
  wish(work: Work): Promise<boolean> {
    this.#wishes += 1;
    this.#drop();
    return this.#enqueue(work, (waiting) => (this.#wish = waiting));
  }

  /** What has to be done whatever the reader wishes for, and before that. */
  need(work: Work): Promise<boolean> {
    return this.#enqueue(work, (waiting) => this.#needed.push(waiting));
  }

  #drop(): void {
    this.#wish?.settle(false);
    this.#wish = undefined;
  }

  #enqueue(work: Work, enqueue: (waiting: Waiting) => void): Promise<boolean> {
    return new Promise((settle, fail) => {
      enqueue({ work, settle, fail });
      if (!this.#isMoving) void this.#run();
    });
  }

  #next(): Waiting | undefined {
    const needed = this.#needed.shift();
    if (needed) return needed;
    const wish = this.#wish;
    this.#wish = undefined;
    return wish;
  }

  async #run(): Promise<void> {
    this.#isMoving = true;
    this.#changed();
    for (let next = this.#next(); next; next = this.#next()) {
      try {
        await next.work();
        next.settle(true);
      } catch (error) {
        next.fail(error);
      }
    }
    this.#isMoving = false;
    this.#changed();
  }
}
