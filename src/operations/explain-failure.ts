/** Why a training or a compilation failed: the service's words, the end of its log, cause and fix. */
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { FailureAdvice, TrainingGuidance } from '../domain/failure-guidance.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../errors.ts';
import type { Actor } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

export interface LogExcerpt {
  /** Short name of the stream that it is from: `algo-1`. */
  stream: string;
  /** The traceback where there is one, else the last lines; secrets masked, colours gone. */
  text: string;
  kind: 'traceback' | 'last lines';
}

interface FailureExplanation {
  /** The service's own words, whole, secrets masked. */
  reason?: string | undefined;
  excerpt?: LogExcerpt | undefined;
  /** The log could not be read; the rest holds. */
  logProblem?: AppError | undefined;
}

export interface TrainingFailure extends FailureExplanation {
  job: TrainingJob;
  /** None: it runs or it completed. */
  guidance?: TrainingGuidance | undefined;
}

export interface CompilationFailure extends FailureExplanation {
  attempt: CompilationAttempt;
  /** None: it runs or it completed. */
  advice?: FailureAdvice | undefined;
}

/** Asks for the job as it is now and reads the end of its log. @throws AppError not_found, and as the gateway */
export function trainingFailure(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; job: string },
  options: { signal?: AbortSignal } = {},
): Promise<TrainingFailure> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}

/** @param request.attempt id of the attempt. @throws AppError not_found, and as the gateway */
export function compilationFailure(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; attempt: string },
  options: { signal?: AbortSignal } = {},
): Promise<CompilationFailure> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}
