/** Why a training or a compilation failed: the service's words, the end of its log, cause and fix. */

import { type CompilationAttempt, currentStatus, isLive, isSuccessful } from '../domain/compilations.ts';
import {
  adviceForCompilation,
  type FailureAdvice,
  guidanceForTraining,
  type TrainingGuidance,
} from '../domain/failure-guidance.ts';
import { type ToldByLogs, toldByLogs } from '../domain/failure-log.ts';
import { DOCS } from '../domain/failure-tables.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { JobDeps } from './job-deps.ts';
import { logOf } from './job-places.ts';
import { type LogEnd, type LogEndRange, readLogEnds } from './log-end.ts';
import { findAttempt, liveJob } from './observe-jobs.ts';

export interface LogExcerpt {
  /** Short name of the stream that it is from: `algo-1`. */
  stream: string;
  /** The traceback if there is one, otherwise the last lines; secrets masked, colours removed. */
  text: string;
  kind: 'traceback' | 'last lines';
}

interface FailureExplanation {
  /** The service's own words, complete, with secrets masked. */
  reason?: string | undefined;
  excerpt?: LogExcerpt | undefined;
  /** The log could not be read; the rest holds. */
  logProblem?: AppError | undefined;
}

export interface TrainingFailure extends FailureExplanation {
  job: TrainingJob;
  /** None: it is running or completed. */
  guidance?: TrainingGuidance | undefined;
}

export interface CompilationFailure extends FailureExplanation {
  attempt: CompilationAttempt;
  /** None: it is running or completed. */
  advice?: FailureAdvice | undefined;
}

/** Asks for the job as it is now and reads the end of its log. @throws AppError not_found, and as the gateway */
export async function trainingFailure(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; job: string },
  options: { signal?: AbortSignal } = {},
): Promise<TrainingFailure> {
  const { actor, useCase } = request;
  const session = await deps.gateway.open(useCase, actor, 'logs');
  const job = await liveJob(deps, session, useCase, request.job, options.signal);
  return explainTraining(job, logOf(session, jobKey(job)), {
    now: deps.clock.now(),
    ...(options.signal ? { signal: options.signal } : {}),
  });
}

/**
 * For a job as it was just seen; reads the end of its log if there is something to explain.
 * @throws CancelledError; if the log cannot be read, the answer says so instead
 */
export async function explainTraining(
  job: TrainingJob,
  log: LogSource,
  { now, streams, signal }: Pick<LogEndRange, 'now' | 'streams' | 'signal'>,
): Promise<TrainingFailure> {
  const reason = job.failureReason === undefined ? undefined : maskSecrets(job.failureReason);
  if (!guidanceForTraining(job)) return { job, reason };
  const { ends, problem } = await readEnds(log, { now, streams, signal });
  const guidance = guidanceForTraining({ ...job, logEnds: ends });
  return {
    job,
    reason,
    guidance: guidance && masked(guidance),
    excerpt: guidance && trainingExcerpt(guidance),
    logProblem: problem,
  };
}

/** @param request.attempt id of the attempt. @throws AppError not_found, and as the gateway */
export async function compilationFailure(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; attempt: string },
  options: { signal?: AbortSignal } = {},
): Promise<CompilationFailure> {
  const { actor, useCase } = request;
  const attempt = await findAttempt(deps, useCase, request.attempt);
  return explainCompilation(
    attempt,
    async () => (await deps.gateway.open(useCase, actor, 'logs')).compilationLog(attempt.compilationJob),
    { now: deps.clock.now(), signal: options.signal },
  );
}

/**
 * For an attempt as it is known; reads the end of its log if there is something to explain.
 * @throws CancelledError, and as `log` does; if the log cannot be read, the answer says so instead
 */
export async function explainCompilation(
  attempt: CompilationAttempt,
  log: () => LogSource | Promise<LogSource>,
  range: Pick<LogEndRange, 'now' | 'signal'>,
): Promise<CompilationFailure> {
  const reason = attempt.failureReason === undefined ? undefined : maskSecrets(attempt.failureReason);
  const advice = adviceForAttempt(attempt);
  // If SageMaker refused to start it, there is no log.
  if (!advice || wasRefused(attempt)) return { attempt, reason, advice };
  const { ends, problem } = await readEnds(await log(), range);
  return { attempt, reason, advice, excerpt: compilationExcerpt(ends), logProblem: problem };
}

/** Cause and fix of a compilation that failed or was stopped; none otherwise. */
export function adviceForAttempt(attempt: CompilationAttempt): FailureAdvice | undefined {
  if (isLive(attempt) || isSuccessful(attempt)) return undefined;
  const advice = adviceForCompilation(currentStatus(attempt), attempt.failureReason);
  return wasRefused(attempt) && advice.id === 'neo-unknown' ? NEO_REFUSED : advice;
}

/** Looked up here because the words are our own, not SageMaker's. */
const NEO_REFUSED: FailureAdvice = {
  id: 'neo-refused',
  cause: 'SageMaker did not take the request, so nothing was started.',
  fix: 'Do what the message says, then retry.',
  link: DOCS.neoErrors,
};

function wasRefused(attempt: CompilationAttempt): boolean {
  return (
    attempt.startedAt === undefined && attempt.statuses.length === 2 && currentStatus(attempt) === 'FAILED'
  );
}

async function readEnds(
  source: LogSource,
  range: LogEndRange,
): Promise<{ ends: readonly LogEnd[]; problem?: AppError }> {
  try {
    return { ends: await readLogEnds(source, { ...range, failed: true }) };
  } catch (error) {
    if (error instanceof CancelledError || range.signal?.aborted) throw error;
    const problem = toAppError(error);
    // No stream yet, so there is nothing to say about it.
    return problem instanceof AppError && problem.code === 'not_found' ? { ends: [] } : { ends: [], problem };
  }
}

function trainingExcerpt({ told, traceback }: TrainingGuidance): LogExcerpt | undefined {
  return told && excerptOf(told, told.raised ? traceback : undefined);
}

function compilationExcerpt(ends: readonly LogEnd[]): LogExcerpt | undefined {
  const told = toldByLogs(ends, () => false);
  return told && excerptOf(told, told.traceback);
}

/** The program's own error if the log has one; otherwise the last lines of the stream that tells why. */
function excerptOf(
  { stream, lastLines }: Pick<ToldByLogs, 'stream' | 'lastLines'>,
  traceback: ToldByLogs['traceback'],
): LogExcerpt | undefined {
  if (traceback) return { stream, text: maskSecrets(traceback.text), kind: 'traceback' };
  if (lastLines.length === 0) return undefined;
  return { stream, text: maskSecrets(lastLines.join('\n')), kind: 'last lines' };
}

function masked(guidance: TrainingGuidance): TrainingGuidance {
  const { traceback, told, ...rest } = guidance;
  const mask = (text: string | undefined): string | undefined => text && maskSecrets(text);
  return {
    ...rest,
    traceback: traceback && {
      text: maskSecrets(traceback.text),
      exception: mask(traceback.exception),
      ...(traceback.cause === undefined ? {} : { cause: maskSecrets(traceback.cause) }),
    },
    ...(told ? { told: { ...told, lastLines: maskSecrets(told.lastLines.join('\n')).split('\n') } } : {}),
  };
}
