/**
 * SageMaker's kinds of jobs against an emulator that is not ours: moto, where it is installed. What it lacks is skipped
 * by name, as it says itself (5.2.1: the generic jobs, a search's training jobs, a pipeline's steps).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import * as sdk from '@aws-sdk/client-sagemaker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { type KindName, PROVIDERS, SAGEMAKER_NAMES } from '../../src/domain/providers.ts';
import { KIND_NAMES, SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { run } from '../cli/in-memory.ts';
import { hasMoto, type Moto, startMoto } from '../fixtures/moto.ts';

const REGION = 'eu-west-1';
const ACCOUNT = '123456789012';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/Execution`;
const USE_CASE: UseCase = {
  ...{ id: 'other', name: 'Other emulator', channels: [], access: {} },
  aws: { account: ACCOUNT, region: REGION, roleArn: `arn:aws:iam::${ACCOUNT}:role/Access` },
  providers: { sagemaker: { kinds: SAGEMAKER_NAMES } },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
};
/** What moto answers, in the words of SageMaker's operations. */
const ANSWERS: ReadonlySet<string> = new Set(
  hasMoto
    ? spawnSync(
        'python3',
        [
          '-c',
          'from moto.sagemaker.responses import SageMakerResponse as R; print(" ".join("".join(w.capitalize() for w in n.split("_")) for n in dir(R)))',
        ],
        { encoding: 'utf8' },
      ).stdout.split(/\s+/)
    : [],
);
const lacks = (operations: readonly string[]): string[] =>
  operations.filter((operation) => !ANSWERS.has(operation));

const RESOURCES = {
  ClusterConfig: { InstanceCount: 1, InstanceType: 'ml.m5.xlarge', VolumeSizeInGB: 1 },
} as const;
const S3 = 's3://bucket/data';

/** Makes a job `weld-1` of the kind. @returns what it is called */
const MAKES: Readonly<
  Record<Exclude<KindName, 'job'>, (client: sdk.SageMakerClient) => Promise<string | undefined>>
> = {
  processing: async (client) => {
    await client.send(
      new sdk.CreateProcessingJobCommand({
        ...{ ProcessingJobName: 'weld-1', ProcessingResources: RESOURCES, RoleArn: ROLE },
        AppSpecification: { ImageUri: 'image' },
      }),
    );
    return 'weld-1';
  },
  transform: async (client) => {
    await client.send(
      new sdk.CreateTransformJobCommand({
        ...{ TransformJobName: 'weld-1', ModelName: 'model', TransformOutput: { S3OutputPath: S3 } },
        TransformInput: { DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: S3 } } },
        TransformResources: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1 },
      }),
    );
    return 'weld-1';
  },
  tuning: async (client) => {
    await client.send(
      new sdk.CreateHyperParameterTuningJobCommand({
        HyperParameterTuningJobName: 'weld-1',
        HyperParameterTuningJobConfig: {
          ...{ Strategy: 'Random', ResourceLimits: { MaxParallelTrainingJobs: 1 } },
        },
      }),
    );
    return 'weld-1';
  },
  compilation: async (client) => {
    await client.send(
      new sdk.CreateCompilationJobCommand({
        ...{ CompilationJobName: 'weld-1', RoleArn: ROLE },
        InputConfig: { S3Uri: S3, Framework: 'PYTORCH', DataInputConfig: '{"input":[1,3,224,224]}' },
        OutputConfig: { S3OutputLocation: S3, TargetDevice: 'ml_c5' },
        StoppingCondition: { MaxRuntimeInSeconds: 900 },
      }),
    );
    return 'weld-1';
  },
  pipeline: async (client) => {
    await client.send(
      new sdk.CreatePipelineCommand({
        ...{ PipelineName: 'weld', ClientRequestToken: 'a'.repeat(32), RoleArn: ROLE },
        PipelineDefinition: '{"Version":"2020-12-01","Steps":[]}',
      }),
    );
    const started = await client.send(
      new sdk.StartPipelineExecutionCommand({ PipelineName: 'weld', ClientRequestToken: 'b'.repeat(32) }),
    );
    return started.PipelineExecutionArn?.replace(/^.*pipeline\/weld\/execution\//, 'weld-');
  },
  endpoint: async (client) => {
    await client.send(
      new sdk.CreateModelCommand({
        ...{ ModelName: 'model', ExecutionRoleArn: ROLE, PrimaryContainer: { Image: 'image' } },
      }),
    );
    await client.send(
      new sdk.CreateEndpointConfigCommand({
        EndpointConfigName: 'config',
        ProductionVariants: [
          {
            ...{ VariantName: 'all', ModelName: 'model' },
            ...{ InitialInstanceCount: 1, InstanceType: 'ml.m5.xlarge' },
          },
        ],
      }),
    );
    await client.send(
      new sdk.CreateEndpointCommand({ EndpointName: 'weld-1', EndpointConfigName: 'config' }),
    );
    return 'weld-1';
  },
  notebook: async (client) => {
    await client.send(
      new sdk.CreateNotebookInstanceCommand({
        ...{ NotebookInstanceName: 'weld-1', InstanceType: 'ml.t3.medium', RoleArn: ROLE },
      }),
    );
    return 'weld-1';
  },
  cluster: async (client) => {
    await client.send(
      new sdk.CreateClusterCommand({
        ClusterName: 'weld-1',
        InstanceGroups: [
          {
            ...{ InstanceGroupName: 'workers', InstanceType: 'ml.g5.xlarge', InstanceCount: 1 },
            ExecutionRole: ROLE,
            LifeCycleConfig: { SourceS3Uri: 's3://sagemaker-weld/scripts', OnCreate: 'on_create.sh' },
            // Optional in the service's model; without it moto 5.2.1 makes the cluster and answers 500.
            ThreadsPerCore: 1,
          },
        ],
      }),
    );
    return 'weld-1';
  },
};

describe.skipIf(!hasMoto)('[K1] SageMaker’s kinds of jobs in another emulator', () => {
  let folder: string;
  let emulator: Moto;
  let providers: readonly TrainingProvider[];
  const made = new Map<KindName, string>();
  const before = { ...process.env };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-moto-kinds-'));
    emulator = await startMoto();
    const credentials = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
    Object.assign(process.env, credentials, { AWS_ENDPOINT_URL: emulator.endpoint });
    const client = new sdk.SageMakerClient({ region: REGION });
    for (const [kind, make] of Object.entries(MAKES)) {
      const name = await make(client);
      if (name !== undefined) made.set(kind as KindName, name);
    }
    const clock = { now: () => Date.now() };
    const gateway = createUseCaseGateway({
      ...{ clock, accounts: createAwsAccounts({ clock }) },
      engine: createLogEngine({ spoolDir: join(folder, 'spool') }),
    });
    ({ providers } = await gateway.open(USE_CASE, { team: 'T0', user: 'U0ADA' }, 'logs'));
  }, 120_000);
  afterAll(async () => {
    await emulator.stop();
    process.env = before;
    rmSync(folder, { recursive: true, force: true });
  });

  const named = (kind: KindName): TrainingProvider => providers.find(({ name }) => name === kind)!;

  for (const kind of KIND_NAMES) {
    const { list, look } = SAGEMAKER_KINDS[kind].actions;
    const missing = lacks(list);
    it.skipIf(missing.length > 0)(`lists ${PROVIDERS[kind].thing}s${without(missing)}`, async () => {
      const jobs = await named(kind).jobs.list({ limit: 10 });
      expect(jobs.map(({ name }) => name)).toEqual([made.get(kind)]);
      expect(jobs[0]).toMatchObject({ provider: kind, useCase: 'other' });
      expect(jobs[0]!.state).not.toBe('unknown');
      expect(jobs[0]!.createdAt).toBeGreaterThan(Date.now() - 3_600_000);
    });
    const unseen = lacks(look);
    it.skipIf(unseen.length > 0)(
      `looks at one of its ${PROVIDERS[kind].thing}s${without(unseen)}`,
      async () => {
        const job = await named(kind).getStatus(made.get(kind)!);
        expect(job).toMatchObject({ name: made.get(kind), provider: kind });
        expect(job!.state).not.toBe('unknown');
        expect(await named(kind).getStatus('weld-2')).toBeUndefined();
      },
    );
  }

  it('has the log of a processing job as a file, although a training job’s is called so too', async () => {
    const logs = new CloudWatchLogsClient({ region: REGION });
    for (const kind of ['Processing', 'Training']) {
      const stream = {
        logGroupName: `/aws/sagemaker/${kind}Jobs`,
        logStreamName: 'weld-1/algo-1-1795150455',
      };
      await logs.send(new CreateLogGroupCommand({ logGroupName: stream.logGroupName }));
      await logs.send(new CreateLogStreamCommand(stream));
      const logEvents = [{ timestamp: Date.now() - 1_000, message: `${kind} printed this` }];
      await logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
    }
    const out = join(folder, 'weld-1.log');
    writeFileSync(
      join(folder, 'signalbox.yaml'),
      `useCases:
  - id: other
    name: Other emulator
    account: "${ACCOUNT}"
    region: ${REGION}
    roleArn: arn:aws:iam::${ACCOUNT}:role/Access
    channels: [C0OTHER]
    access: { viewer: [channel-members] }
    providers: { sagemaker: { kinds: [training, processing] } }
`,
    );
    const env = {
      SIGNALBOX_CONFIG: join(folder, 'signalbox.yaml'),
      SIGNALBOX_DATA_DIR: join(folder, 'data'),
    };
    const { exitCode, stderr } = await run(['logs', 'weld-1', '--out', out], { env, cwd: folder });
    expect(exitCode, stderr).toBe(0);
    const text = readFileSync(out, 'utf8');
    expect(text).toContain('Processing printed this');
    expect(text).not.toContain('Training printed this');
  });
});

function without(operations: readonly string[]): string {
  return operations.length === 0 ? '' : ` (this emulator lacks ${operations.join(' and ')})`;
}
