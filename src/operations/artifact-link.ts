/** A link to a compiled model that works for a short while. Rights are the caller's to check before. */
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor, EpochMs } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

export interface ArtifactLink {
  /** Whoever has it can download: for the one who asked alone. */
  url: string;
  fileName: string;
  expiresAt: EpochMs;
  attempt: CompilationAttempt;
  sessionName: string;
}

/**
 * On record before it is handed over.
 * @param request.attempt id of the attempt
 * @throws AppError not_found (attempt or object), conflict (not compiled), and as the gateway
 */
export function artifactLink(
  deps: Pick<JobDeps, 'gateway' | 'store' | 'clock'>,
  request: { actor: Actor; useCase: UseCase; attempt: string },
): Promise<ArtifactLink> {
  return Promise.reject(new Error(`${deps} ${request}`));
}
