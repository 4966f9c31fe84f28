/** Whether a failed compilation would fail again, so that nobody is invited to repeat exactly the same. */
import { type CompilationAttempt, currentStatus, isLive, isSuccessful } from './compilations.ts';
import type { CompileInput } from './compile-input.ts';
import { adviceForCompilation } from './failure-guidance.ts';

/** Causes outside the model and its input: these may have changed since then. */
const MAY_PASS: ReadonlySet<string> = new Set([
  'neo-server',
  'neo-model-missing',
  'neo-role',
  'neo-storage-access',
  'neo-output',
  'neo-stopped',
  'neo-unknown',
]);

export interface FailedBefore {
  /** As the failure tables have it. */
  cause: string;
  /** The same model with the same input and the same time limit fails again. */
  lasting: boolean;
  /** What is different from that attempt now. Empty: nothing, or it is not known. */
  was: { [Field in (typeof SAME)[number]]?: string | undefined } & { limitSeconds?: number };
}

const SAME = ['framework', 'frameworkVersion', 'dataInputConfig'] as const;

/**
 * @param attempt the newest for a target
 * @param now what it would be compiled with now, as far as that is known
 * @returns undefined for one that did not end badly
 */
export function failedBefore(
  attempt: CompilationAttempt | undefined,
  now: { input: Partial<CompileInput>; timeoutSeconds: number },
): FailedBefore | undefined {
  if (!attempt || isLive(attempt) || isSuccessful(attempt)) return undefined;
  const { id, cause } = adviceForCompilation(currentStatus(attempt), attempt.failureReason);
  const { input: before, limitSeconds } = attempt;
  const was: FailedBefore['was'] = {};
  // If it was started elsewhere its input may not be known: it counts as the same.
  if (before) for (const field of SAME) if (before[field] !== now.input[field]) was[field] = before[field];
  if (id === 'neo-timeout' && limitSeconds !== undefined && limitSeconds !== now.timeoutSeconds)
    was.limitSeconds = limitSeconds;
  return { cause, lasting: isLasting(id, attempt, was, now.timeoutSeconds), was };
}

function isLasting(
  id: string,
  attempt: CompilationAttempt,
  { limitSeconds, ...input }: FailedBefore['was'],
  timeoutSeconds: number,
): boolean {
  if (currentStatus(attempt) !== 'FAILED' || Object.keys(input).length > 0) return false;
  // With the same time or less, it runs out again.
  if (id === 'neo-timeout') return (limitSeconds ?? attempt.limitSeconds ?? 0) >= timeoutSeconds;
  return !MAY_PASS.has(id);
}
