/** What an event of AWS says, as far as it is used here. */
import type { EpochMs } from '../ground/time.ts';

export interface EventCommon {
  /** The envelope's id: the same for each delivery of one event. */
  id: string;
  /** 12 digits. */
  account: string;
  region: string;
  /** When it happened, by the event's own words. */
  at: EpochMs;
  /** ARN of what it is about. */
  resource: string;
  /** An archive's replay: what it tells is old. */
  replayed: boolean;
}

export interface TrainingEvent extends EventCommon {
  kind: 'training';
  job: string;
  /** As it came. */
  status: string;
  secondaryStatus?: string | undefined;
  failureReason?: string | undefined;
  createdAt?: EpochMs | undefined;
  startedAt?: EpochMs | undefined;
  endedAt?: EpochMs | undefined;
  instanceType?: string | undefined;
  instanceCount?: number | undefined;
  /** S3 URI; SageMaker names it only when there is one. */
  modelArtifact?: string | undefined;
}

/** SageMaker promises none for compilations: a reason to ask, never the truth. */
export interface CompilationHint extends EventCommon {
  kind: 'compilation';
  compilationJob: string;
  status: string;
}

export interface DeploymentEvent extends EventCommon {
  kind: 'deployment';
  deployment: string;
  /** The core device's name. */
  device: string;
  /** `FAILED`, `SUCCEEDED`, `COMPLETED`, `REJECTED`, `CANCELED`, upper case; an unknown word too. */
  status: string;
  reason?: string | undefined;
}

export interface InstalledComponentEvent extends EventCommon {
  kind: 'installed-component';
  device: string;
  /** Those whose state changed. */
  components: readonly InstalledComponent[];
  /** What the event says of all of them, where it says something. */
  reason?: string | undefined;
}

export interface InstalledComponent {
  name: string;
  version?: string | undefined;
  /** `BROKEN`, `ERRORED`, `RUNNING`, `FINISHED`, upper case; an unknown word too. */
  status: string;
  /** `INSTALL_ERROR`, upper case: in which step of its lifecycle, and how. Since nucleus 2.8. */
  codes?: readonly string[] | undefined;
  /** `An error occurred during installation. The install script exited with code 127.` */
  details?: string | undefined;
}

export interface AlarmEvent extends EventCommon {
  kind: 'alarm';
  alarm: string;
  /** `ALARM`, `OK`, `INSUFFICIENT_DATA`, upper case. */
  state: string;
  previousState?: string | undefined;
  reason?: string | undefined;
  description?: string | undefined;
}

export type AwsEvent =
  | TrainingEvent
  | CompilationHint
  | DeploymentEvent
  | InstalledComponentEvent
  | AlarmEvent;
export type AwsEventKind = AwsEvent['kind'];
