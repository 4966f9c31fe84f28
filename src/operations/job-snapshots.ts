/** Everything that a job card, a table row or a details view shows, from the store alone. */

import { isBackgroundActor } from '../domain/background-actor.ts';
import {
  elapsedMs,
  JOB_STATE_LABELS,
  type JobCompilationState,
  type OverallState,
  overallState,
  type TargetState,
  targetStates,
  usualDurationMs,
} from '../domain/compilation-states.ts';
import { type CompilationAttempt, isLive, isSuccessful } from '../domain/compilations.ts';
import { type Component, isSettled } from '../domain/components.ts';
import {
  type FailureAdvice,
  guidanceForTraining,
  type TrainingGuidance,
} from '../domain/failure-guidance.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import type { ProviderName } from '../domain/providers.ts';
import { TRAINING_STATES, type TrainingState, trainingState } from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { EpochMs } from '../ground/time.ts';
import { adviceForAttempt } from './explain-failure.ts';
import type { JobDeps } from './job-deps.ts';

export interface TargetSnapshot extends TargetState {
  /** Milliseconds since its start, or from start to end; of `attempt`. */
  elapsedMs?: number | undefined;
  /** Median of the use case's completed compilations for this target, milliseconds. */
  usualMs?: number | undefined;
  live: boolean;
  compiled: boolean;
  /** It may be started or retried: the training is completed, and no attempt is live or successful. */
  startable: boolean;
  /** If it failed or was stopped. */
  advice?: FailureAdvice | undefined;
  /** Oldest first. */
  history: readonly CompilationAttempt[];
  /** Made from this target's compilations, oldest first. */
  components: readonly Component[];
  /** It is compiled, and no component exists or is being made. */
  packageable: boolean;
}

export interface JobSnapshot {
  useCase: UseCase;
  job: TrainingJob;
  card: JobRecord['card'];
  rerun: JobRecord['rerun'];
  overall: OverallState;
  /** The use case's own targets first, then any others that were tried. */
  targets: readonly TargetSnapshot[];
  /** All, oldest first. */
  attempts: readonly CompilationAttempt[];
  /** All, oldest first. */
  components: readonly Component[];
  /** The training, a compilation or a component may still change. */
  live: boolean;
  /** The training is completed and the use case compiles. */
  compilable: boolean;
  /** Why the training failed or stopped, from its reason alone; the log's end may say more (`trainingFailure`). */
  guidance?: TrainingGuidance | undefined;
  /** The oldest of AWS's latest answers about what is still live; if nothing is, its latest answer about anything. */
  lastCheckedAt: EpochMs;
  /** The latest request without an answer since. */
  failedCheck?: { at: EpochMs; message: string } | undefined;
  /** Slack users who started it again or requested compilations, in order; automatic steps count for nobody. */
  people: readonly string[];
}

export type SnapshotDeps = Pick<JobDeps, 'clock'> & {
  store: Pick<JobDeps['store'], 'getJob' | 'listJobs' | 'listAttempts' | 'listComponents'>;
};

/** @returns undefined for an unknown job */
export async function jobSnapshot(
  { store, clock }: SnapshotDeps,
  useCase: UseCase,
  job: string,
): Promise<JobSnapshot | undefined> {
  const [record, attempts, components, history] = await Promise.all([
    store.getJob(useCase.id, job),
    store.listAttempts({ useCase: useCase.id, job }),
    store.listComponents({ useCase: useCase.id, job }),
    store.listAttempts({ useCase: useCase.id }),
  ]);
  return record && compose(useCase, record, attempts, components, usualDurations(history), clock.now());
}

/** Target → milliseconds. */
type UsualDurations = (target: string) => number | undefined;

/** Each target's median is computed once, however many jobs are shown. */
function usualDurations(history: readonly CompilationAttempt[]): UsualDurations {
  const known = new Map<string, number | undefined>();
  return (target) => {
    if (!known.has(target)) known.set(target, usualDurationMs(history, target));
    return known.get(target);
  };
}

function compose(
  useCase: UseCase,
  record: JobRecord,
  attempts: readonly CompilationAttempt[],
  components: readonly Component[],
  usual: UsualDurations,
  now: EpochMs,
): JobSnapshot {
  const { job } = record;
  const wanted = useCase.compile?.targets ?? [];
  const compilable = useCase.compile !== undefined && job.state === 'completed';
  const targets = targetStates(attempts, wanted).map((state): TargetSnapshot => {
    const { attempt } = state;
    const live = attempt !== undefined && isLive(attempt);
    const compiled = attempt !== undefined && isSuccessful(attempt);
    const made = components.filter(({ chain }) => chain.target === state.target);
    const good = made.some(({ state: word }) => word.toUpperCase() !== 'FAILED');
    return {
      ...state,
      live,
      compiled,
      elapsedMs: attempt && elapsedMs(attempt, now),
      usualMs: usual(state.target),
      startable: compilable && !live && !compiled,
      advice: attempt && adviceForAttempt(attempt),
      history: attempts.filter(({ target }) => target === state.target),
      components: made,
      packageable: useCase.components !== undefined && compiled && !good,
    };
  });
  const people = [
    ...(record.rerun ? [record.rerun.by] : []),
    ...attempts.map(({ startedBy }) => startedBy),
  ].filter((actor) => !isBackgroundActor(actor));
  return {
    useCase,
    job,
    card: record.card,
    rerun: record.rerun,
    overall: overallState(job.state, attempts, wanted),
    targets,
    attempts,
    components,
    live: !isFinished(job) || attempts.some(isLive) || !components.every(isSettled),
    compilable,
    guidance: guidanceForTraining(job),
    ...checks(record, attempts, components),
    people: [...new Set(people.map(({ user }) => user))],
  };
}

/** When AWS last answered, and the latest request since without an answer. Nothing is asked about what has ended. */
function checks(
  record: JobRecord,
  attempts: readonly CompilationAttempt[],
  components: readonly Component[],
): Pick<JobSnapshot, 'lastCheckedAt' | 'failedCheck'> {
  const live = [
    ...(isFinished(record.job) ? [] : [record.seenAt]),
    ...attempts.filter(isLive).map(({ lastCheckedAt, askedAt }) => lastCheckedAt ?? askedAt),
    ...components
      .filter((component) => !isSettled(component))
      .map(({ lastCheckedAt, createdAt }) => lastCheckedAt ?? createdAt),
  ];
  const all = [record.seenAt, ...[...attempts, ...components].map(({ lastCheckedAt }) => lastCheckedAt ?? 0)];
  const lastCheckedAt = live.length > 0 ? Math.min(...live) : Math.max(...all);
  const failed = [record, ...attempts]
    .flatMap(({ failedCheck }) => failedCheck ?? [])
    .sort((a, b) => a.at - b.at);
  return { lastCheckedAt, failedCheck: failed.at(-1) };
}

export interface JobFilter {
  training?: TrainingState | undefined;
  compilation?: JobCompilationState | undefined;
  /** Of the training or the compilations; one is enough. */
  ended?: 'failed' | 'stopped' | undefined;
  provider?: ProviderName | undefined;
  /** Part of the name, ignoring case. */
  name?: string | undefined;
  /** Slack user id: jobs that this person started again or requested compilations of. */
  person?: string | undefined;
  /** Only what may still change. */
  live?: boolean | undefined;
}

/** Compilations are counted only if there is something to compile. */
export interface JobCounts {
  training: Readonly<Record<TrainingState, number>>;
  compilation: Readonly<Record<JobCompilationState, number>>;
}

export interface JobPage {
  jobs: readonly JobSnapshot[];
  /** Matching the filter, on all pages. */
  total: number;
  /** Where any of the known jobs run. */
  providers: readonly ProviderName[];
  /** How many are in each state, before filtering by state. */
  counts: JobCounts;
  /** From 0; the requested one, or the last. */
  page: number;
  pages: number;
}

/** More than any page shows; older jobs are found by name. */
const JOBS_LIMIT = 2_000;

/** Known jobs, newest first by creation. */
export async function jobPage(
  { store, clock }: SnapshotDeps,
  useCases: readonly UseCase[],
  query: { filter?: JobFilter; page?: number; pageSize: number },
): Promise<JobPage> {
  const now = clock.now();
  const perUseCase = await Promise.all(
    useCases.map(async (useCase) => {
      const [records, attempts, components] = await Promise.all([
        store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT }),
        store.listAttempts({ useCase: useCase.id }),
        store.listComponents({ useCase: useCase.id }),
      ]);
      const attemptsOf = groupBy(attempts, ({ job }) => job);
      const componentsOf = groupBy(components, ({ chain }) => chain.trainingJob);
      const usual = usualDurations(attempts);
      return records.map((record) => {
        const key = jobKey(record.job);
        return compose(useCase, record, attemptsOf(key), componentsOf(key), usual, now);
      });
    }),
  );
  const filter = query.filter ?? {};
  const known = perUseCase.flat();
  const matching = known.filter((snapshot) => fits(snapshot, filter));
  const found = matching
    .filter((snapshot) => isInState(snapshot, filter))
    .sort((a, b) => b.job.createdAt - a.job.createdAt);

  const pageSize = Math.max(1, query.pageSize);
  const pages = Math.max(1, Math.ceil(found.length / pageSize));
  const page = Math.min(Math.max(0, query.page ?? 0), pages - 1);
  const jobs = found.slice(page * pageSize, (page + 1) * pageSize);
  const providers = [...new Set(known.map(({ job }) => job.provider))];
  return { jobs, total: found.length, providers, counts: countStates(matching), page, pages };
}

function countStates(snapshots: readonly JobSnapshot[]): JobCounts {
  const none = <K extends string>(keys: readonly K[]) =>
    Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
  const training = none(TRAINING_STATES);
  const compilation = none(Object.keys(JOB_STATE_LABELS) as JobCompilationState[]);
  for (const { job, overall } of snapshots) {
    training[trainingState(job)] += 1;
    if (overall.applies) compilation[overall.state] += 1;
  }
  return { training, compilation };
}

function isInState({ job, overall }: JobSnapshot, { training, compilation, ended }: JobFilter): boolean {
  const trained = trainingState(job);
  const compiled = overall.applies ? overall.state : undefined;
  return (
    (training === undefined || training === trained) &&
    (compilation === undefined || compilation === compiled) &&
    (ended === undefined || ended === trained || ended === compiled)
  );
}

function fits(snapshot: JobSnapshot, filter: JobFilter): boolean {
  const { job } = snapshot;
  return (
    (filter.provider === undefined || job.provider === filter.provider) &&
    (filter.name === undefined || job.name.toLowerCase().includes(filter.name.trim().toLowerCase())) &&
    (filter.person === undefined || snapshot.people.includes(filter.person)) &&
    (filter.live === undefined || snapshot.live === filter.live)
  );
}

function groupBy<T>(list: readonly T[], key: (one: T) => string): (key: string) => readonly T[] {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const group = groups.get(key(one));
    if (group) group.push(one);
    else groups.set(key(one), [one]);
  }
  return (name) => groups.get(name) ?? [];
}
