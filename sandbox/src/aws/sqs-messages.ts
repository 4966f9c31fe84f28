/** Messages as SQS's requests bring them in and its answers carry them out. */
import { AwsError } from './errors.ts';
import { attributeBytes, attributesMd5, readAttributes } from './message-attributes.ts';
import type { Delivery, NewMessage } from './queue.ts';
import { number, type StoredQueue } from './queue-store.ts';
import type { AwsAnswer, AwsCall } from './service.ts';
import { integer, list, missing } from './sqs-input.ts';

const MAX_WAIT_SECONDS = 20;
export const MAX_VISIBILITY_SECONDS = 43_200;

export async function receive(queue: StoredQueue, call: AwsCall): Promise<AwsAnswer> {
  const { input } = call;
  const max =
    input.MaxNumberOfMessages === undefined
      ? 1
      : integer('MaxNumberOfMessages', input.MaxNumberOfMessages, 1, 10);
  const visibilitySeconds =
    input.VisibilityTimeout === undefined
      ? number(queue, 'VisibilityTimeout')
      : integer('VisibilityTimeout', input.VisibilityTimeout, 0, MAX_VISIBILITY_SECONDS);
  const waitSeconds =
    input.WaitTimeSeconds === undefined
      ? number(queue, 'ReceiveMessageWaitTimeSeconds')
      : integer('WaitTimeSeconds', input.WaitTimeSeconds, 0, MAX_WAIT_SECONDS);
  const system = [...list(input.AttributeNames ?? []), ...list(input.MessageSystemAttributeNames ?? [])].map(
    String,
  );
  const names = list(input.MessageAttributeNames ?? []).map(String);
  const deliveries = await queue.queue.receive({ max, visibilitySeconds, waitSeconds, signal: call.signal });
  if (deliveries.length === 0) return { body: {} };
  return { body: { Messages: deliveries.map((delivery) => asMessage(delivery, system, names)) } };
}

function asMessage(
  { message, receiptHandle }: Delivery,
  system: readonly string[],
  names: readonly string[],
) {
  const told = systemAttributes(message).filter(([name]) => system.includes('All') || system.includes(name));
  const wanted = (name: string) =>
    names.some((pattern) =>
      pattern === 'All' || pattern === '.*'
        ? true
        : pattern.endsWith('.*')
          ? name.startsWith(pattern.slice(0, -2))
          : pattern === name,
    );
  const attributes = Object.entries(message.attributes ?? {}).filter(([name]) => wanted(name));
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandle,
    MD5OfBody: message.md5,
    Body: message.body,
    ...(told.length === 0 ? {} : { Attributes: Object.fromEntries(told) }),
    ...(attributes.length === 0
      ? {}
      : {
          MessageAttributes: Object.fromEntries(attributes),
          MD5OfMessageAttributes: attributesMd5(Object.fromEntries(attributes)),
        }),
  };
}

function systemAttributes(message: Delivery['message']): [string, string][] {
  return [
    ['SenderId', message.sender],
    ['SentTimestamp', String(message.sentAt)],
    ['ApproximateReceiveCount', String(message.receives)],
    ['ApproximateFirstReceiveTimestamp', String(message.firstReceivedAt ?? message.sentAt)],
    ...(message.traceHeader === undefined
      ? []
      : ([['AWSTraceHeader', message.traceHeader]] as [string, string][])),
    ...(message.deadLetterSource === undefined
      ? []
      : ([['DeadLetterQueueSourceArn', message.deadLetterSource]] as [string, string][])),
  ];
}

export function readMessage(
  queue: StoredQueue,
  call: AwsCall,
  given: Readonly<Record<string, unknown>>,
): NewMessage {
  const body = given.MessageBody;
  if (typeof body !== 'string') throw missing('MessageBody');
  if (body === '') {
    throw new AwsError('InvalidParameterValue', 'The request must contain the parameter MessageBody.');
  }
  if (FORBIDDEN.test(body)) {
    throw new AwsError(
      'InvalidMessageContents',
      `Invalid characters were found in the message body. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`,
    );
  }
  const attributes = readAttributes(given.MessageAttributes);
  const limit = number(queue, 'MaximumMessageSize');
  const bytes = Buffer.byteLength(body) + attributeBytes(attributes);
  if (bytes > limit) {
    throw new AwsError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
    );
  }
  if (given.MessageGroupId !== undefined && typeof given.MessageGroupId !== 'string')
    throw missing('MessageGroupId');
  const trace = (given.MessageSystemAttributes as Record<string, { StringValue?: string }> | undefined)
    ?.AWSTraceHeader;
  return {
    body,
    ...(attributes === undefined ? {} : { attributes, attributesMd5: attributesMd5(attributes) }),
    ...(trace?.StringValue === undefined ? {} : { traceHeader: trace.StringValue }),
    sender: call.principal.userId,
    delaySeconds:
      given.DelaySeconds === undefined ? undefined : integer('DelaySeconds', given.DelaySeconds, 0, 900),
  };
}

/** Control characters that XML 1.0 has no place for, and halves of surrogate pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

export const messageBytes = (entry: Readonly<Record<string, unknown>>): number =>
  Buffer.byteLength(String(entry.MessageBody ?? '')) +
  attributeBytes(readAttributes(entry.MessageAttributes));

export const sent = ({
  id,
  md5,
  attributesMd5: attributes,
}: {
  id: string;
  md5: string;
  attributesMd5?: string;
}) => ({
  MessageId: id,
  MD5OfMessageBody: md5,
  ...(attributes === undefined ? {} : { MD5OfMessageAttributes: attributes }),
});
