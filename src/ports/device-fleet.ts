/** Greengrass core devices. */
import type { EpochMs } from '../ground/time.ts';

/** Greengrass core devices and what is on them, as of each device's last report. */
export interface DeviceFleet {
  coreDevices(signal?: AbortSignal): Promise<CoreDevice[]>;
  /** All components, dependencies included. */
  installedOn(device: string, signal?: AbortSignal): Promise<InstalledComponent[]>;
  /** What deployments intend for the device. */
  deploymentsOn(device: string, signal?: AbortSignal): Promise<EffectiveDeployment[]>;
  /** Component → version that a deployment installs; undefined when the deployment does not exist (any more). */
  componentsOf?(
    deployment: string,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined>;
}

export interface CoreDevice {
  name: string;
  /** `HEALTHY`, `UNHEALTHY`, or a newer word as it came. */
  health: string;
  reportedAt?: EpochMs | undefined;
}

export interface InstalledComponent {
  name: string;
  version: string;
  /** `RUNNING`, `ERRORED`, …, as it came. */
  state: string;
  reportedAt?: EpochMs | undefined;
}

export interface EffectiveDeployment {
  id: string;
  name?: string | undefined;
  /** Execution status on this device, as it came. */
  status: string;
  reason?: string | undefined;
  modifiedAt?: EpochMs | undefined;
  /** ARN of the core device or group that it targets. */
  target: string;
}
