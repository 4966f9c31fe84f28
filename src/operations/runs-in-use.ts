/** Whose logs somebody reads now, or has read a moment ago: so long they are not removed, in whatever process that is. */
import { untilAborted } from '../ground/pause.ts';
import type { Coordination } from '../ports/coordination.ts';

export interface RunsInUseOptions {
  coordination: Coordination;
  onError(error: unknown, context: { run: string }): void;
  /** Milliseconds for which a log is in use after it was last read: a page reads on as it is scrolled. */
  linger?: number | undefined;
  /** Left out: the system's timers, which keep no process alive. @returns takes it back */
  after?: ((ms: number, run: () => void) => () => void) | undefined;
}

/** Whoever has it keeps the log from being removed. */
export const useLease = (run: string): string => `read ${run}`;

const LINGER = 10 * 60_000;
const LEASE = 15_000;

export class RunsInUse {
  readonly #options: Required<RunsInUseOptions>;
  readonly #runs = new Map<string, Use>();
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: RunsInUseOptions) {
    this.#options = {
      ...options,
      linger: options.linger ?? LINGER,
      after: options.after ?? systemTimer,
    };
  }

  /** @returns it is not read any more; safe to call twice */
  use(run: string): () => void {
    if (this.#isClosed) return () => undefined;
    const use = this.#runs.get(run) ?? this.#begin(run);
    use.readers += 1;
    use.cancelEnd();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      use.readers -= 1;
      if (use.readers > 0 || use.stop.signal.aborted) return;
      use.cancelEnd = this.#options.after(this.#options.linger, () => this.#end(run, use));
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [run, use] of this.#runs) this.#end(run, use);
    await Promise.all(this.#ending);
  }

  #begin(run: string): Use {
    const use: Use = { readers: 0, stop: new AbortController(), cancelEnd: () => undefined };
    this.#runs.set(run, use);
    const { signal } = use.stop;
    const done = this.#hold(run, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#options.onError(error, { run });
      })
      .finally(() => {
        this.#ending.delete(done);
        // It is asked for again with the next request.
        if (!signal.aborted && this.#runs.get(run) === use) this.#end(run, use);
      });
    this.#ending.add(done);
    return use;
  }

  /** Another process may have it: then that one's readers do for all, and this one comes after it. */
  async #hold(run: string, signal: AbortSignal): Promise<void> {
    const lease = await this.#options.coordination.lease(useLease(run), LEASE, signal);
    try {
      await untilAborted(AbortSignal.any([signal, lease.lost]));
    } finally {
      await lease.release();
    }
  }

  #end(run: string, use: Use): void {
    if (this.#runs.get(run) === use) this.#runs.delete(run);
    use.cancelEnd();
    use.stop.abort();
  }
}

interface Use {
  readers: number;
  readonly stop: AbortController;
  cancelEnd: () => void;
}

function systemTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
}
