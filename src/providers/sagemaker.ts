/** SageMaker as the catalog of a use case's training jobs, and as the place where they run. */
import type { ResourceConfig, SageMakerClient, TrainingJobSummary } from '@aws-sdk/client-sagemaker';
import { inConsole, trainingJobUrl, trainingLogUrl } from '../domain/console-links.ts';
import { tuningParent } from '../domain/job-families.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { TRAINING_LOG_GROUP } from '../domain/log-groups.ts';
import { sageMakerState } from '../domain/sagemaker-states.ts';
import { isTrainingName } from '../domain/training-names.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import { watchedClient } from '../ground/aws-calls.ts';
import { AppError } from '../ground/errors.ts';
import { paged } from '../ground/paged.ts';
import type { AwsAccess, AwsAccount } from '../ports/aws-account.ts';
import type { LogEngine } from '../ports/log-engine.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { JobCatalog, JobLinks, ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import { createSageMakerTraining } from './sagemaker-training.ts';
import { textLog } from './text-log.ts';

/** Rule of NameContains. */
const NAME_PART = /^[a-zA-Z0-9-]{1,63}$/;
/** ListTrainingJobs' own limit of a page. */
const PAGE = 100;

export const sageMaker: ProviderEntry = {
  name: 'sagemaker',
  trains: (useCase) => sageMakerNames(useCase).includes('sagemaker'),
  links,
  open: ({ aws, engine }) => createSageMaker(aws(), engine),
};

function createSageMaker(access: AwsAccount, engine: LogEngine): TrainingProvider {
  const { getStatus, ...jobs } = createSageMakerCatalog(access);
  const log = (job: string): LogSource => access.log(TRAINING_LOG_GROUP, job);
  return {
    name: 'sagemaker',
    begins: sageMakerState('InProgress', 'Starting'),
    jobs,
    getStatus,
    ...createSageMakerTraining(access, { ...jobs, getStatus }),
    ...textLog(engine, { name: 'sagemaker', getStatus, log }),
    log,
    links: (job) => links(access.useCase, job),
  };
}

function links(useCase: UseCase, job: string): JobLinks {
  return {
    site: 'AWS',
    job: inConsole(useCase, trainingJobUrl, job),
    log: inConsole(useCase, trainingLogUrl, job),
  };
}

function createSageMakerCatalog(access: AwsAccess): JobCatalog & Pick<TrainingProvider, 'getStatus'> {
  const { useCase } = access;
  // The package is large: loaded with the first question, and kept.
  let loading: ReturnType<typeof load> | undefined;
  const sageMaker = () => {
    loading ??= load(access);
    return loading;
  };

  return {
    async getStatus(name, signal) {
      // Anything else is not a job, so AWS need not be asked.
      if (!isTrainingName(name)) return undefined;
      const { client, DescribeTrainingJobCommand } = await sageMaker();
      try {
        const job = await access.call(
          { operation: `find the job ${name}`, actions: ['sagemaker:DescribeTrainingJob'] },
          () => client.send(new DescribeTrainingJobCommand({ TrainingJobName: name }), abortable(signal)),
        );
        return {
          ...summary(job, useCase),
          parent: tuningParent(name, job.TuningJobArn),
          failureReason: job.FailureReason,
          ...machinesOf(job.ResourceConfig),
          startedAt: job.TrainingStartTime?.getTime(),
          // Filled in from the beginning, and there only when the job completed or was stopped with a model.
          modelArtifact: job.ModelArtifacts?.S3ModelArtifacts || undefined,
          hyperparameters: job.HyperParameters,
          finalMetrics: job.FinalMetricDataList?.flatMap(({ MetricName, Value, Timestamp }) =>
            MetricName !== undefined && Value !== undefined && Number.isFinite(Value)
              ? [{ name: MetricName, value: Value, at: Timestamp?.getTime() }]
              : [],
          ),
          metricDefinitions: job.AlgorithmSpecification?.MetricDefinitions?.flatMap(({ Name, Regex }) =>
            Name !== undefined && Regex !== undefined ? [{ name: Name, regex: Regex }] : [],
          ),
        };
      } catch (error) {
        // `ValidationException: Requested resource not found.`, which the table knows.
        if (error instanceof AppError && error.code === 'not_found') return undefined;
        throw error;
      }
    },

    async list({ nameContains, limit }, signal) {
      if (nameContains !== undefined && nameContains !== '' && !NAME_PART.test(nameContains)) return [];
      const { client, ListTrainingJobsCommand } = await sageMaker();
      const jobs: TrainingJob[] = [];
      const pages = paged((NextToken) =>
        access.call({ operation: 'list the training jobs', actions: ['sagemaker:ListTrainingJobs'] }, () =>
          client.send(
            new ListTrainingJobsCommand({
              SortBy: 'CreationTime',
              SortOrder: 'Descending',
              MaxResults: Math.min(PAGE, limit),
              ...(nameContains ? { NameContains: nameContains } : {}),
              NextToken,
            }),
            abortable(signal),
          ),
        ),
      );
      for await (const page of pages) {
        for (const job of page.TrainingJobSummaries ?? []) jobs.push(summary(job, useCase));
        if (jobs.length >= limit) break;
      }
      return jobs.slice(0, limit);
    },

    async tags({ name, arn }, signal) {
      if (arn === undefined) return {};
      const { client, ListTagsCommand } = await sageMaker();
      const tags = new Map<string, string>();
      const pages = paged((NextToken) =>
        access.call({ operation: `read the tags of ${name}`, actions: ['sagemaker:ListTags'] }, () =>
          client.send(new ListTagsCommand({ ResourceArn: arn, NextToken }), abortable(signal)),
        ),
      );
      for await (const page of pages)
        for (const { Key, Value } of page.Tags ?? []) if (Key !== undefined) tags.set(Key, Value ?? '');
      return Object.fromEntries(tags);
    },
  };
}

async function load(access: AwsAccess) {
  const { DescribeTrainingJobCommand, ListTagsCommand, ListTrainingJobsCommand, SageMakerClient } =
    await import('@aws-sdk/client-sagemaker');
  // Lists are allowed about twice a second for the whole account: others may have just used that up.
  const client: SageMakerClient = access.paced(watchedClient(new SageMakerClient(access.clientConfig(6))));
  return { client, DescribeTrainingJobCommand, ListTagsCommand, ListTrainingJobsCommand };
}

const abortable = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

/** Of groups with different machines each group is named: a count of the first one's type would be wrong. */
function machinesOf(config: ResourceConfig | undefined): Pick<TrainingJob, 'instanceType' | 'instanceCount'> {
  const { InstanceType, InstanceCount, InstanceGroups: groups = [] } = config ?? {};
  if (InstanceType !== undefined || groups.length === 0)
    return { instanceType: InstanceType, instanceCount: InstanceCount };
  const counts = new Map<string, number>();
  for (const { InstanceType: type, InstanceCount: count = 0 } of groups)
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + count);
  const [[only, count] = [undefined, undefined]] = counts;
  if (counts.size < 2) return { instanceType: only, instanceCount: count };
  return { instanceType: [...counts].map(([type, of]) => `${of} × ${type}`).join(' + ') };
}

/** The fields that a list and a description share. */
function summary(job: Partial<Omit<TrainingJobSummary, 'WarmPoolStatus'>>, useCase: UseCase): TrainingJob {
  return {
    name: job.TrainingJobName ?? '',
    useCase: useCase.id,
    provider: 'sagemaker',
    arn: job.TrainingJobArn,
    ...sageMakerState(job.TrainingJobStatus ?? 'Unknown', job.SecondaryStatus),
    createdAt: job.CreationTime?.getTime() ?? 0,
    endedAt: job.TrainingEndTime?.getTime(),
  };
}
