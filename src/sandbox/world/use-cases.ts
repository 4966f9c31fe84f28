/** The two use cases of the seeded world: their accounts, how the bot gets in, and the configuration for them. */
import { stringify } from 'yaml';
import type { EpochMs } from '../../ports.ts';
import type { PolicyDocument } from '../aws/policy.ts';
import type { AccountSeed, AwsWorld } from '../aws/seed.ts';
import { TRAINING_LOG_GROUP } from '../aws/training.ts';
import { harborJobs } from './harbor-jobs.ts';
import { line3Jobs } from './line-3-jobs.ts';

/** Where the bot lives. */
const BOT_ACCOUNT = '111122223333';
const BOT_USER = 'signalbox';
const ROLE = 'SignalboxAccess';

export interface BotKeys {
  accessKeyId: string;
  secretAccessKey: string;
}

interface SeededUseCase {
  id: string;
  name: string;
  account: string;
  region: string;
  externalId: string;
  channels: string[];
  alertsChannel?: string;
  access: Record<string, string[]>;
}

export const SEEDED_USE_CASES: readonly SeededUseCase[] = [
  {
    id: 'line-3',
    name: 'Line 3 defects',
    account: '123456789012',
    region: 'eu-west-1',
    externalId: 'line-3-6f1d0c0e',
    channels: ['C0LINE3'],
    alertsChannel: 'C0ALERTS',
    access: {
      viewer: ['channel-members'],
      dataScientist: ['S0SCIENCE'],
      operator: ['S0OPS'],
      admin: ['U0DEV'],
    },
  },
  {
    id: 'harbor',
    name: 'Harbor watch',
    account: '210987654321',
    region: 'us-east-1',
    externalId: 'harbor-b27a94d1',
    channels: ['C0HARBOR'],
    access: { operator: ['U0BEN'], admin: ['U0DEV'] },
  },
];

const roleArn = (account: string) => `arn:aws:iam::${account}:role/${ROLE}`;

/** What the role in a use case's account lets Signalbox do. */
const ROLE_POLICY: PolicyDocument = {
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
      ],
      Resource: '*',
    },
  ],
};

/** @param now everything is dated from here, so that the world is always fresh */
export function seededAwsWorld(now: EpochMs, keys: BotKeys): AwsWorld {
  const jobs: Record<string, typeof line3Jobs> = { 'line-3': line3Jobs, harbor: harborJobs };
  const bot: AccountSeed = {
    id: BOT_ACCOUNT,
    users: [
      {
        name: BOT_USER,
        ...keys,
        policy: {
          Statement: [
            {
              Effect: 'Allow',
              Action: 'sts:AssumeRole',
              Resource: SEEDED_USE_CASES.map(({ account }) => roleArn(account)),
            },
          ],
        },
      },
    ],
  };
  return {
    accounts: [
      bot,
      ...SEEDED_USE_CASES.map((useCase) => ({
        id: useCase.account,
        roles: [
          {
            name: ROLE,
            trust: {
              Statement: [
                {
                  Effect: 'Allow' as const,
                  Action: 'sts:AssumeRole',
                  Principal: { AWS: `arn:aws:iam::${BOT_ACCOUNT}:root` },
                  Condition: { StringEquals: { 'sts:ExternalId': useCase.externalId } },
                },
              ],
            },
            policy: ROLE_POLICY,
          },
        ],
        regions: {
          [useCase.region]: {
            trainingJobs: jobs[useCase.id]!(now),
            logGroups: [
              { name: TRAINING_LOG_GROUP, createdAt: now - 200 * 86_400_000 },
              { name: '/aws/sagemaker/Endpoints/inspection', createdAt: now - 150 * 86_400_000 },
            ],
          },
        },
      })),
    ],
  };
}

/** A signalbox.yaml for the seeded use cases. */
export function seededConfig(dataDir: string): string {
  const config = {
    storage: { dataDir },
    admins: ['U0DEV'],
    useCases: SEEDED_USE_CASES.map(({ externalId, ...useCase }) => ({
      ...useCase,
      roleArn: roleArn(useCase.account),
      externalId,
      logs: { delivery: 'channel', gzipAbove: '50MB' },
    })),
  };
  return `# Written by the sandbox at each start, for its seeded use cases.\n${stringify(config)}`;
}
