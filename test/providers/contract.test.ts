/** The contract on SageMaker, through the sandbox with the real SDK, and on one that is nothing like it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { handClock } from '../../sandbox/test/aws/edge-support.ts';
import { sandbox } from '../../sandbox/test/aws/support.ts';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { trainingRoleArn } from '../../src/demo/roles.ts';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';
import type { SageMakerTemplate } from '../../src/domain/train-templates.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { describeTrainingProvider } from '../contract/training-provider.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';

const BOT = { accessKeyId: 'AKIABOT', secretAccessKey: 'bot-secret' };
const PATCHES: SageMakerTemplate = {
  ...{ name: 'patches', provider: 'sagemaker', maxTime: 3_600_000 },
  parameters: {
    epochs: { type: 'integer', min: 1, max: 50, default: '3' },
    lr: { type: 'number', min: 0, default: '0.01' },
  },
  sagemaker: {
    image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/line-3/train:2.1',
    roleArn: trainingRoleArn('123456789012'),
    outputS3: 's3://line-3-models/training',
    inputs: { train: 's3://line-3-data/patches' },
    instanceTypes: ['ml.g5.xlarge', 'ml.m5.xlarge'],
    ...{ instanceCount: 1, volumeGb: 30, spot: false },
    ...{ hyperparameters: {}, environment: {}, metricDefinitions: [] },
  },
};

const environment = { ...process.env };
afterEach(() => {
  process.env = { ...environment };
});

describeTrainingProvider('SageMaker', async () => {
  const clock = handClock();
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-contract-'));
  const aws = await sandbox({ world: seededAwsWorld(clock.at, BOT), clock, quotas: 'off' });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: BOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: BOT.secretAccessKey,
  });
  const useCase = {
    ...{ id: 'line-3', name: 'Line 3 defects', channels: ['C0LINE3'], access: {} },
    aws: {
      ...{ account: '123456789012', region: 'eu-west-1', externalId: 'line-3-6f1d0c0e' },
      roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
    },
    logs: { delivery: 'channel' as const, gzipAbove: 50e6, secondLane: 'auto' as const },
  };
  const gateway = createUseCaseGateway({
    ...{ clock, engine: createLogEngine({ spoolDir: folder }) },
    accounts: createAwsAccounts({ clock }),
  });
  const [provider] = (await gateway.open(useCase, { team: 'T0', user: 'U0ADA' }, 'train')).providers as [
    TrainingProvider,
  ];
  const reading = await gateway.open(useCase, { team: 'T0', user: 'U0ADA' }, 'logs');
  const { getLogs, readLog, log } = reading.providers[0]!;
  const both: TrainingProvider = { ...provider, getLogs, readLog, log };
  const all = await provider.jobs.list({ limit: 100 });
  const one = async (state: string): Promise<string> => {
    for (const { name, ...job } of all)
      if (job.state === state && (await printed(both, name)) && (await repeats(provider, name))) return name;
    throw new Error(`the world has no job that is ${state}`);
  };
  return {
    provider: both,
    jobs: { completed: await one('completed'), failed: await one('failed'), running: await one('running') },
    template: PATCHES,
    close: async () => {
      await aws.close();
      await rm(folder, { recursive: true });
    },
  };
});

const printed = async (provider: TrainingProvider, job: string): Promise<boolean> => {
  const [stream] = await provider
    .log(job)
    .listStreams()
    .catch(() => []);
  return stream?.lastEventAt !== undefined && (stream.bytes ?? 0) < 1e6;
};

const repeats = async (provider: TrainingProvider, job: string): Promise<boolean> =>
  (await provider.setup(job))?.refusal === undefined;

describeTrainingProvider('a runner in memory', async () => {
  const runner = new MemoryRunner('lab');
  const at = Date.UTC(2026, 0, 31);
  for (const [index, [name, word, facts]] of (
    [
      ['done-1', 'EXITED_0', { endedAt: at + 9_000 }],
      ['broken-1', 'CRASHED', { endedAt: at + 9_000, failureReason: 'exit code 1' }],
      ['going-1', 'EXECUTING', {}],
      ['odd-1', 'HIBERNATING', {}],
    ] as const
  ).entries()) {
    runner.put(name, word, { createdAt: at + index, ...facts });
    for (let line = 0; line < 5; line += 1) runner.print(name, at + line, `step ${line} of ${name}`);
  }
  return {
    provider: runner.open(),
    template: { ...PATCHES, provider: 'local', local: { template: 'patches' } },
    jobs: { completed: 'done-1', failed: 'broken-1', running: 'going-1' },
    close: async () => {},
  };
});
