/**
 * The training jobs of one account in one region. A job is a list of dated transitions, some of them in
 * the future: what it is now is read from the clock, so jobs run on without timers.
 */
import type { EpochMs } from '../time.ts';
import { AwsError, nameTaken } from './errors.ts';
import { clipSeries } from './event-series.ts';
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

export interface TrainingJobSeed {
  name: string;
  /** Ascending; the first is the creation. */
  transitions: readonly TrainingTransition[];
  /** Told once the job has failed. */
  failureReason?: string;
  image: string;
  roleArn: string;
  instanceType: string;
  instanceCount: number;
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
  /** Told once the job has completed. */
  finalMetrics?: Readonly<Record<string, number>>;
  streams: readonly LogStreamSeed[];
  /** EventBridge hears nothing of it. */
  untold?: boolean;
  /** Further members of its description, and in place of what stands there otherwise. */
  details?: Readonly<Record<string, unknown>>;
}

export interface TrainingSettings {
  /** Instances of one type that an account may train on in a region; of the largest ones none, as everywhere. */
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

/** Without a raised quota nobody gets these. */
const LARGEST = /^ml\.(?:p[4-9]|trn|ultra)/;

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
    const createdAt = job.transitions[0]!.at;
    this.#logs.seed({ name: TRAINING_LOG_GROUP, createdAt, streams: job.streams });
  }

  /** @throws AwsError ResourceInUse, ResourceLimitExceeded */
  create(job: TrainingJobSeed): string {
    if (this.#jobs.has(job.name)) throw nameTaken('Training', this.arn(job.name));
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

  #checkQuota({ instanceType, instanceCount, transitions }: TrainingJobSeed): void {
    const now = transitions[0]!.at;
    const used = this.all(now)
      .filter((job) => job.instanceType === instanceType && stateOf(job, now).endedAt === undefined)
      .reduce((sum, job) => sum + job.instanceCount, 0);
    const limit = LARGEST.test(instanceType) ? 0 : this.#settings.trainingInstances;
    if (used + instanceCount <= limit) return;
    throw new AwsError(
      'ResourceLimitExceeded',
      `The account-level service limit '${instanceType} for training job usage' is ${limit} Instances, with current utilization of ${used} Instances and a request delta of ${instanceCount} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.`,
    );
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
    const streams = job.streams
      .filter(({ createdAt }) => createdAt <= now)
      .map((stream) => ({ ...stream, series: clipSeries(stream.series, now + STOPPING_MS / 2) }));
    for (const stream of job.streams) this.#logs.group(TRAINING_LOG_GROUP).streams.delete(stream.name);
    job.streams = streams;
    this.#logs.seed({ name: TRAINING_LOG_GROUP, createdAt: now, streams });
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

  description(job: TrainingJob, now: EpochMs): Record<string, unknown> {
    const state = stateOf(job, now);
    const running = state.startedAt === undefined ? undefined : (state.endedAt ?? now) - state.startedAt;
    return {
      ...this.summary(job, now),
      ...(state.status === 'Failed'
        ? { FailureReason: job.failureReason ?? 'InternalServerError: please retry.' }
        : {}),
      ModelArtifacts:
        state.status === 'Completed' || state.status === 'Stopped'
          ? { S3ModelArtifacts: `${job.outputPath.replace(/\/$/, '')}/${job.name}/output/model.tar.gz` }
          : {},
      HyperParameters: job.hyperParameters,
      AlgorithmSpecification: {
        TrainingImage: job.image,
        TrainingInputMode: 'File',
        EnableSageMakerMetricsTimeSeries: true,
        ...ownMetrics(job.image),
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
        InstanceType: job.instanceType,
        InstanceCount: job.instanceCount,
        VolumeSizeInGB: job.volumeGB,
        ...(job.keepAliveSeconds === undefined ? {} : { KeepAlivePeriodInSeconds: job.keepAliveSeconds }),
        ...(job.trainingPlanArn === undefined ? {} : { TrainingPlanArn: job.trainingPlanArn }),
      },
      StoppingCondition: {
        MaxRuntimeInSeconds: job.maxRuntimeSeconds,
        ...(job.maxWaitSeconds === undefined ? {} : { MaxWaitTimeInSeconds: job.maxWaitSeconds }),
      },
      ...(state.startedAt === undefined ? {} : { TrainingStartTime: seconds(state.startedAt) }),
      ...(running === undefined || state.endedAt === undefined
        ? {}
        : {
            TrainingTimeInSeconds: Math.round(running / 1000),
            BillableTimeInSeconds: Math.round((running / 1000) * (job.spot ? 0.31 : 1)),
          }),
      SecondaryStatusTransitions: state.reached.map((transition, index) => {
        const next = state.reached[index + 1];
        const end = next?.at ?? (TERMINAL.includes(transition.status) ? transition.at : undefined);
        return {
          Status: transition.secondary,
          StartTime: seconds(transition.at),
          ...(end === undefined ? {} : { EndTime: seconds(end) }),
          StatusMessage: STATUS_MESSAGES[transition.secondary] ?? transition.secondary,
        };
      }),
      ...(state.status === 'Completed' && job.finalMetrics
        ? {
            FinalMetricDataList: Object.entries(job.finalMetrics).map(([MetricName, Value]) => ({
              MetricName,
              Value,
              Timestamp: seconds(state.endedAt ?? now),
            })),
          }
        : {}),
      EnableNetworkIsolation: false,
      EnableInterContainerTrafficEncryption: false,
      EnableManagedSpotTraining: job.spot ?? false,
      ...job.details,
    };
  }
}

function stateOf(job: TrainingJob, now: EpochMs) {
  const reached = job.transitions.filter(({ at }) => at <= now);
  const latest = reached.at(-1)!;
  return {
    reached,
    status: latest.status,
    secondary: latest.secondary,
    changedAt: latest.at,
    // Training starts, for SageMaker, when the image is there and the data is being fetched.
    startedAt: reached.find(({ secondary }) => secondary === 'Downloading' || secondary === 'Training')?.at,
    endedAt: TERMINAL.includes(latest.status) ? latest.at : undefined,
  };
}

/** Machines are kept for the next job when this one was done with them, and not when it failed. */
function warmPoolStatus(keepAliveSeconds: number, state: ReturnType<typeof stateOf>, now: EpochMs) {
  if (state.endedAt === undefined) return 'InUse';
  const kept = state.status === 'Completed' && now < state.endedAt + keepAliveSeconds * 1000;
  return kept ? 'Available' : 'Terminated';
}

/** AWS JSON carries times as seconds with a fraction. */
const seconds = (at: EpochMs) => at / 1000;
