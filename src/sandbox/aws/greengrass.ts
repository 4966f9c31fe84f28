/** Greengrass v2: components, core devices, deployments, on its REST-JSON protocol (service model 2020-11-30). */
import { artifactErrors, type ComponentStore, type ComponentVersion } from './component-store.ts';
import { AuthError, AwsError } from './errors.ts';
import type { CoreDeviceSeed, DeploymentSeed, Fleet } from './fleet.ts';
import type { Iam } from './iam.ts';
import { type ObjectStore, parseS3Uri } from './object-store.ts';
import { pageOf } from './page-tokens.ts';
import { checkRecipe, type Recipe, readDocument, VERSION, writeRecipe } from './recipe.ts';
import type { RestRoute } from './rest-routes.ts';
import type { AwsCall, AwsOperation, AwsService } from './service.ts';
import { Parameters } from './validation.ts';

export interface GreengrassStores {
  components(account: string, region: string): ComponentStore;
  fleet(account: string, region: string): Fleet;
  objects: ObjectStore;
  iam: Iam;
}

const INVALID = 'ValidationException';
const COMPONENT_ARN = 'arn:[^:]*:greengrass:[^:]*:(aws|[0-9]+):components:[^:]+';
const VERSION_ARN = `${COMPONENT_ARN}:versions:[^:]+`;
const TARGET_ARN = 'arn:[^:]*:iot:[^:]*:[0-9]+:(thing|thinggroup)/.+';
const THING = { min: 1, max: 128 };
const TOKEN = { min: 1, max: 64, pattern: '[a-zA-Z0-9-]+' };
/** Recipes may have so many bytes ("AWS IoT Greengrass quotas"). */
const RECIPE_BYTES = 16 * 1024;
const DEFAULT_PAGE = 50;

const ROOT = '/greengrass/v2';
const DEVICE = `${ROOT}/coreDevices/{coreDeviceThingName}`;
const ROUTES: readonly RestRoute[] = [
  {
    method: 'POST',
    path: `${ROOT}/createComponentVersion`,
    operation: 'CreateComponentVersion',
    status: 201,
  },
  { method: 'GET', path: `${ROOT}/components/{arn}/metadata`, operation: 'DescribeComponent' },
  { method: 'GET', path: `${ROOT}/components/{arn}/versions`, operation: 'ListComponentVersions' },
  { method: 'GET', path: `${ROOT}/components/{arn}`, operation: 'GetComponent' },
  { method: 'DELETE', path: `${ROOT}/components/{arn}`, operation: 'DeleteComponent', status: 204 },
  { method: 'GET', path: `${ROOT}/components`, operation: 'ListComponents' },
  { method: 'GET', path: `${ROOT}/coreDevices`, operation: 'ListCoreDevices' },
  { method: 'GET', path: DEVICE, operation: 'GetCoreDevice' },
  { method: 'GET', path: `${DEVICE}/installedComponents`, operation: 'ListInstalledComponents' },
  { method: 'GET', path: `${DEVICE}/effectiveDeployments`, operation: 'ListEffectiveDeployments' },
  { method: 'POST', path: `${ROOT}/deployments`, operation: 'CreateDeployment', status: 201 },
  { method: 'GET', path: `${ROOT}/deployments`, operation: 'ListDeployments' },
  { method: 'GET', path: `${ROOT}/deployments/{deploymentId}`, operation: 'GetDeployment' },
  { method: 'POST', path: `${ROOT}/deployments/{deploymentId}/cancel`, operation: 'CancelDeployment' },
];

export function greengrassService(stores: GreengrassStores): AwsService {
  const components = (call: AwsCall) => stores.components(call.account, call.region);
  const fleet = (call: AwsCall) => stores.fleet(call.account, call.region);
  const on = (
    name: string,
    resource: ((call: AwsCall) => string) | undefined,
    handle: (call: AwsCall) => Record<string, unknown>,
  ): [string, AwsOperation] => [
    name,
    {
      action: `greengrass:${name}`,
      ...(resource ? { resources: (call: AwsCall) => [resource(call)] } : {}),
      handle: (call) => ({ body: handle(call) }),
    },
  ];
  const arn = (call: AwsCall) => String(call.input.arn);
  const own = (call: AwsCall, rest: string) => `arn:aws:greengrass:${call.region}:${call.account}:${rest}`;
  const device = (call: AwsCall) => own(call, `coreDevices:${String(call.input.coreDeviceThingName)}`);
  const deployment = (call: AwsCall) => own(call, `deployments:${String(call.input.deploymentId)}`);

  return {
    name: 'greengrassv2',
    signingName: 'greengrass',
    protocol: 'rest-json',
    target: '',
    routes: ROUTES,
    operations: Object.fromEntries([
      on('CreateComponentVersion', undefined, (call) => createComponent(stores, components(call), call)),
      on('DescribeComponent', arn, (call) => describeComponent(components(call), call)),
      on('GetComponent', arn, (call) => getComponent(components(call), call)),
      on('DeleteComponent', arn, (call) => {
        const { recipe } = component(components(call), call);
        components(call).delete(recipe.name, recipe.version, call.now);
        return {};
      }),
      on('ListComponents', undefined, (call) => listComponents(components(call), call)),
      on('ListComponentVersions', arn, (call) => listVersions(components(call), call)),
      on('ListCoreDevices', undefined, (call) => listDevices(fleet(call), call)),
      on('GetCoreDevice', device, (call) => {
        const found = theDevice(fleet(call), call);
        return {
          ...deviceSummary(fleet(call), found, call.now),
          coreVersion: found.coreVersion,
          tags: found.tags ?? {},
        };
      }),
      on('ListInstalledComponents', device, (call) => listInstalled(fleet(call), call)),
      on('ListEffectiveDeployments', device, (call) => listEffective(fleet(call), call)),
      on('CreateDeployment', undefined, (call) => createDeployment(fleet(call), components(call), call)),
      on('GetDeployment', deployment, (call) => getDeployment(fleet(call), call)),
      on('ListDeployments', undefined, (call) => listDeployments(fleet(call), call)),
      on('CancelDeployment', deployment, (call) => {
        const { id } = theDeployment(fleet(call), call);
        fleet(call).cancel(id, call.now);
        return { message: 'SUCCESS' };
      }),
    ]),
  };
}

// --- Components ---

function createComponent(stores: GreengrassStores, store: ComponentStore, call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const blob = read.text('inlineRecipe');
  const token = read.text('clientToken', TOKEN);
  const tags = readTags(call.input.tags);
  read.check();
  if (blob === undefined) {
    throw new AwsError(
      INVALID,
      call.input.lambdaFunction === undefined
        ? 'Invalid Input: Exactly one of inlineRecipe and lambdaFunction must be given.'
        : 'Invalid Input: The sandbox makes components from inlineRecipe only, not from Lambda functions.',
    );
  }
  const bytes = Buffer.from(blob, 'base64');
  if (bytes.length > RECIPE_BYTES) {
    throw new AwsError(
      INVALID,
      `Invalid Input: The recipe has ${bytes.length} bytes; at most ${RECIPE_BYTES} are allowed.`,
    );
  }
  const document = readDocument(bytes.toString('utf8'));
  // So the real service words a recipe that it cannot parse: as a right to an action without a name.
  if (!document) {
    throw new AwsError(
      'AccessDeniedException',
      `User: ${call.principal.arn} is not authorized to perform: null`,
      403,
    );
  }
  const recipe = checkRecipe(document);
  checkArtifacts(stores, recipe, call);
  const request = JSON.stringify([blob, tags]);
  const created = store.create(recipe, tags, token, request, call.now);
  return {
    arn: store.arn(created),
    componentName: recipe.name,
    componentVersion: recipe.version,
    creationTimestamp: seconds(created.createdAt),
    status: store.status(created, call.now),
  };
}

/**
 * The caller must be able to read every artifact, from a bucket of the same region. Whether the object itself
 * is there turns out later, while the version is being initiated.
 */
function checkArtifacts({ objects, iam }: GreengrassStores, recipe: Recipe, call: AwsCall): void {
  const refused = recipe.artifacts.filter((uri) => {
    const location = parseS3Uri(uri);
    if (!location) return false;
    const bucket = objects.findBucket(location.bucket);
    if (bucket?.account !== call.account || bucket.region !== call.region) return true;
    try {
      iam.authorize(
        call.principal,
        's3:GetObject',
        [`arn:aws:s3:::${location.bucket}/${location.key}`],
        call.region,
      );
      return false;
    } catch (error) {
      if (error instanceof AuthError) return true;
      throw error;
    }
  });
  if (refused.length > 0) throw new AwsError(INVALID, artifactErrors(refused));
}

function component(store: ComponentStore, call: AwsCall): ComponentVersion {
  const read = new Parameters(call.input, INVALID);
  const arn = read.need('arn', { pattern: VERSION_ARN });
  read.check();
  const [, name, version] = /:components:([^:]+):versions:([^:]+)$/.exec(arn)!;
  const found = store.get(name!, version!, call.now);
  if (store.arn(found) === arn) return found;
  throw new AwsError(
    'ResourceNotFoundException',
    `Cannot find requested Component version: [${name} : ${version}]`,
    404,
    {
      resourceId: arn,
      resourceType: 'componentVersion',
    },
  );
}

function describeComponent(store: ComponentStore, call: AwsCall) {
  const found = component(store, call);
  const { recipe } = found;
  return {
    arn: store.arn(found),
    componentName: recipe.name,
    componentVersion: recipe.version,
    creationTimestamp: seconds(found.createdAt),
    publisher: recipe.publisher,
    description: recipe.description,
    status: store.status(found, call.now),
    platforms: recipe.platforms,
    tags: found.tags,
  };
}

function getComponent(store: ComponentStore, call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const format = read.text('recipeOutputFormat', { values: ['JSON', 'YAML'] }) === 'YAML' ? 'YAML' : 'JSON';
  read.check();
  const found = component(store, call);
  const recipe = Buffer.from(writeRecipe(found.recipe.document, format)).toString('base64');
  return { recipeOutputFormat: format, recipe, tags: found.tags };
}

function listComponents(store: ComponentStore, call: AwsCall) {
  const { read, page } = paged(call);
  const scope = read.text('scope', { values: ['PRIVATE', 'PUBLIC'] }) === 'PUBLIC' ? 'PUBLIC' : 'PRIVATE';
  read.check();
  const { items, nextToken } = page(store.latest(scope, call.now));
  return {
    components: items.map((latest) => ({
      arn: store.componentArn(latest.recipe.name, latest.owner),
      componentName: latest.recipe.name,
      latestVersion: {
        arn: store.arn(latest),
        componentVersion: latest.recipe.version,
        creationTimestamp: seconds(latest.createdAt),
        description: latest.recipe.description,
        publisher: latest.recipe.publisher,
        platforms: latest.recipe.platforms,
      },
    })),
    nextToken,
  };
}

function listVersions(store: ComponentStore, call: AwsCall) {
  const { read, page } = paged(call);
  const arn = read.need('arn', { pattern: COMPONENT_ARN });
  read.check();
  const name = arn.split(':').at(-1)!;
  const versions = store
    .versions(name, call.now)
    .filter(({ owner }) => store.componentArn(name, owner) === arn);
  if (versions.length === 0) {
    throw new AwsError('ResourceNotFoundException', `Cannot find requested Component: [${name}]`, 404, {
      resourceId: arn,
      resourceType: 'component',
    });
  }
  const { items, nextToken } = page(versions);
  return {
    componentVersions: items.map((version) => ({
      componentName: name,
      componentVersion: version.recipe.version,
      arn: store.arn(version),
    })),
    nextToken,
  };
}

// --- Core devices ---

function theDevice(fleet: Fleet, call: AwsCall): CoreDeviceSeed {
  const read = new Parameters(call.input, INVALID);
  const name = read.need('coreDeviceThingName', THING);
  read.check();
  return fleet.device(name);
}

function deviceSummary(fleet: Fleet, device: CoreDeviceSeed, now: number) {
  return {
    coreDeviceThingName: device.name,
    status: device.status,
    lastStatusUpdateTimestamp: seconds(fleet.reportedAt(device, now)),
    platform: 'linux',
    architecture: device.architecture,
    runtime: 'aws_nucleus_classic',
  };
}

function listDevices(fleet: Fleet, call: AwsCall) {
  const { read, page } = paged(call);
  const group = read.text('thingGroupArn', { pattern: 'arn:[^:]*:iot:[^:]*:[0-9]+:thinggroup/.+' });
  const status = read.text('status', { values: ['HEALTHY', 'UNHEALTHY'] });
  const runtime = read.text('runtime', { min: 1, max: 255 });
  read.check();
  const known = runtime === undefined || runtime === 'aws_nucleus_classic';
  const { items, nextToken } = page(known ? fleet.devices({ group, status }) : []);
  return { coreDevices: items.map((device) => deviceSummary(fleet, device, call.now)), nextToken };
}

function listInstalled(fleet: Fleet, call: AwsCall) {
  const { read, page } = paged(call);
  const all = read.text('topologyFilter', { values: ['ALL', 'ROOT'] }) === 'ALL';
  read.check();
  const device = theDevice(fleet, call);
  const { items, nextToken } = page(fleet.installed(device, call.now).filter(({ root }) => all || root));
  return {
    installedComponents: items.map((installed) => ({
      componentName: installed.name,
      componentVersion: installed.version,
      lifecycleState: installed.lifecycle,
      lifecycleStateDetails: installed.details,
      isRoot: installed.root,
      lastStatusChangeTimestamp: seconds(installed.changedAt),
      lastReportedTimestamp: seconds(installed.reportedAt),
      lastInstallationSource: installed.source || undefined,
      lifecycleStatusCodes:
        installed.lifecycle === 'BROKEN' || installed.lifecycle === 'ERRORED' ? ['RUN_ERROR'] : [],
    })),
    nextToken,
  };
}

function listEffective(fleet: Fleet, call: AwsCall) {
  const { read, page } = paged(call);
  read.check();
  const device = theDevice(fleet, call);
  const { items, nextToken } = page(fleet.effective(device, call.now));
  return {
    effectiveDeployments: items.map(({ deployment, execution }) => ({
      deploymentId: deployment.id,
      deploymentName: deployment.name,
      iotJobId: deployment.id,
      iotJobArn: fleet.jobArn(deployment),
      targetArn: fleet.targetArn(deployment),
      coreDeviceExecutionStatus: execution.status,
      reason: execution.reason ?? (execution.status === 'SUCCEEDED' ? 'SUCCESSFUL' : undefined),
      creationTimestamp: seconds(deployment.createdAt),
      modifiedTimestamp: seconds(execution.changedAt),
      ...(execution.errorStack
        ? { statusDetails: { errorStack: execution.errorStack, errorTypes: execution.errorTypes } }
        : {}),
    })),
    nextToken,
  };
}

// --- Deployments ---

function createDeployment(fleet: Fleet, store: ComponentStore, call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const targetArn = read.need('targetArn', { pattern: TARGET_ARN });
  const name = read.text('deploymentName', { min: 1, max: 256 });
  const token = read.text('clientToken', TOKEN);
  read.check();
  const components: Record<string, string> = {};
  for (const [component, specification] of Object.entries(asObject(call.input.components))) {
    const version = asObject(specification).componentVersion;
    if (typeof version !== 'string' || !VERSION.test(version)) {
      throw new AwsError(
        INVALID,
        `Invalid Input: Component ${component} needs a componentVersion such as 1.0.0.`,
      );
    }
    if (!store.resolve(component, version, call.now)) {
      throw new AwsError(
        INVALID,
        `Invalid Input: Component [${component} : ${version}] does not exist or is not deployable.`,
      );
    }
    components[component] = version;
  }
  const { components: specifications, deploymentPolicies, iotJobConfiguration } = call.input;
  const request = { components: specifications, deploymentPolicies, iotJobConfiguration };
  const given = { name: name ?? '', components, tags: readTags(call.input.tags), request };
  const created = fleet.create(targetArn, given, token, call.now);
  return { deploymentId: created.id, iotJobId: created.id, iotJobArn: fleet.jobArn(created) };
}

function theDeployment(fleet: Fleet, call: AwsCall): DeploymentSeed {
  const read = new Parameters(call.input, INVALID);
  const id = read.need('deploymentId', { min: 1 });
  read.check();
  return fleet.deployment(id, call.now);
}

function deploymentSummary(fleet: Fleet, deployment: DeploymentSeed, now: number) {
  return {
    targetArn: fleet.targetArn(deployment),
    revisionId: '1',
    deploymentId: deployment.id,
    deploymentName: deployment.name || undefined,
    creationTimestamp: seconds(deployment.createdAt),
    deploymentStatus: fleet.status(deployment, now),
    isLatestForTarget: fleet.isLatest(deployment, now),
  };
}

function getDeployment(fleet: Fleet, call: AwsCall) {
  const deployment = theDeployment(fleet, call);
  return {
    ...deploymentSummary(fleet, deployment, call.now),
    iotJobId: deployment.id,
    iotJobArn: fleet.jobArn(deployment),
    components: Object.fromEntries(
      Object.entries(deployment.components).map(([name, componentVersion]) => [name, { componentVersion }]),
    ),
    deploymentPolicies: {
      failureHandlingPolicy: 'ROLLBACK',
      componentUpdatePolicy: { timeoutInSeconds: 60, action: 'NOTIFY_COMPONENTS' },
      configurationValidationPolicy: { timeoutInSeconds: 60 },
    },
    iotJobConfiguration: {},
    ...deployment.request,
    tags: deployment.tags ?? {},
  };
}

function listDeployments(fleet: Fleet, call: AwsCall) {
  const { read, page } = paged(call);
  const targetArn = read.text('targetArn', { pattern: TARGET_ARN });
  const latestOnly = read.text('historyFilter', { values: ['ALL', 'LATEST_ONLY'] }) !== 'ALL';
  read.check();
  const { items, nextToken } = page(fleet.deployments({ targetArn, latestOnly }, call.now));
  return {
    deployments: items.map((deployment) => deploymentSummary(fleet, deployment, call.now)),
    nextToken,
  };
}

// --- Shared ---

function paged(call: AwsCall) {
  const read = new Parameters(call.input, INVALID);
  const limit = read.number('maxResults', { min: 1, max: 100 }) ?? DEFAULT_PAGE;
  const token = read.text('nextToken');
  const page = <T>(items: readonly T[]) => {
    try {
      return pageOf(items, limit, token, call.now);
    } catch (error) {
      // Other services have another name for it.
      throw error instanceof AwsError ? new AwsError(INVALID, error.message) : error;
    }
  };
  return { read, page };
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

function readTags(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(asObject(value)).map(([key, text]) => [key, String(text)]));
}

/** REST-JSON bodies carry times as seconds with a fraction. */
const seconds = (at: number) => at / 1000;
