/**
 * Compilation attempts: what was tried, by whom and why, and everything that was seen of it since.
 * A list of attempts only grows. An attempt changes by observations alone, and only forward: SageMaker's
 * answers come late, twice, out of order, in other letter cases, or not at all.
 */

import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { CompileInput } from './compile-input.ts';

/**
 * Why an attempt was made: a person asked, the use case compiles by itself, an earlier one failed; or it was
 * started outside Signalbox (console, pipeline, an earlier installation) and found later.
 */
export type CompilationReason = 'manual' | 'auto' | 'retry' | 'elsewhere';

export interface CompilationStatusEntry {
  /** SageMaker's word in upper case, `REQUESTED` before SageMaker knows of it; an unknown word as it came. */
  status: string;
  at: EpochMs;
}

export interface CompilationAttempt {
  id: string;
  useCase: string;
  /** The training job's name. */
  job: string;
  target: string;
  /** The name of the SageMaker compilation job. */
  compilationJob: string;
  startedBy: Actor;
  why: CompilationReason;
  askedAt: EpochMs;
  /** What was compiled, so that a retry can start from the same. */
  input?: CompileInput | undefined;
  /** MaxRuntimeInSeconds that it was started with. */
  limitSeconds?: number | undefined;
  /** Oldest first, never empty, no word twice. */
  statuses: readonly CompilationStatusEntry[];
  /** SageMaker's own words. Written once. */
  failureReason?: string | undefined;
  startedAt?: EpochMs | undefined;
  endedAt?: EpochMs | undefined;
  /** S3 URI of the compiled model; only of a completed one. */
  artifact?: string | undefined;
  /** When SageMaker last answered. */
  lastCheckedAt?: EpochMs | undefined;
  /** The last check, if it got no answer; removed by the next answer. */
  failedCheck?: { at: EpochMs; message: string } | undefined;
  /** It completed and is to be packaged automatically. Removed once that is done, so a restart still does it. */
  packageDue?: boolean | undefined;
  /** It was over before Signalbox first saw it: recorded, but not reported. */
  old?: boolean | undefined;
}

export type CompilationObservation =
  /** An answer of DescribeCompilationJob, or an event that says as much of it. */
  | {
      kind: 'status';
      /** When it was seen. */
      at: EpochMs;
      status: string;
      /** When it changed, according to SageMaker. */
      changedAt?: EpochMs | undefined;
      failureReason?: string | undefined;
      startedAt?: EpochMs | undefined;
      endedAt?: EpochMs | undefined;
      artifact?: string | undefined;
    }
  /** SageMaker refused to start it: certain not to exist. A timeout is no refusal. Ignored once it was seen. */
  | { kind: 'refused'; at: EpochMs; message: string }
  /** A check without an answer: throttled, denied, unreachable. Says nothing about the compilation. */
  | { kind: 'check-failed'; at: EpochMs; message: string };

/** Position on the way; a status is only ever followed by one further on. */
const RANK: Readonly<Record<string, number>> = {
  REQUESTED: 0,
  STARTING: 1,
  INPROGRESS: 2,
  STOPPING: 3,
  COMPLETED: 4,
  FAILED: 4,
  STOPPED: 4,
};
const TERMINAL_RANK = 4;

/** `InProgress`, `IN_PROGRESS` → `INPROGRESS`; an unknown word as it came. */
export function normalizeStatus(status: string): string {
  const plain = status.toUpperCase().replace(/[^A-Z]/g, '');
  return Object.hasOwn(RANK, plain) ? plain : status;
}

export function currentStatus(attempt: CompilationAttempt): string {
  return attempt.statuses.at(-1)!.status;
}

/** Whether it may still change. An unknown status counts as live: nothing is started twice. */
export function isLive(attempt: CompilationAttempt): boolean {
  return !isTerminal(currentStatus(attempt));
}

export function isSuccessful(attempt: CompilationAttempt): boolean {
  return currentStatus(attempt) === 'COMPLETED';
}

export function newAttempt(
  facts: Pick<
    CompilationAttempt,
    | 'id'
    | 'useCase'
    | 'job'
    | 'target'
    | 'compilationJob'
    | 'startedBy'
    | 'why'
    | 'askedAt'
    | 'input'
    | 'limitSeconds'
  >,
): CompilationAttempt {
  return { ...facts, statuses: [{ status: 'REQUESTED', at: facts.askedAt }] };
}

/**
 * The attempt after an observation; the very same object when it says nothing new.
 * Statuses only move forward, and the first terminal one stays. Facts that SageMaker writes once (reason,
 * start, end, artifact) are filled in when they come, however late, and never replaced.
 */
export function applyObservation(
  attempt: CompilationAttempt,
  observation: CompilationObservation,
): CompilationAttempt {
  switch (observation.kind) {
    case 'check-failed':
      return applyFailedCheck(attempt, observation);
    case 'refused':
      if (currentStatus(attempt) !== 'REQUESTED') return attempt;
      return applyStatus(attempt, {
        ...observation,
        kind: 'status',
        status: 'FAILED',
        failureReason: observation.message,
        endedAt: observation.at,
      });
    case 'status':
      return applyStatus(attempt, observation);
  }
}

function applyFailedCheck(
  attempt: CompilationAttempt,
  { at, message }: { at: EpochMs; message: string },
): CompilationAttempt {
  const known = Math.max(attempt.lastCheckedAt ?? 0, attempt.failedCheck?.at ?? 0);
  return at > known ? { ...attempt, failedCheck: { at, message } } : attempt;
}

function applyStatus(
  attempt: CompilationAttempt,
  seen: Extract<CompilationObservation, { kind: 'status' }>,
): CompilationAttempt {
  const changes: Partial<CompilationAttempt> = {};
  const status = normalizeStatus(seen.status);
  if (isForward(attempt, status)) {
    const previous = attempt.statuses.at(-1)!.at;
    const at = Math.max(previous, seen.changedAt ?? seen.at);
    changes.statuses = [...attempt.statuses, { status, at }];
  }

  const now = (changes.statuses ?? attempt.statuses).at(-1)!.status;
  // Neo fills the artifact's place from the beginning and events may lag: only the status says what holds.
  if (now === status && isTerminal(status)) {
    if (seen.failureReason && status !== 'COMPLETED') changes.failureReason = seen.failureReason;
    if (seen.artifact && status === 'COMPLETED') changes.artifact = seen.artifact;
    if (seen.endedAt !== undefined) changes.endedAt = seen.endedAt;
  }
  if (seen.startedAt !== undefined) changes.startedAt = seen.startedAt;
  for (const once of ['failureReason', 'artifact', 'endedAt', 'startedAt'] as const)
    if (attempt[once] !== undefined) delete changes[once];

  if (seen.at > (attempt.lastCheckedAt ?? Number.NEGATIVE_INFINITY)) changes.lastCheckedAt = seen.at;
  if (attempt.failedCheck && seen.at >= attempt.failedCheck.at) changes.failedCheck = undefined;
  return Object.keys(changes).length === 0 ? attempt : { ...attempt, ...changes };
}

function isForward(attempt: CompilationAttempt, status: string): boolean {
  if (!isLive(attempt)) return false;
  const folded = status.toLowerCase();
  if (attempt.statuses.some((entry) => entry.status.toLowerCase() === folded)) return false;
  const rank = rankOf(status);
  // An unknown status has no place on the way: it is shown, and what is known may follow it.
  if (rank === undefined) return true;
  return attempt.statuses.every((entry) => (rankOf(entry.status) ?? -1) < rank);
}

function rankOf(status: string): number | undefined {
  return Object.hasOwn(RANK, status) ? RANK[status] : undefined;
}

function isTerminal(status: string): boolean {
  return rankOf(status) === TERMINAL_RANK;
}

// --- Claims ------------------------------------------------------------------------------------------

export interface CompilationPair {
  useCase: string;
  job: string;
  target: string;
}

/**
 * Key of the claim that at most one live or successful attempt of Signalbox may hold. An attempt started elsewhere
 * is a fact: it is recorded whoever holds the claim, and from then on holds it too.
 */
export function claimKey({ useCase, job, target }: CompilationPair): string {
  return JSON.stringify([useCase, job, target]);
}

/** Whether it may be recorded only if no other attempt holds the claim. */
export function needsClaim({ why }: Pick<CompilationAttempt, 'why'>): boolean {
  return why !== 'elsewhere';
}

export function holdsClaim(attempt: CompilationAttempt): boolean {
  return isLive(attempt) || isSuccessful(attempt);
}

/** The attempt that forbids another one for the pair. */
export function claimHolder(
  attempts: readonly CompilationAttempt[],
  pair: CompilationPair,
): CompilationAttempt | undefined {
  const counts = attemptThatCounts(attemptsOf(attempts, pair));
  return counts && holdsClaim(counts) ? counts : undefined;
}

/**
 * The newest that succeeded, else the live one, else the newest. Several succeed only if somebody compiled elsewhere
 * too, and what was found there last may have been compiled first.
 * @param tried of one pair, oldest first
 */
export function attemptThatCounts(tried: readonly CompilationAttempt[]): CompilationAttempt | undefined {
  return tried.findLast(isSuccessful) ?? tried.find(isLive) ?? tried.at(-1);
}

/** Of one pair, oldest first. */
export function attemptsOf(
  attempts: readonly CompilationAttempt[],
  { useCase, job, target }: CompilationPair,
): CompilationAttempt[] {
  return attempts.filter(
    (attempt) => attempt.useCase === useCase && attempt.job === job && attempt.target === target,
  );
}

/**
 * The attempts with one more at the end.
 * @throws AppError conflict when a live or successful one holds the claim (unless this one was started elsewhere),
 *   or the id is taken
 */
export function addAttempt(
  attempts: readonly CompilationAttempt[],
  attempt: CompilationAttempt,
): CompilationAttempt[] {
  const holder = needsClaim(attempt) ? claimHolder(attempts, attempt) : undefined;
  if (holder) throw alreadyClaimed(holder);
  if (attempts.some(({ id }) => id === attempt.id))
    throw new AppError('conflict', `There is already a compilation attempt ${attempt.id}.`, {
      hint: 'Try again: every attempt gets a new id.',
    });
  return [...attempts, attempt];
}

/** What people are told when another attempt rules out theirs. */
export function alreadyClaimed(holder: CompilationAttempt): AppError {
  return isSuccessful(holder)
    ? new AppError('conflict', `${holder.job} is already compiled for ${holder.target}.`, {
        hint: 'Download the artifact, or compile another target. A new training job gives a new model.',
      })
    : new AppError('conflict', `${holder.job} is already being compiled for ${holder.target}.`, {
        hint: 'Follow it on the job card, or stop it there first.',
      });
}
