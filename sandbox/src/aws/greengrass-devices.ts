/** Greengrass's operations on core devices and on the deployments that are meant for them. */
import type { ComponentStore } from './component-store.ts';
import { AwsError } from './errors.ts';
import type { CoreDeviceSeed, DeploymentSeed, Fleet } from './fleet.ts';
import { asObject, INVALID, paged, readTags, seconds, TOKEN } from './greengrass-input.ts';
import { VERSION } from './recipe.ts';
import type { AwsCall } from './service.ts';
import { Parameters } from './validation.ts';

const TARGET_ARN = 'arn:[^:]*:iot:[^:]*:[0-9]+:(thing|thinggroup)/.+';
const THING = { min: 1, max: 128 };

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

export function getDevice(fleet: Fleet, call: AwsCall) {
  const device = theDevice(fleet, call);
  return {
    ...deviceSummary(fleet, device, call.now),
    coreVersion: device.coreVersion,
    tags: device.tags ?? {},
  };
}

export function listDevices(fleet: Fleet, call: AwsCall) {
  const { read, page } = paged(call);
  const group = read.text('thingGroupArn', { pattern: 'arn:[^:]*:iot:[^:]*:[0-9]+:thinggroup/.+' });
  const status = read.text('status', { values: ['HEALTHY', 'UNHEALTHY'] });
  const runtime = read.text('runtime', { min: 1, max: 255 });
  read.check();
  const known = runtime === undefined || runtime === 'aws_nucleus_classic';
  const { items, nextToken } = page(known ? fleet.devices({ group, status }) : []);
  return { coreDevices: items.map((device) => deviceSummary(fleet, device, call.now)), nextToken };
}

export function listInstalled(fleet: Fleet, call: AwsCall) {
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

export function listEffective(fleet: Fleet, call: AwsCall) {
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

export function createDeployment(fleet: Fleet, store: ComponentStore, call: AwsCall) {
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

export function cancelDeployment(fleet: Fleet, call: AwsCall) {
  fleet.cancel(theDeployment(fleet, call).id, call.now);
  return { message: 'SUCCESS' };
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

export function getDeployment(fleet: Fleet, call: AwsCall) {
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

export function listDeployments(fleet: Fleet, call: AwsCall) {
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
