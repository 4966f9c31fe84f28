/** Core devices of the seeded world, what they have, and the deployments that brought it. */

import type { EpochMs } from '#sandbox';
import type { CoreDeviceSeed, DeploymentSeed, InstalledSeed } from '#sandbox/seeds';
import { CPU_MODEL, INSPECTOR, JETSON_MODEL } from './components.ts';
import { HOUR, MINUTE } from './job-maker.ts';

const DAY = 24 * HOUR;
const CAMERAS = 'line-3-cameras';
const HARBOR_DEVICES = 60;

const DEPLOYMENTS = {
  first: '5b0f3d1e-3a52-4f0e-9b6e-2f3b1c9d7a10',
  cameras: 'c2a8e4d0-8b1f-4a7e-8c55-0d9e6f21b374',
  pc: '9e41b7c6-07d3-4c1b-a2f8-6b5d3e90c812',
  canceled: '71d6f0aa-52be-4e0c-bb1d-93c4a8e7f205',
};

const item = (
  name: string,
  version: string,
  changedAt: EpochMs,
  more: Partial<InstalledSeed> = {},
): InstalledSeed => ({ name, version, lifecycle: 'FINISHED', root: true, changedAt, ...more });

/** The inspector is what was deployed; the model came with it. */
function cameraSoftware(at: EpochMs, model: string, inspector: Partial<InstalledSeed> = {}): InstalledSeed[] {
  const source = DEPLOYMENTS.cameras;
  return [
    item('aws.greengrass.Nucleus', '2.12.6', at - 40 * DAY),
    item('aws.greengrass.TokenExchangeService', '2.0.3', at - 40 * DAY, {
      root: false,
      lifecycle: 'RUNNING',
    }),
    item(INSPECTOR, '2.3.1', at, { lifecycle: 'RUNNING', source, ...inspector }),
    item(JETSON_MODEL, model, at, { root: false, source }),
  ];
}

export function line3Devices(now: EpochMs): CoreDeviceSeed[] {
  const deployed = now - 3 * DAY;
  const camera = (number: number, changes: Partial<CoreDeviceSeed> = {}): CoreDeviceSeed => ({
    name: `line3-cam-0${number}`,
    architecture: 'aarch64',
    coreVersion: '2.12.6',
    status: 'HEALTHY',
    reportedAt: now - (3 + 7 * number) * MINUTE,
    groups: [CAMERAS],
    installed: cameraSoftware(deployed, '1.0.10'),
    tags: { site: 'hall-3' },
    ...changes,
  });
  return [
    camera(1),
    camera(2),
    camera(3),
    camera(4, { reportedAt: now - 21 * HOUR }),
    // Its deployment failed: it went back to what it had, and that does not run any more.
    camera(5, {
      status: 'UNHEALTHY',
      installed: cameraSoftware(now - 50 * DAY, '1.0.7', {
        version: '2.3.0',
        lifecycle: 'BROKEN',
        details:
          'The run script exited with code 1 three times: CUDA driver version is insufficient for CUDA runtime version',
        changedAt: now - 2 * HOUR,
        source: DEPLOYMENTS.first,
      }),
    }),
    // In a cupboard since the line was rebuilt.
    camera(6, {
      status: 'UNHEALTHY',
      reportedAt: now - 16 * DAY,
      offline: true,
      coreVersion: '2.9.5',
      installed: cameraSoftware(now - 50 * DAY, '1.0.6', { version: '2.3.0', source: DEPLOYMENTS.first }),
    }),
    {
      name: 'line3-edge-pc-1',
      architecture: 'amd64',
      coreVersion: '2.12.6',
      status: 'HEALTHY',
      reportedAt: now - 6 * MINUTE,
      groups: ['line-3-pcs'],
      installed: [
        item('aws.greengrass.Nucleus', '2.12.6', now - 90 * DAY),
        item(CPU_MODEL, '1.0.0', now - 11 * HOUR, { source: DEPLOYMENTS.pc }),
      ],
    },
    {
      name: 'line3-edge-pc-2',
      architecture: 'amd64',
      coreVersion: '2.12.6',
      status: 'HEALTHY',
      reportedAt: now - 23 * HOUR,
      groups: ['line-3-pcs'],
      installed: [item('aws.greengrass.Nucleus', '2.12.6', now - 90 * DAY)],
    },
  ];
}

export function line3Deployments(now: EpochMs): DeploymentSeed[] {
  return [
    {
      id: DEPLOYMENTS.first,
      name: 'Inspector 2.3.0 on all cameras',
      target: `thinggroup/${CAMERAS}`,
      createdAt: now - 50 * DAY,
      components: { [INSPECTOR]: '2.3.0' },
    },
    {
      id: DEPLOYMENTS.cameras,
      name: 'Inspector 2.3.1 on all cameras',
      target: `thinggroup/${CAMERAS}`,
      createdAt: now - 3 * DAY,
      components: { [INSPECTOR]: '2.3.1' },
      failures: {
        'line3-cam-05': {
          reason: `COMPONENT_BROKEN: FAILED_ROLLBACK_NOT_REQUESTED: Service ${INSPECTOR} in broken state after deployment`,
          errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_UPDATE_ERROR', 'COMPONENT_BROKEN'],
          errorTypes: ['USER_COMPONENT_ERROR'],
        },
      },
    },
    {
      id: DEPLOYMENTS.pc,
      name: 'CPU model on the first PC',
      target: 'thing/line3-edge-pc-1',
      createdAt: now - 11 * HOUR,
      components: { [CPU_MODEL]: '1.0.0' },
    },
    {
      id: DEPLOYMENTS.canceled,
      name: 'CPU model on the second PC',
      target: 'thing/line3-edge-pc-2',
      createdAt: now - 10 * HOUR,
      components: { [CPU_MODEL]: '1.0.1' },
      canceledAt: now - 10 * HOUR + 1000,
    },
  ];
}

export function harborDevices(now: EpochMs): CoreDeviceSeed[] {
  return Array.from({ length: HARBOR_DEVICES }, (_, index) => {
    const unwell = index % 13 === 5;
    return {
      name: `quay-cam-${String(index + 1).padStart(2, '0')}`,
      architecture: 'amd64' as const,
      coreVersion: index % 4 === 0 ? '2.11.3' : '2.12.6',
      status: unwell ? ('UNHEALTHY' as const) : ('HEALTHY' as const),
      reportedAt: now - (index % 9 === 0 ? 20 * HOUR : (2 + index) * MINUTE),
      groups: ['quay-cameras'],
      installed: [
        item('aws.greengrass.Nucleus', index % 4 === 0 ? '2.11.3' : '2.12.6', now - 70 * DAY),
        item('model-yolo-crane-x86_64-cuda', `1.9.${index % 3 === 0 ? 48 : 49}`, now - 5 * HOUR, {
          lifecycle: unwell ? 'ERRORED' : 'FINISHED',
        }),
      ],
    };
  });
}
