/**
 * Starts compilations of one training job, each target independently. The caller checks rights first.
 *
 * Whatever goes wrong, each job and target has at most one live compilation: it is claimed in the store before AWS is
 * asked, and only a clear refusal or the compilation's end frees the claim. If nobody knows whether AWS accepted it,
 * the claim stays and polling finds out.
 */

import { randomUUID } from 'node:crypto';
import PQueue from 'p-queue';
import { compilationJobName } from '../domain/compilation-names.ts';
import {
  alreadyClaimed,
  attemptsOf,
  type CompilationAttempt,
  type CompilationReason,
  claimHolder,
  currentStatus,
  newAttempt,
} from '../domain/compilations.ts';
import {
  type CompileCorrections,
  type CompileInput,
  type CompileInputFacts,
  type CompileSettings,
  compileInput,
} from '../domain/compile-input.ts';
import { requestedTargets, requireCompleted } from '../domain/compile-request.ts';
import { jobKey, readJobKey } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { compiledThings, isCompiledFrom, noModelWords } from '../domain/providers.ts';
import { findTarget, type Target, targetTable } from '../domain/targets.ts';
import { awsOf, type UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, type ErrorCode, toAppError } from '../ground/errors.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import type { JobDeps } from './job-deps.ts';
import { providerNamed } from './job-places.ts';
import { findAttempt, liveJob, observeAttempt } from './observe-jobs.ts';

export interface StartRequest {
  actor: Actor;
  useCase: UseCase;
  /** The training job's name. */
  job: string;
  /** As typed or chosen; case and `_` for `-` do not matter. */
  targets: readonly string[];
  why: CompilationReason;
  /** Override everything else known about the model. A retry starts from the last attempt's. */
  corrections?: CompileCorrections | undefined;
  /**
   * Repeats a request that was claimed for the same reason but perhaps never sent, because the process was killed in
   * between. The name is the same, so nothing is started twice.
   */
  resume?: boolean | undefined;
}

/**
 * `started`: SageMaker has it. `already`: there is a live or successful attempt, `attempt`.
 * `refused`: SageMaker refuses it; recorded as failed, and may be retried.
 * `unknown`: no clear answer; it stays requested, and polling finds out.
 */
export type StartOutcome = 'started' | 'already' | 'refused' | 'unknown';

export interface StartResult {
  /** As the target table spells it. */
  target: string;
  outcome: StartOutcome;
  attempt?: CompilationAttempt | undefined;
  /** For all but `started`. */
  error?: AppError | undefined;
}

export interface StartReport {
  job: TrainingJob;
  results: readonly StartResult[];
  sessionName: string;
}

/** CreateCompilationJob allows only a few at once. */
const AT_ONCE = 3;
/** Milliseconds after which a start without an answer is left to polling; well below the grace period there. */
const ANSWER_WITHIN = 120_000;
/** Answers after which nothing was made. */
const REFUSALS = new Set<ErrorCode>(['invalid_input', 'permission_denied', 'not_found', 'rate_limited']);

/**
 * @throws AppError when nothing can be started at all: invalid_input (no compile settings, no target, no input
 *   shape), not_found (job or target, with the nearest), conflict (the job is not completed), and as the gateway
 */
export async function startCompilations(
  deps: JobDeps,
  request: StartRequest,
  options: { signal?: AbortSignal } = {},
): Promise<StartReport> {
  const { actor, useCase, why, corrections } = request;
  const settings = requireCompileSettings(useCase, request.job);
  const table = targetTable(settings.customTargets);
  const targets = requestedTargets(request.targets, table);
  if (targets.length === 0)
    throw new AppError('invalid_input', 'No target was given.', {
      hint: `The targets here are ${[...table.keys()].join(', ')}.`,
    });
  const session = await deps.gateway.open(useCase, actor, 'comp');
  const job = await liveJob(deps, session, useCase, request.job, options.signal);
  const model = requireModel(job);
  const facts = await inputFacts(session, job, settings, options.signal);
  const earlier =
    why === 'retry' ? await deps.store.listAttempts({ useCase: useCase.id, job: jobKey(job) }) : [];
  const orders = targets.map((name): StartOrder => {
    const last = attemptsOf(earlier, { useCase: useCase.id, job: jobKey(job), target: name }).at(-1);
    return {
      ...{ request, session, settings, model, job },
      target: findTarget(table, name),
      input: compileInput({ ...facts, corrections: { ...correctionsOf(last?.input), ...corrections } }),
    };
  });
  options.signal?.throwIfAborted();

  const queue = new PQueue({ concurrency: AT_ONCE });
  const results = await Promise.all(orders.map((order) => queue.add(() => startOne(deps, order, options))));
  // Those that were started have been announced already.
  if (results.some(({ outcome }) => outcome === 'already'))
    deps.changes.emit({ useCase: useCase.id, job: jobKey(job), kind: 'already-there' });
  return { job, results, sessionName: session.sessionName };
}

export interface RetryRequest {
  actor: Actor;
  useCase: UseCase;
  /** Id of the attempt that failed or was stopped, as a button carries it. */
  attempt: string;
  corrections?: CompileCorrections | undefined;
}

/** As `startCompilations` for the attempt's job and target, with its corrections. @throws AppError not_found */
export async function retryCompilation(
  deps: JobDeps,
  request: RetryRequest,
  options: { signal?: AbortSignal } = {},
): Promise<StartReport> {
  const { actor, useCase, corrections } = request;
  const { job, target } = await findAttempt(deps, useCase, request.attempt);
  return startCompilations(
    deps,
    { actor, useCase, job, targets: [target], why: 'retry', corrections },
    options,
  );
}

// --- What all targets share ---------------------------------------------------------------------------

/**
 * @param job its key
 * @throws AppError invalid_input: no model of a job there can be compiled, or what to add to the use case
 */
export function requireCompileSettings(useCase: UseCase, job: string): CompileSettings {
  const { provider, name } = readJobKey(job);
  if (!isCompiledFrom(provider))
    throw new AppError('invalid_input', `${name} cannot be compiled: ${noModelWords(provider)}.`, {
      hint: `What can be compiled: ${compiledThings()}.`,
    });
  if (useCase.compile) return useCase.compile;
  throw new AppError('invalid_input', `The use case ${useCase.name} has no compile settings.`, {
    hint: `An admin of Signalbox should add them to ${useCase.id} in signalbox.yaml: compile: { roleArn: arn:aws:iam::${awsOf(useCase).account}:role/NeoExecution, outputS3: s3://bucket/compiled, framework: PYTORCH, targets: [x86_64-cpu] }`,
  });
}

/** @throws AppError conflict when the job is not completed or left no model */
export function requireModel(job: TrainingJob): string {
  requireCompleted(job);
  if (job.modelArtifact) return job.modelArtifact;
  throw new AppError('conflict', `${job.name} is completed and left no model.`, {
    hint: 'A training script writes its model to /opt/ml/model. Look into its log, and train again.',
  });
}

/** What the job and its use case say about the model; tags cost an extra request. */
export async function inputFacts(
  session: UseCaseSession,
  job: TrainingJob,
  settings: CompileSettings,
  signal?: AbortSignal,
): Promise<CompileInputFacts> {
  const tags = await providerNamed(session, job.provider).jobs.tags(job, signal);
  return { tags, hyperparameters: job.hyperparameters, settings };
}

/** What somebody corrected by hand for an earlier attempt. */
function correctionsOf(input: CompileInput | undefined): CompileCorrections {
  const corrections: CompileCorrections = {};
  for (const field of ['framework', 'frameworkVersion', 'dataInputConfig'] as const)
    if (input?.sources[field] === 'correction' && input[field] !== undefined)
      corrections[field] = input[field];
  return corrections;
}

// --- One target ---------------------------------------------------------------------------------------

interface StartOrder {
  request: StartRequest;
  session: UseCaseSession;
  settings: CompileSettings;
  job: TrainingJob;
  /** S3 URI. */
  model: string;
  target: Target;
  input: CompileInput;
}

/** Never throws: one target's failure does not affect the others. */
async function startOne(
  deps: JobDeps,
  order: StartOrder,
  options: { signal?: AbortSignal },
): Promise<StartResult> {
  const { request, session, target } = order;
  let result: StartResult;
  let attempt: CompilationAttempt | undefined;
  try {
    const claimed = await claim(deps, order);
    if ('error' in claimed) result = claimed;
    else {
      attempt = claimed;
      result = await askNeo(deps, order, attempt, options);
    }
  } catch (error) {
    // The store failed, or a bug: the claim stays until polling knows more.
    result = {
      target: target.name,
      outcome: attempt ? 'unknown' : 'refused',
      attempt,
      error: toAppError(error),
    };
  }
  try {
    await deps.store.appendAudit({
      at: deps.clock.now(),
      actor: request.actor,
      action: AUDIT_ACTIONS[result.outcome],
      useCase: request.useCase.id,
      subject: jobKey(order.job),
      sessionName: session.sessionName,
      detail: {
        target: target.name,
        why: request.why,
        ...(result.attempt ? { compilationJob: result.attempt.compilationJob } : {}),
        ...(result.error ? { code: result.error.code, ref: result.error.ref } : {}),
      },
    });
  } catch (error) {
    // It was done; but a missing record must not go unnoticed either.
    result = { ...result, error: result.error ?? toAppError(error) };
  }
  return result;
}

const AUDIT_ACTIONS: Readonly<Record<StartOutcome, string>> = {
  started: 'compilation.started',
  already: 'compilation.not_started',
  refused: 'compilation.refused',
  unknown: 'compilation.unclear',
};

/** A stored attempt that now holds the claim, or the one that already holds it. */
async function claim(
  deps: JobDeps,
  { request, settings, job, target, input }: StartOrder,
): Promise<CompilationAttempt | (StartResult & { error: AppError })> {
  const pair = { useCase: request.useCase.id, job: jobKey(job), target: target.name };
  let conflict: AppError | undefined;
  // If the claim was freed between the refusal and looking up its holder, we can take it.
  for (let round = 0; round < 3; round += 1) {
    const id = randomUUID();
    const attempt = newAttempt({
      ...pair,
      id,
      compilationJob: compilationJobName(job.name, target.name, id.slice(0, 8)),
      startedBy: request.actor,
      why: request.why,
      askedAt: deps.clock.now(),
      input,
      limitSeconds: settings.timeoutSeconds,
    });
    try {
      await deps.store.addAttempt(attempt);
      deps.changes.emit({ useCase: pair.useCase, job: pair.job, kind: 'compilation', attempt });
      return attempt;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'conflict') throw error;
      conflict = error;
      const attempts = await deps.store.listAttempts({ useCase: pair.useCase, job: pair.job });
      const holder = claimHolder(attempts, pair);
      if (holder && request.resume && isUnasked(holder, request.why)) return holder;
      if (holder)
        return { target: target.name, outcome: 'already', attempt: holder, error: alreadyClaimed(holder) };
    }
  }
  return { target: target.name, outcome: 'already', error: conflict! };
}

/** Claimed, with no word from SageMaker since. */
export const isUnasked = (attempt: CompilationAttempt, why: CompilationReason): boolean =>
  attempt.why === why && currentStatus(attempt) === 'REQUESTED';

async function askNeo(
  deps: JobDeps,
  { request, session, settings, model, target, input }: StartOrder,
  attempt: CompilationAttempt,
  options: { signal?: AbortSignal },
): Promise<StartResult> {
  const { useCase } = request;
  const { compilationJob } = attempt;
  const late = AbortSignal.timeout(ANSWER_WITHIN);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  try {
    await session.compiler.start(
      {
        compilationJob,
        model,
        framework: input.framework,
        frameworkVersion: input.frameworkVersion,
        dataInputConfig: input.dataInputConfig,
        target,
        // Neo names its file after model and platform, so two jobs, or two targets of one platform, would collide.
        outputS3: `${settings.outputS3.replace(/\/+$/, '')}/${compilationJob}/`,
        roleArn: settings.roleArn,
        timeoutSeconds: settings.timeoutSeconds,
      },
      signal,
    );
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'conflict') return settleTaken(deps, useCase, session, attempt, error);
    if (!REFUSALS.has(error.code)) return { target: target.name, outcome: 'unknown', attempt, error };
    const refused = await observeAttempt(deps, useCase, attempt.id, {
      kind: 'refused',
      at: deps.clock.now(),
      message: [error.message, error.hint].filter(Boolean).join(' '),
    });
    return { target: target.name, outcome: 'refused', attempt: refused, error };
  }
  const at = deps.clock.now();
  const started = await observeAttempt(deps, useCase, attempt.id, { kind: 'status', status: 'STARTING', at });
  if (currentStatus(started) !== 'FAILED')
    return { target: target.name, outcome: 'started', attempt: started };
  return settleOrphan(session, started);
}

/** The name is taken by our own request, whose first try got through without an answer. */
async function settleTaken(
  deps: JobDeps,
  useCase: UseCase,
  session: UseCaseSession,
  attempt: CompilationAttempt,
  error: AppError,
): Promise<StartResult> {
  const { target } = attempt;
  const at = deps.clock.now();
  const there = await session.compiler.describe(attempt.compilationJob);
  if (!there) return { target, outcome: 'unknown', attempt, error };
  const seen = await observeAttempt(deps, useCase, attempt.id, { kind: 'status', at, ...there });
  return { target, outcome: 'started', attempt: seen };
}

/**
 * The process slept so long between claim and request that the attempt was given up meanwhile. There may be another one
 * by now, so this one must not continue. If it had begun and then failed, it has ended all the same.
 */
async function settleOrphan(session: UseCaseSession, attempt: CompilationAttempt): Promise<StartResult> {
  const { target } = attempt;
  if (attempt.startedAt !== undefined || attempt.statuses.some(({ status }) => status === 'STARTING'))
    return { target, outcome: 'started', attempt };
  await session.compiler.stop(attempt.compilationJob);
  const error = new AppError('timeout', `The start for ${target} came too late and was stopped again.`, {
    hint: 'Retry it.',
  });
  return { target, outcome: 'refused', attempt, error };
}
