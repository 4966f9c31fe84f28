/** The two use cases of the seeded world: their accounts, how the bot gets in, and the configuration for them. */
import { stringify } from 'yaml';
import type { AccessKey, EpochMs } from '#sandbox';
import {
  type AccountSeed,
  type AwsWorld,
  type PolicyDocument,
  type RegionSeed,
  TRAINING_LOG_GROUP,
  type UserSeed,
} from '#sandbox/seeds';
import { harborCompilations, line3Compilations, oddModels } from './compilations.ts';
import { harborComponents, line3Components, line3Objects } from './components.ts';
import {
  accessEventRights,
  BOT_EVENT_RIGHTS,
  botEvents,
  EVENTS_REGION,
  forwardRole,
  line3Alarms,
  queueUrl,
  senderEvents,
} from './events.ts';
import { harborDevices, line3Deployments, line3Devices } from './fleet.ts';
import { harborJobs } from './harbor-jobs.ts';
import { line3Kinds } from './kinds/index.ts';
import { line3Jobs } from './line-3-jobs.ts';
import { POD_TEMPLATE } from './line-3-pods.ts';
import { accessPolicy, neoRole, neoRoleArn, trainingRole, trainingRoleArn } from './roles.ts';

/** Where the bot lives. */
const BOT_ACCOUNT = '111122223333';
const BOT_USER = 'signalbox';
const ROLE = 'SignalboxAccess';

/** The bot's key, which may do what Signalbox needs, and by account an administrator's, who may do all. */
export interface SandboxKeys extends AccessKey {
  /** RunPod's. */
  runpod: string;
  admins: Readonly<Record<string, AccessKey>>;
}

interface SeededUseCase {
  id: string;
  name: string;
  account: string;
  region: string;
  externalId: string;
  channels: string[];
  alertsChannel?: string;
  /** Bucket of trained and compiled models. */
  models: string;
  compile: { targets: string[]; timeout: string };
  access: Record<string, string[]>;
  discoverable?: boolean;
  onCall: { levels: string[][]; escalateAfter: string };
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
    models: 'line-3-models',
    compile: { targets: ['jetson-xavier', 'x86_64-cpu'], timeout: '1h' },
    access: {
      viewer: ['channel-members'],
      dataScientist: ['S0SCIENCE'],
      operator: ['S0OPS'],
      admin: ['U0DEV'],
    },
    onCall: { levels: [['S0ONCALL'], ['U0DEV']], escalateAfter: '10m' },
  },
  {
    id: 'harbor',
    name: 'Harbor watch',
    account: '210987654321',
    region: 'us-east-1',
    externalId: 'harbor-b27a94d1',
    channels: ['C0HARBOR'],
    models: 'harbor-models',
    compile: { targets: ['x86_64-cuda'], timeout: '1h' },
    access: { operator: ['U0BEN'], admin: ['U0DEV'] },
    discoverable: true,
    onCall: { levels: [['U0BEN'], ['U0DEV']], escalateAfter: '10m' },
  },
];

/** Every account of the world. */
export const ACCOUNTS: readonly string[] = [BOT_ACCOUNT, ...SEEDED_USE_CASES.map(({ account }) => account)];

const roleArn = (account: string) => `arn:aws:iam::${account}:role/${ROLE}`;

/** Models, compilations, components and devices of each use case. */
const EDGE: Readonly<Record<string, (now: EpochMs, account: string) => RegionSeed>> = {
  'line-3': (now, account) => ({
    compilations: line3Compilations(now, account),
    components: line3Components(now),
    objects: line3Objects(now),
    devices: line3Devices(now),
    deployments: line3Deployments(now),
    alarms: line3Alarms(now),
  }),
  harbor: (now, account) => ({
    compilations: harborCompilations(now, account),
    components: harborComponents(now),
    devices: harborDevices(now),
  }),
};

const NO_KINDS: ReturnType<typeof line3Kinds> = { kinds: {}, trainingJobs: [] };

/** @param now everything is dated from here, so that the world is always fresh */
export function seededAwsWorld(now: EpochMs, keys: AccessKey, admins: SandboxKeys['admins'] = {}): AwsWorld {
  const jobs: Record<string, typeof line3Jobs> = { 'line-3': line3Jobs, harbor: harborJobs };
  const bot: AccountSeed = {
    id: BOT_ACCOUNT,
    users: [
      {
        name: BOT_USER,
        accessKeyId: keys.accessKeyId,
        secretAccessKey: keys.secretAccessKey,
        policy: {
          Statement: [
            {
              Effect: 'Allow',
              Action: 'sts:AssumeRole',
              Resource: SEEDED_USE_CASES.map(({ account }) => roleArn(account)),
            },
            ...BOT_EVENT_RIGHTS,
          ],
        },
      },
      ...administrators(admins, BOT_ACCOUNT),
    ],
    regions: { [EVENTS_REGION]: botEvents(BOT_ACCOUNT, SEEDED_USE_CASES) },
  };
  return {
    accounts: [
      bot,
      ...SEEDED_USE_CASES.map((useCase) => {
        const { kinds, ...of } = useCase.id === 'line-3' ? line3Kinds(now) : NO_KINDS;
        const trainingJobs = [...jobs[useCase.id]!(now), ...of.trainingJobs];
        return {
          id: useCase.account,
          users: administrators(admins, useCase.account),
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
              policy: {
                Statement: [
                  ...accessPolicy(useCase.account, useCase.models).Statement,
                  ...accessEventRights(useCase.account),
                ],
              },
            },
            neoRole(useCase.models),
            trainingRole(useCase.models),
            forwardRole(BOT_ACCOUNT),
          ],
          regions: {
            [useCase.region]: {
              ...EDGE[useCase.id]!(now, useCase.account),
              ...senderEvents(BOT_ACCOUNT, useCase),
              buckets: [{ name: useCase.models, createdAt: now - 400 * 86_400_000 }],
              models: oddModels(trainingJobs),
              trainingJobs,
              kinds,
              logGroups: [{ name: TRAINING_LOG_GROUP, createdAt: now - 200 * 86_400_000 }],
            },
          },
        };
      }),
    ],
  };
}

/** For whoever tries the sandbox out: what the bot may not do, such as to write logs and objects. */
function administrators(admins: SandboxKeys['admins'], account: string): UserSeed[] {
  const key = admins[account];
  const policy: PolicyDocument = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  return key ? [{ name: 'admin', ...key, policy }] : [];
}

/** Beside the sandbox, where there is a bot with it. */
export interface DemoServices {
  /** Where browsers reach the bot. */
  viewerUrl?: string;
  /** Of the runner that the first use case trains on as well. */
  runnerUrl?: string;
  /** The variable with RunPod's key, where the first use case trains as well. */
  runpodKeyEnv?: string;
}

/** What `/train` starts: one for each provider. */
function seededTemplates(
  { account, region }: { account: string; region: string },
  models: string,
  { runnerUrl, runpodKeyEnv }: DemoServices,
): object[] {
  return [
    {
      name: 'defects-swin',
      description: 'Finds defects on the line’s pictures; about an hour on one GPU',
      provider: 'sagemaker',
      maxTime: '6h',
      parameters: {
        epochs: { type: 'integer', min: 1, max: 300, default: 30 },
        lr: { type: 'number', min: 0.000001, max: 1, default: 0.0005 },
        backbone: { type: 'choice', values: ['swin-t', 'swin-s', 'swin-b'], default: 'swin-t' },
        dataset: { type: 'text', pattern: '[a-z0-9-]{1,40}', default: 'patches' },
      },
      sagemaker: {
        image: `${account}.dkr.ecr.${region}.amazonaws.com/line-3/train:2.1`,
        roleArn: trainingRoleArn(account),
        outputS3: `s3://${models}/training`,
        inputs: { train: `s3://${models}/data/{dataset}` },
        instanceTypes: ['ml.g5.xlarge', 'ml.g5.2xlarge', 'ml.m5.xlarge'],
        volumeGb: 50,
      },
    },
    ...(runpodKeyEnv === undefined ? [] : [POD_TEMPLATE]),
    ...(runnerUrl !== undefined
      ? [
          {
            name: 'weld-anomaly',
            description: 'Tells good weld seams from bad ones; some minutes under the desk',
            provider: 'local',
            local: { template: 'weld-anomaly' },
          },
        ]
      : []),
  ];
}

/** A signalbox.yaml for the seeded use cases. @param awsEndpoint where the bot's queue is */
export function seededConfig(
  dataDir: string,
  awsEndpoint = `https://sqs.${EVENTS_REGION}.amazonaws.com`,
  services: DemoServices = {},
): string {
  const { viewerUrl, runnerUrl, runpodKeyEnv } = services;
  const providers = {
    sagemaker: { kinds: 'all' },
    ...(runnerUrl === undefined ? {} : { local: { baseUrl: runnerUrl } }),
    ...(runpodKeyEnv === undefined ? {} : { runpod: { apiKeyEnv: runpodKeyEnv } }),
  };
  const config = {
    storage: { dataDir },
    ...(viewerUrl === undefined ? {} : { viewer: { publicUrl: viewerUrl } }),
    events: { queueUrl: queueUrl(awsEndpoint, BOT_ACCOUNT), region: EVENTS_REGION },
    admins: ['U0DEV'],
    useCases: SEEDED_USE_CASES.map(({ externalId, models, compile, ...useCase }, index) => ({
      ...useCase,
      roleArn: roleArn(useCase.account),
      externalId,
      logs: { delivery: 'channel', gzipAbove: '50MB' },
      compile: {
        roleArn: neoRoleArn(useCase.account),
        outputS3: `s3://${models}/compiled`,
        ...compile,
      },
      components: { namePrefix: 'model-' },
      ...(index === 0 && (runnerUrl ?? runpodKeyEnv) !== undefined ? { providers } : {}),
      ...(index === 0 ? { train: { templates: seededTemplates(useCase, models, services) } } : {}),
    })),
  };
  return `# Written by the sandbox at each start, for its seeded use cases.\n${stringify(config)}`;
}
