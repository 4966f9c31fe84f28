/**
 * Starts compilations of one training job, each target apart. Rights are the caller's to check before.
 */

import type { CompilationAttempt, CompilationReason } from '../domain/compilations.ts';
import type { CompileCorrections } from '../domain/compile-input.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../errors.ts';
import type { Actor } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

export interface StartRequest {
  actor: Actor;
  useCase: UseCase;
  /** The training job's name. */
  job: string;
  /** As typed or chosen; letter case and `_` for `-` are forgiven. */
  targets: readonly string[];
  why: CompilationReason;
  /** Over everything else that says what the model is like. A retry starts from those of the last attempt. */
  corrections?: CompileCorrections | undefined;
}

/**
 * `started`: SageMaker has it. `already`: a live or successful attempt is there, which is `attempt`.
 * `refused`: SageMaker does not take it; recorded as failed, and may be tried again.
 * `unknown`: no clear answer; it stays requested, and polling finds out.
 */
export type StartOutcome = 'started' | 'already' | 'refused' | 'unknown';

export interface StartResult {
  /** As the target table spells it. */
  target: string;
  outcome: StartOutcome;
  attempt?: CompilationAttempt | undefined;
  /** Of all but `started`. */
  error?: AppError | undefined;
}

export interface StartReport {
  job: TrainingJob;
  results: readonly StartResult[];
  sessionName: string;
}

/**
 * @throws AppError when nothing can be started at all: invalid_input (no compile settings, no target, no input
 *   shape), not_found (job or target, with the nearest), conflict (the job is not completed), and as the gateway
 */
export function startCompilations(
  deps: JobDeps,
  request: StartRequest,
  options: { signal?: AbortSignal } = {},
): Promise<StartReport> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}

export interface RetryRequest {
  actor: Actor;
  useCase: UseCase;
  /** Id of the attempt that failed or was stopped, as a button carries it. */
  attempt: string;
  corrections?: CompileCorrections | undefined;
}

/** As `startCompilations` for the attempt's job and target, with its corrections. @throws AppError not_found */
export function retryCompilation(
  deps: JobDeps,
  request: RetryRequest,
  options: { signal?: AbortSignal } = {},
): Promise<StartReport> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}
