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
import { line3Jobs } from './line-3-jobs.ts';
import { accessPolicy, neoRole, neoRoleArn, trainingRole } from './roles.ts';

/** Where the bot lives. */
const BOT_ACCOUNT = '111122223333';
const BOT_USER = 'signalbox';
const ROLE = 'SignalboxAccess';

/** The bot's key, which may do what Signalbox needs, and by account an administrator's, who may do all. */
export interface SandboxKeys extends AccessKey {
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
        const trainingJobs = jobs[useCase.id]!(now);
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
              logGroups: [
                { name: TRAINING_LOG_GROUP, createdAt: now - 200 * 86_400_000 },
                { name: '/aws/sagemaker/Endpoints/inspection', createdAt: now - 150 * 86_400_000 },
              ],
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
}

/** A signalbox.yaml for the seeded use cases. @param awsEndpoint where the bot's queue is */
export function seededConfig(
  dataDir: string,
  awsEndpoint = `https://sqs.${EVENTS_REGION}.amazonaws.com`,
  { viewerUrl, runnerUrl }: DemoServices = {},
): string {
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
      ...(runnerUrl !== undefined && index === 0
        ? { providers: { sagemaker: true, local: { baseUrl: runnerUrl } } }
        : {}),
    })),
  };
  return `# Written by the sandbox at each start, for its seeded use cases.\n${stringify(config)}`;
}
