/** What the compile form shows: the job as it is now, its targets, its model's input. */

import { type TargetState, targetStates, usualDurationMs } from '../domain/compilation-states.ts';
import { isLive, isSuccessful } from '../domain/compilations.ts';
import { type FailedBefore, failedBefore } from '../domain/compile-again.ts';
import {
  type CompileCorrections,
  type CompileInput,
  type CompileInputFacts,
  compileInput,
} from '../domain/compile-input.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { type Target, targetTable } from '../domain/targets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { JobDeps } from './job-deps.ts';
import { liveJob } from './observe-jobs.ts';
import { inputFacts, requireCompileSettings, requireModel } from './start-compilations.ts';

export interface CompileFormTarget {
  target: Target;
  state: TargetState;
  selectable: boolean;
  /** Why it is not selectable, in words: `compiled already`, `compiling`. */
  why?: string | undefined;
  /** How its last attempt ended, if it failed or was stopped. */
  before?: FailedBefore | undefined;
  /** One of the use case's own targets that is selectable and not certain to fail again. */
  preselected: boolean;
  /** Median of earlier compilations, milliseconds; left out if there are none. */
  usualMs?: number | undefined;
}

export type CompileFormInput =
  | { kind: 'known'; input: CompileInput }
  /** `known` is what is known so far; `error` says what is missing and where to add it. */
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
export async function compileForm(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; job: string },
  options: { signal?: AbortSignal } = {},
): Promise<CompileForm> {
  const { actor, useCase } = request;
  const settings = requireCompileSettings(useCase, request.job);
  const table = targetTable(settings.customTargets);
  const session = await deps.gateway.open(useCase, actor, 'comp');
  const job = await liveJob(deps, session, useCase, request.job, options.signal);
  requireModel(job);
  const [facts, attempts, history] = await Promise.all([
    inputFacts(session, job, settings, options.signal),
    deps.store.listAttempts({ useCase: useCase.id, job: jobKey(job) }),
    deps.store.listAttempts({ useCase: useCase.id }),
  ]);
  const states = new Map(targetStates(attempts, [...table.keys()]).map((state) => [state.target, state]));
  const own = settings.targets.filter((name) => table.has(name));
  const input = knownInput(facts);
  const now = input.kind === 'known' ? input.input : input.known;
  const targets = [...new Set([...own, ...table.keys()])].map((name): CompileFormTarget => {
    const state = states.get(name)!;
    const why = whyNot(state);
    const before = failedBefore(state.attempt, { input: now, timeoutSeconds: settings.timeoutSeconds });
    return {
      target: table.get(name)!,
      state,
      selectable: why === undefined,
      why,
      before,
      preselected: why === undefined && own.includes(name) && before?.lasting !== true,
      usualMs: usualDurationMs(history, name),
    };
  });
  return {
    useCase,
    job,
    targets,
    input,
    timeoutSeconds: settings.timeoutSeconds,
    sessionName: session.sessionName,
  };
}

function whyNot({ attempt }: TargetState): string | undefined {
  if (attempt && isSuccessful(attempt)) return 'compiled already';
  return attempt && isLive(attempt) ? 'compiling' : undefined;
}

/** Placeholders for finding out what else is known; they are removed again. */
const STAND_INS: readonly CompileCorrections[] = [
  { dataInputConfig: '{"input":[1]}' },
  { framework: 'PYTORCH' },
  { frameworkVersion: '2.0' },
  { framework: 'PYTORCH', dataInputConfig: '{"input":[1]}' },
  { framework: 'PYTORCH', frameworkVersion: '2.0' },
  { frameworkVersion: '2.0', dataInputConfig: '{"input":[1]}' },
];

function knownInput(facts: CompileInputFacts): CompileFormInput {
  try {
    return { kind: 'known', input: compileInput(facts) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    for (const corrections of STAND_INS) {
      const known = inputWith(facts, corrections);
      if (known) return { kind: 'missing', known, error };
    }
    return { kind: 'missing', known: { sources: {} }, error };
  }
}

function inputWith(
  facts: CompileInputFacts,
  corrections: CompileCorrections,
): Partial<CompileInput> | undefined {
  let input: Partial<CompileInput>;
  try {
    input = compileInput({ ...facts, corrections });
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
  const sources = { ...input.sources };
  for (const field of Object.keys(corrections) as (keyof CompileCorrections)[]) {
    delete input[field];
    delete sources[field];
  }
  return { ...input, sources };
}
