import {
  DescribeComponentCommand,
  GreengrassV2Client,
  ListComponentsCommand,
  ListComponentVersionsCommand,
  ListCoreDevicesCommand,
  ListDeploymentsCommand,
  ListEffectiveDeploymentsCommand,
  ListInstalledComponentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateCompilationJobCommand,
  DescribeCompilationJobCommand,
  DescribeTrainingJobCommand,
  ListCompilationJobsCommand,
  ListTagsCommand,
  ListTrainingJobsCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsSandbox, startAwsSandbox } from '#sandbox';
import { SEEDED_USE_CASES, seededAwsWorld } from '../../src/demo/use-cases.ts';

const STARTED = Date.now();
const KEYS = { accessKeyId: 'AKIATESTBOT000000001', secretAccessKey: 'bot-secret' };
const JETSON_MODEL = 'model-defects-resnet101-ddp-jetson-xavier';
let now = STARTED;
let aws: AwsSandbox;

beforeAll(async () => {
  aws = await startAwsSandbox({
    world: seededAwsWorld(STARTED, KEYS),
    quotas: 'off',
    clock: { now: () => now },
  });
});
afterAll(() => aws.close());

/** Clients inside a use case's account, by its role. */
async function enter(id: string) {
  const useCase = SEEDED_USE_CASES.find((one) => one.id === id)!;
  const settings = { endpoint: aws.url, region: useCase.region, maxAttempts: 1 };
  const { Credentials } = await new STSClient({ ...settings, credentials: KEYS }).send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${useCase.account}:role/SignalboxAccess`,
      RoleSessionName: 'comp-test',
      ExternalId: useCase.externalId,
    }),
  );
  const credentials = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  };
  const sagemaker = new SageMakerClient({ ...settings, credentials });
  const compilations = async () => {
    const { CompilationJobSummaries } = await sagemaker.send(
      new ListCompilationJobsCommand({ MaxResults: 100 }),
    );
    return Promise.all(
      CompilationJobSummaries!.map(({ CompilationJobName }) =>
        sagemaker.send(new DescribeCompilationJobCommand({ CompilationJobName })),
      ),
    );
  };
  return {
    ...useCase,
    sagemaker,
    compilations,
    s3: new S3Client({ ...settings, credentials }),
    greengrass: new GreengrassV2Client({ ...settings, credentials }),
  };
}

describe('[O7] the seeded compilations', () => {
  it('are in every state, and one completes while somebody watches', async () => {
    const { compilations } = await enter('line-3');
    const seen = await compilations();
    const states = (list: typeof seen) => list.map((one) => one.CompilationJobStatus).sort();
    expect(states(seen)).toEqual([
      ...Array(3).fill('COMPLETED'),
      ...Array(4).fill('FAILED'),
      'INPROGRESS',
      'STOPPED',
    ]);
    expect(Math.max(...seen.map(({ FailureReason }) => FailureReason!.length))).toBe(1024);
    now = STARTED + 3 * 60_000;
    expect(states(await compilations())).not.toContain('INPROGRESS');
  });

  it('failed for the reasons that their models and requests have', async () => {
    const { compilations } = await enter('line-3');
    const reasons = Object.fromEntries(
      (await compilations()).map((one) => [
        one.CompilationJobName!.replace(/-[^-]+$/, ''),
        one.FailureReason!,
      ]),
    );
    expect(reasons).toMatchObject({
      'defects-resnet50-jetson-xavier': expect.stringMatching(/input-shape mismatch.*Traceback/s),
      'yolo-bolts-jetson-nano': expect.stringContaining("{'torchvision::nms'}"),
      'yolo-bolts-2-jetson-xavier': expect.stringContaining("{'aten::grid_sampler'}"),
      'glare-segmenter-keras-x86-64-cpu': expect.stringContaining('TimeOut'),
    });
    const harbor = await (await enter('harbor')).compilations();
    expect(harbor.map(({ FailureReason }) => FailureReason)).toContainEqual(
      expect.stringContaining(
        'is in region eu-west-1 which is different from AWS Sagemaker service region us-east-1',
      ),
    );
  });

  it('can be followed by more: what a completed job says of itself is enough to compile it', async () => {
    const { sagemaker, account, compilations } = await enter('line-3');
    const { TrainingJobSummaries } = await sagemaker.send(
      new ListTrainingJobsCommand({ StatusEquals: 'Completed', MaxResults: 100 }),
    );
    for (const { TrainingJobName, TrainingJobArn } of TrainingJobSummaries!) {
      const { ModelArtifacts } = await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName }));
      const { Tags } = await sagemaker.send(new ListTagsCommand({ ResourceArn: TrainingJobArn }));
      const tag = (name: string) => Tags!.find(({ Key }) => Key === `signalbox:${name}`)!.Value!;
      const [input, shape] = tag('input-shape').split('=');
      await sagemaker.send(
        new CreateCompilationJobCommand({
          CompilationJobName: `try-${TrainingJobName}`,
          RoleArn: `arn:aws:iam::${account}:role/NeoExecution`,
          InputConfig: {
            S3Uri: ModelArtifacts!.S3ModelArtifacts!,
            Framework: tag('framework') as 'PYTORCH',
            FrameworkVersion: tag('framework-version'),
            DataInputConfig: JSON.stringify({ [input!]: shape!.split('x').map(Number) }),
          },
          OutputConfig: {
            S3OutputLocation: `s3://line-3-models/compiled/${TrainingJobName}/x86_64-cpu`,
            TargetPlatform: { Os: 'LINUX', Arch: 'X86_64' },
          },
          StoppingCondition: { MaxRuntimeInSeconds: 900 },
        }),
      );
    }
    now += 10 * 60_000;
    const tried = (await compilations()).filter((one) => one.CompilationJobName!.startsWith('try-'));
    const failed = tried.filter((one) => one.CompilationJobStatus !== 'COMPLETED');
    expect(failed.map((one) => one.CompilationJobName).sort()).toEqual([
      'try-line3-pretrain-2m',
      'try-yolo-bolts',
    ]);
  });
});

describe('[O7] the seeded models', () => {
  it('can be read by the role, and not written', async () => {
    const { s3 } = await enter('line-3');
    const model = { Bucket: 'line-3-models', Key: 'trained/defects-resnet50/output/model.tar.gz' };
    expect((await s3.send(new GetObjectCommand(model))).ContentLength).toBeGreaterThan(10_000);
    await expect(s3.send(new PutObjectCommand({ ...model, Body: 'x' }))).rejects.toThrow(/s3:PutObject/);
    const compiled = 'compiled/defects-resnet101-ddp/jetson-xavier/model-LINUX_ARM64_NVIDIA.tar.gz';
    await s3.send(new HeadObjectCommand({ Bucket: 'line-3-models', Key: compiled }));
  });
});

describe('[O7] the seeded components', () => {
  it('are deployable but for one whose artifact is missing, and have up to 12 versions', async () => {
    const { greengrass } = await enter('line-3');
    const { components } = await greengrass.send(new ListComponentsCommand({}));
    const states = await Promise.all(
      components!.map(async ({ componentName, arn, latestVersion }) => {
        const { status } = await greengrass.send(new DescribeComponentCommand({ arn: latestVersion!.arn! }));
        const { componentVersions } = await greengrass.send(new ListComponentVersionsCommand({ arn: arn! }));
        return [
          componentName,
          componentVersions!.length,
          status!.componentState,
          Object.values(status!.errors!),
        ];
      }),
    );
    expect(states).toEqual([
      ['line3-inspector', 3, 'DEPLOYABLE', []],
      [JETSON_MODEL, 12, 'DEPLOYABLE', []],
      ['model-defects-resnet101-ddp-x86_64-cpu', 2, 'DEPLOYABLE', []],
      ['model-yolo-bolts-2-x86_64-cpu', 1, 'FAILED', ['Specified artifact resource cannot be accessed']],
    ]);
  });

  it('are 500 versions of one component at the harbour, on 60 devices', async () => {
    const { greengrass } = await enter('harbor');
    const { components } = await greengrass.send(new ListComponentsCommand({}));
    let versions = 0;
    for (let nextToken: string | undefined, first = true; first || nextToken !== undefined; first = false) {
      const page = await greengrass.send(
        new ListComponentVersionsCommand({ arn: components![0]!.arn!, maxResults: 100, nextToken }),
      );
      versions += page.componentVersions!.length;
      nextToken = page.nextToken;
    }
    expect(versions).toBe(500);
    const { coreDevices } = await greengrass.send(new ListCoreDevicesCommand({ maxResults: 100 }));
    expect(coreDevices).toHaveLength(60);
  });
});

describe('[O7] the seeded devices', () => {
  it('have the components that their deployments brought, or did not', async () => {
    const { greengrass } = await enter('line-3');
    const { coreDevices } = await greengrass.send(new ListCoreDevicesCommand({}));
    const found = await Promise.all(
      coreDevices!.map(async ({ coreDeviceThingName, status }) => {
        const { installedComponents } = await greengrass.send(
          new ListInstalledComponentsCommand({ coreDeviceThingName, topologyFilter: 'ALL' }),
        );
        const { effectiveDeployments } = await greengrass.send(
          new ListEffectiveDeploymentsCommand({ coreDeviceThingName }),
        );
        const model = installedComponents!.find(({ componentName }) => componentName!.startsWith('model-'));
        return [
          coreDeviceThingName,
          status,
          model?.componentVersion,
          effectiveDeployments!.map(({ coreDeviceExecutionStatus }) => coreDeviceExecutionStatus).join(' '),
        ];
      }),
    );
    expect(found).toEqual([
      ['line3-cam-01', 'HEALTHY', '1.0.10', 'SUCCEEDED'],
      ['line3-cam-02', 'HEALTHY', '1.0.10', 'SUCCEEDED'],
      ['line3-cam-03', 'HEALTHY', '1.0.10', 'SUCCEEDED'],
      ['line3-cam-04', 'HEALTHY', '1.0.10', 'SUCCEEDED'],
      ['line3-cam-05', 'UNHEALTHY', '1.0.7', 'FAILED'],
      ['line3-cam-06', 'UNHEALTHY', '1.0.6', 'QUEUED'],
      ['line3-edge-pc-1', 'HEALTHY', '1.0.0', 'SUCCEEDED'],
      ['line3-edge-pc-2', 'HEALTHY', undefined, 'CANCELED'],
    ]);
    const { deployments } = await greengrass.send(new ListDeploymentsCommand({ historyFilter: 'ALL' }));
    expect(deployments!.map(({ deploymentStatus }) => deploymentStatus)).toEqual([
      'CANCELED',
      'COMPLETED',
      'ACTIVE',
      'INACTIVE',
    ]);
  });
});
