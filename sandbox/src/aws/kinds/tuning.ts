/** Hyperparameter tuning jobs. What they start are training jobs, with logs of their own among all others'. */
import type { EpochMs } from '../../time.ts';
import { AwsError } from '../errors.ts';
import { jobList } from './job-row.ts';
import { JOB_ENDS, JOB_STATUSES, JOB_STOP, type Kind, type KindPlace, NEWER_STATUSES } from './kind.ts';
import type { ListRow } from './list.ts';
import { listOperation } from './operations.ts';
import { readTuning, TUNING_NAME, type TuningSeed } from './tuning-request.ts';
import { picked } from './work.ts';

const CHILD_STATUSES = [...JOB_STATUSES, 'Deleting'];

export const tuning: Kind<TuningSeed> = {
  words: 'hyperparameter tuning job',
  resource: 'hyper-parameter-tuning-job',
  name: { member: 'HyperParameterTuningJobName', rule: TUNING_NAME },
  members: {
    arn: 'HyperParameterTuningJobArn',
    status: 'HyperParameterTuningJobStatus',
    modified: 'LastModifiedTime',
    ended: 'HyperParameterTuningEndTime',
    failure: 'FailureReason',
  },
  ends: JOB_ENDS,
  operations: {
    describe: 'DescribeHyperParameterTuningJob',
    stop: 'StopHyperParameterTuningJob',
    create: 'CreateHyperParameterTuningJob',
  },
  list: jobList('HyperParameterTuning', NEWER_STATUSES, { defaultSort: 'Name' }),
  summary: [
    'HyperParameterTuningJobName',
    'HyperParameterTuningJobArn',
    'HyperParameterTuningJobStatus',
    'CreationTime',
    'HyperParameterTuningEndTime',
    'LastModifiedTime',
    'TrainingJobStatusCounters',
    'ObjectiveStatusCounters',
  ],
  summaryOf: ({ config: { Strategy, ResourceLimits } }) => ({ Strategy, ResourceLimits }),
  placed(seed, { jobs }, arn) {
    for (const { job, tuned } of seed.children)
      jobs.seed({
        ...job,
        hyperParameters: { ...job.hyperParameters, ...tuned },
        details: { TuningJobArn: arn, ...job.details },
      });
  },
  describe(work, _, place, now) {
    const children = childrenOf(work, place, now);
    const best = bestOf(work, children);
    return {
      HyperParameterTuningJobConfig: work.config,
      TrainingJobStatusCounters: statusCounters(children),
      ObjectiveStatusCounters: objectiveCounters(children),
      ...(best === undefined ? {} : { BestTrainingJob: best }),
    };
  },
  missing: (name) =>
    new AwsError('ResourceNotFound', `Amazon SageMaker can't find a tuning job with the name ${name}.`),
  stop: {
    ...JOB_STOP,
    ms: JOB_STOP.ms + 2_000,
    also({ children }, place, now) {
      for (const { job } of children)
        if (place.jobs.find(job.name, now)) place.stop(place.jobs.arn(job.name), now);
        else place.jobs.forget(job.name);
    },
  },
  create: { read: readTuning },
  more: ({ works, placeOf, settings }) => ({
    [TUNING_CHILDREN.operation]: listOperation(TUNING_CHILDREN, settings, (call, read) => {
      const name = read.need('HyperParameterTuningJobName', TUNING_NAME);
      return () => childrenOf(works(call).named(name, call.now), placeOf(call), call.now, call.input.SortBy);
    }),
  }),
  event: {
    detailType: 'SageMaker HyperParameter Tuning Job State Change',
    detail({ HyperParameterTuningJobConfig: _, BestTrainingJob: __, ...told }, { tags }) {
      return { ...told, Tags: { ...tags } };
    },
  },
};

/** `ListTrainingJobsForHyperParameterTuningJob`. */
const TUNING_CHILDREN: ListRow = {
  operation: 'ListTrainingJobsForHyperParameterTuningJob',
  answer: 'TrainingJobSummaries',
  sortBy: {
    Name: 'TrainingJobName',
    CreationTime: 'CreationTime',
    Status: 'TrainingJobStatus',
    FinalObjectiveMetricValue: (child) => objectiveOf(child) ?? Number.NaN,
  },
  defaultSort: 'Name',
  key: 'TrainingJobName',
  status: { of: 'TrainingJobStatus', values: CHILD_STATUSES },
  times: [],
};

type ChildSummary = Readonly<Record<string, unknown>>;

const objectiveOf = (child: ChildSummary) =>
  (child.FinalHyperParameterTuningJobObjectiveMetric as { Value: number } | undefined)?.Value;

/** @param sortedBy of the request: without an objective there is nothing to sort by it */
function childrenOf(
  { children, config }: TuningSeed,
  { jobs }: Pick<KindPlace, 'jobs'>,
  now: EpochMs,
  sortedBy?: unknown,
): ChildSummary[] {
  const metric = config.HyperParameterTuningJobObjective?.MetricName;
  const found = children.flatMap(({ job: { name }, tuned, objective }) => {
    const job = jobs.find(name, now);
    if (!job) return [];
    const told = jobs.outline(job, now);
    const completed = told.TrainingJobStatus === 'Completed';
    const measured = completed && objective !== undefined && metric !== undefined;
    const ended = told.TrainingEndTime !== undefined;
    return [
      {
        TrainingJobName: name,
        TrainingJobArn: told.TrainingJobArn,
        CreationTime: told.CreationTime,
        ...picked(told, ['TrainingStartTime', 'TrainingEndTime', 'FailureReason']),
        TrainingJobStatus: told.TrainingJobStatus,
        TunedHyperParameters: tuned,
        ...(measured
          ? { FinalHyperParameterTuningJobObjectiveMetric: { MetricName: metric, Value: objective } }
          : {}),
        ObjectiveStatus: measured ? 'Succeeded' : ended ? 'Failed' : 'Pending',
      },
    ];
  });
  return sortedBy === 'FinalObjectiveMetricValue'
    ? found.filter((child) => objectiveOf(child) !== undefined)
    : found;
}

function bestOf({ config }: TuningSeed, children: readonly ChildSummary[]): ChildSummary | undefined {
  const sign = config.HyperParameterTuningJobObjective?.Type === 'Minimize' ? -1 : 1;
  const measured = children.filter((child) => objectiveOf(child) !== undefined);
  return measured.sort((a, b) => sign * (objectiveOf(b)! - objectiveOf(a)!))[0];
}

/** AWS tries again after these. */
const RETRYABLE = /^(?:InternalServerError|CapacityError)/;

function statusCounters(children: readonly ChildSummary[]): Record<string, number> {
  const count = (holds: (status: string, reason: string) => boolean) =>
    children.filter(({ TrainingJobStatus, FailureReason }) =>
      holds(String(TrainingJobStatus), String(FailureReason ?? '')),
    ).length;
  return {
    Completed: count((status) => status === 'Completed'),
    InProgress: count((status) => status === 'InProgress' || status === 'Stopping'),
    RetryableError: count((status, reason) => status === 'Failed' && RETRYABLE.test(reason)),
    NonRetryableError: count((status, reason) => status === 'Failed' && !RETRYABLE.test(reason)),
    Stopped: count((status) => status === 'Stopped'),
  };
}

const objectiveCounters = (children: readonly ChildSummary[]): Record<string, number> =>
  Object.fromEntries(
    ['Succeeded', 'Pending', 'Failed'].map((status) => [
      status,
      children.filter(({ ObjectiveStatus }) => ObjectiveStatus === status).length,
    ]),
  );
