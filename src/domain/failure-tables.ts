/** The shape of the failure tables, and AWS's pages that they point to. */
import type { Speaker } from './failure-speaker.ts';
import { maskSecrets } from './mask-secrets.ts';
import { isSageMakers, type ProviderName } from './providers.ts';

export interface DocLink {
  title: string;
  url: string;
}

/** What a reader can do about a failure, and why. */
export interface FailureAdvice {
  /** Stable; for counting and for tests. */
  id: string;
  cause: string;
  fix: string;
  /** Where it is explained; left out where there is no such page. */
  link?: DocLink | undefined;
}

/** Of a training: in the words for SageMaker's jobs, and for those of any other provider. */
export interface TrainingAdvice extends FailureAdvice {
  /** What is said differently of SageMaker's other kinds of jobs, which are no trainings. */
  kinds?: Partial<Pick<FailureAdvice, 'cause' | 'fix'>> | undefined;
  /** What is said differently there; `{}`: only the link goes. Left out: only SageMaker's jobs fail like this. */
  elsewhere?: Partial<Pick<FailureAdvice, 'cause' | 'fix' | 'link'>> | undefined;
}

/** Advice for the jobs of one provider. */
export function adviceAt(provider: ProviderName, advice: TrainingAdvice): FailureAdvice {
  const { elsewhere, kinds, ...here } = advice;
  if (provider === 'sagemaker') return here;
  // The pages are about training jobs.
  return { ...here, link: undefined, ...(isSageMakers(provider) ? kinds : elsewhere) };
}

/**
 * One row: advice, what it is recognised by, and an example: the wording of a real job or of AWS's pages, or,
 * where neither shows it whole, a sentence around the words that AWS documents. Cause and fix may name what the
 * pattern's groups caught: `{operators|the operator that the message names}` is the group `operators`, or the words
 * after the bar where it caught nothing; `{one/two|…}` is whichever of both caught something.
 */
export interface ReasonRow extends FailureAdvice {
  pattern: RegExp;
  /** Who may say it; left out: anybody. A reason that does not begin with who says it passes. */
  says?: readonly Speaker[];
  example: string;
}

/** What was caught is named only so far (characters); the message itself is shown beside the advice. */
const CAUGHT_LIMIT = 200;

/** A row's advice in words: with what its pattern caught, secrets masked, or in general words without groups. */
export function adviceOf(
  row: TrainingAdvice,
  groups: Readonly<Record<string, string | undefined>> = {},
): TrainingAdvice {
  const words = (text: string): string =>
    text.replace(/\{([\w/]+)\|([^{}]*)\}/g, (_, names: string, otherwise: string) => {
      const name = names.split('/').find((one) => groups[one] !== undefined) ?? '';
      const caught = maskSecrets((groups[name] ?? '').replace(/\s+/g, ' ').trim());
      if (caught === '') return otherwise;
      return caught.length > CAUGHT_LIMIT ? `${caught.slice(0, CAUGHT_LIMIT)}…` : caught;
    });
  const { id, cause, fix, link, kinds, elsewhere } = row;
  const inWords = <T extends Partial<Pick<FailureAdvice, 'cause' | 'fix'>>>(other: T): T => ({
    ...other,
    ...(other.cause === undefined ? {} : { cause: words(other.cause) }),
    ...(other.fix === undefined ? {} : { fix: words(other.fix) }),
  });
  return {
    ...{ id, cause: words(cause), fix: words(fix), link },
    ...(kinds ? { kinds: inWords(kinds) } : {}),
    ...(elsewhere ? { elsewhere: inWords(elsewhere) } : {}),
  };
}

const SAGEMAKER = 'https://docs.aws.amazon.com/sagemaker/latest';
const GREENGRASS = 'https://docs.aws.amazon.com/greengrass/v2';

export const DOCS = {
  neoErrors: {
    title: 'Troubleshoot Neo compilation errors',
    url: `${SAGEMAKER}/dg/neo-troubleshooting-compilation.html`,
  },
  neoErrorClasses: { title: 'Neo error classes', url: `${SAGEMAKER}/dg/neo-troubleshooting.html` },
  neoModel: {
    title: 'Prepare a model for compilation',
    url: `${SAGEMAKER}/dg/neo-compilation-preparing-model.html`,
  },
  neoEdge: { title: 'Neo on edge devices', url: `${SAGEMAKER}/dg/neo-supported-devices-edge.html` },
  neoCloud: { title: 'Neo on cloud instances', url: `${SAGEMAKER}/dg/neo-supported-cloud.html` },
  neoInput: { title: 'InputConfig', url: `${SAGEMAKER}/APIReference/API_InputConfig.html` },
  neoOutput: { title: 'OutputConfig', url: `${SAGEMAKER}/APIReference/API_OutputConfig.html` },
  roles: { title: 'SageMaker execution roles', url: `${SAGEMAKER}/dg/sagemaker-roles.html` },
  stopping: { title: 'StoppingCondition', url: `${SAGEMAKER}/APIReference/API_StoppingCondition.html` },
  exitCodes: {
    title: 'How a training job signals failure',
    url: `${SAGEMAKER}/dg/your-algorithms-training-signal-success-failure.html`,
  },
  resources: { title: 'ResourceConfig', url: `${SAGEMAKER}/APIReference/API_ResourceConfig.html` },
  s3Source: { title: 'S3DataSource', url: `${SAGEMAKER}/APIReference/API_S3DataSource.html` },
  retries: { title: 'RetryStrategy', url: `${SAGEMAKER}/APIReference/API_RetryStrategy.html` },
  quotas: { title: 'SageMaker regions and quotas', url: `${SAGEMAKER}/dg/regions-quotas.html` },
  spot: { title: 'Managed spot training', url: `${SAGEMAKER}/dg/model-managed-spot-training.html` },
  checkpoints: { title: 'Checkpoints', url: `${SAGEMAKER}/dg/model-checkpoints.html` },
  describeTraining: {
    title: 'DescribeTrainingJob',
    url: `${SAGEMAKER}/APIReference/API_DescribeTrainingJob.html`,
  },
  vpc: { title: 'Training jobs in a VPC', url: `${SAGEMAKER}/dg/train-vpc.html` },
  ownImage: {
    title: 'How SageMaker runs your training image',
    url: `${SAGEMAKER}/dg/your-algorithms-training-algo-dockerfile.html`,
  },
  output: { title: 'OutputDataConfig', url: `${SAGEMAKER}/APIReference/API_OutputDataConfig.html` },
  channels: { title: 'Channel', url: `${SAGEMAKER}/APIReference/API_Channel.html` },
  hyperparameters: {
    title: 'How SageMaker passes hyperparameters',
    url: `${SAGEMAKER}/dg/your-algorithms-training-algo-running-container.html`,
  },
  algorithms: { title: 'Built-in algorithms', url: `${SAGEMAKER}/dg/algos.html` },
  distributed: { title: 'Distributed training', url: `${SAGEMAKER}/dg/distributed-training.html` },
  trainingMetrics: {
    title: 'CPU and GPU use in CloudWatch',
    url: `${SAGEMAKER}/dg/monitoring-cloudwatch.html`,
  },
  imagePolicy: {
    title: 'ECR repository policies',
    url: 'https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html',
  },
  greengrassErrors: {
    title: 'Troubleshoot Greengrass',
    url: `${GREENGRASS}/developerguide/troubleshooting.html`,
  },
  deploymentCodes: {
    title: 'Detailed deployment error codes',
    url: `${GREENGRASS}/developerguide/troubleshooting-deployment.html`,
  },
  componentCodes: {
    title: 'Detailed component status codes',
    url: `${GREENGRASS}/developerguide/troubleshooting-component.html`,
  },
  recipe: {
    title: 'Component recipe reference',
    url: `${GREENGRASS}/developerguide/component-recipe-reference.html`,
  },
  createComponent: {
    title: 'CreateComponentVersion',
    url: `${GREENGRASS}/APIReference/API_CreateComponentVersion.html`,
  },
  componentStatus: {
    title: 'CloudComponentStatus',
    url: `${GREENGRASS}/APIReference/API_CloudComponentStatus.html`,
  },
} as const satisfies Record<string, DocLink>;
