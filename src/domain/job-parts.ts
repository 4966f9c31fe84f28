/** What a job is made of that is told of in one card: the training jobs of a tuning job, the steps of a pipeline. */
import type { EpochMs } from '../ground/time.ts';
import type { JobState } from './job-states.ts';

export interface JobPart {
  /** A training job's name, or a step's. */
  name: string;
  state: JobState;
  /** The service's word, to be shown. */
  status: string;
  /** Key of the job that it ran as, whose log is its log. */
  job?: string | undefined;
  /** What is to be said besides: its objective, "from the cache", "skipped". */
  note?: string | undefined;
  /** Milliseconds since the epoch. */
  startedAt?: number | undefined;
  endedAt?: number | undefined;
}

/** Why parts failed: one cause of many. */
export interface PartsCause {
  cause: string;
  /** Parts that failed for it. */
  count: number;
  /** One of them. */
  example: string;
  /** Its job's key, whose log says more. */
  job?: string | undefined;
  /** The service's own words about it. */
  reason?: string | undefined;
  /** When it failed. */
  at?: EpochMs | undefined;
}

export interface JobParts {
  thing: 'training job' | 'step';
  /** All there are, also those that are not shown. */
  total: number;
  counts: Readonly<Partial<Record<JobState, number>>>;
  /** Best first, or in the order of their start. */
  shown: readonly JobPart[];
  /** Most frequent first. */
  causes: readonly PartsCause[];
}

/** Parts that a record keeps: more fit no window. */
export const PARTS_KEPT = 60;
/** Different causes that a record keeps. */
const CAUSES_KEPT = 5;

export function countStates(states: readonly JobState[]): JobParts['counts'] {
  const counts: Partial<Record<JobState, number>> = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** A part that failed. */
export interface PartFailure extends Omit<PartsCause, 'count' | 'example'> {
  name: string;
}

/**
 * Failures by cause, whatever differs in their details; of each the first one is the example.
 * @param failures `cause` as it is to be told
 */
export function causesOf(failures: readonly PartFailure[]): PartsCause[] {
  const causes = new Map<string, PartsCause>();
  for (const { name, ...failure } of [...failures].sort(byTime)) {
    const known = causes.get(failure.cause);
    causes.set(
      failure.cause,
      known ? { ...known, count: known.count + 1 } : { ...failure, count: 1, example: name },
    );
  }
  return [...causes.values()].sort((a, b) => b.count - a.count).slice(0, CAUSES_KEPT);
}

const byTime = (a: PartFailure, b: PartFailure): number =>
  (a.at ?? Number.POSITIVE_INFINITY) - (b.at ?? Number.POSITIVE_INFINITY) || 0;

/** How many parts failed. */
export const failedParts = (parts: JobParts | undefined): number => parts?.counts.failed ?? 0;
