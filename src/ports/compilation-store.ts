/** State: attempts at compiling. */
import type { CompilationAttempt } from '../domain/compilations.ts';

export interface CompilationStore {
  /**
   * Stores a new attempt together with its claim on (use case, job, target), which is unique but for what was
   * started elsewhere.
   * @throws AppError conflict when a live or successful attempt holds the claim (domain/compilations.ts)
   */
  addAttempt(attempt: CompilationAttempt): Promise<void>;
  /** Atomic; as `changeJob`. @throws AppError not_found for an unknown id */
  changeAttempt(
    id: string,
    change: (attempt: CompilationAttempt) => CompilationAttempt,
  ): Promise<CompilationAttempt>;
  /**
   * Oldest first. Long ended jobs' attempts may lie in an archive, which only a query of one job (`useCase` and
   * `job`) looks into; their claims hold as ever.
   */
  listAttempts(query: { useCase?: string; job?: string; live?: boolean }): Promise<CompilationAttempt[]>;
}
