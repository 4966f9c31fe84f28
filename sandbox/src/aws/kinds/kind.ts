/** What a kind of SageMaker's work is to the sandbox: a row of its table (index.ts). */
import type { EpochMs } from '../../time.ts';
import type { AwsError } from '../errors.ts';
import type { LogStore } from '../log-store.ts';
import type { AwsCall, AwsOperation } from '../service.ts';
import type { TrainingStore } from '../training.ts';
import type { TextRule } from '../validation.ts';
import type { ListOddities, ListRow } from './list.ts';
import type { Work, WorkSeed, WorkState } from './work.ts';

/** Where the work is, and what it may touch there. */
export interface KindPlace {
  account: string;
  region: string;
  logs: LogStore;
  /** A tuning job's children are training jobs. */
  jobs: TrainingStore;
  /** Stops what has the ARN, if it runs. */
  stop(arn: string, now: EpochMs): void;
}

export interface Kind<S extends WorkSeed = WorkSeed> {
  /** In errors: `processing job`. */
  words: string;
  /** In ARNs: `processing-job`. */
  resource: string;
  /** Of a resource whose ARN is not made of its name as it is. */
  arnOf?(name: string): string;
  /** The member that has the name, and the rule for it. */
  name: { member: string; rule: TextRule };
  /** What its description calls what all of them have; left out: it does not say it. */
  members: {
    arn: string;
    status: string;
    secondary?: string;
    modified?: string;
    started?: string;
    ended?: string;
    failure?: string;
  };
  /** The statuses after which nothing comes by itself. */
  ends: readonly string[];
  /** The secondary statuses that mean that the work itself has begun. */
  begun?: readonly string[];
  operations: { describe: string; stop?: string; create?: string };
  /** Left out: it is listed in a way of its own (`more`). */
  list?: ListRow;
  /**
   * Names are unique in a category only, which every request names; the name of a seed is `<category>/<name>`.
   */
  within?: { member: string; values(names: readonly string[]): readonly string[] };
  /** The members of its description that a list has too; more with `summaryOf`. */
  summary: readonly string[];
  /** Members that only a list has. */
  summaryOf?(work: Work<S>, state: WorkState, place: KindPlace, now: EpochMs): Record<string, unknown>;
  /** Members that depend on more than the seed: counters, nodes, what is there only in some status. */
  describe?(work: Work<S>, state: WorkState, place: KindPlace, now: EpochMs): Record<string, unknown>;
  /** What comes into the world with it. */
  placed?(seed: S, place: KindPlace, arn: string): void;
  /** Its log group. */
  group?(work: S): string;
  /** In the service's words. */
  missing(name: string, arn: string): AwsError;
  stop?: {
    /** Running. */
    from: readonly string[];
    /** Being stopped, and for how long. */
    via: { status: string; secondary?: string };
    ms: number;
    to: { status: string; secondary?: string };
    /** What is stopped with it. */
    also?(work: Work<S>, place: KindPlace, now: EpochMs): void;
    /** Left out: what most kinds answer. */
    refused?(status: string, arn: string): AwsError;
  };
  /** Operations that only this kind has. */
  more?(tools: KindTools<S>): Record<string, AwsOperation>;
  create?: {
    /** Reads the request, of which nothing is believed. @throws AwsError */
    read(call: AwsCall, place: KindPlace): { seed: S; roleArn?: string };
    /** What it takes of the account's quota of instances `for processing job usage`. */
    instances?(work: S): { type: string; count: number } | undefined;
  };
  /** What EventBridge hears of a change; left out: nothing. */
  event?: {
    detailType: string;
    /** Left out: the description, with times in milliseconds, and the tags. */
    detail?(description: Readonly<Record<string, unknown>>, work: Work<S>): Record<string, unknown>;
  };
  /** What it hears besides, of parts of it. */
  changes?(work: Work<S>, arn: string, now: EpochMs): Iterable<KindChange>;
}

/** What there is of a kind in one place; errors are in the kind's words. */
export interface Works<S extends WorkSeed> {
  all(now: EpochMs): Work<S>[];
  stop(asked: string, now: EpochMs): void;
  /** @param asked a name, or an ARN where the service takes either */
  named(asked: string, now: EpochMs): Work<S>;
  arn(name: string): string;
  state(work: Work<S>, now: EpochMs): WorkState;
  description(work: Work<S>, now: EpochMs): Record<string, unknown>;
}

export interface KindTools<S extends WorkSeed> {
  works(call: AwsCall): Works<S>;
  placeOf(call: AwsCall): KindPlace;
  /** Read at each use. */
  settings: ListOddities;
}

/** A change that may have been told before: `mark` is the same object always. */
export interface KindChange {
  mark: object;
  key: string;
  at: EpochMs;
  detailType: string;
  resources: string[];
  /** Made only of what is told. */
  detail: () => Record<string, unknown>;
}

/** What jobs have in common: they are in progress, may be stopped, and end one of three ways. */
export const JOB_STATUSES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped'] as const;
/** Of kinds whose jobs can be deleted. */
export const NEWER_STATUSES = [...JOB_STATUSES, 'Deleting', 'DeleteFailed'] as const;
export const JOB_ENDS = ['Completed', 'Failed', 'Stopped'] as const;
export const JOB_STOP = {
  from: ['InProgress'],
  via: { status: 'Stopping', secondary: 'Stopping' },
  ms: 8_000,
  to: { status: 'Stopped', secondary: 'Stopped' },
} as const;
