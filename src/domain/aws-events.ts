/**
 * What EventBridge delivers, as far as it is used here: native, forwarded from another account, replayed from an
 * archive, or made by hand. The same change comes more than once, late and out of order, in changing letter case
 * and with times in three forms; what cannot be used is set aside with a reason instead of failing the intake.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { EpochMs } from '../ports.ts';
import { maskSecrets } from './mask-secrets.ts';

interface Common {
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

export interface TrainingEvent extends Common {
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
export interface CompilationHint extends Common {
  kind: 'compilation';
  compilationJob: string;
  status: string;
}

export interface DeploymentEvent extends Common {
  kind: 'deployment';
  deployment: string;
  /** The core device's name. */
  device: string;
  /** `FAILED`, `SUCCEEDED`, `COMPLETED`, `REJECTED`, `CANCELED`, upper case; an unknown word too. */
  status: string;
  reason?: string | undefined;
}

export interface InstalledComponentEvent extends Common {
  kind: 'installed-component';
  device: string;
  /** Those whose state changed. */
  components: readonly { name: string; version?: string | undefined; status: string }[];
  reason?: string | undefined;
}

export interface AlarmEvent extends Common {
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

/** Why an event is set aside: a word to count by, and a sentence. */
export interface SetAside {
  code: 'too-large' | 'not-json' | 'not-an-event' | 'unknown-type' | 'incomplete' | 'no-use-case' | 'failed';
  message: string;
}

export type ParsedEvent = { event: AwsEvent; keys: readonly string[] } | { setAside: SetAside };

/** EventBridge's limit for an entry; SQS takes more by now, so a larger body is no event of EventBridge's. */
const LARGEST_BYTES = 256 * 1024;
const SECONDS_UNTIL = 1e11;

/** Numbers are milliseconds, or seconds when they are too small for that; also as text; else ISO 8601. */
const time = z.union([z.number(), z.string().min(1)]).transform((value, context): EpochMs => {
  const number = typeof value === 'number' ? value : /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
  const at =
    number === undefined ? Date.parse(String(value)) : number < SECONDS_UNTIL ? number * 1000 : number;
  if (Number.isFinite(at) && at > 0 && at < 8.64e15) return Math.round(at);
  context.addIssue({ code: 'custom', message: 'expected a time' });
  return z.NEVER;
});
const text = z.string().trim().min(1);
/** A field that is there but empty or of another kind is as good as absent. */
const optional = <T extends z.ZodType>(type: T) => type.optional().catch(undefined);

const envelope = z.object({
  id: text.max(256),
  source: text,
  'detail-type': text,
  account: z.string().regex(/^\d{12}$/),
  region: text,
  time,
  resources: z.array(z.string()).catch([]),
  'replay-name': optional(text),
  detail: z.record(z.string(), z.unknown()),
});
type Envelope = z.output<typeof envelope>;

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
  ResourceConfig: optional(
    z.object({ InstanceType: optional(text), InstanceCount: optional(z.coerce.number().int().positive()) }),
  ),
  ModelArtifacts: optional(z.object({ S3ModelArtifacts: optional(text) })),
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

const component = z.object({
  componentName: text,
  componentVersion: optional(text),
  lifecycleState: optional(text),
  status: optional(text),
});
const installed = z.object({
  coreDeviceThingName: optional(text),
  components: optional(z.array(component)),
  componentName: optional(text),
  componentVersion: optional(text),
  lifecycleState: optional(text),
  status: optional(text),
  lifecycleStateDetails: optional(text),
  reason: optional(text),
});

const alarm = z.object({
  alarmName: text,
  state: z.object({ value: text, reason: optional(text), timestamp: optional(time) }),
  previousState: optional(z.object({ value: optional(text) })),
  configuration: optional(z.object({ description: optional(text) })),
});

/** Detail types in lower case without blanks, since events that people make differ in both. */
const TYPES: Readonly<Record<string, { source: string; read(from: Envelope): AwsEvent }>> = {
  sagemakertrainingjobstatechange: { source: 'aws.sagemaker', read: readTraining },
  sagemakercompilationjobstatechange: { source: 'aws.sagemaker', read: readCompilation },
  greengrassv2effectivedeploymentstatuschange: { source: 'aws.greengrass', read: readDeployment },
  greengrassv2installedcomponentstatuschange: { source: 'aws.greengrass', read: readInstalled },
  cloudwatchalarmstatechange: { source: 'aws.cloudwatch', read: readAlarm },
};

/** Sources and detail types that are of use here, for rules. */
export const EVENT_PATTERN = {
  source: ['aws.sagemaker', 'aws.greengrass', 'aws.cloudwatch'],
  'detail-type': [
    'SageMaker Training Job State Change',
    'SageMaker Compilation Job State Change',
    'Greengrass V2 Effective Deployment Status Change',
    'Greengrass V2 Installed Component Status Change',
    'CloudWatch Alarm State Change',
  ],
} as const;

/** Never throws: what it cannot use comes back with the reason. */
export function parseAwsEvent(body: string): ParsedEvent {
  const bytes = Buffer.byteLength(body);
  if (bytes > LARGEST_BYTES)
    return aside('too-large', `Expected at most ${LARGEST_BYTES} bytes, EventBridge's limit; came ${bytes}.`);
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch {
    return aside('not-json', `Expected an EventBridge event as JSON; came ${quote(body)}.`);
  }
  const parsed = envelope.safeParse(raw);
  if (!parsed.success)
    return aside('not-an-event', `The envelope is not EventBridge's: ${wrong(parsed.error, raw)}.`);
  const from = parsed.data;
  const type = TYPES[from['detail-type'].toLowerCase().replace(/\s+/g, '')];
  if (!type)
    return aside(
      'unknown-type',
      `Nothing is done with events of type ${quote(from['detail-type'])} from ${quote(from.source)}.`,
    );
  // A test event may carry a source of its own: only AWS may use "aws.". Another service's is a mistake of a rule.
  if (from.source.startsWith('aws.') && from.source !== type.source)
    return aside(
      'unknown-type',
      `Expected ${quote(from['detail-type'])} from ${type.source}; came from ${quote(from.source)}.`,
    );
  try {
    const event = type.read(from);
    return { event, keys: dedupeKeys(event) };
  } catch (error) {
    if (error instanceof z.ZodError)
      return aside('incomplete', `${from['detail-type']}: ${wrong(error, from.detail)}.`);
    if (error instanceof Missing) return aside('incomplete', `${from['detail-type']}: ${error.message}.`);
    throw error;
  }
}

/**
 * An event is known when one of these is: its id, and what it says of what at what time. AWS sends one change
 * under several ids, and by several rules.
 */
function dedupeKeys(event: AwsEvent): readonly string[] {
  return [
    `id:${event.id}`,
    `change:${digest([event.kind, event.account, event.region, event.resource, ...saying(event), event.at])}`,
  ];
}

function saying(event: AwsEvent): readonly unknown[] {
  switch (event.kind) {
    case 'training':
      return [event.status.toLowerCase(), event.secondaryStatus?.toLowerCase(), event.failureReason];
    case 'compilation':
      return [event.status.toLowerCase()];
    case 'deployment':
      return [event.deployment, event.device, event.status, event.reason];
    case 'installed-component':
      return [event.device, event.components];
    case 'alarm':
      return [event.state, event.reason];
  }
}

/** What one thing's events are put in order by. */
export function subjectKey(event: AwsEvent): string {
  return JSON.stringify([event.account, event.region, event.resource]);
}

/**
 * What an event tells the newest of, where nothing but events tells it: an older one that comes later is over. Of
 * training jobs and compilations the record of the job knows better (domain/job-sightings.ts).
 */
export function thingsOf(event: AwsEvent): readonly string[] {
  const { account, region } = event;
  const thing = (...parts: readonly string[]): string => JSON.stringify([account, region, ...parts]);
  switch (event.kind) {
    case 'deployment':
      return [thing('deployment', event.deployment, event.device)];
    case 'installed-component':
      return event.components.map(({ name }) => thing('component', name, event.device));
    case 'alarm':
      return [thing('alarm', event.resource)];
    default:
      return [];
  }
}

class Missing extends Error {}

const common = (from: Envelope, resource: string, at = from.time): Common => ({
  id: from.id,
  account: from.account,
  region: from.region,
  at,
  resource,
  replayed: from['replay-name'] !== undefined,
});

function readTraining(from: Envelope): TrainingEvent {
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
  };
}

function readCompilation(from: Envelope): CompilationHint {
  const detail = compilation.parse(from.detail);
  const { CompilationJobName: name } = detail;
  return {
    ...common(from, detail.CompilationJobArn ?? from.resources[0] ?? `compilation-job/${name}`),
    kind: 'compilation',
    compilationJob: name,
    status: detail.CompilationJobStatus,
  };
}

function readDeployment(from: Envelope): DeploymentEvent {
  const detail = deployment.parse(from.detail);
  const id = detail.deploymentId ?? detail['deployment-id'];
  const status =
    detail.effectiveDeploymentExecutionStatus ?? detail.coreDeviceExecutionStatus ?? detail.status;
  if (id === undefined) throw new Missing('expected deploymentId or deployment-id; it is missing');
  if (status === undefined) throw new Missing('expected effectiveDeploymentExecutionStatus; it is missing');
  const device = detail.coreDeviceThingName ?? deviceOf(from);
  const reason = detail.reason ?? detail.statusDetails?.errorStack?.join(' › ');
  return {
    ...common(from, from.resources[0] ?? `coreDevices:${device}`),
    kind: 'deployment',
    deployment: id,
    device,
    status: status.toUpperCase(),
    reason,
  };
}

function readInstalled(from: Envelope): InstalledComponentEvent {
  const detail = installed.parse(from.detail);
  const single =
    detail.componentName === undefined
      ? []
      : [
          {
            componentName: detail.componentName,
            componentVersion: detail.componentVersion,
            lifecycleState: detail.lifecycleState,
            status: detail.status,
          },
        ];
  const components = (detail.components ?? single).map((one) => ({
    name: one.componentName,
    version: one.componentVersion,
    status: (one.lifecycleState ?? one.status ?? detail.lifecycleState ?? detail.status ?? '').toUpperCase(),
  }));
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

function readAlarm(from: Envelope): AlarmEvent {
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

function aside(code: SetAside['code'], message: string): { setAside: SetAside } {
  return { setAside: { code, message } };
}

/** The first thing that is wrong: key, and what came there. */
function wrong(error: z.ZodError, raw: unknown): string {
  const issue = error.issues[0];
  const path = issue?.path ?? [];
  let value = raw;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  const name = path.map(String).join('.') || 'it';
  return value === undefined
    ? `${name} is missing`
    : `${name} came as ${quote(JSON.stringify(value) ?? String(value))}`;
}

function quote(value: string): string {
  const shown = maskSecrets(value.slice(0, 80).replace(/\s+/g, ' '));
  return `“${shown}”${value.length > 80 ? ` (${value.length} characters)` : ''}`;
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
