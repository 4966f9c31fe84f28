/**
 * Core devices and deployments of one account in one region. What a device has is worked out from what it
 * had and the deployments that have reached it by now; devices tell the cloud only now and then.
 */
import { randomUUID } from 'node:crypto';
import type { EpochMs } from '../time.ts';
import type { ComponentStore, ComponentVersion } from './component-store.ts';
import { AwsError } from './errors.ts';

export interface InstalledSeed {
  name: string;
  version: string;
  lifecycle: 'NEW' | 'INSTALLED' | 'STARTING' | 'RUNNING' | 'STOPPING' | 'ERRORED' | 'BROKEN' | 'FINISHED';
  details?: string;
  root: boolean;
  changedAt: EpochMs;
  /** The deployment that brought it. */
  source?: string;
}

export interface CoreDeviceSeed {
  name: string;
  architecture: 'amd64' | 'aarch64';
  coreVersion: string;
  status: 'HEALTHY' | 'UNHEALTHY';
  /** When it last told the cloud how it is. */
  reportedAt: EpochMs;
  /** It hears of deployments only when it comes back, which it does not. */
  offline?: boolean;
  groups: readonly string[];
  installed: readonly InstalledSeed[];
  tags?: Readonly<Record<string, string>>;
}

export interface DeploymentFailure {
  reason: string;
  errorStack: readonly string[];
  errorTypes: readonly string[];
  /** Of a component that it broke: the nucleus's status code, and how its script ended. Left out: `RUN_ERROR`, 1. */
  broken?: { code: 'INSTALL_ERROR' | 'STARTUP_ERROR' | 'RUN_ERROR'; exitCode: number };
}

export interface DeploymentSeed {
  id: string;
  name: string;
  /** `thing/<name>` or `thinggroup/<name>`. */
  target: string;
  createdAt: EpochMs;
  /** Component → version. */
  components: Readonly<Record<string, string>>;
  /** Device → why it failed there. */
  failures?: Readonly<Record<string, DeploymentFailure>>;
  canceledAt?: EpochMs;
  tags?: Readonly<Record<string, string>>;
  /** The request's own members, handed out as they came. */
  request?: Readonly<Record<string, unknown>>;
}

interface Execution {
  status: 'QUEUED' | 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';
  changedAt: EpochMs;
  reason?: string;
  errorStack?: readonly string[];
  errorTypes?: readonly string[];
  broken?: DeploymentFailure['broken'];
}

/** Every device takes this share of the deployment's time to notice it. */
const NOTICE_SHARE = 0.25;

export class Fleet {
  readonly #devices = new Map<string, CoreDeviceSeed>();
  readonly #deployments: DeploymentSeed[] = [];
  readonly #tokens = new Map<string, DeploymentSeed>();
  readonly #account: string;
  readonly #region: string;
  readonly #components: ComponentStore;
  readonly #deployMs: () => number;

  /** @param deployMs how long a healthy device needs for a deployment, ms */
  constructor(account: string, region: string, components: ComponentStore, deployMs: () => number) {
    this.#account = account;
    this.#region = region;
    this.#components = components;
    this.#deployMs = deployMs;
  }

  seedDevice(device: CoreDeviceSeed): void {
    this.#devices.set(device.name, device);
  }

  seedDeployment(deployment: DeploymentSeed): void {
    this.#deployments.push(deployment);
    this.#deployments.sort((a, b) => a.createdAt - b.createdAt);
  }

  /** By name. @param group a thing group's ARN */
  devices(filter: { group?: string | undefined; status?: string | undefined }): CoreDeviceSeed[] {
    return [...this.#devices.values()]
      .filter(
        ({ groups }) =>
          filter.group === undefined || groups.some((name) => this.groupArn(name) === filter.group),
      )
      .filter(({ status }) => filter.status === undefined || status === filter.status)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws AwsError ResourceNotFoundException */
  device(name: string): CoreDeviceSeed {
    const device = this.#devices.get(name);
    if (device) return device;
    throw notFound(`Cannot find requested core device: [${name}]`, name, 'coreDevice');
  }

  // --- Deployments ---

  /** @throws AwsError ResourceNotFoundException for a target that is not there */
  create(
    targetArn: string,
    given: Pick<DeploymentSeed, 'name' | 'components' | 'tags' | 'request'>,
    token: string | undefined,
    now: EpochMs,
  ): DeploymentSeed {
    const earlier = token === undefined ? undefined : this.#tokens.get(token);
    if (earlier) return earlier;
    const target = targetArn.split(':').slice(5).join(':');
    if (this.#targeted(target).length === 0) {
      throw notFound(`The target ${targetArn} does not exist.`, targetArn, 'target');
    }
    const deployment: DeploymentSeed = { ...given, id: randomUUID(), target, createdAt: now };
    this.seedDeployment(deployment);
    if (token !== undefined) this.#tokens.set(token, deployment);
    return deployment;
  }

  /** @throws AwsError ResourceNotFoundException */
  deployment(id: string, now: EpochMs): DeploymentSeed {
    const found = this.#deployments.find((deployment) => deployment.id === id && deployment.createdAt <= now);
    if (found) return found;
    throw notFound(`Cannot find requested deployment: [${id}]`, id, 'deployment');
  }

  /** Newest first. */
  deployments(
    filter: { targetArn?: string | undefined; latestOnly: boolean },
    now: EpochMs,
  ): DeploymentSeed[] {
    return this.#deployments
      .filter(({ createdAt }) => createdAt <= now)
      .filter(
        (deployment) => filter.targetArn === undefined || this.targetArn(deployment) === filter.targetArn,
      )
      .filter((deployment) => !filter.latestOnly || this.isLatest(deployment, now))
      .reverse();
  }

  isLatest(deployment: DeploymentSeed, now: EpochMs): boolean {
    return (
      this.#deployments.findLast(
        ({ target, createdAt }) => target === deployment.target && createdAt <= now,
      ) === deployment
    );
  }

  /** @throws AwsError ConflictException when it has ended */
  cancel(id: string, now: EpochMs): void {
    const deployment = this.deployment(id, now);
    const status = this.status(deployment, now);
    if (status !== 'ACTIVE') {
      throw new AwsError(
        'ConflictException',
        `Deployment ${id} is in status ${status} and cannot be canceled.`,
        409,
        {
          resourceId: id,
          resourceType: 'deployment',
        },
      );
    }
    deployment.canceledAt = now;
  }

  /** A thing group's deployment stays active for devices that join later. */
  status(
    deployment: DeploymentSeed,
    now: EpochMs,
  ): 'ACTIVE' | 'COMPLETED' | 'CANCELED' | 'FAILED' | 'INACTIVE' {
    if (deployment.canceledAt !== undefined) return 'CANCELED';
    if (!this.isLatest(deployment, now)) return 'INACTIVE';
    if (deployment.target.startsWith('thinggroup/')) return 'ACTIVE';
    const [device] = this.#targeted(deployment.target);
    const execution = device && this.#execution(deployment, device, now);
    if (execution?.status === 'SUCCEEDED') return 'COMPLETED';
    return execution?.status === 'FAILED' ? 'FAILED' : 'ACTIVE';
  }

  /** What is meant for a device, newest first: the latest deployment of every target that it is part of. */
  effective(device: CoreDeviceSeed, now: EpochMs): { deployment: DeploymentSeed; execution: Execution }[] {
    return this.#reaching(device, now)
      .filter((deployment) => this.isLatest(deployment, now))
      .map((deployment) => ({ deployment, execution: this.#execution(deployment, device, now) }))
      .reverse();
  }

  #reaching(device: CoreDeviceSeed, now: EpochMs): DeploymentSeed[] {
    const targets = [`thing/${device.name}`, ...device.groups.map((group) => `thinggroup/${group}`)];
    return this.#deployments.filter(({ target, createdAt }) => targets.includes(target) && createdAt <= now);
  }

  #targeted(target: string): CoreDeviceSeed[] {
    return [...this.#devices.values()].filter(
      ({ name, groups }) =>
        target === `thing/${name}` || groups.some((group) => target === `thinggroup/${group}`),
    );
  }

  #execution(deployment: DeploymentSeed, device: CoreDeviceSeed, now: EpochMs): Execution {
    const { createdAt, canceledAt } = deployment;
    const noticedAt = createdAt + this.#deployMs() * NOTICE_SHARE;
    const endsAt = createdAt + this.#deployMs();
    if (canceledAt !== undefined && (device.offline || canceledAt < endsAt)) {
      return { status: 'CANCELED', changedAt: canceledAt };
    }
    if (device.offline || now < noticedAt) return { status: 'QUEUED', changedAt: createdAt };
    if (now < endsAt) return { status: 'IN_PROGRESS', changedAt: noticedAt };
    const failed = deployment.failures?.[device.name] ?? this.#unfit(deployment, device, endsAt);
    return failed
      ? { status: 'FAILED', changedAt: endsAt, ...failed }
      : { status: 'SUCCEEDED', changedAt: endsAt };
  }

  /** A component without a manifest for the device's platform cannot be installed there. */
  #unfit(deployment: DeploymentSeed, device: CoreDeviceSeed, at: EpochMs) {
    for (const [name, version] of Object.entries(deployment.components)) {
      const component = this.#components.resolve(name, version, at);
      if (component && !fitsPlatform(component, device)) {
        return {
          reason: `COMPONENT_PLATFORM_MISMATCH: The latest version of component ${name} that satisfies ${version} has no manifest for linux/${device.architecture}.`,
          errorStack: ['DEPLOYMENT_FAILURE', 'NO_AVAILABLE_COMPONENT_VERSION', 'COMPONENT_PLATFORM_MISMATCH'],
          errorTypes: ['REQUEST_ERROR'],
        };
      }
    }
    return undefined;
  }

  // --- What devices have ---

  /** By name. What the cloud knows: for a device that has not reported since, the state of its last report. */
  installed(
    device: CoreDeviceSeed,
    now: EpochMs,
  ): (InstalledSeed & { source: string; reportedAt: EpochMs })[] {
    const found = new Map(
      device.installed.map((seed) => [
        seed.name,
        { ...seed, source: seed.source ?? '', reportedAt: device.reportedAt },
      ]),
    );
    for (const deployment of this.#reaching(device, now)) {
      const { status, changedAt } = this.#execution(deployment, device, now);
      // What was there when the device last spoke is in `device.installed` already.
      if (status !== 'SUCCEEDED' || changedAt <= device.reportedAt) continue;
      for (const [name, { source }] of found) {
        const replaced = this.#deployments.find(({ id }) => id === source)?.target === deployment.target;
        if (replaced) found.delete(name);
      }
      for (const [component, root] of this.#withDependencies(deployment, changedAt)) {
        found.set(component.recipe.name, {
          name: component.recipe.name,
          version: component.recipe.version,
          lifecycle: component.recipe.runs ? 'RUNNING' : 'FINISHED',
          root,
          changedAt,
          source: deployment.id,
          reportedAt: changedAt,
        });
      }
    }
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #withDependencies(deployment: DeploymentSeed, at: EpochMs): Map<ComponentVersion, boolean> {
    const found = new Map<ComponentVersion, boolean>();
    const add = (name: string, requirement: string, root: boolean) => {
      const component = this.#components.resolve(name, requirement, at);
      if (!component || found.has(component)) return;
      found.set(component, root);
      for (const [dependency, wanted] of Object.entries(component.recipe.dependencies))
        add(dependency, wanted, false);
    };
    for (const [name, version] of Object.entries(deployment.components)) add(name, version, true);
    return found;
  }

  /** The later of what was seeded and what a deployment made it say. */
  reportedAt(device: CoreDeviceSeed, now: EpochMs): EpochMs {
    return Math.max(device.reportedAt, ...this.installed(device, now).map(({ reportedAt }) => reportedAt));
  }

  targetArn({ target }: DeploymentSeed): string {
    return `arn:aws:iot:${this.#region}:${this.#account}:${target}`;
  }

  groupArn(name: string): string {
    return `arn:aws:iot:${this.#region}:${this.#account}:thinggroup/${name}`;
  }

  jobArn({ id }: DeploymentSeed): string {
    return `arn:aws:iot:${this.#region}:${this.#account}:job/${id}`;
  }
}

function fitsPlatform(component: ComponentVersion, { architecture }: CoreDeviceSeed): boolean {
  return component.recipe.platforms.some(({ attributes }) => {
    const wanted = attributes.architecture ?? '*';
    const osFits = ['*', 'linux', 'all'].includes(attributes.os ?? '*');
    const pattern = /^\/(.*)\/$/.exec(wanted)?.[1];
    return (
      osFits &&
      (wanted === '*' ||
        wanted === architecture ||
        (pattern !== undefined && new RegExp(`^(?:${pattern})$`).test(architecture)))
    );
  });
}

const notFound = (words: string, resourceId: string, resourceType: string) =>
  new AwsError('ResourceNotFoundException', words, 404, { resourceId, resourceType });
