/** A clock and a scheduler that move by hand, together. */

import type { Scheduler } from '../../src/aws/scheduler.ts';
import type { Clock } from '../../src/time.ts';

export class ManualTime implements Clock, Scheduler {
  #now: number;
  #planned: { at: number; run: () => void }[] = [];

  constructor(start = 1_800_000_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const planned = { at: this.#now + ms, run };
    this.#planned.push(planned);
    return () => {
      this.#planned = this.#planned.filter((other) => other !== planned);
    };
  }

  /** What is planned until then happens, in its order, with what follows from it at once. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = this.#planned.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#planned = this.#planned.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
    await settled();
  }
}

/** Until what is under way in this process has come to rest. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
