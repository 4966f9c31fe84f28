/** The roles of a use case's account: the one that Signalbox takes on, and those that it hands to SageMaker. */
import type { PolicyDocument, RoleSeed } from '#sandbox/seeds';

const NEO_ROLE = 'NeoExecution';
const TRAINING_ROLE = 'TrainingExecution';

/** As the parameters `Processing`, `Tuning`, … of infra/use-case-account.yaml grant them, each as far as it goes. */
export const KIND_ACTIONS = [
  ...['ListProcessingJobs', 'DescribeProcessingJob', 'StopProcessingJob'],
  ...['ListTransformJobs', 'DescribeTransformJob', 'StopTransformJob'],
  ...['ListHyperParameterTuningJobs', 'DescribeHyperParameterTuningJob'],
  ...['ListTrainingJobsForHyperParameterTuningJob', 'StopHyperParameterTuningJob'],
  ...['ListPipelines', 'ListPipelineExecutions', 'DescribePipelineExecution'],
  ...['ListPipelineExecutionSteps', 'StopPipelineExecution'],
  ...['ListEndpoints', 'DescribeEndpoint'],
  ...['ListNotebookInstances', 'DescribeNotebookInstance'],
  ...['ListClusters', 'DescribeCluster'],
  ...['ListJobs', 'DescribeJob', 'StopJob'],
];

export const neoRoleArn = (account: string) => `arn:aws:iam::${account}:role/${NEO_ROLE}`;
export const trainingRoleArn = (account: string) => `arn:aws:iam::${account}:role/${TRAINING_ROLE}`;

/** What Signalbox may do. @param models bucket of trained and compiled models */
export function accessPolicy(account: string, models: string): PolicyDocument {
  return {
    Statement: [
      {
        Effect: 'Allow',
        Action: [
          'logs:DescribeLogGroups',
          'logs:DescribeLogStreams',
          'logs:GetLogEvents',
          'logs:FilterLogEvents',
        ],
        Resource: '*',
      },
      {
        Effect: 'Allow',
        Action: [
          'sagemaker:ListTrainingJobs',
          'sagemaker:DescribeTrainingJob',
          'sagemaker:CreateTrainingJob',
          'sagemaker:StopTrainingJob',
          'sagemaker:ListTags',
          'sagemaker:AddTags',
          'sagemaker:CreateCompilationJob',
          'sagemaker:DescribeCompilationJob',
          'sagemaker:ListCompilationJobs',
          'sagemaker:StopCompilationJob',
        ],
        Resource: '*',
      },
      { Effect: 'Allow', Action: KIND_ACTIONS.map((action) => `sagemaker:${action}`), Resource: '*' },
      {
        Effect: 'Allow',
        Action: 'iam:PassRole',
        Resource: [neoRoleArn(account), trainingRoleArn(account)],
      },
      { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${models}/*` },
      {
        Effect: 'Allow',
        Action: ['s3:ListBucket', 's3:GetBucketLocation'],
        Resource: `arn:aws:s3:::${models}`,
      },
      {
        Effect: 'Allow',
        Action: [
          'greengrass:CreateComponentVersion',
          'greengrass:DescribeComponent',
          'greengrass:GetComponent',
          'greengrass:ListComponents',
          'greengrass:ListComponentVersions',
          'greengrass:ListCoreDevices',
          'greengrass:GetCoreDevice',
          'greengrass:ListInstalledComponents',
          'greengrass:ListEffectiveDeployments',
          'greengrass:ListDeployments',
          'greengrass:GetDeployment',
        ],
        Resource: '*',
      },
    ],
  };
}

/** Taken on by SageMaker for a compilation: reads trained models, writes compiled ones. */
export const neoRole = (models: string): RoleSeed => serviceRole(NEO_ROLE, models);

/** Taken on by SageMaker for a training. */
export const trainingRole = (models: string): RoleSeed => serviceRole(TRAINING_ROLE, models);

function serviceRole(name: string, models: string): RoleSeed {
  return {
    name,
    trust: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'sagemaker.amazonaws.com' } },
      ],
    },
    policy: {
      Statement: [
        {
          Effect: 'Allow',
          Action: ['s3:GetObject', 's3:PutObject', 's3:ListBucket'],
          Resource: [`arn:aws:s3:::${models}`, `arn:aws:s3:::${models}/*`],
        },
      ],
    },
  };
}
