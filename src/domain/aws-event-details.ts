/** Reads the details of events of trainings, compilations, devices and alarms: names in several spellings. */
import { z } from 'zod';
import { common, type Envelope, instances, Missing, optional, text, time } from './aws-event-envelope.ts';
import type {
  AlarmEvent,
  CompilationHint,
  DeploymentEvent,
  InstalledComponentEvent,
  TrainingEvent,
} from './aws-event-kinds.ts';

const training = z.object({
  TrainingJobName: text,
  TrainingJobArn: optional(text),
  TrainingJobStatus: text,
  SecondaryStatus: optional(text),
  FailureReason: optional(text),
  CreationTime: optional(time),
  TrainingStartTime: optional(time),
  TrainingEndTime: optional(time),
  LastModifiedTime: optional(time),
  ResourceConfig: optional(instances),
  ModelArtifacts: optional(z.object({ S3ModelArtifacts: optional(text) })),
  TuningJobArn: optional(text),
});

const compilation = z.object({
  CompilationJobName: text,
  CompilationJobArn: optional(text),
  CompilationJobStatus: text,
});

const deployment = z
  .object({
    deploymentId: optional(text),
    'deployment-id': optional(text),
    coreDeviceThingName: optional(text),
    effectiveDeploymentExecutionStatus: optional(text),
    coreDeviceExecutionStatus: optional(text),
    status: optional(text),
    reason: optional(text),
    statusDetails: optional(
      z.object({ errorStack: optional(z.array(z.string())), errorTypes: optional(z.array(z.string())) }),
    ),
  })
  .loose();

/** `NONE` is the nucleus's word for no code. */
const codes = z
  .union([text.transform((one) => [one]), z.array(z.unknown())])
  .transform((list) =>
    list.flatMap((one) => (typeof one === 'string' && /^\w{1,80}$/.test(one) ? [one.toUpperCase()] : [])),
  )
  .transform((list) => [...new Set(list)].filter((one) => one !== 'NONE'));
const state = {
  componentVersion: optional(text),
  lifecycleState: optional(text),
  status: optional(text),
  lifecycleStatusCodes: optional(codes),
  lifecycleStateDetails: optional(text),
};
const component = z.object({ componentName: text, ...state });
const installed = z.object({
  coreDeviceThingName: optional(text),
  components: optional(z.array(component)),
  componentName: optional(text),
  ...state,
  reason: optional(text),
});

const alarm = z.object({
  alarmName: text,
  state: z.object({ value: text, reason: optional(text), timestamp: optional(time) }),
  previousState: optional(z.object({ value: optional(text) })),
  configuration: optional(z.object({ description: optional(text) })),
});

export function readTraining(from: Envelope): TrainingEvent {
  const detail = training.parse(from.detail);
  const arn = detail.TrainingJobArn ?? from.resources[0] ?? `training-job/${detail.TrainingJobName}`;
  return {
    // The envelope's time is when it was sent, and so differs between two sendings of one change.
    ...common(from, arn, detail.LastModifiedTime ?? from.time),
    kind: 'training',
    job: detail.TrainingJobName,
    status: detail.TrainingJobStatus,
    secondaryStatus: detail.SecondaryStatus,
    failureReason: detail.FailureReason,
    createdAt: detail.CreationTime,
    startedAt: detail.TrainingStartTime,
    endedAt: detail.TrainingEndTime,
    instanceType: detail.ResourceConfig?.InstanceType,
    instanceCount: detail.ResourceConfig?.InstanceCount,
    modelArtifact: detail.ModelArtifacts?.S3ModelArtifacts,
    ...(detail.TuningJobArn === undefined ? {} : { tuningJobArn: detail.TuningJobArn }),
  };
}

export function readCompilation(from: Envelope): CompilationHint {
  const detail = compilation.parse(from.detail);
  const { CompilationJobName: name } = detail;
  return {
    ...common(from, detail.CompilationJobArn ?? from.resources[0] ?? `compilation-job/${name}`),
    kind: 'compilation',
    compilationJob: name,
    status: detail.CompilationJobStatus,
  };
}

export function readDeployment(from: Envelope): DeploymentEvent {
  const detail = deployment.parse(from.detail);
  const id = detail.deploymentId ?? detail['deployment-id'];
  const status =
    detail.effectiveDeploymentExecutionStatus ?? detail.coreDeviceExecutionStatus ?? detail.status;
  if (id === undefined) throw new Missing('expected deploymentId or deployment-id; it is missing');
  if (status === undefined) throw new Missing('expected effectiveDeploymentExecutionStatus; it is missing');
  const device = detail.coreDeviceThingName ?? deviceOf(from);
  const stack = detail.statusDetails?.errorStack?.join(' › ');
  // When there is nothing to say, the reason repeats the status.
  const said = detail.reason?.toUpperCase() === status.toUpperCase() ? undefined : detail.reason;
  const named = detail.statusDetails?.errorStack?.some((code) => said?.includes(code));
  const reason =
    said === undefined || stack === undefined || named
      ? (said ?? stack ?? detail.reason)
      : `${said} (${stack})`;
  return {
    ...common(from, from.resources[0] ?? `coreDevices:${device}`),
    kind: 'deployment',
    deployment: id,
    device,
    status: status.toUpperCase(),
    reason,
  };
}

export function readInstalled(from: Envelope): InstalledComponentEvent {
  const detail = installed.parse(from.detail);
  const { componentName } = detail;
  const listed = detail.components ?? (componentName === undefined ? [] : [{ ...detail, componentName }]);
  const components = listed.map((one) => {
    const codes = one.lifecycleStatusCodes ?? detail.lifecycleStatusCodes ?? [];
    return {
      name: one.componentName,
      version: one.componentVersion,
      status: (
        one.lifecycleState ??
        one.status ??
        detail.lifecycleState ??
        detail.status ??
        ''
      ).toUpperCase(),
      ...(codes.length === 0 ? {} : { codes }),
      ...(one.lifecycleStateDetails === undefined ? {} : { details: one.lifecycleStateDetails }),
    };
  });
  if (components.length === 0)
    throw new Missing('expected components, or one componentName; both are missing');
  if (components.some(({ status }) => status === ''))
    throw new Missing('expected a lifecycleState for each component; it is missing');
  const device = detail.coreDeviceThingName ?? deviceOf(from);
  return {
    ...common(from, from.resources[0] ?? `coreDevices:${device}`),
    kind: 'installed-component',
    device,
    components,
    reason: detail.lifecycleStateDetails ?? detail.reason,
  };
}

export function readAlarm(from: Envelope): AlarmEvent {
  const detail = alarm.parse(from.detail);
  return {
    ...common(from, from.resources[0] ?? `alarm:${detail.alarmName}`, detail.state.timestamp ?? from.time),
    kind: 'alarm',
    alarm: detail.alarmName,
    state: detail.state.value.toUpperCase(),
    previousState: detail.previousState?.value?.toUpperCase(),
    reason: detail.state.reason,
    description: detail.configuration?.description,
  };
}

/** From the ARN `…:coreDevices:<name>`, where the detail does not name it. */
function deviceOf(from: Envelope): string {
  const device = from.resources
    .map((arn) => /coreDevices[:/](.+)$/.exec(arn)?.[1])
    .find((name) => name !== undefined);
  if (device === undefined) throw new Missing('expected coreDeviceThingName; it is missing');
  return device;
}
