/**
 * What EventBridge delivers, as far as it is used here: native, forwarded from another account, or replayed from an
 * archive. Only the service that an event is about may tell it: on a bus nobody but AWS can use a source that begins
 * with `aws.`, so any other source is somebody's own event, whatever it calls itself. The same change comes more than
 * once, late and out of order, in changing letter case and with times in three forms; what cannot be used is set aside
 * with a reason instead of failing the intake.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  readAlarm,
  readCompilation,
  readDeployment,
  readInstalled,
  readTraining,
} from './aws-event-details.ts';
import { type Envelope, envelope, Missing } from './aws-event-envelope.ts';
import type { AwsEvent } from './aws-event-kinds.ts';
import { maskSecrets } from './mask-secrets.ts';
import {
  kindReader,
  readBatch,
  readEndpointDeployment,
  readExecution,
  readModelPackage,
  readStep,
} from './sagemaker-events.ts';

export type * from './aws-event-kinds.ts';

/** Why an event is set aside: a word to count by, and a sentence. */
export interface SetAside {
  code:
    | 'too-large'
    | 'not-json'
    | 'not-an-event'
    | 'unknown-type'
    /** It was not sent by the service that it is about. */
    | 'foreign-source'
    /** Its envelope names one account or region, but the thing it is about is in another. */
    | 'foreign-account'
    | 'foreign-region'
    | 'incomplete'
    | 'no-use-case'
    /** It is about something that the service does not have. */
    | 'no-such-job'
    /** The service says something else. */
    | 'contradicted'
    | 'failed';
  message: string;
}

/** Thrown while an event is handled: it is not to be believed, ever, and is set aside for this reason. @public */
export class NotBelieved extends Error {
  readonly reason: SetAside;

  constructor(reason: SetAside) {
    super(reason.message);
    this.reason = reason;
  }
}

export type ParsedEvent = { event: AwsEvent; keys: readonly string[] } | { setAside: SetAside };

/**
 * An entry of EventBridge has 1 MiB at most, 256 KiB until 2026; "the event in EventBridge is always larger than the
 * entry size" (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html), by its envelope.
 */
export const LARGEST_EVENT_BYTES = (1024 + 64) * 1024;
/** Everything that is read, by source and detail type as AWS writes them. A new one is a row here, and one in infra/. */
const READ: Readonly<Record<string, Readonly<Record<string, (from: Envelope) => AwsEvent>>>> = {
  'aws.sagemaker': {
    'SageMaker Training Job State Change': readTraining,
    'SageMaker Processing Job State Change': kindReader('processing'),
    'SageMaker Transform Job State Change': kindReader('transform'),
    'SageMaker HyperParameter Tuning Job State Change': kindReader('tuning'),
    'SageMaker Compilation Job State Change': readCompilation,
    'SageMaker Model Building Pipeline Execution Status Change': readExecution,
    'SageMaker Model Building Pipeline Execution Step Status Change': readStep,
    'SageMaker Endpoint State Change': kindReader('endpoint'),
    'SageMaker Endpoint Deployment State Change': readEndpointDeployment,
    'SageMaker Notebook Instance State Change': kindReader('notebook'),
    'SageMaker HyperPod Cluster State Change': kindReader('cluster'),
    'SageMaker Model Package State Change': readModelPackage,
  },
  'aws.batch': { 'Batch Service Job State Change': readBatch },
  'aws.greengrass': {
    'Greengrass V2 Effective Deployment Status Change': readDeployment,
    'Greengrass V2 Installed Component Status Change': readInstalled,
  },
  'aws.cloudwatch': { 'CloudWatch Alarm State Change': readAlarm },
};

/** Letter case and blanks of detail types differ between AWS's pages. */
const plainType = (type: string): string => type.toLowerCase().replace(/\s+/g, '');
const TYPES = new Map(
  Object.entries(READ).flatMap(([source, types]) =>
    Object.entries(types).map(([type, read]) => [plainType(type), { source, read }] as const),
  ),
);

/** Sources and detail types that are of use here, for rules. */
export const EVENT_PATTERN: Readonly<Record<'source' | 'detail-type', readonly string[]>> = {
  source: Object.keys(READ),
  'detail-type': Object.values(READ).flatMap((types) => Object.keys(types)),
};

/** Never throws: what it cannot use comes back with the reason. */
export function parseAwsEvent(body: string): ParsedEvent {
  const bytes = Buffer.byteLength(body);
  if (bytes > LARGEST_EVENT_BYTES)
    return aside(
      'too-large',
      `Expected at most ${LARGEST_EVENT_BYTES} bytes, EventBridge's limit, but got ${bytes}.`,
    );
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch {
    return aside('not-json', `Expected an EventBridge event as JSON, but got ${quote(body)}.`);
  }
  const parsed = envelope.safeParse(raw);
  if (!parsed.success)
    return aside('not-an-event', `The envelope is not EventBridge's: ${wrong(parsed.error, raw)}.`);
  const from = parsed.data;
  const type = TYPES.get(plainType(from['detail-type']));
  if (!type)
    return aside(
      'unknown-type',
      `Nothing is done with events of type ${quote(from['detail-type'])} from ${quote(from.source)}.`,
    );
  if (from.source !== type.source)
    return aside(
      'foreign-source',
      `Expected ${quote(from['detail-type'])} from the source ${type.source} alone, but it is from ${quote(from.source)}.`,
    );
  try {
    const event = type.read(from);
    const home = homeOf(event.resource);
    if (home && home.account !== from.account)
      return aside(
        'foreign-account',
        `The event is from account ${from.account}, but it is about ${quote(event.resource)}.`,
      );
    // On its way to another region an event keeps the one in which it happened.
    if (home && home.region !== from.region)
      return aside(
        'foreign-region',
        `Expected something in region ${from.region}, which the event came from; came ${quote(event.resource)}.`,
      );
    return { event, keys: dedupeKeys(event) };
  } catch (error) {
    if (error instanceof z.ZodError)
      return aside('incomplete', `${from['detail-type']}: ${wrong(error, from.detail)}.`);
    if (error instanceof Missing) return aside('incomplete', `${from['detail-type']}: ${error.message}.`);
    throw error;
  }
}

/** Where the thing of an ARN is; undefined for what is no ARN, or does not say. */
function homeOf(resource: string): { account: string; region: string } | undefined {
  const [, region, account] = /^arn:[^:]*:[^:]*:([^:]+):(\d{12}):/.exec(resource) ?? [];
  return region === undefined || account === undefined ? undefined : { account, region };
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
    case 'step':
      return [event.step, event.status.toLowerCase()];
    case 'batch':
      return [event.batchJob, event.status];
    case 'model-package':
      return [event.status, event.approval, event.approvalReason, event.stage, event.reason];
    case 'endpoint-deployment':
      return [event.status, event.configuration, event.stage];
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

/** The key that puts one thing's events in order. */
export function subjectKey(event: AwsEvent): string {
  return JSON.stringify([event.account, event.region, event.resource]);
}

/**
 * The thing whose newest state an event tells, if only events tell it: an older event that comes later is obsolete.
 * For training jobs and compilations the job's record knows better (domain/job-observations.ts).
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
    case 'model-package':
    case 'endpoint-deployment':
      return [thing(event.kind, event.resource)];
    default:
      return [];
  }
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
    : `${name} is ${quote(JSON.stringify(value) ?? String(value))}`;
}

function quote(value: string): string {
  // Cut afterwards: half a secret would not be recognised.
  const shown = maskSecrets(value.slice(0, 10_000)).slice(0, 80).replace(/\s+/g, ' ');
  return `“${shown}”${value.length > 80 ? ` (${value.length} characters)` : ''}`;
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
