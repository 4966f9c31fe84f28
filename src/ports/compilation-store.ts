/** State: attempts at compiling. */
import type { CompilationAttempt } from '../domain/compilations.ts';

export interface CompilationStore {
  /**
   * Stores a new attempt together with its claim on (use case, job, target). Claims are unique, except those of
   * compilations started elsewhere.
   * @throws AppError conflict when a live or successful attempt holds the claim (domain/compilations.ts)
   */
  addAttempt(attempt: CompilationAttempt): Promise<void>;
  /** Atomic; as `changeJob`. @throws AppError not_found for an unknown id */
  changeAttempt(
    id: string,
    change: (attempt: CompilationAttempt) => CompilationAttempt,
  ): Promise<CompilationAttempt>;
  /**
   * Oldest first. Attempts of jobs that ended long ago may be in an archive, which only a query for one job (`useCase`
   * and `job`) reads; their claims still hold.
   */
  listAttempts(query: { useCase?: string; job?: string; live?: boolean }): Promise<CompilationAttempt[]>;
}
