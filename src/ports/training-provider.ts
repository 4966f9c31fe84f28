/** Training jobs: where they run, what is known about them, and starting one again. */

import type { JobStanding, TrainingJob } from '../domain/jobs.ts';
import type { ProviderName } from '../domain/providers.ts';
import type { SessionOperation } from '../domain/session-name.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { EpochMs } from '../ground/time.ts';
import type { AwsAccount } from './aws-account.ts';
import type { LogSource } from './log-source.ts';

/** The training jobs of one use case. */
export interface JobCatalog {
  /** @returns undefined when there is no such job */
  find(name: string, signal?: AbortSignal): Promise<TrainingJob | undefined>;
  /** Newest first. `nameContains` matches anywhere, ignoring case where the service can. */
  list(query: { nameContains?: string; limit: number }, signal?: AbortSignal): Promise<TrainingJob[]>;
  /** The job's tags, key → value; empty if its service has none. It costs a request, so ask only when needed. */
  tags(
    job: Pick<TrainingJob, 'name' | 'arn'>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}

/**
 * Where training runs, opened for one person and one operation. Differences between services end here: see
 * docs/adding-a-provider.md, and the contract in test/contract/training-provider.ts.
 */
export interface TrainingProvider {
  readonly name: ProviderName;
  readonly jobs: JobCatalog;
  /** Starts runs. If the provider cannot (`PROVIDERS[name].startsAgain`), it throws AppError invalid_input. */
  readonly training: TrainingStarter;
  /** The log of one job, whether or not it exists (yet); nothing is requested before it is read. */
  log(job: string): LogSource;
  /**
   * The log's bytes as they are written, from the end of the last chunk that was kept, until the job has ended and all
   * of it was delivered, or the signal is aborted. Left out: the job cannot be followed.
   * @param from the start of the log: `{ offset: 0 }`
   * @throws AppError unavailable, rate_limited: resume from the last chunk · not_found: no log (yet)
   */
  follow?(job: string, from: LogPosition, signal: AbortSignal): AsyncIterable<LogChunk>;
  /** The job on the provider's own pages. */
  links(job: string): JobLinks;
}

export interface LogPosition {
  /** In bytes of the whole log. */
  offset: number;
  /** Of the chunk that ended there, where it had one. */
  cursor?: string | undefined;
}

export interface LogChunk {
  /** Of its first byte in the whole log. */
  offset: number;
  bytes: Uint8Array;
  /** Kept with the bytes, for a source that needs more than an offset to resume. */
  cursor?: string | undefined;
}

/** URLs for people; left out where the provider has no page. */
export interface JobLinks {
  /** Whose pages they are, as on a button: "Open in AWS". */
  site: string;
  job?: string | undefined;
  log?: string | undefined;
}

/** What is known about a provider before a use case is opened; `providers/index.ts` lists them. */
export interface ProviderEntry {
  readonly name: ProviderName;
  /** Whether the use case trains there. */
  trains(useCase: UseCase): boolean;
  links(useCase: UseCase, job: string): JobLinks;
  /** @param aws the use case's account, opened; throws AppError invalid_input where it has none */
  open(opening: {
    useCase: UseCase;
    actor: Actor;
    operation: SessionOperation;
    aws: () => AwsAccount;
  }): TrainingProvider;
}

export interface TrainingStarter {
  /** What the provider says about a run that was just started. */
  readonly begins: JobStanding;
  /** What an existing job would be run again with. @returns undefined when there is no such job */
  setup(job: string, signal?: AbortSignal): Promise<TrainingSetup | undefined>;
  /**
   * Starts a run. The same request again is the same run, identified by its name.
   * @returns the run's id: for SageMaker its name
   * @throws AppError not_found: no such job to repeat · conflict: it cannot be repeated, or the name is another
   *   job's · invalid_input, permission_denied, rate_limited: refused, nothing was started · unavailable, timeout:
   *   unknown whether it was started; the same request again tells
   */
  deploy(request: TrainingRequest, signal?: AbortSignal): Promise<string>;
}

export interface TrainingSetup {
  hyperparameters: Readonly<Record<string, string>>;
  /** Left out if the job does not run on several machines of one type, so that they cannot be chosen here. */
  machines?: { type: string; count: number } | undefined;
  /** What to know before running it again: what continues from the old run, and what differs. One sentence each. */
  notes: readonly string[];
  /** Why it cannot be run again. */
  refusal?: { reason: string; hint: string } | undefined;
}

export interface TrainingRequest {
  /** Of the new run. */
  name: string;
  /** The job that it repeats; everything not given here stays as it was there. */
  again: string;
  /** All of them, not just the changed ones. */
  hyperparameters: Readonly<Record<string, string>>;
  machines?: TrainingSetup['machines'];
  /** When somebody began to ask for it: an earlier run with that name is a different one. */
  askedAt: EpochMs;
}
