/** What each operation needs in a use case's account: the inline policy that narrows its session. */
import type { UseCase } from '../domain/use-cases.ts';
import type { SessionOperation } from '../ports.ts';

export const TRAINING_LOG_GROUP = '/aws/sagemaker/TrainingJobs';

interface Statement {
  Effect: 'Allow';
  Action: string[];
  Resource: string[];
}

type ArnOf = (service: string, resource: string) => string;

const findJobs: (arn: ArnOf) => Statement[] = (arn) => [
  {
    Effect: 'Allow',
    Action: ['sagemaker:DescribeTrainingJob'],
    Resource: [arn('sagemaker', 'training-job/*')],
  },
  // Lists have no resource to name.
  { Effect: 'Allow', Action: ['sagemaker:ListTrainingJobs', 'logs:DescribeLogGroups'], Resource: ['*'] },
];

const readTrainingLogs: (arn: ArnOf) => Statement[] = (arn) => [
  {
    Effect: 'Allow',
    Action: ['logs:DescribeLogStreams', 'logs:GetLogEvents', 'logs:FilterLogEvents'],
    Resource: [
      arn('logs', `log-group:${TRAINING_LOG_GROUP}`),
      arn('logs', `log-group:${TRAINING_LOG_GROUP}:*`),
    ],
  },
];

/** An operation may find jobs; whatever more it does stands in its line. */
const NEEDS: Readonly<Record<SessionOperation, readonly ((arn: ArnOf) => Statement[])[]>> = {
  logs: [findJobs, readTrainingLogs],
  train: [findJobs],
  comp: [findJobs],
  pkg: [findJobs],
  gg: [findJobs],
  dev: [findJobs],
};

/** A session may do what both the role and this policy allow. At most 2,048 characters: a rule of STS. */
export function sessionPolicy(useCase: UseCase, roleArn: string, operation: SessionOperation): string {
  // `aws`, `aws-cn`, `aws-us-gov`: the role's partition is the account's.
  const partition = roleArn.split(':')[1] ?? 'aws';
  const arn: ArnOf = (service, resource) =>
    `arn:${partition}:${service}:${useCase.region}:${useCase.account}:${resource}`;
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: NEEDS[operation].flatMap((statements) => statements(arn)),
  });
}
