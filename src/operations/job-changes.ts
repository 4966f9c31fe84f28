/** Announces changes of jobs to whoever shows them, once the changes are durable. */
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { AppError } from '../ground/errors.ts';
import { KeyQueue } from '../ground/key-queue.ts';

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
        /** It is news: created since Signalbox began to watch the use case. Otherwise it is only known from now on. */
        announce: boolean;
      }
    /** Its status, secondary status, failure reason or model. */
    | { kind: 'job-changed'; training: TrainingJob; before: TrainingJob }
    /** Without `before` it was just requested. */
    | { kind: 'compilation'; attempt: CompilationAttempt; before?: CompilationAttempt | undefined }
    /** Without `before` it was just requested. */
    | { kind: 'component'; component: Component; before?: Component | undefined }
    /** Somebody started it again, as another job. */
    | { kind: 'run-again'; as: string }
    /** It was checked with nothing new (or no answer): elapsed times may be redrawn. */
    | { kind: 'checked' }
    /** Somebody asked for a compilation that already exists or is running: show them its card. */
    | { kind: 'already-there' }
    /** An automatic step failed and will not be retried automatically. */
    | { kind: 'auto-failed'; what: 'compile' | 'package'; target?: string | undefined; error: AppError }
  );

export type JobListener = (change: JobChange) => void | Promise<void>;

/** Listeners get each job's changes one at a time and in order; a slow listener delays nobody else. */
export class JobChanges {
  readonly #listeners = new Set<JobListener>();
  readonly #onError: (error: unknown, change: JobChange) => void;
  readonly #handedOver = new KeyQueue<string>();
  readonly #numbers = new WeakMap<JobListener, number>();
  #lastNumber = 0;

  constructor(onError: (error: unknown, change: JobChange) => void) {
    this.#onError = onError;
  }

  /** @returns ends the subscription */
  subscribe(listener: JobListener): () => void {
    this.#listeners.add(listener);
    this.#lastNumber += 1;
    this.#numbers.set(listener, this.#lastNumber);
    return () => void this.#listeners.delete(listener);
  }

  /** Never throws: a listener's failure is reported. @param from a listener that already knows and is skipped */
  emit(change: JobChange, from?: JobListener): void {
    for (const listener of this.#listeners) if (listener !== from) this.#handOver(listener, change);
  }

  /** Resolves when everything announced so far has been handled. */
  idle(): Promise<void> {
    return this.#handedOver.idle();
  }

  #handOver(listener: JobListener, change: JobChange): void {
    const key = JSON.stringify([this.#numbers.get(listener), change.useCase, change.job]);
    this.#handedOver.run(key, () => listener(change)).catch((error: unknown) => this.#onError(error, change));
  }
}
