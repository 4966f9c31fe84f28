/** Greengrass v2: the private components of a use case's account, and its core devices. Service model 2020-11-30. */

import type { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { awsArn } from '../domain/arns.ts';
import { awsOf } from '../domain/use-cases.ts';
import { watchedClient } from '../ground/aws-calls.ts';
import { AppError } from '../ground/errors.ts';
import { paged } from '../ground/paged.ts';
import type { ComponentRegistry, ComponentSummary } from '../ports/component-registry.ts';
import type {
  CoreDevice,
  DeviceFleet,
  EffectiveDeployment,
  InstalledComponent,
} from '../ports/device-fleet.ts';
import type { RoleSession } from './sessions.ts';

type Sdk = typeof import('@aws-sdk/client-greengrassv2');

/** maxResults: 1 to 100. */
const PAGE = 100;
/** `arn:aws:greengrass:eu-west-1:123456789012:components:name:versions:1.0.0` */
const VERSION_ARN = /^arn:[^:]+:greengrass:[^:]+:[^:]+:components:[^:]+:versions:[^:]+$/;

interface Greengrass {
  call<T>(
    operation: string,
    action: string,
    send: (client: GreengrassV2Client, sdk: Sdk) => Promise<T>,
  ): Promise<T>;
}

/** One client for both ports of a session; the package is loaded with the first question, and kept. */
export function createGreengrass(session: RoleSession): {
  components: ComponentRegistry;
  devices: DeviceFleet;
} {
  let loading: ReturnType<typeof load> | undefined;
  const greengrass: Greengrass = {
    async call(operation, action, send) {
      loading ??= load(session);
      const { client, sdk } = await loading;
      return session.call({ operation, actions: [`greengrass:${action}`] }, () => send(client, sdk));
    },
  };
  return { components: registry(greengrass, session), devices: fleet(greengrass) };
}

function registry(greengrass: Greengrass, session: RoleSession): ComponentRegistry {
  return {
    async publish(recipe, clientToken, signal) {
      try {
        const { arn } = await greengrass.call(
          'publish the component',
          'CreateComponentVersion',
          (client, sdk) =>
            client.send(
              new sdk.CreateComponentVersionCommand({
                inlineRecipe: Buffer.from(recipe, 'utf8'),
                clientToken,
              }),
              abortable(signal),
            ),
        );
        if (arn) return { arn };
        throw new AppError('unavailable', 'Greengrass answered without the ARN of the component.', {
          hint: 'Try again: the same version is found again.',
        });
      } catch (error) {
        throw error instanceof AppError ? publishError(error) : error;
      }
    },

    async describe(arn, signal) {
      if (!VERSION_ARN.test(arn)) return undefined;
      const answer = await unlessMissing(
        greengrass.call(`look at the component ${arn}`, 'DescribeComponent', (client, sdk) =>
          client.send(new sdk.DescribeComponentCommand({ arn }), abortable(signal)),
        ),
      );
      if (!answer) return undefined;
      return {
        arn: answer.arn ?? arn,
        name: answer.componentName ?? '',
        version: answer.componentVersion ?? '',
        state: answer.status?.componentState ?? 'Unknown',
        message: answer.status?.message || undefined,
        errors: answer.status?.errors ?? {},
        createdAt: answer.creationTimestamp?.getTime() ?? 0,
      };
    },

    async list(signal) {
      const found: ComponentSummary[] = [];
      const pages = paged((nextToken) =>
        greengrass.call('list the components', 'ListComponents', (client, sdk) =>
          client.send(
            new sdk.ListComponentsCommand({ scope: 'PRIVATE', maxResults: PAGE, nextToken }),
            abortable(signal),
          ),
        ),
      );
      for await (const page of pages)
        for (const { componentName: name, arn, latestVersion } of page.components ?? [])
          if (name !== undefined && arn !== undefined)
            found.push({
              name,
              arn,
              latestVersion: latestVersion?.componentVersion ?? '',
              latestArn: latestVersion?.arn ?? '',
              createdAt: latestVersion?.creationTimestamp?.getTime(),
            });
      return found;
    },

    async versions(name, signal) {
      const arn = awsArn(awsOf(session.useCase), 'greengrass', `components:${name}`);
      const found: { version: string; arn: string }[] = [];
      // "Greater versions are listed first": the service's order is kept.
      const pages = paged((nextToken) =>
        greengrass.call(`list the versions of ${name}`, 'ListComponentVersions', (client, sdk) =>
          client.send(
            new sdk.ListComponentVersionsCommand({ arn, maxResults: PAGE, nextToken }),
            abortable(signal),
          ),
        ),
      );
      const all = async () => {
        for await (const page of pages)
          for (const { componentVersion: version, arn } of page.componentVersions ?? [])
            if (version !== undefined && arn !== undefined) found.push({ version, arn });
        return found;
      };
      return (await unlessMissing(all())) ?? [];
    },
  };
}

function fleet(greengrass: Greengrass): DeviceFleet {
  return {
    async coreDevices(signal) {
      const found: CoreDevice[] = [];
      const pages = paged((nextToken) =>
        greengrass.call('list the core devices', 'ListCoreDevices', (client, sdk) =>
          client.send(new sdk.ListCoreDevicesCommand({ maxResults: PAGE, nextToken }), abortable(signal)),
        ),
      );
      for await (const page of pages)
        for (const device of page.coreDevices ?? [])
          if (device.coreDeviceThingName !== undefined)
            found.push({
              name: device.coreDeviceThingName,
              health: device.status ?? 'Unknown',
              reportedAt: device.lastStatusUpdateTimestamp?.getTime(),
            });
      return found;
    },

    async installedOn(device, signal) {
      const found: InstalledComponent[] = [];
      const pages = paged((nextToken) =>
        greengrass.call(`list what is installed on ${device}`, 'ListInstalledComponents', (client, sdk) =>
          client.send(
            new sdk.ListInstalledComponentsCommand({
              coreDeviceThingName: device,
              // The default is ROOT: only what a deployment names, without its dependencies.
              topologyFilter: 'ALL',
              maxResults: PAGE,
              nextToken,
            }),
            abortable(signal),
          ),
        ),
      );
      for await (const page of pages)
        for (const installed of page.installedComponents ?? [])
          if (installed.componentName !== undefined)
            found.push({
              name: installed.componentName,
              version: installed.componentVersion ?? '',
              state: installed.lifecycleState ?? 'Unknown',
              // The device's last word on it, at most 24 hours old while it is connected.
              reportedAt: installed.lastReportedTimestamp?.getTime(),
            });
      return found;
    },

    async deploymentsOn(device, signal) {
      const found: EffectiveDeployment[] = [];
      const pages = paged((nextToken) =>
        greengrass.call(`list the deployments of ${device}`, 'ListEffectiveDeployments', (client, sdk) =>
          client.send(
            new sdk.ListEffectiveDeploymentsCommand({
              coreDeviceThingName: device,
              maxResults: PAGE,
              nextToken,
            }),
            abortable(signal),
          ),
        ),
      );
      for await (const page of pages)
        for (const deployment of page.effectiveDeployments ?? [])
          found.push({
            id: deployment.deploymentId ?? '',
            name: deployment.deploymentName || undefined,
            status: deployment.coreDeviceExecutionStatus ?? 'Unknown',
            reason: deployment.reason || undefined,
            modifiedAt: deployment.modifiedTimestamp?.getTime(),
            target: deployment.targetArn ?? '',
          });
      return found;
    },

    async componentsOf(deployment, signal) {
      const answer = await unlessMissing(
        greengrass.call(`look at the deployment ${deployment}`, 'GetDeployment', (client, sdk) =>
          client.send(new sdk.GetDeploymentCommand({ deploymentId: deployment }), abortable(signal)),
        ),
      );
      return (
        answer &&
        Object.fromEntries(
          Object.entries(answer.components ?? {}).map(([name, { componentVersion }]) => [
            name,
            componentVersion ?? '',
          ]),
        )
      );
    },
  };
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Two answers of CreateComponentVersion that do not mean what they say. */
function publishError(error: AppError): AppError {
  const words = error.cause instanceof Error ? error.cause.message : '';
  // A recipe that it cannot parse is refused as a right to an action without a name.
  if (error.code === 'permission_denied' && /not authorized to perform: null/.test(words))
    return new AppError('invalid_input', 'Greengrass could not read the recipe.', {
      hint: "Check the use case's components.recipeTemplate: YAML or JSON of recipe format 2020-01-25 is expected.",
      ...(error.adminHint === undefined ? {} : { adminHint: error.adminHint }),
      cause: error,
      ref: error.ref,
    });
  return error;
}

async function load(session: RoleSession) {
  const sdk = await import('@aws-sdk/client-greengrassv2');
  // Request rates are low for a whole account, and a look at a fleet asks twice for every device.
  const client = session.paced(watchedClient(new sdk.GreengrassV2Client(session.clientConfig(6))));
  return { client, sdk };
}

const abortable = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});
