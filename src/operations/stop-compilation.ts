/** Stops one compilation attempt. Rights are the caller's to check before. */
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

export interface StopRequest {
  actor: Actor;
  useCase: UseCase;
  /** Id of the attempt. */
  attempt: string;
}

export interface StopReport {
  /** `ended`: it had ended before; nothing was asked for. */
  outcome: 'stopping' | 'ended';
  /** As it is now. */
  attempt: CompilationAttempt;
  sessionName?: string | undefined;
}

/** @throws AppError not_found, conflict (SageMaker does not know of it yet), and as the gateway */
export function stopCompilation(
  deps: JobDeps,
  request: StopRequest,
  options: { signal?: AbortSignal } = {},
): Promise<StopReport> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}
