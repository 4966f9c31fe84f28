/** What somebody must see to choose what to compile: the job as it is now, its targets, its model's input. */
import type { TargetState } from '../domain/compilation-states.ts';
import type { CompileInput } from '../domain/compile-input.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { Target } from '../domain/targets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../errors.ts';
import type { Actor } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

export interface CompileFormTarget {
  target: Target;
  state: TargetState;
  selectable: boolean;
  /** Why it is not selectable, in words: `compiled already`, `compiling`. */
  why?: string | undefined;
  /** One of the use case's own, and selectable. */
  preselected: boolean;
  /** Median of earlier compilations, milliseconds; none without any. */
  usualMs?: number | undefined;
}

export type CompileFormInput =
  | { kind: 'known'; input: CompileInput }
  /** `known` is what is known all the same; `error` says what is missing and where it can be said. */
  | { kind: 'missing'; known: Partial<CompileInput>; error: AppError };

export interface CompileForm {
  useCase: UseCase;
  job: TrainingJob;
  /** The use case's own first, then all others. */
  targets: readonly CompileFormTarget[];
  input: CompileFormInput;
  timeoutSeconds: number;
  sessionName: string;
}

/**
 * Asks SageMaker for the job as it is now.
 * @throws AppError invalid_input (the use case has no compile settings: what to add), not_found (with the
 *   nearest), conflict (not completed), and as the gateway
 */
export function compileForm(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; job: string },
  options: { signal?: AbortSignal } = {},
): Promise<CompileForm> {
  return Promise.reject(new Error(`${deps} ${request} ${options}`));
}
