/** Everything that a job card, a table row or a details view shows, from the store alone. */

import { isBackgroundActor } from '../domain/background-actor.ts';
import {
  elapsedMs,
  JOB_STATE_LABELS,
  type JobCompilationState,
  jobCompilations,
  type OverallState,
  type TargetState,
  targetStates,
  usualDurationMs,
  wantedTargets,
} from '../domain/compilation-states.ts';
import { type CompilationAttempt, isLive, isSuccessful } from '../domain/compilations.ts';
import { type Component, isSettled } from '../domain/components.ts';
import {
  type FailureAdvice,
  guidanceForTraining,
  type TrainingGuidance,
} from '../domain/failure-guidance.ts';
import { isPartOfAnother } from '../domain/job-families.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { isFinished, isOnItsWay, type JobState, leavesModel, type TrainingJob } from '../domain/jobs.ts';
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
  curves: JobRecord['curves'];
  start: JobRecord['start'];
  stop: JobRecord['stop'];
  overall: OverallState;
  /** The use case's own targets first, then any others that were tried. */
  targets: readonly TargetSnapshot[];
  /** All, oldest first. */
  attempts: readonly CompilationAttempt[];
  /** All, oldest first. */
  components: readonly Component[];
  /** `mayChange`. */
  live: boolean;
  /** The training has left a model, and the use case compiles. */
  compilable: boolean;
  /** Why the training failed or stopped, from its reason alone; the log's end may say more (`trainingFailure`). */
  guidance?: TrainingGuidance | undefined;
  /** The oldest of AWS's latest answers about what is still live; if nothing is, its latest answer about anything. */
  lastCheckedAt: EpochMs;
  /** It has ended, and only a list has said so: what lists leave out nobody has asked for yet. */
  isOnlyListed: boolean;
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
  const wanted = wantedTargets(job.provider, useCase.compile?.targets ?? []);
  const compilable = useCase.compile !== undefined && leavesModel(job);
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
  return {
    useCase,
    job,
    card: record.card,
    rerun: record.rerun,
    curves: record.curves,
    start: record.start,
    stop: record.stop,
    overall: jobCompilations(job, attempts, wanted),
    targets,
    attempts,
    components,
    live: mayChange(job, attempts, components),
    compilable,
    guidance: guidanceForTraining(job),
    isOnlyListed: isFinished(job) && !record.described,
    ...checks(record, attempts, components),
    people: peopleOf(record, attempts),
  };
}

/** The training, a compilation or a component may still change. */
function mayChange(
  job: TrainingJob,
  attempts: readonly CompilationAttempt[],
  components: readonly Component[],
): boolean {
  return isOnItsWay(job) || attempts.some(isLive) || !components.every(isSettled);
}

function peopleOf({ rerun, start }: JobRecord, attempts: readonly CompilationAttempt[]): string[] {
  const people = [
    ...(rerun ? [rerun.by] : []),
    ...(start ? [start.by] : []),
    ...attempts.map(({ startedBy }) => startedBy),
  ].filter((actor) => !isBackgroundActor(actor));
  return [...new Set(people.map(({ user }) => user))];
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
  /** Those that belong to a tuning job or a pipeline, which stand in its details: listed where a name or kind is asked for. */
  folded: number;
  /** Where any of the known jobs run. */
  providers: readonly ProviderName[];
  /** How many are in each state, before filtering by state. */
  counts: JobCounts;
  /** From 0; the requested one, or the last. */
  page: number;
  pages: number;
}

/** More than any page shows; older jobs are found by name. */
const JOBS_LIMIT = 5_000;

/** What is known of one use case's jobs: the same for all of them. */
interface Known {
  useCase: UseCase;
  /** Of a job by its key, oldest first. */
  attemptsOf: (key: string) => readonly CompilationAttempt[];
  componentsOf: (key: string) => readonly Component[];
  overallOf: (job: TrainingJob, attempts: readonly CompilationAttempt[]) => OverallState;
  usual: UsualDurations;
}

/**
 * Known jobs, newest first by creation. All of them are counted, in one pass that asks little of each: there are
 * thousands, and the rest is worked out for the few that are shown.
 */
export async function jobPage(
  { store, clock }: SnapshotDeps,
  useCases: readonly UseCase[],
  query: { filter?: JobFilter; page?: number; pageSize: number },
): Promise<JobPage> {
  const { filter = {} } = query;
  const isNarrow = filter.name !== undefined || filter.provider !== undefined;
  const providers = new Set<ProviderName>();
  const counts = noCounts();
  const found: { known: Known; record: JobRecord }[] = [];
  let folded = 0;
  const perUseCase = await Promise.all(useCases.map((useCase) => knownJobs(store, useCase)));
  for (const { records, known } of perUseCase) {
    const { useCase } = known;
    const tunings = new Set(records.flatMap(({ job }) => (job.provider === 'tuning' ? [job.name] : [])));
    for (const record of records) {
      const { job } = record;
      if (!isNarrow && isPartOfAnother(useCase, job, tunings)) {
        folded += 1;
        continue;
      }
      providers.add(job.provider);
      if (!fits(known, record, filter)) continue;
      const overall = known.overallOf(job, known.attemptsOf(jobKey(job)));
      counts.training[trainingState(job)] += 1;
      if (overall.applies) counts.compilation[overall.state] += 1;
      if (isInState(job, overall, filter)) found.push({ known, record });
    }
  }
  // Those of one use case are in order.
  if (useCases.length > 1) found.sort((a, b) => b.record.job.createdAt - a.record.job.createdAt);

  const now = clock.now();
  const pageSize = Math.max(1, query.pageSize);
  const pages = Math.max(1, Math.ceil(found.length / pageSize));
  const page = Math.min(Math.max(0, query.page ?? 0), pages - 1);
  const jobs = found
    .slice(page * pageSize, (page + 1) * pageSize)
    .map(({ known: { useCase, attemptsOf, componentsOf, usual }, record }) => {
      const key = jobKey(record.job);
      return compose(useCase, record, attemptsOf(key), componentsOf(key), usual, now);
    });
  return { jobs, total: found.length, folded, providers: [...providers], counts, page, pages };
}

async function knownJobs(
  store: SnapshotDeps['store'],
  useCase: UseCase,
): Promise<{ records: readonly JobRecord[]; known: Known }> {
  const [records, attempts, components] = await Promise.all([
    store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT }),
    store.listAttempts({ useCase: useCase.id }),
    store.listComponents({ useCase: useCase.id }),
  ]);
  return {
    records,
    known: {
      useCase,
      attemptsOf: groupBy(attempts, ({ job }) => job),
      componentsOf: groupBy(components, ({ chain }) => chain.trainingJob),
      overallOf: compilationsIn(useCase),
      usual: usualDurations(attempts),
    },
  };
}

/** Of jobs that nobody has tried to compile, all that stand in one place are in the same state: worked out once. */
function compilationsIn(
  useCase: UseCase,
): (job: TrainingJob, attempts: readonly CompilationAttempt[]) => OverallState {
  const targets = useCase.compile?.targets ?? [];
  const untried: Partial<Record<ProviderName, Partial<Record<JobState, OverallState>>>> = {};
  return (job, attempts) => {
    if (attempts.length > 0) return jobCompilations(job, attempts, targets);
    untried[job.provider] ??= {};
    const states = untried[job.provider]!;
    states[job.state] ??= jobCompilations(job, attempts, targets);
    return states[job.state]!;
  };
}

function noCounts(): { [K in keyof JobCounts]: Record<keyof JobCounts[K], number> } {
  const none = <K extends string>(keys: readonly K[]) =>
    Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
  return {
    training: none(TRAINING_STATES),
    compilation: none(Object.keys(JOB_STATE_LABELS) as JobCompilationState[]),
  };
}

function isInState(
  job: TrainingJob,
  overall: OverallState,
  { training, compilation, ended }: JobFilter,
): boolean {
  const trained = trainingState(job);
  const compiled = overall.applies ? overall.state : undefined;
  return (
    (training === undefined || training === trained) &&
    (compilation === undefined || compilation === compiled) &&
    (ended === undefined || ended === trained || ended === compiled)
  );
}

function fits({ attemptsOf, componentsOf }: Known, record: JobRecord, filter: JobFilter): boolean {
  const { job } = record;
  const { provider, name, person, live } = filter;
  if (provider !== undefined && job.provider !== provider) return false;
  if (name !== undefined && !job.name.toLowerCase().includes(name.trim().toLowerCase())) return false;
  if (person === undefined && live === undefined) return true;
  const key = jobKey(job);
  return (
    (person === undefined || peopleOf(record, attemptsOf(key)).includes(person)) &&
    (live === undefined || mayChange(job, attemptsOf(key), componentsOf(key)) === live)
  );
}

function groupBy<T>(list: readonly T[], key: (one: T) => string): (key: string) => readonly T[] {
  if (list.length === 0) return () => [];
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const group = groups.get(key(one));
    if (group) group.push(one);
    else groups.set(key(one), [one]);
  }
  return (name) => groups.get(name) ?? [];
}
