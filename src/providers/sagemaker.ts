/** SageMaker as the catalog of a use case's training jobs, and as the place where they run. */
import type { SageMakerClient, TrainingJobSummary } from '@aws-sdk/client-sagemaker';
import { inConsole, trainingJobUrl, trainingLogUrl } from '../domain/console-links.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { TRAINING_LOG_GROUP } from '../domain/log-groups.ts';
import { sageMakerState } from '../domain/sagemaker-states.ts';
import { isTrainingName } from '../domain/training-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { AwsAccess, AwsAccount } from '../ports/aws-account.ts';
import type { JobCatalog, JobLinks, ProviderEntry, TrainingProvider } from '../ports/training-provider.ts';
import { createSageMakerTraining } from './sagemaker-training.ts';

/** Rule of NameContains. */
const NAME_PART = /^[a-zA-Z0-9-]{1,63}$/;
/** ListTrainingJobs' own limit of a page. */
const PAGE = 100;

export const sageMaker: ProviderEntry = {
  name: 'sagemaker',
  trains: ({ aws, providers }) => aws !== undefined && (providers?.sagemaker ?? true),
  links,
  open: ({ aws }) => createSageMaker(aws()),
};

function createSageMaker(access: AwsAccount): TrainingProvider {
  const jobs = createSageMakerCatalog(access);
  return {
    name: 'sagemaker',
    jobs,
    training: createSageMakerTraining(access, jobs),
    log: (job) => access.log(TRAINING_LOG_GROUP, job),
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

function createSageMakerCatalog(access: AwsAccess): JobCatalog {
  const { useCase } = access;
  // The package is large: loaded with the first question, and kept.
  let loading: ReturnType<typeof load> | undefined;
  const sageMaker = () => {
    loading ??= load(access);
    return loading;
  };

  return {
    async find(name, signal) {
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
          failureReason: job.FailureReason,
          instanceType:
            job.ResourceConfig?.InstanceType ?? job.ResourceConfig?.InstanceGroups?.[0]?.InstanceType,
          instanceCount:
            job.ResourceConfig?.InstanceCount ??
            job.ResourceConfig?.InstanceGroups?.reduce((sum, group) => sum + (group.InstanceCount ?? 0), 0),
          startedAt: job.TrainingStartTime?.getTime(),
          // Filled in from the beginning, and there only when the job completed or was stopped with a model.
          modelArtifact: job.ModelArtifacts?.S3ModelArtifacts || undefined,
          hyperparameters: job.HyperParameters,
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
      let token: string | undefined;
      do {
        const asked = token;
        const page = await access.call(
          { operation: 'list the training jobs', actions: ['sagemaker:ListTrainingJobs'] },
          () =>
            client.send(
              new ListTrainingJobsCommand({
                SortBy: 'CreationTime',
                SortOrder: 'Descending',
                MaxResults: Math.min(PAGE, limit),
                ...(nameContains ? { NameContains: nameContains } : {}),
                ...(asked === undefined ? {} : { NextToken: asked }),
              }),
              abortable(signal),
            ),
        );
        for (const job of page.TrainingJobSummaries ?? []) jobs.push(summary(job, useCase));
        // A page may be empty and not the last; a token that comes back again would never end.
        token = page.NextToken === asked ? undefined : page.NextToken;
      } while (token !== undefined && jobs.length < limit);
      return jobs.slice(0, limit);
    },

    async tags({ name, arn }, signal) {
      if (arn === undefined) return {};
      const { client, ListTagsCommand } = await sageMaker();
      const tags = new Map<string, string>();
      let token: string | undefined;
      do {
        const asked = token;
        const page = await access.call(
          { operation: `read the tags of ${name}`, actions: ['sagemaker:ListTags'] },
          () =>
            client.send(
              new ListTagsCommand({ ResourceArn: arn, ...(asked === undefined ? {} : { NextToken: asked }) }),
              abortable(signal),
            ),
        );
        for (const { Key, Value } of page.Tags ?? []) if (Key !== undefined) tags.set(Key, Value ?? '');
        token = page.NextToken === asked ? undefined : page.NextToken;
      } while (token !== undefined);
      return Object.fromEntries(tags);
    },
  };
}

async function load(access: AwsAccess) {
  const { DescribeTrainingJobCommand, ListTagsCommand, ListTrainingJobsCommand, SageMakerClient } =
    await import('@aws-sdk/client-sagemaker');
  // Lists are allowed about twice a second for the whole account: others may have just used that up.
  const client: SageMakerClient = new SageMakerClient(access.clientConfig(6));
  return { client, DescribeTrainingJobCommand, ListTagsCommand, ListTrainingJobsCommand };
}

const abortable = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

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
