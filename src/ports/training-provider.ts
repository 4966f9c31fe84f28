/** Training jobs: where they run, what is known of them, starting one again. */

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
  /** Newest first. `nameContains` matches anywhere, without letter case where the service can. */
  list(query: { nameContains?: string; limit: number }, signal?: AbortSignal): Promise<TrainingJob[]>;
  /** The job's tags, key → value; empty where its service has none. A request of its own: only ask when needed. */
  tags(
    job: Pick<TrainingJob, 'name' | 'arn'>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}

/**
 * Where training runs, opened for one person and one operation. What differs between services ends here: see
 * docs/adding-a-provider.md, and the contract in test/contract/training-provider.ts.
 */
export interface TrainingProvider {
  readonly name: ProviderName;
  readonly jobs: JobCatalog;
  /** Starting runs. Where the provider cannot (`PROVIDERS[name].startsAgain`), it throws AppError invalid_input. */
  readonly training: TrainingStarter;
  /** The log of one job, whether or not there is one (yet); nothing is asked before it is read. */
  log(job: string): LogSource;
  /**
   * The log's bytes as they are written, from where the last chunk that was kept left off, until the job has ended and
   * all of it was given, or the signal is aborted. Left out: the job cannot be followed.
   * @param from the start of the log: `{ offset: 0 }`
   * @throws AppError unavailable, rate_limited: it can be followed on from the last chunk · not_found: no log (yet)
   */
  follow?(job: string, from: LogPosition, signal: AbortSignal): AsyncIterable<LogChunk>;
  /** Where the provider's own pages show the job. */
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
  /** Kept with the bytes, for the source that needs more than an offset to go on. */
  cursor?: string | undefined;
}

/** URLs for people; what a provider has no page for is left out. */
export interface JobLinks {
  /** Whose pages they are, as a button says it: "Open in AWS". */
  site: string;
  job?: string | undefined;
  log?: string | undefined;
}

/** What is known of a provider before a use case is opened; `providers/index.ts` lists them. */
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
