/** Passes changes to the notifiers, and retries what one could not announce, mostly because the disk was full. */
import type { UseCase } from '../domain/use-cases.ts';
import { backoff } from '../ground/backoff.ts';
import { elapsed } from '../ground/elapsed.ts';
import type { JobChange } from '../operations/job-changes.ts';
import type { Notifier, NotifierDeps } from './notifier.ts';

/** Milliseconds until a retry; doubles up to the second value. */
const TELL_AGAIN = [2_000, 300_000] as const;

/** Something about a use case that a notifier could not announce; its `recover` will. */
interface Untold {
  notifier: Notifier;
  useCase: UseCase;
  failures: number;
  /** In elapsed time. */
  nextTry: number;
}

export class Telling {
  readonly #deps: Pick<NotifierDeps, 'store' | 'clock' | 'useCases' | 'onError'>;
  readonly #all: readonly Notifier[];
  readonly #signal: AbortSignal;
  readonly #untold = new Map<string, Untold>();

  constructor(
    deps: Pick<NotifierDeps, 'store' | 'clock' | 'useCases' | 'onError'>,
    all: readonly Notifier[],
    signal: AbortSignal,
  ) {
    this.#deps = deps;
    this.#all = all;
    this.#signal = signal;
  }

  /** Does not throw. */
  async change(change: JobChange): Promise<void> {
    const { useCases, onError } = this.#deps;
    const useCase = useCases.find(({ id }) => id === change.useCase);
    if (!useCase) return;
    for (const notifier of this.#all)
      await notifier.onChange?.(change, useCase).catch((error: unknown) => {
        onError(error, { useCase: useCase.id, subject: change.job, doing: `telling of ${change.kind}` });
        this.#missed(notifier, useCase);
      });
  }

  /** Announces what a stop or a crash left. Does not throw. */
  async recover(): Promise<void> {
    const { useCases, onError } = this.#deps;
    for (const useCase of useCases)
      for (const notifier of this.#all) {
        if (this.#signal.aborted) return;
        await notifier.recover?.(useCase).catch((error: unknown) => {
          onError(error, { useCase: useCase.id, doing: 'telling what a stop left untold' });
          this.#missed(notifier, useCase);
        });
      }
  }

  /** Retries what is due. */
  async again(): Promise<void> {
    const { store, clock, onError } = this.#deps;
    for (const [key, untold] of this.#untold) {
      if (this.#signal.aborted || store.problem() !== undefined) return;
      if (untold.nextTry > elapsed(clock)) continue;
      const { notifier, useCase } = untold;
      try {
        await notifier.recover?.(useCase);
        // Unless something else has failed meanwhile.
        if (this.#untold.get(key) === untold) this.#untold.delete(key);
      } catch (error) {
        onError(error, { useCase: useCase.id, doing: 'telling what could not be told' });
        this.#missed(notifier, useCase);
      }
    }
  }

  #missed(notifier: Notifier, useCase: UseCase): void {
    const key = `${this.#all.indexOf(notifier)} ${useCase.id}`;
    const failures = (this.#untold.get(key)?.failures ?? 0) + 1;
    const nextTry = elapsed(this.#deps.clock) + backoff(TELL_AGAIN, failures);
    this.#untold.set(key, { notifier, useCase, failures, nextTry });
  }
}
