/** Everything that a job card, a table row or a details view shows, composed from the store alone. */
import type { JobCompilationState, OverallState, TargetState } from '../domain/compilation-states.ts';
import type { CompilationAttempt } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import type { FailureAdvice, TrainingGuidance } from '../domain/failure-guidance.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs, JobRecord } from '../ports.ts';
import type { JobDeps } from './job-deps.ts';

export interface TargetSnapshot extends TargetState {
  /** Milliseconds since its start, or from start to end; of `attempt`. */
  elapsedMs?: number | undefined;
  /** Median of the use case's completed compilations for this target, milliseconds. */
  usualMs?: number | undefined;
  live: boolean;
  compiled: boolean;
  /** It may be started or tried again: the training is completed and nothing live or successful is there. */
  startable: boolean;
  /** Of a failed or stopped one. */
  advice?: FailureAdvice | undefined;
  /** Oldest first. */
  history: readonly CompilationAttempt[];
  /** Made from this target's compilations, oldest first. */
  components: readonly Component[];
  /** It is compiled, and no component of it is made or being made. */
  packageable: boolean;
}

export interface JobSnapshot {
  useCase: UseCase;
  job: TrainingJob;
  card: JobRecord['card'];
  overall: OverallState;
  /** The use case's own targets first, then those that were tried besides. */
  targets: readonly TargetSnapshot[];
  /** All, oldest first. */
  attempts: readonly CompilationAttempt[];
  /** All, oldest first. */
  components: readonly Component[];
  /** The training, a compilation or a component may still change. */
  live: boolean;
  /** The training is completed and the use case compiles. */
  compilable: boolean;
  /** Why the training failed or stopped, by its reason alone; the log's end may say more (`trainingFailure`). */
  guidance?: TrainingGuidance | undefined;
  /** When AWS last answered about anything of it. */
  lastCheckedAt: EpochMs;
  /** The last question that got no answer since. */
  failedCheck?: { at: EpochMs; message: string } | undefined;
  /** Slack users who asked for compilations of it, in order; nobody for what went by itself. */
  people: readonly string[];
}

export type SnapshotDeps = Pick<JobDeps, 'clock'> & {
  store: Pick<JobDeps['store'], 'getJob' | 'listJobs' | 'listAttempts' | 'listComponents'>;
};

/** @returns undefined for a job that is not known (yet) */
export function jobSnapshot(
  deps: SnapshotDeps,
  useCase: UseCase,
  job: string,
): Promise<JobSnapshot | undefined> {
  return Promise.reject(new Error(`${deps} ${useCase} ${job}`));
}

export interface JobFilter {
  states?: readonly JobCompilationState[] | undefined;
  /** The training's own word, any letter case: `InProgress`. */
  training?: readonly string[] | undefined;
  provider?: TrainingJob['provider'] | undefined;
  /** Part of the name, without letter case. */
  name?: string | undefined;
  /** Slack user id: jobs that this person asked for compilations of. */
  person?: string | undefined;
  /** Only what may still change. */
  live?: boolean | undefined;
}

export interface JobPage {
  jobs: readonly JobSnapshot[];
  /** That match the filter, on all pages. */
  total: number;
  /** How many there are in each state before `states` is applied: for the filter's words. */
  counts: Readonly<Record<JobCompilationState, number>>;
  /** From 0; the one asked for, or the last there is. */
  page: number;
  pages: number;
}

/** Known jobs, newest first by creation. */
export function jobPage(
  deps: SnapshotDeps,
  useCases: readonly UseCase[],
  query: { filter?: JobFilter; page?: number; pageSize: number },
): Promise<JobPage> {
  return Promise.reject(new Error(`${deps} ${useCases} ${query}`));
}
