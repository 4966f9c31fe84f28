/**
 * SageMaker's kinds of jobs: what differs between them and can be known without asking. A new kind is a row here, one
 * in domain/providers.ts, and its requests in providers/sagemaker-kinds. Sources, all read in November 2026: requests and
 * states from the service model of 2017-07-24 in `@aws-sdk/client-sagemaker` 3.1142.0; log groups and streams from
 * "Amazon CloudWatch Logs for Amazon SageMaker AI" (docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html);
 * resources from "Actions, resources, and condition keys for Amazon SageMaker"; events from
 * "Events that Amazon SageMaker AI sends to Amazon EventBridge" (…/dg/automating-sagemaker-with-eventbridge.html).
 */
import type { JobPhase, JobStanding, JobState } from './jobs.ts';
import { COMPILATION_LOG_GROUP, TRAINING_LOG_GROUP } from './log-groups.ts';
import type { KindName, SageMakerName } from './providers.ts';
import { sageMakerState } from './sagemaker-states.ts';

export interface SageMakerKind {
  /** Log groups of its jobs; `*` stands for what is a job's own in the group's name. */
  logGroups: readonly [string, ...string[]];
  /**
   * Which streams of its (first) log group are a job's. `below`: `<job>/…` · `own`: also `<job>` itself · `group`: all
   * of a group that has the job's name · `elsewhere`: known only once the job was looked at.
   */
  streams: 'below' | 'own' | 'group' | 'elsewhere';
  /** Its words for where a job stands, in lower case. */
  states: Readonly<Record<string, JobState | readonly [JobState, JobPhase]>>;
  /** IAM actions without `sagemaker:`, exactly those called. */
  actions: {
    /** Take no resource. */
    list: readonly string[];
    look: readonly string[];
    stop: readonly string[];
  };
  /** Types of the resources that `look` and `stop` take, as in an ARN. */
  resources: readonly string[];
  /** The console's page of one, after `#/`; left out: it has none. */
  page?: string;
  /** Of the events that tell its states; left out: AWS sends none. */
  detailType?: string;
}

/** JobStatus of most kinds. */
const JOB_STATES = {
  inprogress: 'running',
  stopping: 'stopping',
  completed: 'completed',
  failed: 'failed',
  stopped: 'stopped',
} as const;

export const SAGEMAKER_KINDS: Readonly<Record<SageMakerName, SageMakerKind>> = {
  sagemaker: {
    logGroups: [TRAINING_LOG_GROUP],
    streams: 'below',
    states: JOB_STATES,
    actions: {
      list: ['ListTrainingJobs'],
      look: ['DescribeTrainingJob'],
      stop: ['StopTrainingJob'],
    },
    resources: ['training-job'],
    page: 'jobs',
    detailType: 'SageMaker Training Job State Change',
  },
  processing: {
    logGroups: ['/aws/sagemaker/ProcessingJobs'],
    streams: 'below',
    states: JOB_STATES,
    actions: {
      list: ['ListProcessingJobs'],
      look: ['DescribeProcessingJob'],
      stop: ['StopProcessingJob'],
    },
    resources: ['processing-job'],
    page: 'processing-jobs',
    detailType: 'SageMaker Processing Job State Change',
  },
  transform: {
    logGroups: ['/aws/sagemaker/TransformJobs'],
    streams: 'below',
    states: JOB_STATES,
    actions: {
      list: ['ListTransformJobs'],
      look: ['DescribeTransformJob'],
      stop: ['StopTransformJob'],
    },
    resources: ['transform-job'],
    page: 'transform-jobs',
    detailType: 'SageMaker Transform Job State Change',
  },
  tuning: {
    // Its children are training jobs.
    logGroups: [TRAINING_LOG_GROUP],
    streams: 'elsewhere',
    // One that is being deleted had ended before.
    states: { ...JOB_STATES, deleting: 'stopping', deletefailed: 'stopped' },
    actions: {
      list: ['ListHyperParameterTuningJobs'],
      look: ['DescribeHyperParameterTuningJob', 'ListTrainingJobsForHyperParameterTuningJob'],
      stop: ['StopHyperParameterTuningJob'],
    },
    resources: ['hyper-parameter-tuning-job'],
    page: 'hyper-tuning-jobs',
    detailType: 'SageMaker HyperParameter Tuning Job State Change',
  },
  compilation: {
    logGroups: [COMPILATION_LOG_GROUP],
    streams: 'own',
    states: { ...JOB_STATES, starting: 'pending' },
    actions: {
      list: ['ListCompilationJobs'],
      look: ['DescribeCompilationJob'],
      stop: ['StopCompilationJob'],
    },
    resources: ['compilation-job'],
    page: 'compilation-jobs',
  },
  pipeline: {
    // Where the jobs of its steps write.
    logGroups: [
      TRAINING_LOG_GROUP,
      '/aws/sagemaker/ProcessingJobs',
      '/aws/sagemaker/TransformJobs',
      '/aws/sagemaker/Job/*',
    ],
    streams: 'elsewhere',
    states: {
      ...{ executing: 'running', stopping: 'stopping' },
      ...{ succeeded: 'completed', failed: 'failed', stopped: 'stopped' },
    },
    actions: {
      list: ['ListPipelines', 'ListPipelineExecutions'],
      look: [
        'DescribePipelineExecution',
        'ListPipelineExecutionSteps',
        // A step's ARN has its job's name in lower case; its streams have it as it is.
        ...['DescribeTrainingJob', 'DescribeProcessingJob', 'DescribeTransformJob'],
      ],
      stop: ['StopPipelineExecution'],
    },
    resources: ['pipeline', 'training-job', 'processing-job', 'transform-job'],
    detailType: 'SageMaker Model Building Pipeline Execution Status Change',
  },
  endpoint: {
    logGroups: ['/aws/sagemaker/Endpoints/*'],
    streams: 'group',
    states: {
      ...{ creating: 'pending', inservice: 'running', outofservice: 'stopped', deleting: 'stopping' },
      ...{ updating: 'running', systemupdating: 'running', rollingback: 'running' },
      ...{ failed: 'failed', updaterollbackfailed: 'failed' },
    },
    actions: { list: ['ListEndpoints'], look: ['DescribeEndpoint'], stop: [] },
    resources: ['endpoint'],
    page: 'endpoints',
    detailType: 'SageMaker Endpoint State Change',
  },
  notebook: {
    logGroups: ['/aws/sagemaker/NotebookInstances'],
    streams: 'below',
    states: {
      ...{ pending: 'pending', inservice: 'running', stopping: 'stopping', stopped: 'stopped' },
      ...{ updating: 'running', inmaintenance: 'running', pendingmaintenance: 'running' },
      ...{ deleting: 'stopping', failed: 'failed' },
    },
    actions: { list: ['ListNotebookInstances'], look: ['DescribeNotebookInstance'], stop: [] },
    resources: ['notebook-instance'],
    page: 'notebook-instances',
    detailType: 'SageMaker Notebook Instance State Change',
  },
  cluster: {
    // `<name>/<id>`, and the id is known only once it was looked at.
    logGroups: ['/aws/sagemaker/Clusters/*'],
    streams: 'elsewhere',
    states: {
      ...{ creating: 'pending', inservice: 'running', failed: 'failed', deleting: 'stopping' },
      ...{ updating: 'running', systemupdating: 'running', rollingback: 'running' },
    },
    actions: { list: ['ListClusters'], look: ['DescribeCluster'], stop: [] },
    resources: ['cluster'],
    page: 'cluster-management',
    detailType: 'SageMaker HyperPod Cluster State Change',
  },
  job: {
    // By its category, which only its description tells.
    logGroups: ['/aws/sagemaker/Job/*'],
    streams: 'elsewhere',
    states: { ...JOB_STATES, deleting: 'stopping', deletefailed: 'stopped' },
    actions: { list: ['ListJobs'], look: ['DescribeJob'], stop: ['StopJob'] },
    resources: ['job'],
  },
};

/**
 * The (first) log group of a kind's jobs; none of the kinds is without one.
 * @param own what a job has of its own in the group's name, where that has any
 */
export function logGroupOf(kind: SageMakerName, own: string): string {
  return SAGEMAKER_KINDS[kind].logGroups[0].replace('*', () => own);
}

/** @param status in any letter case. @returns to be spread into a job; `unknown` for a word that is not in the table */
export function kindState(
  kind: SageMakerName,
  status: string,
  secondaryStatus?: string | undefined,
): JobStanding {
  if (kind === 'sagemaker') return sageMakerState(status, secondaryStatus);
  const { states } = SAGEMAKER_KINDS[kind];
  const word = status.toLowerCase();
  const known = Object.hasOwn(states, word) ? states[word]! : 'unknown';
  const [state, phase] = typeof known === 'string' ? [known] : known;
  return { state, phase, status, secondaryStatus };
}

/** Names by which a configuration calls the kinds: `training` is `sagemaker`. */
export function kindWord(name: SageMakerName): string {
  return name === 'sagemaker' ? 'training' : name;
}

/** All but training. */
export const KIND_NAMES = Object.keys(SAGEMAKER_KINDS).filter((name) => name !== 'sagemaker') as KindName[];
