/** From attempts to what people read: the state of each target and of a whole training job. */
import type { EpochMs } from '../ground/time.ts';
import {
  attemptThatCounts,
  type CompilationAttempt,
  currentStatus,
  isLive,
  isSuccessful,
  normalizeStatus,
} from './compilations.ts';
import type { JobState, TrainingJob } from './jobs.ts';
import { isCompiledFrom, type ProviderName } from './providers.ts';

/** A state in words, with a symbol that never stands alone. */
export interface StateLabel {
  symbol: string;
  word: string;
}

export type JobCompilationState =
  | 'not compiled'
  | 'compiling'
  | 'compiled'
  | 'partly compiled'
  | 'failed'
  | 'stopped';

/** In the order in which filters offer them. */
export const JOB_STATE_LABELS: Readonly<Record<JobCompilationState, StateLabel>> = {
  'not compiled': { symbol: '⚪', word: 'not compiled' },
  compiling: { symbol: '⏳', word: 'compiling' },
  compiled: { symbol: '✅', word: 'compiled' },
  'partly compiled': { symbol: '🌗', word: 'partly compiled' },
  failed: { symbol: '❌', word: 'failed' },
  stopped: { symbol: '⏹️', word: 'stopped' },
};

const STATUS_LABELS: Readonly<Record<string, StateLabel>> = {
  REQUESTED: { symbol: '🕓', word: 'requested' },
  STARTING: { symbol: '🚀', word: 'starting' },
  INPROGRESS: { symbol: '⏳', word: 'compiling' },
  STOPPING: { symbol: '🛑', word: 'stopping' },
  COMPLETED: { symbol: '✅', word: 'compiled' },
  FAILED: { symbol: '❌', word: 'failed' },
  STOPPED: { symbol: '⏹️', word: 'stopped' },
};

/** Any letter case; an unknown status is shown as it is. */
export function statusLabel(status: string): StateLabel {
  const known = normalizeStatus(status);
  return Object.hasOwn(STATUS_LABELS, known) ? STATUS_LABELS[known]! : { symbol: '❔', word: status };
}

export interface TargetState {
  target: string;
  label: StateLabel;
  /** The one that counts. None: never tried. */
  attempt?: CompilationAttempt | undefined;
  /** How often it was tried. */
  attempts: number;
}

/**
 * One training job's targets in the given order, then any others that were tried.
 * @param attempts of one training job, oldest first
 */
export function targetStates(
  attempts: readonly CompilationAttempt[],
  targets: readonly string[],
): TargetState[] {
  const names = new Set([...targets, ...attempts.map(({ target }) => target)]);
  return [...names].map((target) => {
    const tried = attempts.filter((attempt) => attempt.target === target);
    const attempt = attemptThatCounts(tried);
    const label = attempt ? statusLabel(currentStatus(attempt)) : JOB_STATE_LABELS['not compiled'];
    return { target, label, attempt, attempts: tried.length };
  });
}

export interface OverallState {
  /** There is a model that can be compiled, or something was tried. Without it the state says nothing. */
  applies: boolean;
  state: JobCompilationState;
  label: StateLabel;
  /** Targets that are compiled. */
  done: number;
  /** Targets that are wanted or were tried. */
  total: number;
  /** `2/4`. */
  count: string;
}

/** The targets that a use case wants of a job: none where its model is in no place that it can be compiled from. */
export function wantedTargets(provider: ProviderName, targets: readonly string[]): readonly string[] {
  return isCompiledFrom(provider) ? targets : [];
}

/**
 * How far along a job's compilations are, whatever became of its training. Something compiling outweighs all; then
 * what is compiled; then, with nothing compiled, a failure outweighs a stop.
 * @param training where the training stands
 * @param attempts of this training job, oldest first
 * @param targets that the use case wants by default
 */
export function overallState(
  training: JobState,
  attempts: readonly CompilationAttempt[],
  targets: readonly string[],
): OverallState {
  const states = targetStates(attempts, targets);
  const done = states.filter(({ attempt }) => attempt && isSuccessful(attempt)).length;
  const total = states.length;
  const state = decide(states, done);
  const applies = attempts.length > 0 || training === 'completed';
  return { applies, state, label: JOB_STATE_LABELS[state], done, total, count: `${done}/${total}` };
}

function decide(states: readonly TargetState[], done: number): JobCompilationState {
  const tried = states.flatMap(({ attempt }) => (attempt ? [attempt] : []));
  if (tried.some(isLive)) return 'compiling';
  if (done > 0) return done === states.length ? 'compiled' : 'partly compiled';
  const endings = tried.map(currentStatus);
  if (endings.includes('FAILED')) return 'failed';
  if (endings.includes('STOPPED')) return 'stopped';
  return 'not compiled';
}

/** As `overallState` of one job, of which there may be nothing to compile. */
export function jobCompilations(
  job: Pick<TrainingJob, 'state' | 'provider'>,
  attempts: readonly CompilationAttempt[],
  targets: readonly string[],
): OverallState {
  const { provider, state } = job;
  const wanted = wantedTargets(provider, targets);
  return overallState(isCompiledFrom(provider) ? state : 'unknown', attempts, wanted);
}

/** Milliseconds since SageMaker started it (or it was asked for) until its end or now. */
export function elapsedMs(attempt: CompilationAttempt, now: EpochMs): number {
  const end = attempt.endedAt ?? (isLive(attempt) ? now : attempt.statuses.at(-1)!.at);
  return Math.max(0, end - (attempt.startedAt ?? attempt.askedAt));
}

/**
 * How long a target usually takes: the median of its completed attempts, milliseconds. Neo reports no
 * progress, so this is what an elapsed time can be compared with.
 * @returns undefined without any completed attempt
 */
export function usualDurationMs(history: readonly CompilationAttempt[], target: string): number | undefined {
  const durations = history
    .filter((attempt) => attempt.target === target && isSuccessful(attempt))
    .map((attempt) => elapsedMs(attempt, 0))
    .sort((a, b) => a - b);
  if (durations.length === 0) return undefined;
  const middle = durations.length / 2;
  return Number.isInteger(middle)
    ? (durations[middle - 1]! + durations[middle]!) / 2
    : durations[Math.floor(middle)]!;
}
