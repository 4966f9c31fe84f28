/** Training jobs: where they run, what is known about them, starting and ending them, and what they print. */

import type { JobStanding, TrainingJob } from '../domain/jobs.ts';
import type { LineRange } from '../domain/line-range.ts';
import type { ProviderName } from '../domain/providers.ts';
import type { RunParameter, RunParameters } from '../domain/run-templates.ts';
import type { SessionOperation } from '../domain/session-name.ts';
import type { TrainTemplate } from '../domain/train-templates.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { EpochMs } from '../ground/time.ts';
import type { AwsAccount } from './aws-account.ts';
import type { FollowWait, LogEngine, LogFollowRequest } from './log-engine.ts';
import type { LogChunk, LogPosition, LogSource } from './log-source.ts';

/** The training jobs of one use case. */
export interface JobCatalog {
  /**
   * Newest first. `nameContains` matches anywhere, ignoring case where the service can. `sparing`: what came whole when
   * everything was listed last need not be asked for again, where a list takes several requests.
   */
  list(
    query: { nameContains?: string; limit: number; sparing?: boolean },
    signal?: AbortSignal,
  ): Promise<TrainingJob[]>;
  /** The job's tags, key → value; empty if its service has none. It costs a request, so ask only when needed. */
  tags(
    job: Pick<TrainingJob, 'name' | 'arn'>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}

/**
 * Where training runs, opened for one person and one operation. Differences between services end here: see
 * docs/adding-a-provider.md, and the contract in test/contract/training-provider.ts. Whoever cannot do something says so:
 * AppError invalid_input, with what to do instead.
 */
export interface TrainingProvider {
  readonly name: ProviderName;
  /** What it says about a run that was just started. */
  readonly begins: JobStanding;
  readonly jobs: JobCatalog;
  /** @returns undefined when there is no such job */
  getStatus(job: string, signal?: AbortSignal): Promise<TrainingJob | undefined>;
  /**
   * What a template lets people choose: asked of the provider where it is the one who knows.
   * @throws AppError not_found: it has no such template (any more) · as any request
   */
  choices(template: TrainTemplate, signal?: AbortSignal): Promise<TemplateChoices>;
  /** What an existing job would be run again with. @returns undefined when there is no such job */
  setup(job: string, signal?: AbortSignal): Promise<TrainingSetup | undefined>;
  /**
   * Starts a run. The same order again is the same run, identified by its name.
   * @returns the run's id, by which it is found from then on: its name
   * @throws AppError not_found: no such job to repeat, or no such template · conflict: it cannot be repeated, or the name
   *   is another job's · invalid_input, permission_denied, rate_limited: refused, nothing was started · unavailable,
   *   timeout: unknown whether it was started; the same order again tells
   */
  deploy(order: TrainingOrder, signal?: AbortSignal): Promise<string>;
  /**
   * Asks a job to end. Of one that has ended, or is being ended already, nothing changes.
   * @returns the job as it stands then: rarely `stopped` at once, nearly always `stopping`
   * @throws AppError not_found: no such job · as any request
   */
  cancel(job: string, signal?: AbortSignal): Promise<TrainingJob>;
  /**
   * Lines of the log as it is now, without their ends.
   * @throws AppError invalid_input: no such range · not_found: no such job; none of its log yet is no lines
   */
  getLogs(job: string, range: LineRange, signal?: AbortSignal): Promise<LogLines>;
  /**
   * The log's bytes as they are written, from the end of the last chunk that was kept, until the job has ended and all
   * of it was delivered, or the signal is aborted.
   * @param from the start of the log: `{ offset: 0 }`
   * @throws AppError unavailable, rate_limited: resume from the last chunk · not_found: no such job, or no log yet
   */
  readLog(job: string, from: LogPosition, signal: AbortSignal, how?: ReadLogOptions): AsyncIterable<LogChunk>;
  /** The log of one job, whether or not it exists (yet), for the log engine; nothing is requested before it is read. */
  log(job: string): LogSource;
  /** Machines that cost money until somebody gives them back. Left out: the provider does that itself. */
  readonly machines?: RentedMachines | undefined;
  /** The job on the provider's own pages. */
  links(job: string): JobLinks;
}

/** Of those that Signalbox started; it never touches others. */
export interface RentedMachines {
  list(signal?: AbortSignal): Promise<RentedMachine[]>;
  /** Nothing runs on it any more, and its disk stays. @throws AppError conflict: it does not run */
  stop(id: string, signal?: AbortSignal): Promise<void>;
  /** With all that is on it. Of one that is gone already nothing changes. */
  giveBack(id: string, signal?: AbortSignal): Promise<void>;
}

export interface RentedMachine {
  /** The provider's own. */
  id: string;
  /** Name of the job that it was rented for. */
  job: string;
  /** US dollars; undefined: not known. */
  costPerHour: number | undefined;
  isRunning: boolean;
  /** What it was rented for has ended. */
  isDone: boolean;
  /** All that it printed is kept here. */
  logIsIn: boolean;
  /** When its time is up; undefined: it has no limit. */
  until: EpochMs | undefined;
}

export interface ReadLogOptions {
  /** What keeps the text from going on; undefined: it does. */
  onWait?: ((wait: FollowWait | undefined) => void) | undefined;
  /** Asked instead of the job's service, by a caller who looks at the job anyhow: see LogFollowRequest. */
  endedAt?: LogFollowRequest['endedAt'] | undefined;
}

export interface LogLines {
  lines: string[];
  /** Number of the first; left out where its service does not count lines and all before would have to be read. */
  offset?: number | undefined;
  /** Of the whole log so far; left out as `offset` is. */
  total?: number | undefined;
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
  open(opening: ProviderOpening): TrainingProvider;
}

export interface ProviderOpening {
  useCase: UseCase;
  actor: Actor;
  operation: SessionOperation;
  /** The use case's account, opened. @throws AppError invalid_input where it has none */
  aws(): AwsAccount;
  /** For logs that are read as text. */
  engine: LogEngine;
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

export interface TemplateChoices {
  /** By name, in the order in which people are asked. */
  parameters: Readonly<Record<string, RunParameter>>;
  /** Types of machines that people may choose from, the default first; empty: there is nothing to choose. */
  machines: readonly string[];
}

export type TrainingOrder = AgainOrder | TemplateOrder;

interface AnyOrder {
  /** Of the new run. */
  name: string;
  /** When somebody began to ask for it: an earlier run with that name is a different one. */
  askedAt: EpochMs;
}

export interface AgainOrder extends AnyOrder {
  kind: 'again';
  /** The job that it repeats; everything not given here stays as it was there. */
  again: string;
  /** All of them, not just the changed ones. */
  hyperparameters: Readonly<Record<string, string>>;
  machines?: TrainingSetup['machines'];
}

export interface TemplateOrder extends AnyOrder {
  kind: 'template';
  template: TrainTemplate;
  /** All of its parameters, those with their defaults included, checked. */
  values: RunParameters;
  /** One of `TemplateChoices.machines`; left out where there are none. */
  machine?: string | undefined;
}
