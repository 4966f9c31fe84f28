/** A world with buckets, a Neo role and a trained model, and the SDK's clients for S3, Neo and Greengrass. */
import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { S3Client } from '@aws-sdk/client-s3';
import type { AwsSandbox, AwsSandboxOptions } from '../../src/aws/index.ts';
import { type ModelCard, modelArchive } from '../../src/aws/model-card.ts';
import type { PolicyDocument } from '../../src/aws/policy.ts';
import type { AwsWorld, RegionSeed } from '../../src/aws/seed.ts';
import { ACCOUNT, KEYS, REGION, sandbox, twoAccounts } from './support.ts';

export const BUCKET = 'line-3-models';
export const OTHER_BUCKET = 'harbor-models';
export const FAR_BUCKET = 'far-models';
export const FAR_REGION = 'us-east-1';
export const NEO_ROLE = `arn:aws:iam::${ACCOUNT}:role/NeoExecution`;
export const UNTRUSTED_ROLE = `arn:aws:iam::${ACCOUNT}:role/NotForServices`;

export const CARD: ModelCard = {
  name: 'resnet50',
  inputs: { input: [1, 3, 224, 224] },
  operators: ['aten::_convolution', 'aten::relu_', 'aten::linear'],
  exported: 'traced',
  frameworkVersion: '1.8',
};

const forService: PolicyDocument = {
  Statement: [
    { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'sagemaker.amazonaws.com' } },
  ],
};
const storage: PolicyDocument = {
  Statement: [
    {
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject'],
      Resource: [`arn:aws:s3:::${BUCKET}/*`, `arn:aws:s3:::${FAR_BUCKET}/*`],
    },
    { Effect: 'Deny', Action: 's3:PutObject', Resource: `arn:aws:s3:::${BUCKET}/locked/*` },
  ],
};

export function edgeWorld(first: RegionSeed = {}): AwsWorld {
  const world = twoAccounts(
    {
      ...first,
      buckets: [{ name: BUCKET, createdAt: 0 }, ...(first.buckets ?? [])],
      objects: [
        { bucket: BUCKET, key: 'm/model.tar.gz', at: 0, bytes: () => modelArchive(CARD) },
        ...(first.objects ?? []),
      ],
    },
    { buckets: [{ name: OTHER_BUCKET, createdAt: 0 }] },
  );
  const [home, ...others] = world.accounts;
  return {
    accounts: [
      {
        ...home!,
        roles: [
          ...(home!.roles ?? []),
          { name: 'NeoExecution', trust: forService, policy: storage },
          { name: 'NotForServices', trust: { Statement: [] }, policy: storage },
        ],
        regions: { ...home!.regions, [FAR_REGION]: { buckets: [{ name: FAR_BUCKET, createdAt: 0 }] } },
      },
      ...others,
    ],
  };
}

/** A clock that stands still until it is told. */
export function handClock(start = Date.now()) {
  const clock = { at: start, now: () => clock.at, pass: (ms: number) => (clock.at += ms) };
  return clock;
}

export const edgeSandbox = (options: Partial<AwsSandboxOptions> = {}, seed: RegionSeed = {}) =>
  sandbox({ world: edgeWorld(seed), ...options });

interface ClientOptions {
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  region?: string;
}

const config = ({ url }: AwsSandbox, { credentials = KEYS, region = REGION }: ClientOptions) => ({
  endpoint: url,
  region,
  credentials,
  maxAttempts: 1,
});

export const s3Client = (
  aws: AwsSandbox,
  options: ClientOptions & { followRegionRedirects?: boolean } = {},
) => new S3Client({ ...config(aws, options), followRegionRedirects: options.followRegionRedirects ?? false });
export const greengrassClient = (aws: AwsSandbox, options: ClientOptions = {}) =>
  new GreengrassV2Client(config(aws, options));
