/** What happens to jobs, told to whoever shows it. Only what is durable already is told. */
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

  /** Never throws: a listener's failure is its own, and is reported. @param from is not told: it knows */
  emit(change: JobChange, from?: JobListener): void {
    for (const listener of this.#listeners) if (listener !== from) this.#handOver(listener, change);
  }

  /** When everything told so far has been dealt with. */
  idle(): Promise<void> {
    return this.#handedOver.idle();
  }

  #handOver(listener: JobListener, change: JobChange): void {
    const key = JSON.stringify([this.#numbers.get(listener), change.useCase, change.job]);
    this.#handedOver.run(key, () => listener(change)).catch((error: unknown) => this.#onError(error, change));
  }
}
