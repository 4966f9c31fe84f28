import {
  CancelDeploymentCommand,
  CreateComponentVersionCommand,
  type CreateComponentVersionCommandInput,
  CreateDeploymentCommand,
  DeleteComponentCommand,
  DescribeComponentCommand,
  GetComponentCommand,
  GetCoreDeviceCommand,
  GetDeploymentCommand,
  ListComponentsCommand,
  ListComponentVersionsCommand,
  ListCoreDevicesCommand,
  type ListCoreDevicesCommandInput,
  ListDeploymentsCommand,
  ListEffectiveDeploymentsCommand,
  ListInstalledComponentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { CoreDeviceSeed, InstalledSeed } from '../../src/aws/fleet.ts';
import type { AwsSandboxOptions } from '../../src/aws/index.ts';
import type { RegionSeed } from '../../src/aws/seed.ts';
import { compareVersions, satisfies } from '../../src/aws/versions.ts';
import { FaultPlan } from '../../src/faults.ts';
import { BUCKET, edgeSandbox, FAR_BUCKET, greengrassClient, handClock, s3Client } from './edge-support.ts';
import { ACCOUNT, assume, REGION, refusal } from './support.ts';

const NAME = 'model-resnet-jetson';
const ARTIFACT = `s3://${BUCKET}/m/model.tar.gz`;
const versionArn = (version: string, name = NAME) =>
  `arn:aws:greengrass:${REGION}:${ACCOUNT}:components:${name}:versions:${version}`;
const thing = (name: string) => `arn:aws:iot:${REGION}:${ACCOUNT}:thing/${name}`;
const group = (name: string) => `arn:aws:iot:${REGION}:${ACCOUNT}:thinggroup/${name}`;

const recipe = (version = '1.0.0', changes: Record<string, unknown> = {}) => ({
  RecipeFormatVersion: '2020-01-25',
  ComponentName: NAME,
  ComponentVersion: version,
  ComponentDescription: 'Compiled model',
  ComponentPublisher: 'Foundry Robotics',
  Manifests: [
    {
      Platform: { os: 'linux', architecture: 'aarch64' },
      Lifecycle: { Install: 'tar xzf {artifacts:path}/model.tar.gz' },
      Artifacts: [{ URI: ARTIFACT, Unarchive: 'NONE' }],
    },
  ],
  ...changes,
});

const device = (name: string, changes: Partial<CoreDeviceSeed> = {}): CoreDeviceSeed => ({
  name,
  architecture: 'aarch64',
  coreVersion: '2.12.6',
  status: 'HEALTHY',
  reportedAt: 0,
  groups: ['line-3'],
  installed: [],
  ...changes,
});

async function greengrass(options: Partial<AwsSandboxOptions> = {}, seed: RegionSeed = {}) {
  const clock = handClock();
  const aws = await edgeSandbox({ clock, componentMs: 6000, deploymentMs: 20_000, ...options }, seed);
  const client = greengrassClient(aws);
  const create = (content: unknown, more: Partial<CreateComponentVersionCommandInput> = {}) =>
    client.send(
      new CreateComponentVersionCommand({
        inlineRecipe: Buffer.from(typeof content === 'string' ? content : stringify(content)),
        ...more,
      }),
    );
  const state = async (arn: string) => (await client.send(new DescribeComponentCommand({ arn }))).status!;
  return { aws, clock, client, create, state };
}

describe('[O7] Greengrass components', () => {
  it.each([
    ['YAML', stringify],
    ['JSON', JSON.stringify],
  ])('are requested, initiated and deployable, from %s', async (_, write) => {
    const { clock, client, create, state } = await greengrass();
    const created = await create(write(recipe()), { tags: { job: 'defects-1' } });
    expect(created).toMatchObject({
      arn: versionArn('1.0.0'),
      componentName: NAME,
      componentVersion: '1.0.0',
      status: { componentState: 'REQUESTED', message: 'NONE', errors: {} },
    });
    expect(created.$metadata.httpStatusCode).toBe(201);
    expect(created.creationTimestamp!.getTime()).toBe(clock.at);
    clock.pass(3000);
    expect(await state(created.arn!)).toMatchObject({ componentState: 'INITIATED' });
    clock.pass(3000);
    expect(await client.send(new DescribeComponentCommand({ arn: created.arn! }))).toMatchObject({
      status: { componentState: 'DEPLOYABLE', vendorGuidance: 'ACTIVE' },
      description: 'Compiled model',
      publisher: 'Foundry Robotics',
      platforms: [{ attributes: { os: 'linux', architecture: 'aarch64' } }],
      tags: { job: 'defects-1' },
    });
    const yaml = await client.send(
      new GetComponentCommand({ arn: created.arn!, recipeOutputFormat: 'YAML' }),
    );
    expect(parse(Buffer.from(yaml.recipe!).toString())).toEqual(recipe());
  });

  it('fail later when an artifact is gone, and say which', async () => {
    const { aws, clock, create, state } = await greengrass();
    const missing = `s3://${BUCKET}/m/missing.tar.gz`;
    const manifest = { ...recipe().Manifests[0], Artifacts: [{ Uri: missing }, { Uri: ARTIFACT }] };
    const { arn } = await create(recipe('1.0.0', { Manifests: [manifest] }));
    await s3Client(aws).send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'm/model.tar.gz' }));
    clock.pass(6000);
    const failed = await state(arn!);
    expect(failed).toMatchObject({
      componentState: 'FAILED',
      errors: {
        [missing]: 'Specified artifact resource cannot be accessed',
        [ARTIFACT]: 'Specified artifact resource cannot be accessed',
      },
    });
    await s3Client(aws).send(new PutObjectCommand({ Bucket: BUCKET, Key: 'm/missing.tar.gz', Body: 'x' }));
    expect((await state(arn!)).componentState).toBe('FAILED');
  });

  it('are refused at once when a bucket is out of reach', async () => {
    const { aws, create } = await greengrass();
    const artifacts = (Uri: string) => ({ Manifests: [{ ...recipe().Manifests[0], Artifacts: [{ Uri }] }] });
    for (const uri of [`s3://${FAR_BUCKET}/k`, 's3://harbor-models/k', 's3://no-such-bucket-at-all/k']) {
      expect(await refusal(create(recipe('1.0.0', artifacts(uri))))).toMatchObject({
        name: 'ValidationException',
        message: `Invalid Input: Encountered following errors in Artifacts: {${uri} = Specified artifact resource cannot be accessed}`,
      });
    }
    expect(aws.stats().requests.CreateComponentVersion).toBe(3);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['neither YAML nor JSON', 'a: [b', 'AccessDeniedException', /is not authorized to perform: null$/],
    ['no map', '- a', 'AccessDeniedException', /null$/],
    [
      'another format',
      recipe('1.0.0', { RecipeFormatVersion: '2019' }),
      'ValidationException',
      /2019 is not supported/,
    ],
    [
      'no name',
      recipe('1.0.0', { ComponentName: undefined }),
      'ValidationException',
      /required field ComponentName/,
    ],
    [
      "AWS's own prefix",
      recipe('1.0.0', { ComponentName: 'aws.greengrass.Mine' }),
      'ValidationException',
      /reserved prefix/,
    ],
    ['no version', recipe('one'), 'ValidationException', /not a semantic version/],
    [
      'no manifest',
      recipe('1.0.0', { Manifests: [] }),
      'ValidationException',
      /at least one entry in Manifests/,
    ],
    [
      'tar.gz to be unpacked by Greengrass',
      recipe('1.0.0', { Manifests: [{ Artifacts: [{ Uri: ARTIFACT, Unarchive: 'TAR' }] }] }),
      'ValidationException',
      /Unarchive TAR is not supported. Use NONE or ZIP/,
    ],
    [
      'another word for an architecture',
      recipe('1.0.0', { Manifests: [{ Platform: { os: 'linux', architecture: 'arm64' } }] }),
      'ValidationException',
      /architecture arm64 is unknown/,
    ],
    [
      'a step that is none',
      recipe('1.0.0', { Manifests: [{ Lifecycle: { Instal: 'x' } }] }),
      'ValidationException',
      /step Instal is unknown/,
    ],
    [
      '17 kB',
      recipe('1.0.0', { ComponentDescription: 'x'.repeat(17_000) }),
      'ValidationException',
      /at most 16384/,
    ],
  ])('refuse a recipe with %s', async (_, content, name, words) => {
    const { create } = await greengrass();
    const refused = await refusal(create(content));
    expect(refused.name).toBe(name);
    expect(refused.message).toMatch(words);
  });

  it('have each version once; a client token makes a repetition the same request for 8 hours', async () => {
    const { clock, create } = await greengrass();
    const clientToken = 'pkg-defects-1';
    const first = await create(recipe(), { clientToken });
    const again = await create(recipe(), { clientToken });
    expect(again.arn).toBe(first.arn);
    expect(again.creationTimestamp).toEqual(first.creationTimestamp);
    expect(await refusal(create(recipe('1.0.1'), { clientToken }))).toMatchObject({
      name: 'ConflictException',
      status: 409,
    });
    clock.pass(7000);
    expect(await refusal(create(recipe()))).toMatchObject({
      name: 'ConflictException',
      message: `Component [${NAME} : 1.0.0] for account [${ACCOUNT}] already exists with state: [DEPLOYABLE]`,
    });
    clock.pass(8 * 3_600_000);
    expect((await refusal(create(recipe(), { clientToken }))).name).toBe('ConflictException');
    expect((await create(recipe('1.0.1'), { clientToken })).componentVersion).toBe('1.0.1');
  });

  it('are listed with their greatest version, their versions downwards and in pages, until they are deleted', async () => {
    const { client, create, state } = await greengrass();
    for (const version of ['1.2.0', '1.10.0', '1.9.0', '1.10.0-rc.1']) await create(recipe(version));
    const { components } = await client.send(new ListComponentsCommand({}));
    expect(components).toMatchObject([
      { componentName: NAME, latestVersion: { componentVersion: '1.10.0' } },
    ]);
    const arn = components![0]!.arn!;
    const versions: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await client.send(new ListComponentVersionsCommand({ arn, maxResults: 3, nextToken }));
      versions.push(...page.componentVersions!.map(({ componentVersion }) => componentVersion!));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(versions).toEqual(['1.10.0', '1.10.0-rc.1', '1.9.0', '1.2.0']);
    const gone = await client.send(new DeleteComponentCommand({ arn: versionArn('1.9.0') }));
    expect(gone.$metadata.httpStatusCode).toBe(204);
    expect(await refusal(state(versionArn('1.9.0')))).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
    });
    const published = await client.send(new ListComponentsCommand({ scope: 'PUBLIC' }));
    expect(published.components!.map(({ componentName }) => componentName)).toContain(
      'aws.greengrass.Nucleus',
    );
    expect((await refusal(client.send(new ListComponentVersionsCommand({ arn, nextToken: 'x' })))).name).toBe(
      'ValidationException',
    );
  });
});

const installed = (name: string, changes: Partial<InstalledSeed> = {}): InstalledSeed => ({
  name,
  version: '1.0.0',
  lifecycle: 'FINISHED',
  root: true,
  changedAt: 0,
  ...changes,
});

describe('[O7] Greengrass core devices', () => {
  it('are listed in pages, by state and by thing group', async () => {
    const devices = Array.from({ length: 60 }, (_, index) =>
      device(`cam-${String(index).padStart(2, '0')}`, {
        status: index % 10 === 0 ? 'UNHEALTHY' : 'HEALTHY',
        groups: [index < 20 ? 'north' : 'south'],
      }),
    );
    const { client } = await greengrass({}, { devices });
    const all = async (query: ListCoreDevicesCommandInput) => {
      const found = [];
      let nextToken: string | undefined;
      do {
        const page = await client.send(new ListCoreDevicesCommand({ ...query, nextToken }));
        found.push(...page.coreDevices!);
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return found.map(({ coreDeviceThingName }) => coreDeviceThingName);
    };
    expect(await all({})).toEqual(devices.map(({ name }) => name));
    expect(await all({ maxResults: 7 })).toHaveLength(60);
    expect(await all({ status: 'UNHEALTHY' })).toHaveLength(6);
    expect(await all({ thingGroupArn: group('north') })).toHaveLength(20);
    const first = await client.send(new ListCoreDevicesCommand({}));
    expect(first.nextToken).toBeDefined();
    expect(await refusal(client.send(new ListCoreDevicesCommand({ maxResults: 101 })))).toMatchObject({
      name: 'ValidationException',
      status: 400,
    });
  });

  it('tell what is installed, roots only unless asked for all, as of their last report', async () => {
    const reportedAt = Date.now() - 22 * 3_600_000;
    const cam = device('cam-1', {
      reportedAt,
      status: 'UNHEALTHY',
      installed: [
        installed('inspector', { lifecycle: 'BROKEN', details: 'exit code 1' }),
        installed('model-a', { root: false }),
      ],
    });
    const { client } = await greengrass({}, { devices: [cam] });
    const list = async (topologyFilter?: 'ALL' | 'ROOT') =>
      (
        await client.send(
          new ListInstalledComponentsCommand({ coreDeviceThingName: 'cam-1', topologyFilter }),
        )
      ).installedComponents!;
    expect((await list()).map(({ componentName }) => componentName)).toEqual(['inspector']);
    const all = await list('ALL');
    expect(all).toMatchObject([
      {
        componentName: 'inspector',
        isRoot: true,
        lifecycleState: 'BROKEN',
        lifecycleStateDetails: 'exit code 1',
      },
      { componentName: 'model-a', isRoot: false, lifecycleState: 'FINISHED' },
    ]);
    expect(all[0]!.lastReportedTimestamp!.getTime()).toBe(reportedAt);
    expect(await client.send(new GetCoreDeviceCommand({ coreDeviceThingName: 'cam-1' }))).toMatchObject({
      status: 'UNHEALTHY',
      coreVersion: '2.12.6',
      architecture: 'aarch64',
    });
    expect(
      await refusal(client.send(new GetCoreDeviceCommand({ coreDeviceThingName: 'cam-2' }))),
    ).toMatchObject({ name: 'ResourceNotFoundException', status: 404 });
  });
});

describe('[O7] Greengrass deployments', () => {
  async function fleet() {
    const devices = [
      device('cam-1'),
      device('cam-2', { offline: true, status: 'UNHEALTHY' }),
      device('pc-1', { architecture: 'amd64' }),
    ];
    const made = await greengrass({}, { devices });
    const { client, clock, create } = made;
    await create(recipe());
    await create({
      ...recipe('2.0.0'),
      ComponentName: 'inspector',
      ComponentDependencies: { [NAME]: { VersionRequirement: '^1.0.0' } },
      Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { Run: 'python3 inspect.py' } }],
    });
    clock.pass(6000);
    const deploy = (targetArn: string, component = 'inspector', componentVersion = '2.0.0') =>
      client.send(
        new CreateDeploymentCommand({
          targetArn,
          deploymentName: 'd',
          components: { [component]: { componentVersion } },
        }),
      );
    const effective = async (coreDeviceThingName: string) =>
      (await client.send(new ListEffectiveDeploymentsCommand({ coreDeviceThingName }))).effectiveDeployments!;
    const has = async (coreDeviceThingName: string) =>
      (
        await client.send(new ListInstalledComponentsCommand({ coreDeviceThingName, topologyFilter: 'ALL' }))
      ).installedComponents!.map((one) => [
        one.componentName,
        one.componentVersion,
        one.lifecycleState,
        one.isRoot,
      ]);
    return { ...made, deploy, effective, has };
  }

  it('reach each device when it hears of them, with dependencies', async () => {
    const { client, clock, deploy, effective, has } = await fleet();
    const { deploymentId, iotJobArn } = await deploy(group('line-3'));
    expect(iotJobArn).toContain(':job/');
    expect((await effective('cam-1'))[0]!.coreDeviceExecutionStatus).toBe('QUEUED');
    clock.pass(10_000);
    expect((await effective('cam-1'))[0]!.coreDeviceExecutionStatus).toBe('IN_PROGRESS');
    expect(await has('cam-1')).toEqual([]);
    clock.pass(10_000);
    expect((await effective('cam-1'))[0]).toMatchObject({
      deploymentId,
      coreDeviceExecutionStatus: 'SUCCEEDED',
      targetArn: group('line-3'),
    });
    expect(await has('cam-1')).toEqual([
      ['inspector', '2.0.0', 'RUNNING', true],
      [NAME, '1.0.0', 'FINISHED', false],
    ]);
    expect((await effective('cam-2'))[0]!.coreDeviceExecutionStatus).toBe('QUEUED');
    const { deployments } = await client.send(new ListDeploymentsCommand({}));
    expect(deployments).toMatchObject([
      { deploymentId, deploymentStatus: 'ACTIVE', isLatestForTarget: true },
    ]);
  });

  it('fail on a device that the component was not built for', async () => {
    const { client, clock, deploy, effective, has } = await fleet();
    const { deploymentId } = await deploy(thing('pc-1'), NAME, '1.0.0');
    clock.pass(20_000);
    expect((await effective('pc-1'))[0]).toMatchObject({
      coreDeviceExecutionStatus: 'FAILED',
      reason: expect.stringContaining('linux/amd64'),
      statusDetails: { errorTypes: ['REQUEST_ERROR'] },
    });
    expect(await has('pc-1')).toEqual([]);
    const found = await client.send(new GetDeploymentCommand({ deploymentId }));
    expect(found).toMatchObject({
      deploymentStatus: 'FAILED',
      components: { [NAME]: { componentVersion: '1.0.0' } },
    });
  });

  it('replace the one before for their target, and what it had installed', async () => {
    const { client, clock, deploy, has } = await fleet();
    const first = await deploy(thing('cam-1'));
    clock.pass(20_000);
    const second = await deploy(thing('cam-1'), NAME, '1.0.0');
    clock.pass(20_000);
    expect(await has('cam-1')).toEqual([[NAME, '1.0.0', 'FINISHED', true]]);
    const list = async (historyFilter?: 'ALL') =>
      (
        await client.send(new ListDeploymentsCommand({ targetArn: thing('cam-1'), historyFilter }))
      ).deployments!.map((one) => [one.deploymentId, one.deploymentStatus]);
    expect(await list()).toEqual([[second.deploymentId, 'COMPLETED']]);
    expect(await list('ALL')).toEqual([
      [second.deploymentId, 'COMPLETED'],
      [first.deploymentId, 'INACTIVE'],
    ]);
  });

  it('can be canceled while they run', async () => {
    const { client, clock, deploy, effective, has } = await fleet();
    const { deploymentId } = await deploy(thing('cam-1'));
    const cancel = () => client.send(new CancelDeploymentCommand({ deploymentId }));
    await cancel();
    clock.pass(60_000);
    expect((await effective('cam-1'))[0]!.coreDeviceExecutionStatus).toBe('CANCELED');
    expect(await has('cam-1')).toEqual([]);
    expect(await refusal(cancel())).toMatchObject({ name: 'ConflictException', status: 409 });
  });

  it('are refused for targets and components that are not there', async () => {
    const { deploy } = await fleet();
    expect(await refusal(deploy(thing('cam-9')))).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
    });
    expect((await refusal(deploy(thing('cam-1'), NAME, '9.0.0'))).message).toMatch(
      /does not exist or is not deployable/,
    );
    expect((await refusal(deploy('arn:aws:s3:::x'))).name).toBe('ValidationException');
  });
});

describe('[O7] Greengrass calls', () => {
  it('need their right', async () => {
    const { aws } = await greengrass();
    const client = greengrassClient(aws, { credentials: await assume(aws) });
    expect(await refusal(client.send(new ListCoreDevicesCommand({})))).toMatchObject({
      name: 'AccessDeniedException',
      status: 403,
      message: expect.stringContaining('greengrass:ListCoreDevices'),
    });
  });

  it('are throttled with status 429, and can be made to fail', async () => {
    const faults = new FaultPlan();
    const { client } = await greengrass({ faults, quotas: { ListComponents: 1 } });
    const list = () => client.send(new ListComponentsCommand({}));
    await list();
    expect(await refusal(list())).toMatchObject({ name: 'ThrottlingException', status: 429 });
    faults.add([
      { on: 'greengrassv2:ListCoreDevices', kind: '500' },
      { on: 'greengrassv2:ListCoreDevices', kind: 'AccessDeniedException' },
    ]);
    const devices = () => client.send(new ListCoreDevicesCommand({}));
    expect(await refusal(devices())).toMatchObject({ status: 500 });
    expect(await refusal(devices())).toMatchObject({ name: 'AccessDeniedException', status: 403 });
    await devices();
  });
});

describe('versions', () => {
  const version = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)).map((parts) => parts.join('.'));

  it('are ordered by number, whatever they look like as text', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const [x, y] = [a, b].map((text) =>
          text.split('.').reduce((sum, part) => sum * 100 + Number(part), 0),
        );
        expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(x! - y!));
        expect(compareVersions(`${a}-rc.1`, a)).toBeLessThan(0);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['1.4.0', '^1.2.0', true],
    ['2.0.0', '^1.2.0', false],
    ['1.2.9', '~1.2.0', true],
    ['1.3.0', '~1.2.0', false],
    ['1.5.0', '>=1.0.0 <2.0.0', true],
    ['2.0.0', '>=1.0.0 <2.0.0', false],
    ['1.0.0', '1.0.0', true],
    ['1.0.1', '=1.0.0', false],
    ['0.0.1', '*', true],
  ])('%s fits %s: %s', (found, requirement, fits) => {
    expect(satisfies(found, requirement)).toBe(fits);
  });
});
