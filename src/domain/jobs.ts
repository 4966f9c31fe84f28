/** A training job: one training run, wherever it runs; or a job of SageMaker's other kinds. */

import type { JobParts } from './job-parts.ts';
import type { JobState } from './job-states.ts';
import type { MetricDefinition } from './metric-definitions.ts';
import { isCompiledFrom, PROVIDERS, type ProviderName } from './providers.ts';

export type { JobState };

/**
 * What else counts about where a job stands. Of one that runs: it waits for its machines (`preparing`), or for machines
 * that were taken back (`interrupted`), and prints nothing meanwhile. Of one that was stopped: which limit stopped it, or
 * that its provider does not say who did (`unexplained`).
 */
export type JobPhase = 'preparing' | 'interrupted' | 'runtime-limit' | 'wait-limit' | 'unexplained';

export interface TrainingJob {
  name: string;
  useCase: string;
  provider: ProviderName;
  /** AWS's own name of it; none elsewhere. */
  arn?: string | undefined;
  state: JobState;
  /** Left out if it is not known, or does not apply. */
  phase?: JobPhase | undefined;
  /** The provider's word, letter case as given: to be shown, never compared. */
  status: string;
  /** The provider's second word, to be shown. */
  secondaryStatus?: string | undefined;
  failureReason?: string | undefined;
  /** How its process ended, if the provider says. The code is null after a signal (`SIGKILL`). `lost`: nothing saw it. */
  exit?: { code: number | null; signal: string | null } | 'lost' | undefined;
  instanceType?: string | undefined;
  instanceCount?: number | undefined;
  /** What else is worth showing of it, by name; in lists too. */
  facts?: Readonly<Record<string, string>> | undefined;
  /** US dollars, now; left out if the provider does not say, or it costs nothing. */
  costPerHour?: number | undefined;
  /** Milliseconds since the epoch. */
  createdAt: number;
  startedAt?: number | undefined;
  endedAt?: number | undefined;
  /** URI of the trained model, once there is one. From here on: only in descriptions of single jobs, not in lists. */
  modelArtifact?: string | undefined;
  /** The job that it is a part of, by its key: that one's card and alerts tell of it. */
  parent?: string | undefined;
  /** What it is made of: the jobs of a tuning job, the steps of a pipeline. */
  parts?: JobParts | undefined;
  /** As the service keeps them: all texts. */
  hyperparameters?: Readonly<Record<string, string>> | undefined;
  /** The last values of the metrics that the service watches, as far as they are finite. */
  finalMetrics?: readonly { name: string; value: number; at?: number | undefined }[] | undefined;
  /** How it finds them in the log. */
  metricDefinitions?: readonly MetricDefinition[] | undefined;
}

/** Where a job stands: our word and the provider's own. */
export type JobStanding = Pick<TrainingJob, 'state' | 'phase' | 'status' | 'secondaryStatus'>;

/** Whether it has left a model that can be compiled: only trainings do. */
export function leavesModel({ state, provider }: Pick<TrainingJob, 'state' | 'provider'>): boolean {
  return state === 'completed' && isCompiledFrom(provider);
}

/** Whether the job may still write to its log. An unknown state counts as running: nothing is cut short. */
export function isFinished({ state }: Pick<TrainingJob, 'state'>): boolean {
  return state === 'completed' || state === 'failed' || state === 'stopped';
}

/** Whether it will end by itself, or somebody waits for what it becomes: not a service that is up. */
export function isOnItsWay(job: Pick<TrainingJob, 'state' | 'provider'>): boolean {
  return !isFinished(job) && !(PROVIDERS[job.provider].stays && job.state === 'running');
}

/** Which log a job's is for whoever keeps logs: a job that was deleted and made again under its name has another. */
export function keptAs(job: TrainingJob): { edition: string; endedAt: number | undefined } {
  return { edition: String(job.createdAt), endedAt: isFinished(job) ? job.endedAt : undefined };
}

/** Two words that the adapter does not know are the same state only when they are the same word. */
export function sameState(
  a: Pick<TrainingJob, 'state' | 'status'>,
  b: Pick<TrainingJob, 'state' | 'status'>,
): boolean {
  return a.state === b.state && (a.state !== 'unknown' || a.status.toLowerCase() === b.status.toLowerCase());
}
