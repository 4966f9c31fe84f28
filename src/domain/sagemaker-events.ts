/**
 * Reads events of SageMaker's kinds of work besides training, and of AWS Batch, which starts trainings. Sources, read in
 * November 2026: "Events that Amazon SageMaker AI sends to Amazon EventBridge" (SageMaker's Developer Guide,
 * automating-sagemaker-with-eventbridge), "Amazon SageMaker AI events" (EventBridge's reference, which also names the
 * notebook instances' type) and "Service job state change events" (AWS Batch's User Guide).
 */
import { z } from 'zod';
import { common, type Envelope, instances, Missing, optional, text, time } from './aws-event-envelope.ts';
import type {
  BatchEvent,
  EndpointDeploymentEvent,
  ModelPackageEvent,
  StepEvent,
  TrainingEvent,
} from './aws-event-kinds.ts';
import { type Execution, executionName, executionOfArn } from './pipeline-names.ts';
import type { KindName } from './providers.ts';

/** How details that look like the answer of a kind's `Describe…` name what is used here. */
interface Members {
  /** Before `Name`, `Arn` and `Status`. */
  stem: string;
  started?: string;
  ended?: string;
  failure?: string;
  /** Where its machines are told. */
  machines?: readonly string[];
}

const MEMBERS = {
  processing: {
    stem: 'ProcessingJob',
    started: 'ProcessingStartTime',
    ended: 'ProcessingEndTime',
    machines: ['ProcessingResources', 'ClusterConfig'],
  },
  transform: {
    stem: 'TransformJob',
    started: 'TransformStartTime',
    ended: 'TransformEndTime',
    machines: ['TransformResources'],
  },
  tuning: { stem: 'HyperParameterTuningJob', ended: 'HyperParameterTuningEndTime' },
  endpoint: { stem: 'Endpoint' },
  notebook: { stem: 'NotebookInstance', machines: [] },
  cluster: { stem: 'Cluster', failure: 'FailureMessage' },
} as const satisfies Partial<Record<KindName, Members>>;

/** @returns reads events of a kind whose details look like its description */
export function kindReader(kind: keyof typeof MEMBERS): (from: Envelope) => TrainingEvent {
  const members: Members = MEMBERS[kind];
  const { stem, started, ended, failure = 'FailureReason', machines } = members;
  const required = z.object({ [`${stem}Name`]: text, [`${stem}Status`]: text });
  return (from) => {
    const { [`${stem}Name`]: job = '', [`${stem}Status`]: status = '' } = required.parse(from.detail);
    const said = <T extends z.ZodType>(type: T, member: string | undefined) =>
      member === undefined ? undefined : optional(type).parse(from.detail[member]);
    const endedAt = said(time, ended);
    const at = said(time, 'LastModifiedTime') ?? endedAt ?? from.time;
    const { InstanceType, InstanceCount } =
      optional(instances).parse(machines && inside(from.detail, machines)) ?? {};
    return {
      ...common(from, said(text, `${stem}Arn`) ?? from.resources[0] ?? `${stem}/${job}`, at),
      kind: 'training',
      provider: kind,
      job,
      status: apiWord(status),
      failureReason: said(text, failure),
      createdAt: said(time, 'CreationTime'),
      startedAt: said(time, started),
      endedAt,
      instanceType: InstanceType,
      instanceCount: InstanceType === undefined ? undefined : (InstanceCount ?? 1),
    };
  };
}

function inside(detail: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, key) => (found as Readonly<Record<string, unknown>> | null | undefined)?.[key],
    detail,
  );
}

/** Events of endpoints write `IN_SERVICE`, the API `InService`. */
function apiWord(status: string): string {
  if (!/^[A-Z]+(?:_[A-Z]+)*$/.test(status)) return status;
  return status
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('');
}

const execution = z.object({
  pipelineExecutionArn: optional(text),
  currentPipelineExecutionStatus: text,
  pipelineExecutionDisplayName: optional(text),
  executionStartTime: optional(time),
  executionEndTime: optional(time),
  failureReason: optional(text),
});
const step = z.object({
  pipelineExecutionArn: optional(text),
  stepName: text,
  currentStepStatus: text,
  stepStartTime: optional(time),
  stepEndTime: optional(time),
});

/** Resources are the pipeline and the execution. */
function executionIn(from: Envelope, told: string | undefined): Execution & { arn: string } {
  for (const arn of [told, ...from.resources]) {
    const found = arn === undefined ? undefined : executionOfArn(arn);
    if (arn !== undefined && found) return { ...found, arn };
  }
  throw new Missing('expected pipelineExecutionArn, the ARN of an execution; it is missing');
}

export function readExecution(from: Envelope): TrainingEvent {
  const detail = execution.parse(from.detail);
  const { arn, ...found } = executionIn(from, detail.pipelineExecutionArn);
  return {
    ...common(from, arn, detail.executionEndTime ?? from.time),
    kind: 'training',
    provider: 'pipeline',
    job: executionName(found),
    status: detail.currentPipelineExecutionStatus,
    failureReason: detail.failureReason,
    createdAt: detail.executionStartTime,
    startedAt: detail.executionStartTime,
    endedAt: detail.executionEndTime,
  };
}

export function readStep(from: Envelope): StepEvent {
  const detail = step.parse(from.detail);
  const { arn, ...found } = executionIn(from, detail.pipelineExecutionArn);
  return {
    ...common(from, arn, detail.stepEndTime ?? from.time),
    kind: 'step',
    execution: executionName(found),
    step: detail.stepName,
    status: detail.currentStepStatus,
  };
}

/** The guide's event names it `TrainingJobArn`, the Python SDK `trainingJobArn`; it is the only one that there is. */
const attempt = z.object({ serviceResourceId: optional(z.object({ value: optional(text) })) });
const batch = z.object({
  jobName: text,
  jobId: optional(text),
  jobArn: optional(text),
  jobQueue: optional(text),
  status: text,
  statusReason: optional(text),
  createdAt: optional(time),
  startedAt: optional(time),
  stoppedAt: optional(time),
  latestAttempt: optional(attempt),
  attempts: optional(z.array(attempt)),
});

const trainingJobIn = (arn: string | undefined): string | undefined =>
  /^arn:[\w-]+:sagemaker:[^:]+:\d{12}:training-job\/(.+)$/.exec(arn ?? '')?.[1];

export function readBatch(from: Envelope): BatchEvent {
  const detail = batch.parse(from.detail);
  const attempts = (detail.attempts ?? []).flatMap(({ serviceResourceId }) => serviceResourceId?.value ?? []);
  const arn = detail.latestAttempt?.serviceResourceId?.value ?? attempts.at(-1);
  const trainingJob = trainingJobIn(arn);
  if (arn !== undefined && trainingJob === undefined)
    throw new Missing('expected the ARN of a training job as serviceResourceId.value; it is something else');
  const earlier = attempts.flatMap((one) => trainingJobIn(one) ?? []).filter((one) => one !== trainingJob);
  // What has no training job yet is about the service job alone.
  const resource = arn ?? detail.jobArn ?? from.resources[0] ?? `service-job/${detail.jobName}`;
  return {
    ...common(from, resource, detail.stoppedAt ?? from.time),
    kind: 'batch',
    batchJob: detail.jobName,
    queue: detail.jobQueue?.split('/').at(-1),
    status: detail.status.toUpperCase(),
    reason: detail.statusReason,
    trainingJob,
    ...(earlier.length > 0 ? { earlier } : {}),
    createdAt: detail.createdAt,
    startedAt: detail.startedAt,
    endedAt: detail.stoppedAt,
  };
}

const modelPackage = z.object({
  ModelPackageGroupName: optional(text),
  ModelPackageName: optional(text),
  ModelPackageVersion: optional(z.coerce.number().int().positive()),
  ModelPackageArn: optional(text),
  ModelPackageStatus: text,
  ModelPackageStatusDetails: optional(
    z.object({
      ValidationStatuses: optional(z.array(z.object({ FailureReason: optional(text) }))),
      ImageScanStatuses: optional(z.array(z.object({ FailureReason: optional(text) }))),
    }),
  ),
  ModelApprovalStatus: optional(text),
  ApprovalDescription: optional(text),
  ModelLifeCycle: optional(
    z.object({ Stage: text, StageStatus: optional(text), StageDescription: optional(text) }),
  ),
  CreationTime: optional(time),
  LastModifiedTime: optional(time),
});

export function readModelPackage(from: Envelope): ModelPackageEvent {
  const detail = modelPackage.parse(from.detail);
  const arn = detail.ModelPackageArn ?? from.resources[0];
  // arn:aws:sagemaker:eu-west-1:123456789012:model-package/<group>/2, or …/<name> without versions.
  const [, named, number] = /:model-package\/([^/]+)(?:\/(\d+))?$/.exec(arn ?? '') ?? [];
  const model = detail.ModelPackageGroupName ?? detail.ModelPackageName ?? named;
  if (model === undefined)
    throw new Missing('expected ModelPackageGroupName or ModelPackageName; both are missing');
  const { ModelLifeCycle: stage, ModelPackageStatusDetails: details } = detail;
  return {
    ...common(from, arn ?? `model-package/${model}`, detail.LastModifiedTime ?? from.time),
    kind: 'model-package',
    model,
    version: detail.ModelPackageVersion ?? (number === undefined ? undefined : Number(number)),
    status: detail.ModelPackageStatus,
    approval: detail.ModelApprovalStatus,
    approvalReason: detail.ApprovalDescription,
    ...(stage
      ? { stage: { name: stage.Stage, status: stage.StageStatus, description: stage.StageDescription } }
      : {}),
    reason: [...(details?.ValidationStatuses ?? []), ...(details?.ImageScanStatuses ?? [])].find(
      ({ FailureReason }) => FailureReason !== undefined,
    )?.FailureReason,
  };
}

const variants = z.array(
  z.object({
    VariantStatus: optional(
      z.array(z.object({ Status: text, StatusMessage: optional(text), StartTime: optional(time) })),
    ),
  }),
);
const endpointDeployment = z.object({
  EndpointName: text,
  EndpointArn: optional(text),
  EndpointConfigName: optional(text),
  EndpointStatus: text,
  LastModifiedTime: optional(time),
  ProductionVariants: optional(variants),
  PendingDeploymentSummary: optional(
    z.object({ EndpointConfigName: optional(text), ProductionVariants: optional(variants) }),
  ),
});

export function readEndpointDeployment(from: Envelope): EndpointDeploymentEvent {
  const detail = endpointDeployment.parse(from.detail);
  const { PendingDeploymentSummary: pending } = detail;
  const stages = [...(pending?.ProductionVariants ?? []), ...(detail.ProductionVariants ?? [])].flatMap(
    ({ VariantStatus }) => VariantStatus ?? [],
  );
  const newest = stages.reduce<(typeof stages)[number] | undefined>(
    (last, one) => (last === undefined || (one.StartTime ?? 0) > (last.StartTime ?? 0) ? one : last),
    undefined,
  );
  return {
    ...common(
      from,
      detail.EndpointArn ?? from.resources[0] ?? `endpoint/${detail.EndpointName}`,
      // Of an update the endpoint keeps the time at which it began.
      Math.max(detail.LastModifiedTime ?? 0, newest?.StartTime ?? 0) || from.time,
    ),
    kind: 'endpoint-deployment',
    endpoint: detail.EndpointName,
    status: apiWord(detail.EndpointStatus),
    configuration: pending?.EndpointConfigName ?? detail.EndpointConfigName,
    ...(newest ? { stage: { name: newest.Status, message: newest.StatusMessage } } : {}),
  };
}
