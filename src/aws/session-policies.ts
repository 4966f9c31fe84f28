/**
 * What each operation needs in a use case's account: the inline policy that narrows its session. Which action
 * takes which resource is AWS's "Service Authorization Reference". infra/use-case-account.yaml grants the same.
 */

import { awsArn, iamArn, s3Arn } from '../domain/arns.ts';
import { COMPILATION_LOG_GROUP, TRAINING_LOG_GROUP } from '../domain/log-groups.ts';
import { SAGEMAKER_KINDS } from '../domain/sagemaker-kinds.ts';
import type { SessionOperation } from '../domain/session-name.ts';
import { awsOf, sageMakerNames, type UseCase } from '../domain/use-cases.ts';

interface Statement {
  Effect: 'Allow';
  Action: string[];
  Resource: string[];
  Condition?: Record<string, Record<string, string>>;
}

type Need = (useCase: UseCase) => Statement[];

const allow = (Action: string[], ...Resource: string[]): Statement => ({ Effect: 'Allow', Action, Resource });

const findJobs: Need = (useCase) => [
  allow(['sagemaker:DescribeTrainingJob'], awsArn(awsOf(useCase), 'sagemaker', 'training-job/*')),
  // Lists have no resource to name.
  allow(['sagemaker:ListTrainingJobs'], '*'),
];

const readLogs =
  (...groups: string[]): Need =>
  (useCase) => [
    allow(
      ['logs:DescribeLogStreams', 'logs:GetLogEvents', 'logs:FilterLogEvents'],
      // Without the star the group, with it its streams.
      ...groups.flatMap((group) =>
        ['', ':*'].map((end) => awsArn(awsOf(useCase), 'logs', `log-group:${group}${end}`)),
      ),
    ),
    // It is checked against a group without a name, `log-group::log-stream:`, whichever is asked for.
    allow(['logs:DescribeLogGroups'], awsArn(awsOf(useCase), 'logs', 'log-group:*')),
  ];

/** What is asked about the use case's other kinds. One resource for all, for a session's policy may not be long. */
const kinds =
  (...what: readonly ('list' | 'look' | 'stop')[]): Need =>
  (useCase) => {
    const rows = sageMakerNames(useCase)
      .filter((name) => name !== 'sagemaker')
      .map((name) => SAGEMAKER_KINDS[name]);
    const actions = rows.flatMap(({ actions }) => what.flatMap((one) => actions[one]));
    return actions.length === 0
      ? []
      : [
          allow(
            [...new Set(actions)].map((action) => `sagemaker:${action}`),
            '*',
          ),
        ];
  };

/** All that SageMaker writes: with more groups than two, their names alone would fill the policy. */
const readKindLogs: Need = (useCase) =>
  sageMakerNames(useCase).some((name) => name !== 'sagemaker')
    ? readLogs('/aws/sagemaker/*')(useCase)
    : readLogs(TRAINING_LOG_GROUP, COMPILATION_LOG_GROUP)(useCase);

/** The role is handed to SageMaker and to nobody else. */
const passRole = (role: string): Statement => ({
  ...allow(['iam:PassRole'], role),
  Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
});

/** A run has the tags of the job that it repeats: reading and giving them are rights of their own. */
const train: Need = (useCase) => [
  allow(
    ['sagemaker:CreateTrainingJob', 'sagemaker:StopTrainingJob', 'sagemaker:ListTags', 'sagemaker:AddTags'],
    awsArn(awsOf(useCase), 'sagemaker', 'training-job/*'),
  ),
  // Which role the job has is only known once it was looked at; the use case's own role says which may be handed over.
  passRole(iamArn(awsOf(useCase), 'role/*')),
];

const compile: Need = (useCase) => [
  allow(['sagemaker:ListTags'], awsArn(awsOf(useCase), 'sagemaker', 'training-job/*')),
  allow(
    ['sagemaker:CreateCompilationJob', 'sagemaker:DescribeCompilationJob', 'sagemaker:StopCompilationJob'],
    awsArn(awsOf(useCase), 'sagemaker', 'compilation-job/*'),
  ),
  allow(['sagemaker:ListCompilationJobs'], '*'),
  ...(useCase.compile ? [passRole(useCase.compile.roleArn)] : []),
];

/** Compiled models. Without s3:ListBucket S3 says 403 for what is not there. */
const readArtifacts: Need = (useCase) => {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(useCase.compile?.outputS3 ?? '') ?? [];
  if (!bucket) return [];
  return [
    allow(['s3:GetObject'], s3Arn(awsOf(useCase), `${bucket}/${prefix ? `${prefix}/` : ''}*`)),
    allow(['s3:ListBucket'], s3Arn(awsOf(useCase), bucket)),
  ];
};

const lookAtComponents: Need = (useCase) => [
  allow(['greengrass:ListComponents'], '*'),
  allow(
    ['greengrass:DescribeComponent', 'greengrass:ListComponentVersions'],
    awsArn(awsOf(useCase), 'greengrass', 'components:*'),
  ),
];

/**
 * The name stands in the recipe, so there is no resource to name. Greengrass checks with the caller's rights
 * that every artifact of the recipe can be read: see `readArtifacts`.
 */
const publishComponents: Need = () => [allow(['greengrass:CreateComponentVersion'], '*')];

const lookAtDevices: Need = (useCase) => [
  allow(['greengrass:ListCoreDevices'], '*'),
  allow(
    ['greengrass:ListInstalledComponents', 'greengrass:ListEffectiveDeployments'],
    awsArn(awsOf(useCase), 'greengrass', 'coreDevices:*'),
  ),
  allow(['greengrass:GetDeployment'], awsArn(awsOf(useCase), 'greengrass', 'deployments:*')),
  // ListEffectiveDeployments looks these up in IoT with the caller's rights.
  allow(
    [
      'iot:DescribeJob',
      'iot:DescribeJobExecution',
      'iot:DescribeThing',
      'iot:DescribeThingGroup',
      'iot:GetThingShadow',
    ],
    awsArn(awsOf(useCase), 'iot', '*'),
  ),
];

/** An operation may find jobs; whatever more it does stands in its line. */
const NEEDS: Readonly<Record<SessionOperation, readonly Need[]>> = {
  logs: [findJobs, kinds('list', 'look'), readKindLogs],
  train: [findJobs, kinds('look', 'stop'), train],
  comp: [findJobs, compile, readLogs(COMPILATION_LOG_GROUP), readArtifacts],
  pkg: [findJobs, lookAtComponents, publishComponents, readArtifacts],
  gg: [findJobs, lookAtComponents],
  dev: [findJobs, lookAtDevices],
};

/** A session may do what both the role and this policy allow. At most 2,048 characters: a rule of STS. */
export function sessionPolicy(useCase: UseCase, roleArn: string, operation: SessionOperation): string {
  const place: UseCase = { ...useCase, aws: { ...awsOf(useCase), roleArn } };
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: NEEDS[operation].flatMap((need) => need(place)),
  });
}
