/** The shape of the failure tables, and AWS's pages that they point to. */

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
  link: DocLink;
}

/**
 * One row: advice, what it is recognised by, and an example: the wording of a real job or of AWS's pages, or,
 * where neither shows it whole, a sentence around the words that AWS documents.
 */
export interface ReasonRow extends FailureAdvice {
  pattern: RegExp;
  example: string;
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
