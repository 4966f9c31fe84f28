/**
 * Requests a second that an account may make in a region, operation by operation, as token buckets that
 * hold one second's worth. CloudWatch Logs' numbers are its documented, not adjustable quotas; SageMaker and
 * Greengrass document none for single operations here, so those are what accounts see in practice.
 */
import type { EpochMs } from '../time.ts';

/** Requests a second by operation (`GetLogEvents`); these replace the table's numbers. */
export type Quotas = Readonly<Record<string, number>> | 'off';

const SLOW_REGIONS = ['eu-central-1', 'ap-northeast-3', 'ap-southeast-3', 'ca-west-1', 'il-central-1'];

const BY_REGION: Record<string, { regions: readonly string[]; rate: number }[]> = {
  GetLogEvents: [
    { regions: ['us-west-2', 'eu-west-1', ...SLOW_REGIONS], rate: 10 },
    { regions: ['eu-west-3'], rate: 30 },
  ],
  FilterLogEvents: [
    { regions: ['us-east-1'], rate: 25 },
    { regions: SLOW_REGIONS, rate: 5 },
  ],
};

const DEFAULT: Record<string, number> = {
  GetLogEvents: 25,
  FilterLogEvents: 10,
  DescribeLogStreams: 25,
  DescribeLogGroups: 10,
  PutLogEvents: 1500,
  CreateLogGroup: 10,
  CreateLogStream: 50,
  DeleteLogGroup: 10,
  DeleteLogStream: 15,
  PutRetentionPolicy: 5,
  DeleteRetentionPolicy: 5,
  ListTrainingJobs: 2,
  DescribeTrainingJob: 10,
  CreateTrainingJob: 2,
  StopTrainingJob: 2,
  ListTags: 10,
  AddTags: 5,
  CreateCompilationJob: 2,
  DescribeCompilationJob: 10,
  ListCompilationJobs: 2,
  StopCompilationJob: 2,
  DeleteCompilationJob: 2,
  ListProcessingJobs: 2,
  DescribeProcessingJob: 10,
  CreateProcessingJob: 2,
  StopProcessingJob: 2,
  ListTransformJobs: 2,
  DescribeTransformJob: 10,
  CreateTransformJob: 2,
  StopTransformJob: 2,
  ListHyperParameterTuningJobs: 2,
  ListTrainingJobsForHyperParameterTuningJob: 5,
  DescribeHyperParameterTuningJob: 10,
  CreateHyperParameterTuningJob: 2,
  StopHyperParameterTuningJob: 2,
  ListPipelines: 2,
  ListPipelineExecutions: 2,
  ListPipelineExecutionSteps: 5,
  DescribePipeline: 5,
  DescribePipelineExecution: 10,
  StopPipelineExecution: 2,
  ListEndpoints: 2,
  DescribeEndpoint: 10,
  DescribeEndpointConfig: 10,
  ListNotebookInstances: 2,
  DescribeNotebookInstance: 10,
  StopNotebookInstance: 2,
  ListClusters: 2,
  DescribeCluster: 5,
  ListClusterNodes: 5,
  DescribeClusterNode: 5,
  ListClusterEvents: 5,
  ListJobs: 2,
  DescribeJob: 10,
  StopJob: 2,
  CreateComponentVersion: 2,
  DescribeComponent: 10,
  GetComponent: 10,
  DeleteComponent: 2,
  ListComponents: 5,
  ListComponentVersions: 10,
  ListCoreDevices: 5,
  GetCoreDevice: 10,
  ListInstalledComponents: 20,
  ListEffectiveDeployments: 20,
  CreateDeployment: 2,
  GetDeployment: 10,
  ListDeployments: 5,
  CancelDeployment: 2,
};

/** The table's rate for an operation in a region; undefined: not limited. */
export function defaultRate(operation: string, region: string): number | undefined {
  const special = BY_REGION[operation]?.find(({ regions }) => regions.includes(region));
  return special?.rate ?? DEFAULT[operation];
}

export class QuotaBuckets {
  readonly #buckets = new Map<string, { tokens: number; at: EpochMs }>();
  quotas: Quotas;

  constructor(quotas: Quotas) {
    this.quotas = quotas;
  }

  /** Takes one request out of the bucket. @returns false when the caller must be throttled */
  take(account: string, region: string, operation: string, now: EpochMs): boolean {
    if (this.quotas === 'off') return true;
    const rate = this.quotas[operation] ?? defaultRate(operation, region);
    if (rate === undefined) return true;
    const key = `${account}/${region}/${operation}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: Math.max(1, rate), at: now };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(Math.max(1, rate), bucket.tokens + (Math.max(0, now - bucket.at) * rate) / 1000);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  refill(): void {
    this.#buckets.clear();
  }
}
