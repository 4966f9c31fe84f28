/** One fetch of a log at a time: whoever asks meanwhile waits for it, and it goes on while anybody does. */
import { CancelledError } from '../../ground/errors.ts';
import type { LogProgress } from '../../ports/log-engine.ts';

/** What several wait for. */
export interface Flight<T> {
  readonly startedAt: number;
  /** Settled when it has ended, whoever still waits. */
  readonly done: Promise<T>;
  /** Calls for the progress from now on, with the last one at once. @returns what ends it, once and awaited */
  join(onProgress: ((progress: LogProgress) => void) | undefined): (why?: unknown) => Promise<void>;
}

export class Flights<T extends { remove: () => Promise<void> }> {
  readonly #underWay = new Map<string, Flight<T>>();

  of(key: string): Flight<T> | undefined {
    return this.#underWay.get(key);
  }

  /**
   * @param work ends when the signal is aborted, because nobody waits any more
   * What it resolves to is removed when the last of those who joined has left.
   */
  start(
    key: string,
    startedAt: number,
    work: (how: { signal: AbortSignal; onProgress: (progress: LogProgress) => void }) => Promise<T>,
  ): Flight<T> {
    const nobody = new AbortController();
    const listeners = new Set<(progress: LogProgress) => void>();
    let last: LogProgress | undefined;
    let members = 0;
    const onProgress = (progress: LogProgress): void => {
      last = progress;
      for (const listener of listeners) listener(progress);
    };
    const forget = (): void => {
      if (this.#underWay.get(key) === flight) this.#underWay.delete(key);
    };
    const done = work({ signal: nobody.signal, onProgress }).finally(forget);
    // Whoever waits sees the failure.
    done.catch(() => undefined);
    const flight: Flight<T> = {
      startedAt,
      done,
      join: (listener) => {
        members += 1;
        if (listener) listeners.add(listener);
        if (listener && last) listener(last);
        let left: Promise<void> | undefined;
        return (why) => {
          left ??= leave(listener, why);
          return left;
        };
      },
    };
    const leave = async (
      listener: ((progress: LogProgress) => void) | undefined,
      why: unknown,
    ): Promise<void> => {
      members -= 1;
      if (listener) listeners.delete(listener);
      if (members > 0) return;
      // At once, so that nobody joins what has no future.
      forget();
      nobody.abort(why ?? new CancelledError());
      await done.then(
        (result) => result.remove(),
        () => undefined,
      );
    };
    this.#underWay.set(key, flight);
    return flight;
  }
}
