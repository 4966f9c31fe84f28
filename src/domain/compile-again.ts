/** Whether a compilation that failed would fail again, so that nobody is led to try the very same once more. */
import { type CompilationAttempt, currentStatus, isLive, isSuccessful } from './compilations.ts';
import type { CompileInput } from './compile-input.ts';
import { adviceForCompilation } from './failure-guidance.ts';

/** Causes that lie outside the model and its input: what is there now may be another than it was then. */
const MAY_PASS: ReadonlySet<string> = new Set([
  'neo-server',
  'neo-model-missing',
  'neo-role',
  'neo-storage-access',
  'neo-timeout',
  'neo-output',
  'neo-stopped',
  'neo-unknown',
]);

export interface FailedBefore {
  /** As the failure tables have it. */
  cause: string;
  /** The same model with the same input fails again. */
  lasting: boolean;
}

const SAME = ['framework', 'frameworkVersion', 'dataInputConfig'] as const;

/**
 * @param attempt the newest for a target
 * @param input what it would be compiled with now, as far as that is known
 * @returns undefined for one that did not end badly
 */
export function failedBefore(
  attempt: CompilationAttempt | undefined,
  input: Partial<CompileInput>,
): FailedBefore | undefined {
  if (!attempt || isLive(attempt) || isSuccessful(attempt)) return undefined;
  const { id, cause } = adviceForCompilation(currentStatus(attempt), attempt.failureReason);
  const before = attempt.input;
  // Of one that was started elsewhere the input is not known: it counts as the same.
  const same = !before || SAME.every((field) => before[field] === input[field]);
  const lasting = same && currentStatus(attempt) === 'FAILED' && !MAY_PASS.has(id);
  return { cause, lasting };
}
