import { GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  AddTagsCommand,
  CreateCompilationJobCommand,
  type CreateCompilationJobCommandInput,
  CreateTrainingJobCommand,
  DeleteCompilationJobCommand,
  DescribeCompilationJobCommand,
  DescribeTrainingJobCommand,
  ListCompilationJobsCommand,
  type ListCompilationJobsCommandInput,
  ListTagsCommand,
  StopCompilationJobCommand,
} from '@aws-sdk/client-sagemaker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AwsSandboxOptions } from '../../src/aws/index.ts';
import { type ModelCard, modelArchive } from '../../src/aws/model-card.ts';
import { writeTarGz } from '../../src/aws/tar.ts';
import {
  BUCKET,
  CARD,
  edgeSandbox,
  FAR_BUCKET,
  handClock,
  NEO_ROLE,
  OTHER_BUCKET,
  s3Client,
  UNTRUSTED_ROLE,
} from './edge-support.ts';
import { ACCOUNT, assume, logsClient, REGION, refusal, sagemakerClient } from './support.ts';

type Changes = Partial<Omit<CreateCompilationJobCommandInput, 'InputConfig' | 'OutputConfig'>> & {
  InputConfig?: Partial<CreateCompilationJobCommandInput['InputConfig']>;
  OutputConfig?: Partial<CreateCompilationJobCommandInput['OutputConfig']>;
};

const XAVIER = { Os: 'LINUX', Arch: 'ARM64', Accelerator: 'NVIDIA' } as const;
const XAVIER_OPTIONS = JSON.stringify({ 'gpu-code': 'sm_72', 'trt-ver': '8.2.1', 'cuda-ver': '10.2' });

function job(name: string, changes: Changes = {}): CreateCompilationJobCommandInput {
  return {
    CompilationJobName: name,
    RoleArn: NEO_ROLE,
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    ...changes,
    InputConfig: {
      S3Uri: `s3://${BUCKET}/m/model.tar.gz`,
      Framework: 'PYTORCH',
      DataInputConfig: '{"input":[1,3,224,224]}',
      ...changes.InputConfig,
    },
    OutputConfig: {
      S3OutputLocation: `s3://${BUCKET}/out`,
      ...(changes.OutputConfig?.TargetDevice
        ? {}
        : { TargetPlatform: { Os: 'LINUX', Arch: 'X86_64' } as const }),
      ...changes.OutputConfig,
    },
  };
}

async function neo(options: Partial<AwsSandboxOptions> = {}) {
  const clock = handClock();
  const aws = await edgeSandbox({ clock, compilationMs: 30_000, ...options });
  const client = sagemakerClient(aws);
  const s3 = s3Client(aws);
  const create = (name: string, changes?: Changes) =>
    client.send(new CreateCompilationJobCommand(job(name, changes)));
  const describe_ = (CompilationJobName: string) =>
    client.send(new DescribeCompilationJobCommand({ CompilationJobName }));
  /** Creates it and waits for its end. */
  const outcome = async (name: string, changes?: Changes) => {
    await create(name, changes);
    clock.pass(3_600_000);
    return describe_(name);
  };
  const upload = (Key: string, Body: Buffer) => s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  const log = async (stream: string) => {
    const logGroupName = '/aws/sagemaker/CompilationJobs';
    const { events } = await logsClient(aws).send(
      new GetLogEventsCommand({ logGroupName, logStreamName: stream, startFromHead: true }),
    );
    return events!.map(({ message }) => message!);
  };
  return { aws, clock, client, s3, create, describe: describe_, outcome, upload, log };
}

describe('[O7] Neo compilations', () => {
  it('start, run, and complete by the clock; then the compiled model is in S3', async () => {
    const { clock, create, describe, s3 } = await neo();
    const { CompilationJobArn } = await create('c-1', { Tags: [{ Key: 'job', Value: 'defects-1' }] });
    expect(CompilationJobArn).toBe(`arn:aws:sagemaker:${REGION}:${ACCOUNT}:compilation-job/c-1`);
    const artifact = `s3://${BUCKET}/out/model-LINUX_X86_64.tar.gz`;
    const head = () =>
      s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'out/model-LINUX_X86_64.tar.gz' }));

    const starting = await describe('c-1');
    expect(starting).toMatchObject({
      CompilationJobStatus: 'STARTING',
      FailureReason: '',
      ModelArtifacts: { S3ModelArtifacts: artifact },
      StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    });
    expect(starting.CompilationStartTime).toBeUndefined();
    clock.pass(10_000);
    expect((await describe('c-1')).CompilationJobStatus).toBe('INPROGRESS');
    expect(await refusal(head())).toMatchObject({ status: 404 });
    clock.pass(30_000);
    const done = await describe('c-1');
    expect(done.CompilationJobStatus).toBe('COMPLETED');
    expect(done.CompilationEndTime!.getTime() - done.CompilationStartTime!.getTime()).toBe(30_000);
    expect(done.ModelDigests!.ArtifactDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect((await head()).ContentLength).toBeGreaterThan(100_000);
  });

  it('have tags', async () => {
    const { client, create } = await neo();
    const { CompilationJobArn: ResourceArn } = await create('c-1', {
      Tags: [{ Key: 'job', Value: 'defects-1' }],
    });
    await client.send(new AddTagsCommand({ ResourceArn, Tags: [{ Key: 'by', Value: 'ada' }] }));
    const { Tags } = await client.send(new ListTagsCommand({ ResourceArn }));
    expect(Tags).toEqual([
      { Key: 'job', Value: 'defects-1' },
      { Key: 'by', Value: 'ada' },
    ]);
  });

  it('take longer for accelerators, and name the device in the artifact', async () => {
    const { outcome } = await neo();
    const cpu = await outcome('cpu');
    const gpu = await outcome('gpu', {
      OutputConfig: { TargetPlatform: XAVIER, CompilerOptions: XAVIER_OPTIONS },
    });
    const device = await outcome('device', { OutputConfig: { TargetDevice: 'jetson_xavier' } });
    const length = (one: typeof cpu) =>
      one.CompilationEndTime!.getTime() - one.CompilationStartTime!.getTime();
    expect(length(gpu)).toBeGreaterThan(length(cpu));
    expect(gpu.ModelArtifacts!.S3ModelArtifacts).toMatch(/model-LINUX_ARM64_NVIDIA\.tar\.gz$/);
    expect(device.ModelArtifacts!.S3ModelArtifacts).toMatch(/model-jetson_xavier\.tar\.gz$/);
  });

  it('write their log as they go, and what they found in the model', async () => {
    const { clock, create, describe, log } = await neo();
    await create('c-1');
    clock.pass(15_000);
    await describe('c-1');
    const early = await log('c-1');
    clock.pass(30_000);
    const late = await log('c-1');
    expect(late.length).toBeGreaterThan(early.length);
    expect(late.slice(0, early.length)).toEqual(early);
    expect(late.at(-1)).toBe('INFO neo: compilation succeeded');
    expect((await log('c-1/model-info-extraction')).join('\n')).toContain('"input":[1,3,224,224]');
  });

  it('stop, and their log with them', async () => {
    const { clock, client, create, describe, log } = await neo();
    await create('c-1');
    clock.pass(10_000);
    await describe('c-1');
    const stop = () => client.send(new StopCompilationJobCommand({ CompilationJobName: 'c-1' }));
    await stop();
    expect((await describe('c-1')).CompilationJobStatus).toBe('STOPPING');
    clock.pass(60_000);
    const stopped = await describe('c-1');
    expect([stopped.CompilationJobStatus, stopped.FailureReason]).toEqual(['STOPPED', '']);
    expect(await log('c-1')).not.toContain('INFO neo: compilation succeeded');
    expect(await refusal(stop())).toMatchObject({
      name: 'ValidationException',
      message: 'The request was rejected because the compilation job is in status STOPPED.',
    });
  });

  it('can be stopped before they run, and then have no log', async () => {
    const { clock, client, create, describe } = await neo();
    await create('c-1');
    await client.send(new StopCompilationJobCommand({ CompilationJobName: 'c-1' }));
    clock.pass(60_000);
    const stopped = await describe('c-1');
    expect([stopped.CompilationJobStatus, stopped.CompilationStartTime]).toEqual(['STOPPED', undefined]);
  });

  it('are deleted when they have ended, and unknown afterwards', async () => {
    const { clock, client, create, describe } = await neo();
    await create('c-1');
    const remove = () => client.send(new DeleteCompilationJobCommand({ CompilationJobName: 'c-1' }));
    expect((await refusal(remove())).name).toBe('ValidationException');
    clock.pass(60_000);
    await remove();
    expect(await refusal(describe('c-1'))).toMatchObject({
      name: 'ResourceNotFound',
      message: 'Requested resource not found.',
    });
  });

  it('derive the input when the model has a fixed shape', async () => {
    const { outcome } = await neo();
    expect(
      (await outcome('c-1', { InputConfig: { DataInputConfig: undefined } })).DerivedInformation,
    ).toEqual({
      DerivedDataInputConfig: '{"input":[1,3,224,224]}',
    });
  });

  it('compile what a training job that completes here has left in S3', async () => {
    const { clock, client, outcome } = await neo();
    const TrainingJobName = 'defects-1';
    await client.send(
      new CreateTrainingJobCommand({
        TrainingJobName,
        RoleArn: NEO_ROLE,
        AlgorithmSpecification: { TrainingImage: 'pytorch', TrainingInputMode: 'File' },
        OutputDataConfig: { S3OutputPath: `s3://${BUCKET}/trained` },
        ResourceConfig: { InstanceType: 'ml.g5.xlarge', InstanceCount: 1, VolumeSizeInGB: 10 },
        StoppingCondition: { MaxRuntimeInSeconds: 3600 },
        HyperParameters: { epochs: '1', 'image-size': '64' },
      }),
    );
    clock.pass(600_000);
    const { ModelArtifacts } = await client.send(new DescribeTrainingJobCommand({ TrainingJobName }));
    const S3Uri = ModelArtifacts!.S3ModelArtifacts!;
    const right = { S3Uri, DataInputConfig: '{"input":[1,3,64,64]}' };
    expect((await outcome('right', { InputConfig: right })).CompilationJobStatus).toBe('COMPLETED');
    expect((await outcome('wrong', { InputConfig: { S3Uri } })).CompilationJobStatus).toBe('FAILED');
  });
});

describe('[O7] Neo failures have their real causes', () => {
  const archive = (changes: Partial<ModelCard>) => modelArchive({ ...CARD, ...changes });
  const files = (...names: string[]) =>
    writeTarGz(names.map((name) => ({ name, content: Buffer.from('x') })));
  const uri = `s3://${BUCKET}/x.tar.gz`;
  const nvidia = { TargetPlatform: XAVIER, CompilerOptions: XAVIER_OPTIONS };

  it.each<[string, RegExp, Changes, Buffer?]>([
    [
      'no object',
      /S3 object does not exist. Bucket: line-3-models, Key: x.tar.gz/,
      { InputConfig: { S3Uri: uri } },
    ],
    [
      'a bucket of another region',
      /Bucket far-models is in region us-east-1 which is different from AWS Sagemaker service region eu-west-1/,
      { InputConfig: { S3Uri: `s3://${FAR_BUCKET}/x.tar.gz` } },
    ],
    [
      'a bucket of another account',
      /\(AccessDenied\) when calling the GetObject operation: Access Denied/,
      { InputConfig: { S3Uri: `s3://${OTHER_BUCKET}/x.tar.gz` } },
    ],
    [
      'no tar.gz',
      /Unable to untar input model/,
      { InputConfig: { S3Uri: uri } },
      Buffer.from('PK not a tar'),
    ],
    ['no .pth', /No pth file found/, { InputConfig: { S3Uri: uri } }, files('model.onnx')],
    ['two .pth', /Exactly one .pth/, { InputConfig: { S3Uri: uri } }, files('a.pth', 'b.pth')],
    [
      'no .h5',
      /No h5 file provided in s3:/,
      { InputConfig: { S3Uri: uri, Framework: 'KERAS' } },
      files('a.pb'),
    ],
    [
      'two .h5',
      /Multiple h5 files provided, \[a.h5, b.h5\], when only one is allowed/,
      { InputConfig: { S3Uri: uri, Framework: 'KERAS' } },
      files('a.h5', 'b.h5'),
    ],
    [
      'two .pb',
      /Exactly one .pb or .pbtxt file is allowed for TensorFlow models/,
      { InputConfig: { S3Uri: uri, Framework: 'TENSORFLOW' } },
      files('a.pb', 'b.pb'),
    ],
    [
      'two .params',
      /Only one parameter file is allowed for MXNet model/,
      { InputConfig: { S3Uri: uri, Framework: 'MXNET' } },
      files('a.params', 'b.params', 'c.json'),
    ],
    ['bare weights', /torch\.jit\.trace/, { InputConfig: { S3Uri: uri } }, archive({ exported: 'weights' })],
    [
      'a scripted model',
      /No module named '__torch__'/,
      { InputConfig: { S3Uri: uri } },
      archive({ exported: 'scripted' }),
    ],
    [
      'a wrong shape',
      /Invalid model or input-shape mismatch.*Traceback/s,
      { InputConfig: { DataInputConfig: '{"input":[1,3,512,512]}' } },
    ],
    [
      'the other layout',
      /Input input has wrong shape in Input Shape dictionary. Input shapes should be provided in NCHW format/,
      { InputConfig: { DataInputConfig: '{"input":[1,224,224,3]}' } },
    ],
    [
      'no shape to be found',
      /Unable to extract DataInputConfig/,
      { InputConfig: { S3Uri: uri, DataInputConfig: undefined } },
      archive({ inputs: { input: [null, 3, null, null] } }),
    ],
    [
      'an operator that nothing has',
      /operators are not implemented: \{'torchvision::nms'\}/,
      { InputConfig: { S3Uri: uri } },
      archive({ operators: ['aten::relu_', 'torchvision::nms'] }),
    ],
    [
      'an operator that the target lacks',
      /operators are not implemented: \{'aten::grid_sampler'\}/,
      { InputConfig: { S3Uri: uri }, OutputConfig: nvidia },
      archive({ operators: ['aten::grid_sampler'] }),
    ],
    ['a role that does not trust SageMaker', /sts:AssumeRole/, { RoleArn: UNTRUSTED_ROLE }],
    [
      'an output it may not write',
      /\(AccessDenied\) when calling the PutObject operation/,
      { OutputConfig: { S3OutputLocation: `s3://${BUCKET}/locked` } },
    ],
    ['no output bucket', /NoSuchBucket/, { OutputConfig: { S3OutputLocation: 's3://nowhere-at-all/x' } }],
    ['a key it may not use', /kms:GenerateDataKey/, { OutputConfig: { KmsKeyId: 'key-1' } }],
    ['too little time', /TimeOut/, { StoppingCondition: { MaxRuntimeInSeconds: 20 } }],
  ])('%s', async (_, reason, changes, upload) => {
    const neoSandbox = await neo();
    if (upload) await neoSandbox.upload('x.tar.gz', upload);
    const failed = await neoSandbox.outcome('c-1', changes);
    expect(failed).toMatchObject({
      CompilationJobStatus: 'FAILED',
      FailureReason: expect.stringMatching(/^ClientError: /),
    });
    expect(failed.FailureReason).toMatch(reason);
    expect(failed.FailureReason!.length).toBeLessThanOrEqual(1024);
    expect(failed.ModelDigests).toBeUndefined();
    expect((await neoSandbox.log('c-1')).at(-1)).toBe('ERROR neo: compilation failed');
  });

  it('an operator that one target lacks does not hurt another', async () => {
    const { upload, outcome } = await neo();
    await upload('x.tar.gz', archive({ operators: ['aten::grid_sampler'] }));
    expect((await outcome('cpu', { InputConfig: { S3Uri: uri } })).CompilationJobStatus).toBe('COMPLETED');
  });

  it('the model is deleted between the request and the start', async () => {
    const { s3, create, clock, describe } = await neo();
    await create('c-1');
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' }));
    clock.pass(60_000);
    expect((await describe('c-1')).FailureReason).toMatch(/S3 object does not exist/);
  });

  it('a model of any bytes never breaks the service', async () => {
    const { upload, outcome } = await neo({ concurrentCompilations: 1000 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), async (bytes, inTar) => {
        const body = inTar
          ? writeTarGz([{ name: 'm.pth', content: Buffer.from(bytes) }])
          : Buffer.from(bytes);
        await upload('x.tar.gz', body);
        const { CompilationJobStatus } = await outcome(`c-${run++}`, { InputConfig: { S3Uri: uri } });
        expect(CompilationJobStatus).toBe(inTar ? 'COMPLETED' : 'FAILED');
      }),
      { numRuns: 100 },
    );
  });
});

describe('[O7] Neo refuses', () => {
  it.each<[string, string, RegExp, Changes]>([
    ['a name of 64 characters', 'x'.repeat(64), /length less than or equal to 63/, {}],
    ['a name with an underscore', 'a_b', /regular expression pattern/, {}],
    [
      'a framework it does not know',
      'a',
      /enum value set: \[TENSORFLOW/,
      { InputConfig: { Framework: 'JAX' as 'ONNX' } },
    ],
    [
      'a device it does not know',
      'a',
      /enum value set: \[lambda/,
      { OutputConfig: { TargetDevice: 'jetson' as 'lambda' } },
    ],
    [
      'device and platform at once',
      'a',
      /mutually exclusive/,
      { OutputConfig: { TargetDevice: 'jetson_nano', TargetPlatform: XAVIER } },
    ],
    [
      'neither device nor platform',
      'a',
      /Either TargetDevice or TargetPlatform/,
      { OutputConfig: { TargetPlatform: undefined } },
    ],
    [
      'options that are not JSON',
      'a',
      /CompilerOptions is not valid JSON/,
      { OutputConfig: { CompilerOptions: '{mcpu}' } },
    ],
    [
      'options of 1,025 characters',
      'a',
      /less than or equal to 1024/,
      { OutputConfig: { CompilerOptions: JSON.stringify({ a: 'x'.repeat(1017) }) } },
    ],
    [
      'an NVIDIA platform without its options',
      'a',
      /Missing: gpu-code, trt-ver, cuda-ver/,
      { OutputConfig: { TargetPlatform: XAVIER } },
    ],
    [
      'a framework version for a device without',
      'a',
      /Unsupported framework version field for target/,
      { InputConfig: { FrameworkVersion: '1.8' }, OutputConfig: { TargetDevice: 'coreml' } },
    ],
    ['no time at all', 'a', /greater than or equal to 1/, { StoppingCondition: { MaxRuntimeInSeconds: 0 } }],
    ['a role that is not there', 'a', /Could not assume role/, { RoleArn: `${NEO_ROLE}2` }],
  ])('%s', async (_, name, words, changes) => {
    const { create } = await neo();
    const answer = await refusal(create(name, changes));
    expect(answer.name).toBe('ValidationException');
    expect(answer.message).toMatch(words);
  });

  it('a name that is taken, also when two ask at once', async () => {
    const { create } = await neo();
    const answers = await Promise.allSettled([create('same'), create('same')]);
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await refusal(create('same'))).toMatchObject({ name: 'ResourceInUse', status: 400 });
  });

  it('more jobs at a time than the account may have', async () => {
    const { create, clock } = await neo({ concurrentCompilations: 2 });
    await create('a');
    await create('b');
    const refused = await refusal(create('c'));
    expect(refused.name).toBe('ResourceLimitExceeded');
    expect(refused.message).toMatch(
      /is 2 Jobs, with current utilization of 2 Jobs and a request delta of 1 Jobs/,
    );
    clock.pass(120_000);
    await create('c');
  });

  it('a session that may not, or may not hand over the role', async () => {
    const { aws } = await neo();
    const session = await assume(aws);
    const client = sagemakerClient(aws, { credentials: session });
    expect(await refusal(client.send(new CreateCompilationJobCommand(job('a'))))).toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('sagemaker:CreateCompilationJob'),
    });
  });
});

it('[O7] compilations are listed by name, state, time and order, page by page', async () => {
  const { client, clock, create } = await neo();
  for (const name of ['b-1', 'a-1', 'a-2']) {
    await create(name, name === 'a-2' ? { InputConfig: { S3Uri: `s3://${BUCKET}/none.tar.gz` } } : {});
    clock.pass(1000);
  }
  clock.pass(60_000);
  const names = async (query: ListCompilationJobsCommandInput) =>
    (await client.send(new ListCompilationJobsCommand(query))).CompilationJobSummaries!.map(
      ({ CompilationJobName }) => CompilationJobName,
    );
  expect(await names({})).toEqual(['b-1', 'a-1', 'a-2']);
  expect(await names({ SortBy: 'Name', SortOrder: 'Descending' })).toEqual(['b-1', 'a-2', 'a-1']);
  expect(await names({ StatusEquals: 'FAILED' })).toEqual(['a-2']);
  expect(await names({ NameContains: 'a-' })).toEqual(['a-1', 'a-2']);
  expect(await names({ CreationTimeAfter: new Date(clock.at - 60_900) })).toEqual([]);
  const first = await client.send(new ListCompilationJobsCommand({ MaxResults: 2 }));
  expect(first.CompilationJobSummaries![0]).toMatchObject({
    CompilationTargetPlatformOs: 'LINUX',
    CompilationTargetPlatformArch: 'X86_64',
    CompilationJobStatus: 'COMPLETED',
  });
  expect(await names({ MaxResults: 2, NextToken: first.NextToken })).toEqual(['a-2']);
});
