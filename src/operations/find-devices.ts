/** Which devices have a component now, as of each device's last report, and which are meant to get it. */
import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type {
  CoreDevice,
  DeviceFleet,
  EffectiveDeployment,
  InstalledComponent,
} from '../ports/device-fleet.ts';
import type { UseCaseGateway } from '../ports/use-case-session.ts';

export interface DeviceFinding {
  device: CoreDevice;
  /** Of the requested component; all of them if none was requested. */
  installed: readonly InstalledComponent[];
  /** Deployments that intend it to have the requested component (any, if none was requested). */
  deployments: readonly (EffectiveDeployment & {
    /** The version that it intends; left out: its components could not be read. */
    version?: string | undefined;
  })[];
  /** Could not be asked. */
  problem?: string | undefined;
}

export interface FleetReport {
  /** When the last device was asked about. Each device's own report may be up to a day older. */
  asOf: EpochMs;
  /** Devices in the use case's account. */
  total: number;
  /** Those that have the component, are meant to get it, or gave no answer; all if none was requested. */
  devices: readonly DeviceFinding[];
  /** Could not be asked. */
  failed: number;
}

/** @returns how many devices have exactly that version now, and how many have another one */
export function devicesWith(
  { devices, total }: FleetReport,
  component: { name: string; version: string },
): { have: number; others: number; of: number } {
  const having = devices.filter(({ installed }) => installed.some(({ name }) => name === component.name));
  const have = having.filter(({ installed }) =>
    installed.some(({ name, version }) => name === component.name && version === component.version),
  ).length;
  return { have, others: having.length - have, of: total };
}

export interface FleetProgress {
  done: number;
  total: number;
}

/** Enough for what Greengrass allows of these requests in an account (aws/paced-client.ts); each device needs two. */
const AT_ONCE = 6;

interface DeviceState {
  device: CoreDevice;
  installed: readonly InstalledComponent[];
  deployments: readonly Intent[];
  problem?: string | undefined;
}

type Intent = EffectiveDeployment & {
  /** Component → version that it intends; left out: not known. */
  components?: ReadonlyMap<string, string> | undefined;
};

interface Scan {
  startedAt: EpochMs;
  endedAt?: EpochMs;
  progress: FleetProgress;
  watchers: Set<(progress: FleetProgress) => void>;
  states: Promise<DeviceState[]>;
  controller: AbortController;
  /** People waiting for it; when the last one leaves, it ends. */
  waiting: number;
}

export class DeviceFinder {
  readonly #gateway: UseCaseGateway;
  readonly #clock: Clock;
  readonly #keepMs: number;
  /** By use case. */
  readonly #scans = new Map<string, Scan>();

  /** @param keepMs how long an answer stays valid; the fleet's own reports are older anyway */
  constructor(deps: { gateway: UseCaseGateway; clock: Clock }, keepMs = 60_000) {
    this.#gateway = deps.gateway;
    this.#clock = deps.clock;
    this.#keepMs = keepMs;
  }

  /**
   * Asks about all devices at a limited rate; people who ask meanwhile share the answer.
   * @throws AppError when the devices cannot be listed; a single one that gives no answer is in the report
   */
  async find(
    request: { actor: Actor; useCase: UseCase; component?: { name: string; version?: string } },
    options: {
      signal?: AbortSignal;
      onProgress?: (progress: FleetProgress) => void;
      /** Ask again even if the last answer is still valid. */
      fresh?: boolean;
    } = {},
  ): Promise<FleetReport> {
    options.signal?.throwIfAborted();
    const scan = this.#scan(request.actor, request.useCase, options.fresh ?? false);
    const states = await join(scan, options);
    const findings = states.map((state) => narrow(state, request.component));
    const devices = request.component
      ? findings.filter(
          ({ installed, deployments, problem }) =>
            installed.length > 0 || deployments.length > 0 || problem !== undefined,
        )
      : findings;
    return {
      asOf: scan.endedAt ?? this.#clock.now(),
      total: states.length,
      devices,
      failed: states.filter(({ problem }) => problem !== undefined).length,
    };
  }

  #scan(actor: Actor, useCase: UseCase, fresh: boolean): Scan {
    const known = this.#scans.get(useCase.id);
    const running = known && known.endedAt === undefined && !known.controller.signal.aborted;
    const good = known?.endedAt !== undefined && this.#clock.now() - known.endedAt < this.#keepMs;
    if (known && (running || (good && !fresh))) return known;

    const controller = new AbortController();
    // Requests about several devices listen to it at a time.
    setMaxListeners(0, controller.signal);
    const scan: Scan = {
      startedAt: this.#clock.now(),
      progress: { done: 0, total: 0 },
      watchers: new Set(),
      controller,
      waiting: 0,
      states: Promise.resolve([]),
    };
    this.#scans.set(useCase.id, scan);
    scan.states = this.#describe(actor, useCase, scan).then(
      (states) => {
        scan.endedAt = this.#clock.now();
        return states;
      },
      (error: unknown) => {
        if (this.#scans.get(useCase.id) === scan) this.#scans.delete(useCase.id);
        throw error;
      },
    );
    // Waiting people are told; if nobody is left, nobody cares.
    scan.states.catch(() => undefined);
    return scan;
  }

  async #describe(actor: Actor, useCase: UseCase, scan: Scan): Promise<DeviceState[]> {
    const { signal } = scan.controller;
    const { devices: fleet } = await this.#gateway.open(useCase, actor, 'dev');
    const devices = await fleet.coreDevices(signal);
    const report = (done: number): void => {
      scan.progress = { done, total: devices.length };
      for (const watcher of scan.watchers) watcher(scan.progress);
    };
    report(0);
    const intended = new DeploymentComponents(fleet, signal);
    const queue = new PQueue({ concurrency: AT_ONCE });
    const states = await Promise.all(
      devices.map((device) =>
        queue.add(async () => {
          const state = await describeDevice(fleet, device, intended, signal);
          report(scan.progress.done + 1);
          return state;
        }),
      ),
    );
    return states.sort((a, b) => (a.device.name < b.device.name ? -1 : 1));
  }
}

/** The scan's result for one person; it continues for the others if this one leaves. */
async function join(
  scan: Scan,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: FleetProgress) => void },
): Promise<readonly DeviceState[]> {
  const watcher = onProgress && ((progress: FleetProgress) => onProgress(progress));
  if (watcher) scan.watchers.add(watcher);
  scan.waiting += 1;
  let leave: (() => void) | undefined;
  try {
    if (!signal) return await scan.states;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
    });
    return await Promise.race([scan.states, left]);
  } finally {
    if (leave) signal?.removeEventListener('abort', leave);
    if (watcher) scan.watchers.delete(watcher);
    scan.waiting -= 1;
    if (scan.waiting === 0 && scan.endedAt === undefined)
      scan.controller.abort(new CancelledError('Nobody waits for the devices any more'));
  }
}

async function describeDevice(
  fleet: DeviceFleet,
  device: CoreDevice,
  intended: DeploymentComponents,
  signal: AbortSignal,
): Promise<DeviceState> {
  signal.throwIfAborted();
  try {
    const [installed, deployments] = await Promise.all([
      fleet.installedOn(device.name, signal),
      fleet.deploymentsOn(device.name, signal),
    ]);
    const intents = deployments.map(async (one) => ({ ...one, components: await intended.of(one.id) }));
    return { device, installed, deployments: await Promise.all(intents) };
  } catch (error) {
    if (signal.aborted || error instanceof CancelledError) throw error;
    const { message } = error instanceof AppError ? error : toAppError(error);
    return { device, installed: [], deployments: [], problem: message };
  }
}

/** What deployments contain: one deployment reaches many devices, and is requested once. */
class DeploymentComponents {
  readonly #fleet: DeviceFleet;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Promise<ReadonlyMap<string, string> | undefined>>();

  constructor(fleet: DeviceFleet, signal: AbortSignal) {
    this.#fleet = fleet;
    this.#signal = signal;
  }

  /** @returns undefined when it cannot be read: gone, or no right to */
  of(deployment: string): Promise<ReadonlyMap<string, string> | undefined> {
    let known = this.#known.get(deployment);
    if (!known) {
      known = this.#ask(deployment);
      this.#known.set(deployment, known);
    }
    return known;
  }

  async #ask(deployment: string): Promise<ReadonlyMap<string, string> | undefined> {
    try {
      const components = await this.#fleet.componentsOf?.(deployment, this.#signal);
      return components && new Map(Object.entries(components));
    } catch (error) {
      if (this.#signal.aborted || !(error instanceof AppError)) throw error;
      return undefined;
    }
  }
}

function narrow(
  state: DeviceState,
  component: { name: string; version?: string } | undefined,
): DeviceFinding {
  const { device, problem } = state;
  const intents = state.deployments.map(({ components, ...deployment }) => ({
    ...deployment,
    version: component && components?.get(component.name),
  }));
  if (!component) return { device, installed: state.installed, deployments: intents, problem };
  const { name, version } = component;
  return {
    device,
    installed: state.installed.filter(
      (one) => one.name === name && (version === undefined || one.version === version),
    ),
    deployments: intents.filter(
      (one) => one.version !== undefined && (version === undefined || one.version === version),
    ),
    problem,
  };
}
