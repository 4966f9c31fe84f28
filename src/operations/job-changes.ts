/** What happens to jobs, told to whoever shows it. Only what is durable already is told. */
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { AppError } from '../ground/errors.ts';

interface OfJob {
  /** Id of the use case. */
  useCase: string;
  /** The training job's name. */
  job: string;
}

export type JobChange = OfJob &
  (
    | {
        kind: 'job-appeared';
        training: TrainingJob;
        /** It is news: created since Signalbox watches the use case. Otherwise it is only known from now on. */
        announce: boolean;
      }
    /** Its status, secondary status, failure reason or model. */
    | { kind: 'job-changed'; training: TrainingJob; before: TrainingJob }
    /** Without `before` it was just asked for. */
    | { kind: 'compilation'; attempt: CompilationAttempt; before?: CompilationAttempt | undefined }
    /** Without `before` it was just asked for. */
    | { kind: 'component'; component: Component; before?: Component | undefined }
    /** Somebody started it again, as another job. */
    | { kind: 'run-again'; as: string }
    /** Asked, and nothing new but the time (or that the question got no answer): elapsed times may be redrawn. */
    | { kind: 'checked' }
    /** Somebody wants it compiled for what is compiled, or compiling, already: they get to see its card. */
    | { kind: 'already-there' }
    /** What should have happened by itself did not, and will not be tried again by itself. */
    | { kind: 'auto-failed'; what: 'compile' | 'package'; target?: string | undefined; error: AppError }
  );

export type JobListener = (change: JobChange) => void | Promise<void>;

/** Listeners get one job's changes one after the other, in order; a slow one delays nobody else. */
export class JobChanges {
  readonly #listeners = new Set<JobListener>();
  readonly #onError: (error: unknown, change: JobChange) => void;
  /** Per listener and job: what has been handed over and is not done. */
  readonly #tails = new Map<JobListener, Map<string, Promise<void>>>();

  constructor(onError: (error: unknown, change: JobChange) => void) {
    this.#onError = onError;
  }

  /** @returns ends the subscription */
  subscribe(listener: JobListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Never throws: a listener's failure is its own, and is reported. */
  emit(change: JobChange): void {
    for (const listener of this.#listeners) this.#handOver(listener, change);
  }

  /** When everything told so far has been dealt with. */
  async idle(): Promise<void> {
    const all = (): Promise<void>[] => [...this.#tails.values()].flatMap((tails) => [...tails.values()]);
    for (let open = all(); open.length > 0; open = all()) await Promise.all(open);
  }

  #handOver(listener: JobListener, change: JobChange): void {
    const tails = this.#tails.get(listener) ?? new Map<string, Promise<void>>();
    this.#tails.set(listener, tails);
    const key = JSON.stringify([change.useCase, change.job]);
    const before = tails.get(key) ?? Promise.resolve();
    const tail = before
      .then(() => listener(change))
      .catch((error: unknown) => this.#onError(error, change))
      .finally(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
    tails.set(key, tail);
  }
}
