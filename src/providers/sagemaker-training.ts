/** SageMaker as a training provider: jobs started from a template or an older job, by their name at most once, and stopped. */
import type { CreateTrainingJobCommandInput, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { guidanceForTraining } from '../domain/failure-guidance.ts';
import { isTrainingName } from '../domain/training-names.ts';
import { watchedClient } from '../ground/aws-calls.ts';
import { AppError } from '../ground/errors.ts';
import type { AwsAccess } from '../ports/aws-account.ts';
import type { JobCatalog, TrainingOrder, TrainingProvider } from '../ports/training-provider.ts';
import { type Described, isSameRun, rerunRequest, rerunSetup } from './sagemaker-rerun.ts';
import { sageMakerTemplate, templateRequest } from './sagemaker-template.ts';
import { stopOnce } from './stop-once.ts';

const TRAINING_ROLE = {
  role: "the job's own role",
  fix: [
    'the role of the use case needs iam:PassRole on the role that the training job runs with (the parameter TrainingRoleArns of infra/use-case-account.yaml)',
    'a condition there must allow iam:PassedToService sagemaker.amazonaws.com',
  ],
};
/** Its own algorithms bring their metrics: described with them, started again only without. */
const METRICS_OF_ITS_OWN = /override the metric definitions/i;
/** The quota, and how much of it there is: `'ml.g5.2xlarge for training job usage' is 0 Instances`. */
const QUOTA = /service limit '([^']{1,120})' is (\d+) \w+, with current utilization of (\d+)/;

export function createSageMakerTraining(
  access: AwsAccess,
  jobs: Pick<JobCatalog, 'tags'> & Pick<TrainingProvider, 'getStatus'>,
): Pick<TrainingProvider, 'choices' | 'setup' | 'deploy' | 'cancel'> {
  // The package is large: loaded with the first question, and kept.
  let loading: ReturnType<typeof load> | undefined;
  const sageMaker = () => (loading ??= load(access));

  async function describe(name: string, signal?: AbortSignal): Promise<Described | undefined> {
    if (!isTrainingName(name)) return undefined;
    const { client, DescribeTrainingJobCommand } = await sageMaker();
    try {
      return await access.call(
        { operation: `find the job ${name}`, actions: ['sagemaker:DescribeTrainingJob'] },
        () => client.send(new DescribeTrainingJobCommand({ TrainingJobName: name }), abortable(signal)),
      );
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async function create(input: CreateTrainingJobCommandInput, signal?: AbortSignal): Promise<void> {
    const { client, CreateTrainingJobCommand } = await sageMaker();
    await access.call(
      {
        operation: `start the training job ${input.TrainingJobName}`,
        actions: ['sagemaker:CreateTrainingJob', 'sagemaker:AddTags', 'iam:PassRole'],
        passes: TRAINING_ROLE,
      },
      () => client.send(new CreateTrainingJobCommand(input), abortable(signal)),
    );
  }

  async function stop(name: string, signal?: AbortSignal): Promise<void> {
    const { client, StopTrainingJobCommand } = await sageMaker();
    await access.call(
      { operation: `stop the training job ${name}`, actions: ['sagemaker:StopTrainingJob'] },
      () => client.send(new StopTrainingJobCommand({ TrainingJobName: name }), abortable(signal)),
    );
  }

  /** The request that an order comes to. */
  async function requestOf(
    order: TrainingOrder,
    signal?: AbortSignal,
  ): Promise<CreateTrainingJobCommandInput> {
    if (order.kind === 'template') return templateRequest(order);
    const described = await describe(order.again, signal);
    if (!described)
      throw new AppError('not_found', `There is no training job ${order.again} any more.`, {
        hint: 'SageMaker forgets jobs that somebody deletes. Start another one again.',
      });
    const { refusal } = rerunSetup(described);
    if (refusal)
      throw new AppError('conflict', `${order.again} cannot be run again. ${refusal.reason}`, {
        hint: refusal.hint,
      });
    const tags = await jobs.tags({ name: order.again, arn: described.TrainingJobArn }, signal);
    return rerunRequest(described, order, tags);
  }

  return {
    async choices(template) {
      const { parameters, sagemaker } = sageMakerTemplate(template);
      return { parameters, machines: sagemaker.instanceTypes };
    },

    async setup(job, signal) {
      const described = await describe(job, signal);
      return described && rerunSetup(described);
    },

    async deploy(order, signal) {
      const input = await requestOf(order, signal);
      try {
        await create(input, signal).catch((error: unknown) => {
          const { AlgorithmSpecification: algorithm } = input;
          if (!algorithm?.MetricDefinitions || !METRICS_OF_ITS_OWN.test(awsWords(error).message)) throw error;
          const { MetricDefinitions: _theirs, ...rest } = algorithm;
          return create({ ...input, AlgorithmSpecification: rest }, signal);
        });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.code !== 'conflict') throw startError(error, order);
        // Taken by this same request, whose first try got through (a lost answer, a second click), or by another.
        const there = await describe(order.name, signal);
        if (!there || !isSameRun(there, input, order.askedAt)) throw nameTaken(error, order.name);
      }
      return order.name;
    },

    cancel: stopOnce({
      stop,
      getStatus: jobs.getStatus,
      missing: (job) =>
        new AppError('not_found', `There is no training job ${job}.`, { hint: 'It was deleted.' }),
    }),
  };
}

/** Only refusals leave here as such; anything that leaves open whether the job was made is `unavailable`. */
function startError(error: AppError, { name }: Pick<TrainingOrder, 'name'>): AppError {
  const { cause, ref } = error;
  const more = { ...(error.adminHint === undefined ? {} : { adminHint: error.adminHint }), cause, ref };
  const { name: kind, message } = awsWords(error);
  if (kind === 'ResourceLimitExceeded') {
    const [, quota, limit, used] = QUOTA.exec(message) ?? [];
    const advice = guidanceForTraining({ state: 'failed', failureReason: `${kind}: ${message}` })!;
    const told = quota === undefined ? '' : ` “${quota}” is ${limit}, and ${used} are in use.`;
    return new AppError('rate_limited', `${advice.cause}${told} ${name} was not started.`, {
      hint: [advice.fix, advice.link?.url].filter(Boolean).join(' '),
      ...more,
    });
  }
  if (error.code === 'not_found')
    return new AppError(
      'invalid_input',
      `AWS does not find something that ${name} needs: ${firstLine(message)}`,
      {
        hint: 'What the old run used may be gone by now: its role, image, data or network. Make it again, or start from another job.',
        ...more,
      },
    );
  if (error.code !== 'internal') return error;
  return new AppError('unavailable', `AWS gave no clear answer; whether ${name} was started is not known.`, {
    hint: 'Submit it again under the same name: it is never started twice.',
    ...more,
  });
}

const nameTaken = (cause: AppError, name: string): AppError =>
  new AppError('conflict', `Another training job is called ${name} already.`, {
    hint: 'Names are unique in an account and region, also among old jobs. Choose another one.',
    cause,
    ref: cause.ref,
  });

/** The service's own error behind ours. */
function awsWords(error: unknown): { name: string; message: string } {
  const { name = '', message = '' } = ((error as { cause?: unknown } | null)?.cause ?? {}) as Partial<Error>;
  return { name, message };
}

const firstLine = (text: string): string => (text.split('\n', 1)[0] ?? '').slice(0, 300);

async function load(access: AwsAccess) {
  const { CreateTrainingJobCommand, DescribeTrainingJobCommand, SageMakerClient, StopTrainingJobCommand } =
    await import('@aws-sdk/client-sagemaker');
  // Repeating is safe: if the name is taken by then, the code looks up by what.
  const client: SageMakerClient = watchedClient(new SageMakerClient(access.clientConfig(4)));
  return { client, CreateTrainingJobCommand, DescribeTrainingJobCommand, StopTrainingJobCommand };
}

const abortable = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});
