/** Stops one compilation attempt. The caller checks rights first. */
import { type CompilationAttempt, currentStatus, isLive } from '../domain/compilations.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import type { JobDeps } from './job-deps.ts';
import { findAttempt, observeAttempt } from './observe-jobs.ts';

export interface StopRequest {
  actor: Actor;
  useCase: UseCase;
  /** Id of the attempt. */
  attempt: string;
}

export interface StopReport {
  /** `ended`: it had already ended, so nothing was requested. */
  outcome: 'stopping' | 'ended';
  /** As it is now. */
  attempt: CompilationAttempt;
  sessionName?: string | undefined;
}

/** @throws AppError not_found, conflict (SageMaker does not know of it yet), and as the gateway */
export async function stopCompilation(
  deps: JobDeps,
  request: StopRequest,
  options: { signal?: AbortSignal } = {},
): Promise<StopReport> {
  const { actor, useCase } = request;
  const attempt = await findAttempt(deps, useCase, request.attempt);
  if (!isLive(attempt)) return { outcome: 'ended', attempt };
  const session = await deps.gateway.open(useCase, actor, 'comp');
  const { sessionName } = session;
  const record = (action: string, detail: Record<string, string> = {}): Promise<void> =>
    deps.store.appendAudit({
      at: deps.clock.now(),
      actor,
      action,
      useCase: useCase.id,
      subject: attempt.job,
      sessionName,
      detail: { target: attempt.target, compilationJob: attempt.compilationJob, ...detail },
    });
  try {
    await session.compiler.stop(attempt.compilationJob, options.signal);
  } catch (thrown) {
    const error = notThereYet(attempt, thrown);
    await record('compilation.stop_failed', { code: error.code, ref: error.ref });
    throw error;
  }
  await record('compilation.stopped');
  return { outcome: 'stopping', attempt: await checkAgain(deps, useCase, session, attempt), sessionName };
}

function notThereYet(attempt: CompilationAttempt, thrown: unknown): AppError {
  const error = toAppError(thrown);
  const unknown = error.code === 'not_found' && currentStatus(attempt) === 'REQUESTED';
  if (!unknown) return error;
  return new AppError('conflict', `SageMaker does not know of the compilation for ${attempt.target} yet.`, {
    hint: 'It was just asked for. Stop it in a minute, if it has begun by then.',
    cause: error,
    ref: error.ref,
  });
}

/** It may have completed just before it was stopped; only SageMaker knows. If that gives no answer, polling asks again. */
async function checkAgain(
  deps: JobDeps,
  useCase: UseCase,
  session: UseCaseSession,
  attempt: CompilationAttempt,
): Promise<CompilationAttempt> {
  const at = deps.clock.now();
  try {
    const there = await session.compiler.describe(attempt.compilationJob);
    return there
      ? await observeAttempt(deps, useCase, attempt.id, { kind: 'status', at, ...there })
      : attempt;
  } catch (error) {
    const { message } = toAppError(error);
    return observeAttempt(deps, useCase, attempt.id, { kind: 'check-failed', at, message });
  }
}
