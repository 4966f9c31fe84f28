/** Training jobs: where they run, what is known of them, starting one again. */

import type { JobStanding, TrainingJob } from '../domain/jobs.ts';
import type { ProviderName } from '../domain/providers.ts';
import type { EpochMs } from '../ground/time.ts';

/** The training jobs of one use case. */
export interface JobCatalog {
  /** @returns undefined when there is no such job */
  find(name: string, signal?: AbortSignal): Promise<TrainingJob | undefined>;
  /** Newest first. `nameContains` matches anywhere, without letter case where the service can. */
  list(query: { nameContains?: string; limit: number }, signal?: AbortSignal): Promise<TrainingJob[]>;
  /** The job's tags, key → value; empty where its service has none. A request of its own: only ask when needed. */
  tags(
    job: Pick<TrainingJob, 'name' | 'arn'>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}

/** Where training runs. */
export interface TrainingProvider {
  readonly name: ProviderName;
  /** What the provider says of a run that was started a moment ago. */
  readonly begins: JobStanding;
  /** What an existing job would be run again with. @returns undefined when there is no such job */
  setup(job: string, signal?: AbortSignal): Promise<TrainingSetup | undefined>;
  /**
   * Starts a run. The same request again is the same run: its name is what it is known by.
   * @returns the run's id: for SageMaker its name
   * @throws AppError not_found: no such job to repeat · conflict: it cannot be repeated, or the name is another
   *   job's · invalid_input, permission_denied, rate_limited: refused, nothing was started · unavailable, timeout:
   *   not known whether it was started, the same request again tells
   */
  deploy(request: TrainingRequest, signal?: AbortSignal): Promise<string>;
}

export interface TrainingSetup {
  hyperparameters: Readonly<Record<string, string>>;
  /** Left out where the job does not run on so many of one type: then its machines cannot be chosen here. */
  machines?: { type: string; count: number } | undefined;
  /** What to know before it is run again: what goes on from the old run, and what is different. A sentence each. */
  notes: readonly string[];
  /** Why it cannot be run again. */
  refusal?: { reason: string; hint: string } | undefined;
}

export interface TrainingRequest {
  /** Of the new run. */
  name: string;
  /** The job that it repeats; all that is not said here is as it was there. */
  again: string;
  /** All of them, not only the changed ones. */
  hyperparameters: Readonly<Record<string, string>>;
  machines?: TrainingSetup['machines'];
  /** When somebody began to ask for it: a run of that name from before is another one. */
  askedAt: EpochMs;
}
