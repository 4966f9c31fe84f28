/** `PutEvents`: up to ten events, each taken or refused by itself. */
import type { EpochMs } from '../time.ts';
import { AuthError, AwsError } from './errors.ts';
import { makeEvent } from './event.ts';
import type { EventBuses } from './event-buses.ts';
import type { EventDelivery } from './event-delivery.ts';
import type { Iam } from './iam.ts';
import { evaluateResource } from './policy.ts';
import type { AwsAnswer, AwsCall } from './service.ts';
import { Parameters } from './validation.ts';

/** Of one request: 1 MiB since January 2026, 256 KiB before. */
const MAX_BYTES = 1_048_576;
const MAX_ENTRIES = 10;
const TIME_BYTES = 14;

interface Refusal {
  ErrorCode: string;
  ErrorMessage: string;
}

export function putEvents(buses: EventBuses, delivery: EventDelivery, iam: Iam, call: AwsCall): AwsAnswer {
  const read = new Parameters(call.input, 'ValidationException');
  const entries = read.list('Entries', { min: 1, max: MAX_ENTRIES }) as Record<string, unknown>[] | undefined;
  if (entries === undefined) read.need('Entries');
  read.check();
  const bytes = (entries ?? []).reduce((sum, entry) => sum + entryBytes(entry), 0);
  if (bytes > MAX_BYTES) {
    throw new AwsError(
      'ValidationException',
      'Total size of the entries in the request is over the limit.',
      413,
    );
  }
  const { account, region } = call;
  const nameOf = (entry: Record<string, unknown>) =>
    entry.EventBusName === undefined ? 'default' : String(entry.EventBusName);
  const arns = new Set((entries ?? []).map((entry) => busArn(nameOf(entry), call)));
  for (const arn of arns) authorize(buses, iam, call, arn);
  let failed = 0;
  const results = (entries ?? []).map((entry) => {
    const detail = readDetail(entry);
    if ('ErrorCode' in detail) {
      failed++;
      return detail;
    }
    const event = makeEvent({
      account,
      region,
      source: String(entry.Source),
      detailType: String(entry.DetailType),
      at: readTime(entry.Time) ?? call.now,
      resources: ((entry.Resources ?? []) as unknown[]).map(String),
      detail: detail.value,
    });
    // An event for a bus that is not there is taken, and is lost.
    const bus = buses.bus(account, region, nameOf(entry));
    if (bus) delivery.put(bus, event);
    return { EventId: event.id };
  });
  return { body: { FailedEntryCount: failed, Entries: results } };
}

function authorize(buses: EventBuses, iam: Iam, call: AwsCall, arn: string): void {
  const { principal } = call;
  const [, , , , owner] = arn.split(':');
  const own = iam.verdict(principal, 'events:PutEvents', [arn], call.region);
  const given = evaluateResource(
    buses.bus('', '', arn)?.policy,
    { aws: principal.trustArns },
    'events:PutEvents',
    [arn],
    { 'aws:PrincipalArn': principal.arn, 'aws:PrincipalAccount': principal.account },
  );
  const allowed =
    owner === principal.account ? own === 'allow' || given === 'allow' : own === 'allow' && given === 'allow';
  if (own !== 'deny' && given !== 'deny' && allowed) return;
  const kind = own === 'allow' ? 'resource' : 'identity';
  throw new AuthError(
    'access_denied',
    `User: ${principal.arn} is not authorized to perform: events:PutEvents on resource: ${arn} because no ${kind}-based policy allows the events:PutEvents action`,
  );
}

function readDetail(entry: Record<string, unknown>): { value: Record<string, unknown> } | Refusal {
  for (const name of ['Source', 'DetailType', 'Detail']) {
    if (typeof entry[name] === 'string' && entry[name] !== '') continue;
    const reason = `${name} is a required argument.`;
    return {
      ErrorCode: 'InvalidArgument',
      ErrorMessage: `Parameter ${name} is not valid. Reason: ${reason}`,
    };
  }
  if (String(entry.Source).startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSource', ErrorMessage: 'Not authorized for the source.' };
  }
  try {
    const value: unknown = JSON.parse(String(entry.Detail));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { value: value as Record<string, unknown> };
    }
  } catch {
    return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  }
  return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

/** As EventBridge's guide counts an entry. */
function entryBytes(entry: Readonly<Record<string, unknown>>): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...((entry.Resources ?? []) as unknown[])];
  const bytes = texts.reduce<number>((sum, text) => sum + Buffer.byteLength(String(text ?? '')), 0);
  return bytes + (entry.Time === undefined ? 0 : TIME_BYTES);
}

const busArn = (name: string, { account, region }: AwsCall) =>
  name.startsWith('arn:') ? name : `arn:aws:events:${region}:${account}:event-bus/${name}`;

/** AWS JSON carries seconds. */
const readTime = (time: unknown): EpochMs | undefined => (typeof time === 'number' ? time * 1000 : undefined);
