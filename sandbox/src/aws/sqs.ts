/** SQS: standard queues on the AWS JSON 1.0 protocol. */
import type { EpochMs } from '../time.ts';
import { AuthError, AwsError } from './errors.ts';
import type { Iam } from './iam.ts';
import { pageOf } from './page-tokens.ts';
import { evaluateResource } from './policy.ts';
import type { QueueStore, StoredQueue } from './queue-store.ts';
import type { AwsAnswer, AwsCall, AwsOperation, AwsService } from './service.ts';
import { integer, list, missing, strings, text } from './sqs-input.ts';
import { MAX_VISIBILITY_SECONDS, messageBytes, readMessage, receive, sent } from './sqs-messages.ts';

const MAX_BATCH = 10;
const MAX_REQUEST_BYTES = 1_048_576;

/**
 * What the JSON protocol names one way and the older Query protocol another: clients made before the change
 * look for the older codes, which therefore travel along in a header.
 */
const QUERY_CODES: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  QueueDeletedRecently: 'AWS.SimpleQueueService.QueueDeletedRecently',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
  AccessDeniedException: 'AccessDenied',
  ThrottlingException: 'RequestThrottled',
};

/** @param baseUrl of queue URLs, known once the server listens */
export function sqsService(queues: QueueStore, iam: Iam, baseUrl: () => string): AwsService {
  const urlOf = ({ account, name }: StoredQueue) => `${baseUrl()}/${account}/${name}`;

  /** The queue of the request's URL, once the caller may do this with it. */
  const queueOf = (call: AwsCall, action: string): StoredQueue => {
    const url = call.input.QueueUrl;
    if (typeof url !== 'string') throw missing('QueueUrl');
    const [account, name] = new URL(url, 'http://sqs').pathname.split('/').slice(-2);
    const found = queues.find(`arn:aws:sqs:${call.region}:${account}:${name}`);
    if (!found) throw noQueue();
    authorize(iam, call, found, action);
    return found;
  };
  const onQueue = (
    action: string,
    handle: (queue: StoredQueue, call: AwsCall) => AwsAnswer | Promise<AwsAnswer>,
  ): AwsOperation => ({ handle: (call) => handle(queueOf(call, action), call) });
  const nothing: AwsAnswer = { body: {} };

  return {
    name: 'sqs',
    signingName: 'sqs',
    protocol: 'json',
    jsonVersion: '1.0',
    timeless: true,
    queryCodes: QUERY_CODES,
    target: 'AmazonSQS',
    operations: {
      CreateQueue: {
        action: 'sqs:CreateQueue',
        resources: (call) => [arnOf(call, String(call.input.QueueName))],
        handle: (call) => {
          const { account, region, input } = call;
          const name = queueName(input.QueueName);
          const attributes = strings(input.Attributes);
          const tags = strings(input.tags);
          return { body: { QueueUrl: urlOf(queues.create(account, region, name, attributes, tags)) } };
        },
      },
      GetQueueUrl: {
        handle: (call) => {
          const account = String(call.input.QueueOwnerAWSAccountId ?? call.account);
          const found = queues.find(arnOf({ ...call, account }, queueName(call.input.QueueName)));
          if (!found) throw noQueue();
          authorize(iam, call, found, 'GetQueueUrl');
          return { body: { QueueUrl: urlOf(found) } };
        },
      },
      ListQueues: {
        action: 'sqs:ListQueues',
        resources: (call) => [arnOf(call, '*')],
        handle: (call) => {
          const { QueueNamePrefix = '', MaxResults, NextToken } = call.input;
          const limit = MaxResults === undefined ? 1000 : integer('MaxResults', MaxResults, 1, 1000);
          const found = queues.list(call.account, call.region, String(QueueNamePrefix));
          const page = pageOf(
            found,
            limit,
            NextToken === undefined ? undefined : String(NextToken),
            call.now,
          );
          return {
            body: {
              ...(page.items.length === 0 ? {} : { QueueUrls: page.items.map(urlOf) }),
              // Without MaxResults the service says nothing of a next page.
              ...(MaxResults === undefined ? {} : { NextToken: page.nextToken }),
            },
          };
        },
      },
      DeleteQueue: onQueue('DeleteQueue', (queue) => {
        queues.delete(queue);
        return nothing;
      }),
      PurgeQueue: onQueue('PurgeQueue', (queue) => {
        queues.purge(queue);
        return nothing;
      }),
      GetQueueAttributes: onQueue('GetQueueAttributes', (queue, call) => {
        const wanted = list(call.input.AttributeNames ?? []).map(String);
        const all = describe(queue);
        const unknown = wanted.find((name) => !KNOWN_ATTRIBUTES.includes(name));
        if (unknown !== undefined)
          throw new AwsError('InvalidAttributeName', `Unknown Attribute ${unknown}.`);
        const chosen = Object.entries(all).filter(
          ([name]) => wanted.includes('All') || wanted.includes(name),
        );
        return { body: chosen.length === 0 ? {} : { Attributes: Object.fromEntries(chosen) } };
      }),
      SetQueueAttributes: onQueue('SetQueueAttributes', (queue, call) => {
        queues.setAttributes(queue, strings(call.input.Attributes));
        return nothing;
      }),
      ListDeadLetterSourceQueues: onQueue('ListDeadLetterSourceQueues', (queue) => ({
        body: { queueUrls: queues.sources(queue.arn).map(urlOf) },
      })),
      TagQueue: onQueue('TagQueue', (queue, call) => {
        Object.assign(queue.tags, strings(call.input.Tags));
        return nothing;
      }),
      UntagQueue: onQueue('UntagQueue', (queue, call) => {
        for (const key of list(call.input.TagKeys)) delete queue.tags[String(key)];
        return nothing;
      }),
      ListQueueTags: onQueue('ListQueueTags', ({ tags }) => ({
        body: Object.keys(tags).length === 0 ? {} : { Tags: tags },
      })),
      SendMessage: onQueue('SendMessage', (queue, call) => {
        const message = readMessage(queue, call, call.input);
        return { body: sent(queue.queue.send(message)) };
      }),
      SendMessageBatch: onQueue('SendMessageBatch', (queue, call) => {
        let bytes = 0;
        for (const entry of list(call.input.Entries) as Record<string, unknown>[])
          bytes += messageBytes(entry);
        if (bytes > MAX_REQUEST_BYTES) {
          throw new AwsError(
            'BatchRequestTooLong',
            `Batch requests cannot be longer than ${MAX_REQUEST_BYTES} bytes. You have sent ${bytes} bytes.`,
          );
        }
        return batch(call, 'Send', (entry) => sent(queue.queue.send(readMessage(queue, call, entry))));
      }),
      ReceiveMessage: onQueue('ReceiveMessage', async (queue, call) => receive(queue, call)),
      DeleteMessage: onQueue('DeleteMessage', (queue, { input }) => {
        queue.queue.delete(text('ReceiptHandle', input.ReceiptHandle));
        return nothing;
      }),
      DeleteMessageBatch: onQueue('DeleteMessage', (queue, call) =>
        batch(call, 'Delete', (entry) => {
          queue.queue.delete(text('ReceiptHandle', entry.ReceiptHandle));
          return {};
        }),
      ),
      ChangeMessageVisibility: onQueue('ChangeMessageVisibility', (queue, { input }) => {
        changeVisibility(queue, input);
        return nothing;
      }),
      ChangeMessageVisibilityBatch: onQueue('ChangeMessageVisibility', (queue, call) =>
        batch(call, 'ChangeVisibility', (entry) => {
          changeVisibility(queue, entry);
          return {};
        }),
      ),
    },
  };
}

/** In one account, the caller's own policy or the queue's is enough; across accounts both must allow. */
function authorize(iam: Iam, call: AwsCall, queue: StoredQueue, operation: string): void {
  // The rights to a batch are those to its single form.
  const action = `sqs:${operation.replace(/Batch$/, '')}`;
  const { principal } = call;
  const own = iam.verdict(principal, action, [queue.arn], call.region);
  const given = evaluateResource(queue.policy, { aws: principal.trustArns }, action, [queue.arn], {
    'aws:PrincipalArn': principal.arn,
    'aws:PrincipalAccount': principal.account,
  });
  const sameAccount = principal.account === queue.account;
  const allowed = sameAccount ? own === 'allow' || given === 'allow' : own === 'allow' && given === 'allow';
  if (own !== 'deny' && given !== 'deny' && allowed) return;
  const why =
    own === 'deny' || given === 'deny'
      ? `with an explicit deny in ${own === 'deny' ? 'an identity-based' : 'a resource-based'} policy`
      : own === 'allow' || sameAccount === false
        ? `because no resource-based policy allows the ${action.toLowerCase()} action`
        : `because no identity-based policy allows the ${action.toLowerCase()} action`;
  throw new AuthError(
    'access_denied',
    `User: ${principal.arn} is not authorized to perform: ${action.toLowerCase()} on resource: ${queue.arn} ${why}`,
  );
}

function changeVisibility({ queue }: StoredQueue, given: Readonly<Record<string, unknown>>): void {
  if (given.VisibilityTimeout === undefined) throw missing('VisibilityTimeout');
  const seconds = integer('VisibilityTimeout', given.VisibilityTimeout, 0, MAX_VISIBILITY_SECONDS);
  queue.changeVisibility(text('ReceiptHandle', given.ReceiptHandle), seconds);
}

/** Each entry by itself: what is wrong with one is told beside what went well with the others. */
function batch(
  call: AwsCall,
  verb: string,
  work: (entry: Readonly<Record<string, unknown>>) => Record<string, unknown>,
): AwsAnswer {
  const entries = list(call.input.Entries) as Record<string, unknown>[];
  if (entries.length === 0) {
    throw new AwsError(
      'EmptyBatchRequest',
      `There should be at least one ${verb}MessageBatchRequestEntry in the request.`,
    );
  }
  if (entries.length > MAX_BATCH) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${entries.length}.`,
    );
  }
  const seen = new Set<string>();
  for (const { Id } of entries) {
    if (typeof Id !== 'string' || !/^[\w-]{1,80}$/.test(Id)) {
      throw new AwsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
    if (seen.has(Id)) throw new AwsError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`);
    seen.add(Id);
  }
  const Successful: Record<string, unknown>[] = [];
  const Failed: Record<string, unknown>[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...work(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({
        Id: entry.Id,
        SenderFault: true,
        Code: QUERY_CODES[error.code] ?? error.code,
        Message: error.message,
      });
    }
  }
  return { body: { Successful, Failed } };
}

const KNOWN_ATTRIBUTES = [
  'All',
  'Policy',
  'VisibilityTimeout',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'QueueArn',
  'DelaySeconds',
  'ReceiveMessageWaitTimeSeconds',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'FifoQueue',
  'ContentBasedDeduplication',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
];

function describe(stored: StoredQueue): Record<string, string> {
  const { visible, inFlight, delayed } = stored.queue.counts();
  return {
    QueueArn: stored.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: seconds(stored.createdAt),
    LastModifiedTimestamp: seconds(stored.modifiedAt),
    ...Object.fromEntries(stored.attributes),
  };
}

const seconds = (at: EpochMs) => String(Math.floor(at / 1000));

const arnOf = ({ region, account }: { region: string; account: string }, name: string) =>
  `arn:aws:sqs:${region}:${account}:${name}`;

function queueName(given: unknown): string {
  if (typeof given !== 'string') throw missing('QueueName');
  if (given.endsWith('.fifo')) {
    throw new AwsError('UnsupportedOperation', 'The sandbox has standard queues only.');
  }
  if (/^[\w-]{1,80}$/.test(given)) return given;
  throw new AwsError(
    'InvalidParameterValue',
    'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
  );
}

const noQueue = () => new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
