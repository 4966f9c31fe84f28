/** Which devices have a component now, as of each device's last report, and which are meant to get it. */
import type { UseCase } from '../domain/use-cases.ts';
import type {
  Actor,
  Clock,
  CoreDevice,
  EffectiveDeployment,
  EpochMs,
  InstalledComponent,
  UseCaseGateway,
} from '../ports.ts';

export interface DeviceFinding {
  device: CoreDevice;
  /** Of the asked-for component; all of them when none was asked for. */
  installed: readonly InstalledComponent[];
  /** Deployments that mean it to have the asked-for component (any, when none was asked for). */
  deployments: readonly (EffectiveDeployment & {
    /** The version that it intends; left out: its components could not be read. */
    version?: string | undefined;
  })[];
  /** Could not be asked. */
  problem?: string | undefined;
}

export interface FleetReport {
  /** When the last of the devices was asked. Each device's own report may be up to a day older. */
  asOf: EpochMs;
  /** Devices in the use case's account. */
  total: number;
  /** Those that have the component or are meant to get it, or could not be asked; all when none was asked for. */
  devices: readonly DeviceFinding[];
  /** Could not be asked. */
  failed: number;
}

export interface FleetProgress {
  done: number;
  total: number;
}

export class DeviceFinder {
  /** @param keepMs how long an answer is good for; the fleet's own reports are older anyway */
  constructor(deps: { gateway: UseCaseGateway; clock: Clock }, keepMs = 60_000) {
    void deps;
    void keepMs;
  }

  /**
   * Asks for all devices at a bounded rate; people who ask meanwhile share the answer.
   * @throws AppError when the devices cannot be listed; one that cannot be asked is in the report
   */
  find(
    request: { actor: Actor; useCase: UseCase; component?: { name: string; version?: string } },
    options: {
      signal?: AbortSignal;
      onProgress?: (progress: FleetProgress) => void;
      /** Ask again although the last answer is still good. */
      fresh?: boolean;
    } = {},
  ): Promise<FleetReport> {
    return Promise.reject(new Error(`${request} ${options}`));
  }
}
