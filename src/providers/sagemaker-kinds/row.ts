/** What a kind of SageMaker's jobs has to say beside its row in domain/sagemaker-kinds.ts: how its requests go. */
import type * as Sdk from '@aws-sdk/client-sagemaker';
import type { TrainingJob } from '../../domain/jobs.ts';
import type { KindName } from '../../domain/providers.ts';
import type { AwsAccount } from '../../ports/aws-account.ts';
import type { LogSource } from '../../ports/log-source.ts';

/** A job without what every job of the kind has in common. Its state is told by `status`. */
export type Seen = Omit<Partial<TrainingJob>, 'provider' | 'useCase' | 'state' | 'phase'> &
  Pick<TrainingJob, 'name' | 'status' | 'createdAt'>;

/** A client of SageMaker's that asks in the name of one request. */
export interface Ask {
  sdk: typeof Sdk;
  client: Pick<Sdk.SageMakerClient, 'send'>;
  /** Where the account is, for ARNs. */
  account: AwsAccount;
  /** To be sent with each request. */
  how: { abortSignal?: AbortSignal };
}

/** As most lists take it. */
export interface PageQuery {
  MaxResults: number;
  NameContains?: string;
  NextToken?: string | undefined;
}

export interface Page {
  jobs: Seen[];
  NextToken: string | undefined;
}

export interface KindRow {
  name: KindName;
  /** One page of the list, newest first. @param sparing as in the port */
  page(ask: Ask, query: PageQuery, sparing: boolean): Promise<Page>;
  /** @returns undefined when there is none. @throws as the client, also ValidationException where there is none */
  look(ask: Ask, name: string): Promise<Seen | undefined>;
  /** Left out: it cannot be stopped from here. @throws as the client */
  stop?(ask: Ask, name: string): Promise<void>;
  /** Left out: the streams `<name>/…` of the kind's log group. */
  log?(account: AwsAccount, name: string, find: LogFinder): LogSource;
  /** Whether something may be called so; left out: as training jobs. Nobody is asked about anything else. */
  isName?(name: string): boolean;
}

/** For a log whose place is known only once its job was looked at. */
export interface LogFinder {
  ask<T>(operation: string, run: (ask: Ask) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Milliseconds since the epoch. */
export const at = (time: Date | undefined): number | undefined => time?.getTime();

/** How the lists that sort by creation are asked. */
export const NEWEST_FIRST = { SortBy: 'CreationTime', SortOrder: 'Descending' } as const;
