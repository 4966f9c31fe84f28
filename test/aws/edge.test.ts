/**
 * Neo, artifact links and Greengrass by the SDK's own clients, as the roles of the seeded accounts and the
 * sessions' own policies let them: what a policy forgets is refused here.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AwsSandboxOptions, FaultPlan } from '#sandbox';
import { handClock } from '../../sandbox/test/aws/edge-support.ts';
import { sandbox } from '../../sandbox/test/aws/support.ts';
import { createAwsAccounts } from '../../src/aws/accounts.ts';
import { subject } from '../../src/cli/doctor/checks.ts';
import { checkEdge } from '../../src/cli/doctor/edge-checks.ts';
import { JETSON_MODEL } from '../../src/demo/components.ts';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';
import { componentName } from '../../src/domain/components.ts';
import { DEFAULT_RECIPE_TEMPLATE, renderRecipe } from '../../src/domain/recipes.ts';
import type { SessionOperation } from '../../src/domain/session-name.ts';
import { findTarget, targetTable } from '../../src/domain/targets.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { type AppError, CancelledError } from '../../src/ground/errors.ts';
import type { CompilationOrder } from '../../src/ports/compiler.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { UseCaseSession } from '../../src/ports/use-case-session.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';

const BOT = { accessKeyId: 'AKIATESTBOT000000001', secretAccessKey: 'the-secret-of-the-bot' };
const ADA = { team: 'T0LINE', user: 'U0ADA' };
const JOB = 'defects-resnet101-ddp';
const COMPILED = `s3://line-3-models/compiled/${JOB}/jetson-xavier/model-LINUX_ARM64_NVIDIA.tar.gz`;

const LINE_3: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: {
    account: '123456789012',
    region: 'eu-west-1',
    roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess',
    externalId: 'line-3-6f1d0c0e',
  },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
  compile: {
    roleArn: 'arn:aws:iam::123456789012:role/NeoExecution',
    outputS3: 's3://line-3-models/compiled',
    targets: ['jetson-xavier', 'x86_64-cpu'],
    auto: false,
    timeoutSeconds: 1800,
  },
};

const before = { ...process.env };
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  process.env.AWS_ACCESS_KEY_ID = BOT.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = BOT.secretAccessKey;
});
afterEach(() => {
  process.env = { ...before };
});

async function world(options: Partial<AwsSandboxOptions> = {}) {
  const clock = handClock();
  const aws = await sandbox({
    world: seededAwsWorld(clock.at, BOT),
    clock,
    compilationMs: 30_000,
    componentMs: 5_000,
    ...options,
  });
  process.env.AWS_ENDPOINT_URL = aws.url;
  const gateway = createUseCaseGateway({ clock, engine: NO_ENGINE, accounts: createAwsAccounts({ clock }) });
  const open = (operation: SessionOperation, useCase = LINE_3): Promise<UseCaseSession> =>
    gateway.open(useCase, ADA, operation);
  return { aws, clock, gateway, open };
}

const order = (compilationJob: string, changes: Partial<CompilationOrder> = {}): CompilationOrder => ({
  compilationJob,
  model: `s3://line-3-models/trained/${JOB}/output/model.tar.gz`,
  framework: 'PYTORCH',
  frameworkVersion: '1.8',
  dataInputConfig: '{"input":[1,3,224,224]}',
  target: findTarget(targetTable(), 'arm64-cpu'),
  outputS3: 's3://line-3-models/compiled',
  roleArn: 'arn:aws:iam::123456789012:role/NeoExecution',
  timeoutSeconds: 1800,
  ...changes,
});

const refusal = async (work: Promise<unknown>): Promise<AppError> => {
  try {
    await work;
  } catch (error) {
    return error as AppError;
  }
  throw new Error('It was not refused');
};

describe('a training job as compiling needs it', () => {
  it('says its model, its hyperparameters and, when asked, its tags', async () => {
    const { open } = await world();
    const { getStatus, jobs } = (await open('comp')).providers[0]!;
    const job = await getStatus(JOB);
    expect(job?.modelArtifact).toMatch(/^s3:\/\/line-3-models\/.*\.tar\.gz$/);
    expect(Object.keys(job?.hyperparameters ?? {}).length).toBeGreaterThan(0);
    expect(Object.keys(await jobs.tags(job!)).length).toBeGreaterThan(0);
    expect(await jobs.tags({ name: 'somewhere-else' })).toEqual({});
  });
});

describe('Neo', () => {
  it('[C2] compiles: started, running, completed with its artifact; the log is there', async () => {
    const { clock, open } = await world();
    const { compiler, compilationLog } = await open('comp');
    const name = `${JOB}-arm64-cpu-4f8a2c`;
    expect(await compiler.describe(name)).toBeUndefined();
    await compiler.start(order(name));
    const started = await compiler.describe(name);
    expect(started).toMatchObject({ status: 'STARTING' });
    expect(started?.artifact).toBeUndefined();
    expect(started?.failureReason).toBeUndefined();
    clock.pass(10_000);
    expect((await compiler.describe(name))?.status).toBe('INPROGRESS');
    clock.pass(120_000);
    const done = await compiler.describe(name);
    expect(done).toMatchObject({
      status: 'COMPLETED',
      artifact: 's3://line-3-models/compiled/model-LINUX_ARM64.tar.gz',
    });
    expect(done!.endedAt! - done!.startedAt!).toBeGreaterThan(0);

    const text = await wholeLog(compilationLog(name));
    expect(text).not.toBe('');
  });

  it('[C8] tells what Neo reports, and nothing that it does not', async () => {
    const { open } = await world();
    const { compiler } = await open('comp');
    const report = await compiler.describe(`${JOB}-jetson-xavier-k3v8qa`);
    expect(report?.facts).toMatchObject({
      Framework: 'PYTORCH 1.8',
      Inputs: '{"input":[1,3,224,224]}',
      Platform: 'LINUX/ARM64/NVIDIA',
      'Time limit': '3600 s',
    });
    expect(Object.values(report!.facts).every((value) => value !== '')).toBe(true);
    expect(Object.keys(report!.facts).join()).not.toMatch(/instance|progress|percent/i);
  });

  it('[C7] gives the reason of a failure as it is', async () => {
    const { open } = await world();
    const { compiler } = await open('comp');
    const report = await compiler.describe('defects-resnet50-jetson-xavier-a1h6zr');
    expect(report?.status).toBe('FAILED');
    expect(report?.failureReason).toHaveLength(1024);
    expect(report?.artifact).toBeUndefined();
  });

  it('[C5] lists compilations of whomever, newest first, and tells what each was asked for', async () => {
    const { open } = await world();
    const { compiler } = await open('comp');
    const all = await compiler.list({ limit: 500 });
    expect(all.map(({ createdAt }) => createdAt)).toEqual(
      all.map(({ createdAt }) => createdAt).toSorted((a, b) => b - a),
    );
    expect(all).toContainEqual(
      expect.objectContaining({ compilationJob: 'yolo-bolts-jetson-nano-e5s0jf', status: 'FAILED' }),
    );
    expect(await compiler.list({ limit: 2 })).toEqual(all.slice(0, 2));
    const middle = all[4]!.createdAt;
    expect(await compiler.list({ limit: 500, createdAfter: middle })).toEqual(
      all.filter(({ createdAt }) => createdAt >= middle),
    );
    expect((await compiler.describe('yolo-bolts-jetson-nano-e5s0jf'))?.asked).toMatchObject({
      createdAt: all.find(({ compilationJob }) => compilationJob === 'yolo-bolts-jetson-nano-e5s0jf')!
        .createdAt,
      model: 's3://line-3-models/trained/yolo-bolts/output/model.tar.gz',
      neo: { device: 'jetson_nano' },
      framework: 'PYTORCH',
    });
    expect((await compiler.describe(`${JOB}-jetson-xavier-k3v8qa`))?.asked).toMatchObject({
      neo: { platform: { os: 'LINUX', arch: 'ARM64', accelerator: 'NVIDIA' } },
      compilerOptions: expect.stringContaining('"gpu-code":"sm_72"'),
    });
  });

  it('[C5] says conflict for a name that is taken, so that starting again is safe', async () => {
    const { open } = await world();
    const { compiler } = await open('comp');
    await compiler.start(order('c-1'));
    expect(await refusal(compiler.start(order('c-1')))).toMatchObject({ code: 'conflict' });
  });

  it('[C5] tells a refusal from an unknown outcome', async () => {
    const faults = new FaultPlan();
    const { open } = await world({ faults });
    const { compiler } = await open('comp');
    const refused = await refusal(
      compiler.start(order('c-1', { roleArn: 'arn:aws:iam::123456789012:role/Other' })),
    );
    expect(refused).toMatchObject({ code: 'permission_denied' });
    expect(refused.message).toContain('iam:PassRole');
    expect(
      await refusal(
        compiler.start(order('c-2', { target: { name: 'x', description: '', neo: { device: 'toaster' } } })),
      ),
    ).toMatchObject({ code: 'invalid_input' });
    expect(await compiler.describe('c-1')).toBeUndefined();

    faults.add({ on: 'sagemaker:CreateCompilationJob', kind: 'drop', times: 0 });
    expect(await refusal(compiler.start(order('c-3')))).toMatchObject({ code: 'unavailable' });
    faults.clear();
    const stopped = new AbortController();
    stopped.abort();
    expect(await refusal(compiler.start(order('c-4'), stopped.signal))).toBeInstanceOf(CancelledError);
  });

  it('stops a running one, and takes one that has ended for stopped enough', async () => {
    const { clock, open } = await world();
    const { compiler } = await open('comp');
    await compiler.start(order('c-1'));
    clock.pass(10_000);
    await compiler.stop('c-1');
    clock.pass(60_000);
    expect((await compiler.describe('c-1'))?.status).toBe('STOPPED');
    await compiler.stop('c-1');
    await compiler.stop(`${JOB}-jetson-xavier-k3v8qa`);
    expect(await refusal(compiler.stop('no-such-compilation'))).toMatchObject({ code: 'not_found' });
  });

  it('asks AWS nothing about what cannot be a name', async () => {
    const { aws, open } = await world();
    const { compiler } = await open('comp');
    const { requests } = aws.stats();
    expect(await compiler.describe('<!channel>')).toBeUndefined();
    expect(aws.stats().requests).toEqual(requests);
  });
});

describe('[C7] the log of a compilation', () => {
  it('has the streams of this one and of none whose name begins the same', async () => {
    const { clock, open } = await world();
    const session = await open('comp');
    await session.compiler.start(order('c-1'));
    await session.compiler.start(order('c-10'));
    clock.pass(120_000);
    for (const name of ['c-1', 'c-10'])
      expect((await session.compiler.describe(name))?.status).toBe('COMPLETED');
    for (const operation of ['comp', 'logs'] as const) {
      const streams = await (await open(operation)).compilationLog('c-1').listStreams();
      expect(streams.map(({ name }) => name)).toContain('c-1');
      expect(streams.filter(({ name }) => name !== 'c-1' && !name.startsWith('c-1/'))).toEqual([]);
    }
  });
});

describe('[C10] links to artifacts', () => {
  it('download the compiled model without an account, under the given name', async () => {
    const { open } = await world();
    const { artifacts } = await open('comp');
    const link = await artifacts.presign(COMPILED, { expiresSeconds: 900, fileName: 'modèle "1".tar.gz' });
    expect(new URL(link).searchParams.get('X-Amz-Expires')).toBe('900');
    const answer = await fetch(link);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-disposition')).toBe(
      `attachment; filename="mod_le _1_.tar.gz"; filename*=UTF-8''mod%C3%A8le%20%221%22.tar.gz`,
    );
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([...bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
  });

  it('outlive no session: one that ends too early is renewed first', async () => {
    const { clock, open } = await world();
    const { artifacts } = await open('comp');
    const presign = () => artifacts.presign(COMPILED, { expiresSeconds: 900, fileName: 'm.tar.gz' });
    const first = new URL(await presign());
    // 54 minutes on, the session still has six: enough for requests, not for the link.
    clock.pass(50 * 60_000);
    const second = new URL(await presign());
    const token = (url: URL) => url.searchParams.get('X-Amz-Security-Token');
    expect(token(second)).not.toBe(token(first));
    expect(second.searchParams.get('X-Amz-Expires')).toBe('900');
  });

  it('say honestly when credentials do not last', async () => {
    const { open } = await world({ sessionSeconds: 300 });
    const { artifacts } = await open('comp');
    const link = await artifacts.presign(COMPILED, { expiresSeconds: 900, fileName: 'm.tar.gz' });
    const seconds = Number(new URL(link).searchParams.get('X-Amz-Expires'));
    expect(seconds).toBeGreaterThan(60);
    expect(seconds).toBeLessThanOrEqual(300);
  });

  it('are refused for what is not there, and for what the use case has no right to', async () => {
    const { open } = await world();
    const { artifacts } = await open('comp');
    const presign = (uri: string) => artifacts.presign(uri, { expiresSeconds: 900, fileName: 'm.tar.gz' });
    const gone = await refusal(presign('s3://line-3-models/compiled/gone.tar.gz'));
    expect(gone).toMatchObject({ code: 'not_found' });
    expect(gone.message).toContain('s3://line-3-models/compiled/gone.tar.gz');
    expect(await refusal(presign('s3://harbor-models/compiled/x.tar.gz'))).toMatchObject({
      code: 'permission_denied',
    });
    expect(await refusal(presign('s3://line-3-models/trained/secret.tar.gz'))).toMatchObject({
      code: 'permission_denied',
    });
    expect(await refusal(presign('https://example.com/x'))).toMatchObject({ code: 'invalid_input' });
  });
});

describe('Greengrass components', () => {
  const name = componentName({ prefix: 'model-', model: 'defects', target: 'jetson-xavier' });
  const recipe = (version: string, artifactUri = COMPILED) =>
    renderRecipe(DEFAULT_RECIPE_TEMPLATE, {
      name,
      version,
      architecture: 'aarch64',
      artifactUri,
      artifactFile: 'model-LINUX_ARM64_NVIDIA.tar.gz',
      target: 'jetson-xavier',
      model: 'defects',
      trainingJob: JOB,
      compilationJob: `${JOB}-jetson-xavier-k3v8qa`,
      useCase: 'line-3',
    });

  it('[G1] are published, once for each token, and become deployable', async () => {
    const { clock, open } = await world();
    const { components } = await open('pkg');
    expect(await components.versions(name)).toEqual([]);
    const { arn } = await components.publish(recipe('1.0.0'), 'token-1');
    expect(await components.publish(recipe('1.0.0'), 'token-1')).toEqual({ arn });
    expect(await refusal(components.publish(recipe('1.0.0'), 'token-2'))).toMatchObject({ code: 'conflict' });
    expect(await components.describe(arn)).toMatchObject({ name, version: '1.0.0', state: 'REQUESTED' });
    clock.pass(60_000);
    expect(await components.describe(arn)).toMatchObject({ state: 'DEPLOYABLE' });
    await components.publish(recipe('1.0.1'), 'token-3');
    expect((await components.versions(name)).map(({ version }) => version)).toEqual(['1.0.1', '1.0.0']);
  });

  it('[G4] are refused in words when the recipe or its artifact is wrong', async () => {
    const { clock, open } = await world();
    const { components } = await open('pkg');
    expect(await refusal(components.publish('{ not a recipe', 'token-1'))).toMatchObject({
      code: 'invalid_input',
      message: 'Greengrass could not read the recipe.',
    });
    expect(
      await refusal(components.publish(recipe('1.0.0', 's3://harbor-models/x.tar.gz'), 'token-2')),
    ).toMatchObject({ code: 'invalid_input' });
    const { arn } = await components.publish(
      recipe('1.0.0', 's3://line-3-models/compiled/gone.tar.gz'),
      'token-3',
    );
    clock.pass(60_000);
    const failed = await components.describe(arn);
    expect(failed?.state).toBe('FAILED');
    expect(`${failed?.message} ${JSON.stringify(failed?.errors)}`).toMatch(/gone\.tar\.gz/);
  });

  it('[G2] are listed with their newest version, every version of them, and described', async () => {
    const { open } = await world();
    const { components } = await open('gg');
    const found = (await components.list()).find((one) => one.name === JETSON_MODEL);
    expect(found).toMatchObject({ latestVersion: '1.0.11' });
    const versions = await components.versions(JETSON_MODEL);
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: 12 }, (_, index) => `1.0.${11 - index}`),
    );
    expect(await components.describe(versions[0]!.arn)).toMatchObject({
      name: JETSON_MODEL,
      version: '1.0.11',
    });
    expect(await components.describe(versions[0]!.arn.replace('1.0.11', '9.9.9'))).toBeUndefined();
    expect(await components.describe('nonsense')).toBeUndefined();
  });

  it('reads every page: 500 versions', async () => {
    const { open } = await world();
    const { components } = await open('gg', {
      ...LINE_3,
      id: 'harbor',
      aws: {
        account: '210987654321',
        region: 'us-east-1',
        roleArn: 'arn:aws:iam::210987654321:role/SignalboxAccess',
        externalId: 'harbor-b27a94d1',
      },
    });
    const counts = await Promise.all(
      (await components.list()).map(async ({ name }) => (await components.versions(name)).length),
    );
    expect(Math.max(...counts)).toBe(500);
  });
});

describe('[G5] Greengrass devices', () => {
  it('are all listed, with their health and all that is installed and intended', async () => {
    const { open } = await world();
    const { devices } = await open('dev');
    const all = await devices.coreDevices();
    expect(all.find(({ name }) => name === 'line3-cam-01')).toMatchObject({
      health: 'HEALTHY',
      reportedAt: expect.any(Number),
    });
    const installed = await devices.installedOn('line3-cam-01');
    // The model came with another component: not a root of any deployment.
    expect(installed.find(({ name }) => name === JETSON_MODEL)).toMatchObject({
      version: '1.0.10',
      state: expect.any(String),
      reportedAt: expect.any(Number),
    });
    const deployments = await devices.deploymentsOn('line3-cam-01');
    expect(deployments[0]).toMatchObject({
      id: expect.any(String),
      status: expect.any(String),
      target: expect.stringContaining('line-3-cameras'),
    });
    expect(await refusal(devices.installedOn('nobody'))).toMatchObject({ code: 'not_found' });
  });
});

describe('[S1] what a session is narrowed to', () => {
  it('is its operation: nothing else, whatever the role may', async () => {
    const { open } = await world();
    const denied = async (work: Promise<unknown>) =>
      expect(await refusal(work)).toMatchObject({ code: 'permission_denied' });
    for (const operation of ['logs', 'train', 'gg', 'dev', 'pkg'] as const) {
      const session = await open(operation);
      expect(session.sessionName).toMatch(new RegExp(`^${operation}-U0ADA\\.T0LINE-`));
      await denied(session.compiler.describe('c-1'));
    }
    await denied((await open('comp')).components.list());
    await denied((await open('gg')).components.publish('{}', 'token'));
    await denied((await open('gg')).devices.coreDevices());
    await denied((await open('dev')).components.list());
  });
});

describe('[O2] the doctor on compiling and Greengrass', () => {
  const examine = async (useCase: UseCase) => {
    const { gateway } = await world();
    const checks = await checkEdge(useCase, subject('use case line-3'), gateway, ADA);
    return Object.fromEntries(checks.map((check) => [check.title, check]));
  };

  it('finds all well where it is, and is silent about what is not configured', async () => {
    const found = await examine({ ...LINE_3, components: { auto: false } });
    expect(Object.entries(found).map(([title, { status }]) => [title, status])).toEqual([
      ['compilations', 'ok'],
      ['compiled models', 'ok'],
      ['components', 'ok'],
      ['devices', 'ok'],
    ]);
    expect(await examine({ ...LINE_3, compile: undefined })).toEqual({});
  });

  it('names a bucket that is not there, and one that may not be read', async () => {
    const at = (outputS3: string) => examine({ ...LINE_3, compile: { ...LINE_3.compile!, outputS3 } });
    expect((await at('s3://harbor-models/compiled'))['compiled models']).toMatchObject({
      status: 'failed',
      fix: expect.stringContaining('s3:ListBucket'),
    });
    expect((await at('s3://no-such-bucket-here/compiled'))['compiled models']?.status).toBe('failed');
  });
});

async function wholeLog(source: LogSource): Promise<string> {
  let text = '';
  for (const stream of await source.listStreams()) {
    let token: string | undefined;
    for (;;) {
      const page = await source.readPage({ stream: stream.name, direction: 'forward', token });
      text += page.text.toString('utf8');
      if (page.nextToken === token) break;
      token = page.nextToken;
    }
  }
  return text;
}
