/** Automatic steps, each done once: compiling a trained model, packaging a compiled one. */

import { backgroundActor } from '../domain/background-actor.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { elapsed } from '../ground/elapsed.ts';
import { type AppError, CancelledError, isPassing, toAppError } from '../ground/errors.ts';
import type { JobChange } from './job-changes.ts';
import type { JobDeps } from './job-deps.ts';
import { publishComponents } from './publish-component.ts';
import { isUnasked, startCompilations } from './start-compilations.ts';

interface Due {
  what: 'compile' | 'package';
  useCase: UseCase;
  job: string;
  /** Of a `package`: the attempt's id and target. */
  attempt?: { id: string; target: string };
  /** Both in elapsed time. */
  since: number;
  nextTry: number;
}

/** Milliseconds between tries. */
const TRY_AGAIN = 60_000;
/** Milliseconds after which it is given up: by then somebody has done it by hand, or nobody wants it. */
const GIVE_UP = 24 * 3600_000;
/** Jobs searched for what a restart left undone. */
const JOBS_LIMIT = 1_000;

/**
 * One write stores that something completed and that its next step is due (observe-jobs.ts), and a step stays due until
 * it is done. After a crash in between it is done again, and the claims of store and domain prevent duplicates.
 */
export class AutoReactions {
  readonly #deps: JobDeps;
  readonly #useCases: ReadonlyMap<string, UseCase>;
  readonly #actor: Actor;
  readonly #onError: (error: unknown, useCase: string, subject: string) => void;
  readonly #due = new Map<string, Due>();

  constructor(
    deps: JobDeps,
    options: {
      useCases: readonly UseCase[];
      team: string;
      onError: (error: unknown, useCase: string, subject: string) => void;
    },
  ) {
    this.#deps = deps;
    this.#useCases = new Map(options.useCases.map((useCase) => [useCase.id, useCase]));
    this.#actor = backgroundActor(options.team);
    this.#onError = options.onError;
  }

  /** What was due when the last process ended. */
  async recall(): Promise<void> {
    for (const useCase of this.#useCases.values()) {
      if (useCase.compile?.auto)
        for (const { job, compileDue } of await this.#deps.store.listJobs({
          useCase: useCase.id,
          limit: JOBS_LIMIT,
        }))
          if (compileDue) this.#add({ what: 'compile', useCase, job: jobKey(job) });
      if (useCase.components?.auto)
        for (const { id, job, target, packageDue } of await this.#deps.store.listAttempts({
          useCase: useCase.id,
        }))
          if (packageDue) this.#add({ what: 'package', useCase, job, attempt: { id, target } });
    }
  }

  notice(change: JobChange): void {
    const useCase = this.#useCases.get(change.useCase);
    if (!useCase) return;
    const { job } = change;
    if (change.kind === 'compilation' && change.attempt.packageDue) {
      const { id, target } = change.attempt;
      this.#add({ what: 'package', useCase, job, attempt: { id, target } });
    }
    const training = change.kind === 'job-appeared' || change.kind === 'job-changed';
    // Its record says whether it is really due.
    if (training && useCase.compile?.auto && change.training.state === 'completed')
      this.#add({ what: 'compile', useCase, job });
  }

  /** Does what is due; does not throw. */
  async act(signal: AbortSignal): Promise<void> {
    const now = elapsed(this.#deps.clock);
    const due = [...this.#due].filter(([, { nextTry }]) => nextTry <= now);
    await Promise.all(
      due.map(async ([key, one]) => {
        // Two ticks must not both begin it.
        one.nextTry = Number.POSITIVE_INFINITY;
        if (await this.#done(one, signal)) this.#due.delete(key);
        else one.nextTry = elapsed(this.#deps.clock) + TRY_AGAIN;
      }),
    );
  }

  #add(due: Omit<Due, 'since' | 'nextTry'>): void {
    const key = JSON.stringify([due.what, due.useCase.id, due.job, due.attempt?.id]);
    const now = elapsed(this.#deps.clock);
    if (!this.#due.has(key)) this.#due.set(key, { ...due, since: now, nextTry: now });
  }

  /** @returns false: to be tried again */
  async #done(due: Due, signal: AbortSignal): Promise<boolean> {
    const { useCase, job, what } = due;
    try {
      const error = what === 'compile' ? await this.#compile(due, signal) : await this.#package(due, signal);
      if (!error) return true;
      const age = elapsed(this.#deps.clock) - due.since;
      if ((isPassing(error) || error.code === 'internal') && age < GIVE_UP) {
        this.#onError(error, useCase.id, job);
        return false;
      }
      await this.#clear(due);
      const target = due.attempt?.target;
      this.#deps.changes.emit({ useCase: useCase.id, job, kind: 'auto-failed', what, target, error });
      return true;
    } catch (error) {
      // The store failed, or we are stopping: its record still says that it is due, so the next start does it.
      if (!(error instanceof CancelledError)) this.#onError(error, useCase.id, job);
      return false;
    }
  }

  async #compile(due: Due, signal: AbortSignal): Promise<AppError | undefined> {
    const { useCase, job } = due;
    const record = await this.#deps.store.getJob(useCase.id, job);
    if (!record?.compileDue) return undefined;
    const tried = await this.#deps.store.listAttempts({ useCase: useCase.id, job });
    // Nothing is retried automatically, or started if somebody already has; but what a kill cut off before SageMaker
    // heard of it continues.
    const targets = (useCase.compile?.targets ?? []).filter(
      (name) => !tried.some((attempt) => attempt.target === name && !isUnasked(attempt, 'auto')),
    );
    if (targets.length > 0) {
      try {
        await startCompilations(
          this.#deps,
          { actor: this.#actor, useCase, job, targets, why: 'auto', resume: true },
          { signal },
        );
      } catch (error) {
        signal.throwIfAborted();
        return toAppError(error);
      }
    }
    await this.#clear(due);
    return undefined;
  }

  async #package(due: Due, signal: AbortSignal): Promise<AppError | undefined> {
    const { useCase, job } = due;
    const { id, target } = due.attempt!;
    const attempt = await this.#deps.store.changeAttempt(id, (known) => known);
    if (!attempt.packageDue) return undefined;
    const made = await this.#deps.store.listComponents({ useCase: useCase.id, job });
    if (!made.some(({ chain }) => chain.attempt === id)) {
      try {
        const { results } = await publishComponents(
          this.#deps,
          { actor: this.#actor, useCase, job, targets: [target], why: 'auto' },
          { signal },
        );
        const [result] = results;
        // Without a recorded component nobody would see that it failed; otherwise the component shows it.
        if (result?.outcome === 'refused' && !result.component) return result.error;
      } catch (error) {
        signal.throwIfAborted();
        return toAppError(error);
      }
    }
    await this.#clear(due);
    return undefined;
  }

  async #clear({ useCase, job, attempt }: Due): Promise<void> {
    if (attempt)
      await this.#deps.store.changeAttempt(attempt.id, (known) =>
        known.packageDue ? { ...known, packageDue: undefined } : known,
      );
    else
      await this.#deps.store.changeJob(useCase.id, job, (known) =>
        known?.compileDue ? { ...known, compileDue: undefined } : known,
      );
  }
}
