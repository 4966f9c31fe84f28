/** What an event of AWS says, as far as it is used here. */
import type { EpochMs } from '../ground/time.ts';
import type { SageMakerName } from './providers.ts';

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

/** Of a training job, or of a job of SageMaker's other kinds. */
export interface TrainingEvent extends EventCommon {
  kind: 'training';
  /** Left out: a training job. */
  provider?: SageMakerName | undefined;
  /** Its name; of a pipeline's execution as domain/pipeline-names.ts makes it, perhaps in lower case. */
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
  /** Of a training job that a tuning job started: the tuning job's ARN. */
  tuningJobArn?: string | undefined;
  /** What is worth showing of it besides, by name. */
  facts?: Readonly<Record<string, string>> | undefined;
}

/** Of one step of a pipeline's execution: the execution's card tells of it. */
export interface StepEvent extends EventCommon {
  kind: 'step';
  /** The execution's name, perhaps in lower case. */
  execution: string;
  step: string;
  /** As it came. */
  status: string;
}

/** Of a service job of AWS Batch, which is a training job to SageMaker. */
export interface BatchEvent extends EventCommon {
  kind: 'batch';
  batchJob: string;
  queue?: string | undefined;
  /** `SUBMITTED`, …, `SUCCEEDED`, `FAILED`, upper case. */
  status: string;
  reason?: string | undefined;
  /** The newest attempt's training job, perhaps in lower case; none has been started yet where it is left out. */
  trainingJob?: string | undefined;
  /** Those of earlier attempts, oldest first. */
  earlier?: readonly string[] | undefined;
  createdAt?: EpochMs | undefined;
  startedAt?: EpochMs | undefined;
  endedAt?: EpochMs | undefined;
}

/** A version in the model registry, or a package without versions. */
export interface ModelPackageEvent extends EventCommon {
  kind: 'model-package';
  /** The group's name, or the package's where it is in none. */
  model: string;
  version?: number | undefined;
  /** `Completed`, `Failed`, … */
  status: string;
  /** `Approved`, `Rejected`, `PendingManualApproval`. */
  approval?: string | undefined;
  approvalReason?: string | undefined;
  /** Where it is on its way: `Development`, with `Approved`. */
  stage?: { name: string; status?: string | undefined; description?: string | undefined } | undefined;
  /** Why it failed. */
  reason?: string | undefined;
}

/** One step on the way to what an endpoint is to serve. */
export interface EndpointDeploymentEvent extends EventCommon {
  kind: 'endpoint-deployment';
  endpoint: string;
  /** As the API writes it: `Updating`. */
  status: string;
  /** Name of the configuration that it is to have. */
  configuration?: string | undefined;
  /** `Baking`, … and SageMaker's words for it. */
  stage?: { name: string; message?: string | undefined } | undefined;
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
  | StepEvent
  | BatchEvent
  | ModelPackageEvent
  | EndpointDeploymentEvent
  | CompilationHint
  | DeploymentEvent
  | InstalledComponentEvent
  | AlarmEvent;
export type AwsEventKind = AwsEvent['kind'];
