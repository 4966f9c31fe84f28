/** Greengrass v2: components, core devices, deployments, on its REST-JSON protocol (service model 2020-11-30). */
import type { ComponentStore } from './component-store.ts';
import type { Fleet } from './fleet.ts';
import {
  createComponent,
  describeComponent,
  getComponent,
  listComponents,
  listVersions,
  theComponent,
} from './greengrass-components.ts';
import {
  cancelDeployment,
  createDeployment,
  getDeployment,
  getDevice,
  listDeployments,
  listDevices,
  listEffective,
  listInstalled,
} from './greengrass-devices.ts';
import type { Iam } from './iam.ts';
import type { ObjectStore } from './object-store.ts';
import type { RestRoute } from './rest-routes.ts';
import type { AwsCall, AwsOperation, AwsService } from './service.ts';

export interface GreengrassStores {
  components(account: string, region: string): ComponentStore;
  fleet(account: string, region: string): Fleet;
  objects: ObjectStore;
  iam: Iam;
}

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
        const { recipe } = theComponent(components(call), call);
        components(call).delete(recipe.name, recipe.version, call.now);
        return {};
      }),
      on('ListComponents', undefined, (call) => listComponents(components(call), call)),
      on('ListComponentVersions', arn, (call) => listVersions(components(call), call)),
      on('ListCoreDevices', undefined, (call) => listDevices(fleet(call), call)),
      on('GetCoreDevice', device, (call) => getDevice(fleet(call), call)),
      on('ListInstalledComponents', device, (call) => listInstalled(fleet(call), call)),
      on('ListEffectiveDeployments', device, (call) => listEffective(fleet(call), call)),
      on('CreateDeployment', undefined, (call) => createDeployment(fleet(call), components(call), call)),
      on('GetDeployment', deployment, (call) => getDeployment(fleet(call), call)),
      on('ListDeployments', undefined, (call) => listDeployments(fleet(call), call)),
      on('CancelDeployment', deployment, (call) => cancelDeployment(fleet(call), call)),
    ]),
  };
}
