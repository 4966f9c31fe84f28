/**
 * The training jobs of one account in one region. A job is a list of dated transitions, some of them in
 * the future: what it is now is read from the clock, so jobs run on without timers.
 */
import type { EpochMs } from '../time.ts';
import { AwsError, nameTaken } from './errors.ts';
import { finalMetrics, type MetricDefinition } from './final-metrics.ts';
import { checkInstances } from './instance-quotas.ts';
import { secondaryTransitions, seconds, stateOf as stateOfWork, timeMember } from './kinds/work.ts';
import type { LogStore, LogStreamSeed } from './log-store.ts';
import { ownMetrics } from './own-metrics.ts';

export const TRAINING_LOG_GROUP = '/aws/sagemaker/TrainingJobs';

type TrainingStatus = 'InProgress' | 'Completed' | 'Failed' | 'Stopping' | 'Stopped';

export interface TrainingTransition {
  at: EpochMs;
  status: TrainingStatus;
  /** SageMaker's SecondaryStatus: `Starting`, `Downloading`, `Training`, `MaxRuntimeExceeded`, … */
  secondary: string;
}

export interface InstanceGroup {
  name: string;
  type: string;
  count: number;
}

export interface BatchJob {
  /** A UUID. */
  id: string;
  name: string;
  /** Name of the job queue. */
  queue: string;
  submittedAt: EpochMs;
}

export interface TrainingJobSeed {
  name: string;
  /** Ascending; the first is the creation. */
  transitions: readonly TrainingTransition[];
  /** Told once the job has failed. */
  failureReason?: string;
  image: string;
  roleArn: string;
  /** Of a heterogeneous cluster that of its first group. */
  instanceType: string;
  instanceCount: number;
  /** Of a heterogeneous cluster, which is described by them. */
  groups?: readonly InstanceGroup[];
  volumeGB: number;
  maxRuntimeSeconds: number;
  maxWaitSeconds?: number;
  /** Of a warm pool. */
  keepAliveSeconds?: number;
  trainingPlanArn?: string;
  spot?: boolean;
  hyperParameters: Readonly<Record<string, string>>;
  /** Channel name → S3 URI. */
  channels: Readonly<Record<string, string>>;
  outputPath: string;
  tags?: Readonly<Record<string, string>>;
  /** Of its log, whose last values are told once the job has completed. SageMaker's own algorithms bring theirs. */
  metricDefinitions?: readonly MetricDefinition[];
  /** A tuning job's objective, where no definition finds it in the log. */
  objective?: { metric: string; value: number };
  streams: readonly LogStreamSeed[];
  /** EventBridge hears nothing of it. */
  untold?: boolean;
  /** AWS Batch has submitted it, and tells EventBridge of its own job as well. */
  batch?: BatchJob;
  /** Further members of its description, and in place of what stands there otherwise. */
  details?: Readonly<Record<string, unknown>>;
}

export interface TrainingSettings {
  /** Instances of one type that an account may use in a region for each kind of work; of the largest ones none, as everywhere. */
  trainingInstances: number;
}

export interface TrainingJob extends TrainingJobSeed {
  transitions: TrainingTransition[];
  tags: Record<string, string>;
}

const STATUS_MESSAGES: Record<string, string> = {
  Pending: 'Waiting for the requested capacity',
  Starting: 'Preparing the instances for training',
  Downloading: 'Downloading the training image',
  Training: 'Training image download completed. Training in progress.',
  Uploading: 'Uploading generated training model',
  Interrupted: 'Training job interrupted: the Spot capacity was reclaimed',
  Stopping: 'Stopping the training job',
  Stopped: 'Training job stopped',
  MaxRuntimeExceeded: 'Training job runtime exceeded MaxRuntimeInSeconds provided',
  Completed: 'Training job completed',
  Failed: 'Training job failed',
};

/** After a job's end its last lines have all arrived. */
const LAST_LINES_MS = 10_000;

const TERMINAL: readonly TrainingStatus[] = ['Completed', 'Failed', 'Stopped'];

/** SageMaker gives a stopped job's script two minutes; the scripts here need less. */
const STOPPING_MS = 8_000;

export class TrainingStore {
  readonly #jobs = new Map<string, TrainingJob>();
  readonly #account: string;
  readonly #region: string;
  readonly #logs: LogStore;
  readonly #settings: TrainingSettings;
  readonly #uploadProblem: (job: TrainingJobSeed) => string | undefined;
  /** Created here, and not yet at the upload of their model. */
  readonly #beforeUpload = new Set<TrainingJob>();

  /**
   * @param settings read at each use, so that they may change while the sandbox runs
   * @param uploadProblem why a job's model cannot be written where it was asked for, as its failure reason
   */
  constructor(
    account: string,
    region: string,
    logs: LogStore,
    settings: TrainingSettings,
    uploadProblem: (job: TrainingJobSeed) => string | undefined,
  ) {
    this.#account = account;
    this.#region = region;
    this.#logs = logs;
    this.#settings = settings;
    this.#uploadProblem = uploadProblem;
  }

  seed(job: TrainingJobSeed): void {
    this.#jobs.set(job.name, { ...job, transitions: [...job.transitions], tags: { ...job.tags } });
    this.#logs.seedStreams(TRAINING_LOG_GROUP, job.streams);
  }

  /** @throws AwsError ResourceInUse, ResourceLimitExceeded */
  create(job: TrainingJobSeed): string {
    if (this.#jobs.has(job.name)) throw nameTaken('training job', this.arn(job.name));
    this.#checkQuota(job);
    this.seed(job);
    this.#beforeUpload.add(this.#jobs.get(job.name)!);
    return this.arn(job.name);
  }

  /** The bucket is looked for when the model is there, not when the job is asked for. */
  #upload(now: EpochMs): void {
    for (const job of this.#beforeUpload) {
      const uploading = job.transitions.find(({ secondary }) => secondary === 'Uploading');
      if (uploading && uploading.at > now) continue;
      this.#beforeUpload.delete(job);
      const problem = uploading && this.#uploadProblem(job);
      const end = job.transitions.at(-1)!;
      if (problem === undefined || end.status !== 'Completed') continue;
      job.failureReason = problem;
      job.transitions = [
        ...job.transitions.slice(0, -1),
        { at: end.at, status: 'Failed', secondary: 'Failed' },
      ];
    }
  }

  #checkQuota(job: TrainingJobSeed): void {
    const now = job.transitions[0]!.at;
    const running = this.all(now).filter((one) => stateOf(one, now).endedAt === undefined);
    for (const { type, count } of groupsOf(job)) {
      const used = running
        .flatMap(groupsOf)
        .reduce((sum, group) => sum + (group.type === type ? group.count : 0), 0);
      checkInstances('training job', { type, count, used, limit: this.#settings.trainingInstances });
    }
  }

  /** @throws AwsError ValidationException when it does not run (any more) */
  stop(name: string, now: EpochMs): void {
    const job = this.get(name, now);
    const { status } = stateOf(job, now);
    if (status === 'Stopping') return;
    if (status !== 'InProgress') {
      throw new AwsError(
        'ValidationException',
        `The request was rejected because the training job is in status ${status}.`,
      );
    }
    job.transitions = [
      ...job.transitions.filter(({ at }) => at <= now),
      { at: now, status: 'Stopping', secondary: 'Stopping' },
      { at: now + STOPPING_MS, status: 'Stopped', secondary: 'Stopped' },
    ];
    job.streams = this.#logs.cutStreams(TRAINING_LOG_GROUP, job.streams, now, now + STOPPING_MS / 2);
  }

  /** Those that exist at `now`. */
  all(now: EpochMs): TrainingJob[] {
    this.#upload(now);
    return [...this.#jobs.values()].filter((job) => job.transitions[0]!.at <= now);
  }

  /** @throws AwsError ValidationException, in SageMaker's words for "no such job" */
  get(name: string, now: EpochMs): TrainingJob {
    this.#upload(now);
    const job = this.#jobs.get(name);
    if (!job || job.transitions[0]!.at > now) {
      throw new AwsError('ValidationException', 'Requested resource not found.');
    }
    return job;
  }

  /** @returns undefined: there is none, or not yet */
  find(name: string, now: EpochMs): TrainingJob | undefined {
    const job = this.#jobs.get(name);
    return job && job.transitions[0]!.at <= now ? job : undefined;
  }

  /** Whoever was to start it has been stopped before. */
  forget(name: string): void {
    const job = this.#jobs.get(name);
    if (!job) return;
    this.#logs.cutStreams(TRAINING_LOG_GROUP, job.streams, 0, 0);
    this.#beforeUpload.delete(job);
    this.#jobs.delete(name);
  }

  arn(name: string): string {
    return `arn:aws:sagemaker:${this.#region}:${this.#account}:training-job/${name}`;
  }

  summary(job: TrainingJob, now: EpochMs): Record<string, unknown> {
    const state = stateOf(job, now);
    return {
      TrainingJobName: job.name,
      TrainingJobArn: this.arn(job.name),
      CreationTime: seconds(job.transitions[0]!.at),
      ...(state.endedAt === undefined ? {} : { TrainingEndTime: seconds(state.endedAt) }),
      LastModifiedTime: seconds(state.changedAt),
      TrainingJobStatus: state.status,
      SecondaryStatus: state.secondary,
      ...(job.keepAliveSeconds === undefined
        ? {}
        : { WarmPoolStatus: { Status: warmPoolStatus(job.keepAliveSeconds, state, now) } }),
      ...(job.trainingPlanArn === undefined ? {} : { TrainingPlanArn: job.trainingPlanArn }),
    };
  }

  /** Where its model is, once it is there. */
  model(job: TrainingJob, now: EpochMs): { uri: string; at: EpochMs } | undefined {
    const { status, changedAt } = stateOf(job, now);
    if (status !== 'Completed' && status !== 'Stopped') return undefined;
    return { uri: `${job.outputPath.replace(/\/$/, '')}/${job.name}/output/model.tar.gz`, at: changedAt };
  }

  /** What can be told without a look into its log. */
  outline(job: TrainingJob, now: EpochMs): Record<string, unknown> {
    const { status, startedAt } = stateOf(job, now);
    return {
      ...this.summary(job, now),
      ...timeMember('TrainingStartTime', startedAt),
      ...(status === 'Failed'
        ? { FailureReason: job.failureReason ?? 'InternalServerError: please retry.' }
        : {}),
    };
  }

  description(job: TrainingJob, now: EpochMs): Record<string, unknown> {
    const state = stateOf(job, now);
    const model = this.model(job, now);
    const definitions = ownMetrics(job.image) ?? job.metricDefinitions ?? [];
    const running = state.startedAt === undefined ? undefined : (state.endedAt ?? now) - state.startedAt;
    return {
      ...this.outline(job, now),
      ModelArtifacts: model === undefined ? {} : { S3ModelArtifacts: model.uri },
      HyperParameters: job.hyperParameters,
      AlgorithmSpecification: {
        TrainingImage: job.image,
        TrainingInputMode: 'File',
        EnableSageMakerMetricsTimeSeries: true,
        ...(definitions.length > 0 ? { MetricDefinitions: definitions } : {}),
      },
      RoleArn: job.roleArn,
      InputDataConfig: Object.entries(job.channels).map(([ChannelName, S3Uri]) => ({
        ChannelName,
        DataSource: {
          S3DataSource: { S3DataType: 'S3Prefix', S3Uri, S3DataDistributionType: 'FullyReplicated' },
        },
        CompressionType: 'None',
        RecordWrapperType: 'None',
      })),
      OutputDataConfig: { KmsKeyId: '', S3OutputPath: job.outputPath, CompressionType: 'GZIP' },
      ResourceConfig: {
        ...(job.groups === undefined
          ? { InstanceType: job.instanceType, InstanceCount: job.instanceCount }
          : {
              InstanceGroups: job.groups.map(({ name, type, count }) => ({
                InstanceGroupName: name,
                InstanceType: type,
                InstanceCount: count,
              })),
            }),
        VolumeSizeInGB: job.volumeGB,
        ...(job.keepAliveSeconds === undefined ? {} : { KeepAlivePeriodInSeconds: job.keepAliveSeconds }),
        ...(job.trainingPlanArn === undefined ? {} : { TrainingPlanArn: job.trainingPlanArn }),
      },
      StoppingCondition: {
        MaxRuntimeInSeconds: job.maxRuntimeSeconds,
        ...(job.maxWaitSeconds === undefined ? {} : { MaxWaitTimeInSeconds: job.maxWaitSeconds }),
      },
      ...(running === undefined || state.endedAt === undefined
        ? {}
        : {
            TrainingTimeInSeconds: Math.round(running / 1000),
            BillableTimeInSeconds: Math.round((running / 1000) * (job.spot ? 0.31 : 1)),
          }),
      SecondaryStatusTransitions: secondaryTransitions(state, TERMINAL, STATUS_MESSAGES),
      ...(state.status === 'Completed' ? lastValues(job, definitions, state.endedAt ?? now) : {}),
      EnableNetworkIsolation: false,
      EnableInterContainerTrafficEncryption: false,
      EnableManagedSpotTraining: job.spot ?? false,
      ...job.details,
    };
  }
}

const stateOf = (job: TrainingJob, now: EpochMs) =>
  stateOfWork(job, now, {
    ends: TERMINAL,
    // Training starts, for SageMaker, when the image is there and the data is being fetched.
    begun: ['Downloading', 'Training'],
  });

const groupsOf = ({
  groups,
  instanceType,
  instanceCount,
}: TrainingJobSeed): readonly Omit<InstanceGroup, 'name'>[] =>
  groups ?? [{ type: instanceType, count: instanceCount }];

function lastValues(
  { streams, objective }: TrainingJob,
  definitions: readonly MetricDefinition[],
  endedAt: EpochMs,
): object {
  const found = finalMetrics(streams, definitions, endedAt + LAST_LINES_MS);
  const isFound = found.some(({ MetricName }) => MetricName === objective?.metric);
  if (objective && !isFound)
    found.push({ MetricName: objective.metric, Value: objective.value, Timestamp: seconds(endedAt) });
  return found.length > 0 ? { FinalMetricDataList: found } : {};
}

/** Machines are kept for the next job when this one was done with them, and not when it failed. */
function warmPoolStatus(keepAliveSeconds: number, state: ReturnType<typeof stateOf>, now: EpochMs) {
  if (state.endedAt === undefined) return 'InUse';
  const kept = state.status === 'Completed' && now < state.endedAt + keepAliveSeconds * 1000;
  return kept ? 'Available' : 'Terminated';
}
