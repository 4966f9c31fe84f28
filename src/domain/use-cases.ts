/** A use case: one team's product line with its channels, who may do what there, and its AWS account if it has one. */
import { AppError } from '../ground/errors.ts';
import type { CompileSettings } from './compile-input.ts';
import type { MetricPattern } from './metrics.ts';
import type { OnCallSettings } from './on-call.ts';
import type { ProviderSettings, SageMakerName } from './providers.ts';
import type { TrainTemplate } from './train-templates.ts';

export type Role = 'viewer' | 'dataScientist' | 'operator' | 'admin';

/** Who holds a role: a user `U…`/`W…`, a user group `S…`, or everybody in the use case's channels. */
export type Grantee = string;

export const CHANNEL_MEMBERS = 'channel-members';

export interface AwsPlace {
  /** 12 digits. */
  account: string;
  region: string;
  /** Left out: the bot's own credentials reach the account. */
  roleArn?: string | undefined;
  externalId?: string | undefined;
}

export interface UseCase {
  id: string;
  name: string;
  /** Left out: it has nothing in AWS, and trains elsewhere. */
  aws?: AwsPlace | undefined;
  /** Slack channel ids; job cards go to the first. */
  channels: readonly string[];
  alertsChannel?: string | undefined;
  access: Readonly<Partial<Record<Role, readonly Grantee[]>>>;
  /** People with a role in another use case may learn of this one, and whom to ask. Left out: they may not. */
  discoverable?: boolean | undefined;
  logs: LogSettings;
  /** Where its training jobs run. Left out: SageMaker. */
  providers?: ProviderSettings | undefined;
  /** What people may start with `/train`. Left out: nothing. */
  train?: { templates: readonly TrainTemplate[] } | undefined;
  /** Left out: nothing is compiled here. */
  compile?: CompileSettings | undefined;
  /** Left out: nothing is packaged here. */
  components?: ComponentSettings | undefined;
  /** Who is called when something fails. Left out: alerts are posted and call nobody. */
  onCall?: OnCallSettings | undefined;
  /** How curves are found and when they are shown. Left out: as by default. */
  metrics?: MetricSettings | undefined;
  /** Milliseconds without a new log line after which a run that printed before counts as stuck. Left out: never. */
  stuckAfterMs?: number | undefined;
}

/** A use case's `components:` settings. */
export interface ComponentSettings {
  /** Package by itself when a compilation completes. */
  auto: boolean;
  /** In front of every component's name. */
  namePrefix?: string | undefined;
  /** The template's text, valid by domain/recipes.ts. Left out: the built-in one. */
  recipeTemplate?: string | undefined;
}

/** A use case's `metrics:` settings. */
export interface MetricSettings {
  /**
   * Whether the curves of a run that has ended are read and shown by themselves. Left out: where reading a log costs no
   * quota of AWS, so not for SageMaker's jobs.
   */
  auto?: boolean | undefined;
  /** Besides the formats that are known. */
  patterns: readonly MetricPattern[];
}

export interface LogSettings {
  /** Where `/logs` puts its file when the user does not say. */
  delivery: 'channel' | 'dm';
  /** Bytes of text above which the file is gzipped. */
  gzipAbove: number;
  /** FilterLogEvents' separate quota as a second lane. */
  secondLane: 'auto' | 'on' | 'off';
}

/** Whether what belongs to the use case may be shown to everybody in the channel. */
export function belongsTo(channel: string | undefined, { channels, alertsChannel }: UseCase): boolean {
  return channel !== undefined && (channels.includes(channel) || alertsChannel === channel);
}

/** @throws AppError invalid_input where there is none */
export function awsOf({ name, aws }: Pick<UseCase, 'name' | 'aws'>): AwsPlace {
  if (aws) return aws;
  throw new AppError('invalid_input', `The use case ${name} has no AWS account.`, {
    hint: 'If it should have one, an admin of Signalbox gives its `account` and `region` in signalbox.yaml.',
  });
}

/** The kinds of SageMaker's jobs that belong to a use case; none without an account. */
export function sageMakerNames({
  aws,
  providers,
}: Pick<UseCase, 'aws' | 'providers'>): readonly SageMakerName[] {
  const set = providers?.sagemaker ?? true;
  if (!aws || set === false) return [];
  return set === true ? ['sagemaker'] : set.kinds;
}

/** Whether its SageMaker jobs are training jobs and nothing else. */
export const looksAtTrainingAlone = (useCase: Pick<UseCase, 'aws' | 'providers'>): boolean =>
  sageMakerNames(useCase).join() === 'sagemaker';

/** Use cases in one AWS account and region share its quotas; elsewhere each has its own. */
export function quotaKey({ id, aws }: Pick<UseCase, 'id' | 'aws'>): string {
  return aws ? `${aws.account}/${aws.region}` : id;
}
