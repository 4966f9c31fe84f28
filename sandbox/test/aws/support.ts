/** An AWS sandbox with a small world, and the real SDK's clients for it. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from '@aws-sdk/client-sts';
import { afterEach } from 'vitest';
import { type AwsSandbox, type AwsSandboxOptions, startAwsSandbox } from '../../src/aws/index.ts';
import type { PolicyDocument } from '../../src/aws/policy.ts';
import type { AwsWorld, RegionSeed } from '../../src/aws/seed.ts';

export const REGION = 'eu-west-1';
export const ACCOUNT = '123456789012';
export const OTHER_ACCOUNT = '210987654321';
export const KEYS = { accessKeyId: 'AKIATESTREADER000001', secretAccessKey: 'reader-secret' };
export const OTHER_KEYS = { accessKeyId: 'AKIATESTOTHER0000001', secretAccessKey: 'other-secret' };
export const ROLE_ARN = `arn:aws:iam::${OTHER_ACCOUNT}:role/SignalboxAccess`;
export const EXTERNAL_ID = 'ext-42';
export const GROUP = '/aws/sagemaker/TrainingJobs';

const ALL: PolicyDocument = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

const forSageMaker: PolicyDocument = {
  Statement: [
    { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'sagemaker.amazonaws.com' } },
  ],
};

/** Where trained models go; the training role may write there. */
const MODELS = { name: 'models', createdAt: 0 };
const writesModels: PolicyDocument = {
  Statement: [{ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::*' }],
};

/** Two accounts; the second has a role that the first may assume with the external id. */
export function twoAccounts(first: RegionSeed = {}, second: RegionSeed = {}): AwsWorld {
  const trust: PolicyDocument = {
    Statement: [
      {
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } },
      },
    ],
  };
  const policy: PolicyDocument = {
    Statement: [
      { Effect: 'Allow', Action: ['logs:*', 'sagemaker:Describe*', 'sts:AssumeRole'], Resource: '*' },
    ],
  };
  return {
    accounts: [
      {
        id: ACCOUNT,
        users: [{ name: 'reader', ...KEYS, policy: ALL }],
        roles: [{ name: 'TrainingExecution', trust: forSageMaker, policy: writesModels }],
        regions: { [REGION]: { ...first, buckets: [MODELS, ...(first.buckets ?? [])] } },
      },
      {
        id: OTHER_ACCOUNT,
        users: [{ name: 'other', ...OTHER_KEYS, policy: ALL }],
        roles: [
          { name: 'SignalboxAccess', trust, policy },
          {
            name: 'Second',
            trust: {
              Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: ROLE_ARN } }],
            },
            policy,
            maxSessionSeconds: 43_200,
          },
        ],
        regions: { [REGION]: second },
      },
    ],
  };
}

const open: AwsSandbox[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
});

/** Started on a free port, closed after the test. */
export async function sandbox(options: Partial<AwsSandboxOptions> = {}): Promise<AwsSandbox> {
  const started = await startAwsSandbox({ world: twoAccounts(), quotas: 'off', ...options });
  open.push(started);
  return started;
}

interface ClientOptions {
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  region?: string;
}

const config = ({ url }: AwsSandbox, { credentials = KEYS, region = REGION }: ClientOptions) => ({
  endpoint: url,
  region,
  credentials,
  // What is refused is looked at once.
  maxAttempts: 1,
});

export const logsClient = (aws: AwsSandbox, options: ClientOptions = {}) =>
  new CloudWatchLogsClient(config(aws, options));
export const stsClient = (aws: AwsSandbox, options: ClientOptions = {}) =>
  new STSClient(config(aws, options));
export const sagemakerClient = (aws: AwsSandbox, options: ClientOptions = {}) =>
  new SageMakerClient(config(aws, options));

/** The credentials of a role session. */
export async function assume(
  aws: AwsSandbox,
  changes: Partial<AssumeRoleCommandInput> = {},
  options: ClientOptions = {},
) {
  const { Credentials } = await stsClient(aws, options).send(
    new AssumeRoleCommand({
      RoleArn: ROLE_ARN,
      RoleSessionName: 'logs-ada-1',
      ExternalId: EXTERNAL_ID,
      ...changes,
    }),
  );
  return {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
    expiration: Credentials!.Expiration!,
  };
}

/** What the SDK throws, for comparing. */
export async function refusal(
  promise: Promise<unknown>,
): Promise<{ name: string; message: string; status?: number }> {
  try {
    await promise;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { name, message, ...($metadata?.httpStatusCode ? { status: $metadata.httpStatusCode } : {}) };
  }
  throw new Error('It was not refused');
}
