import { createHash } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import type { AwsSandbox } from '../../src/aws/index.ts';
import { FaultPlan } from '../../src/faults.ts';
import {
  ACCOUNT,
  KEYS,
  OTHER_ACCOUNT,
  OTHER_KEYS,
  REGION,
  refusal,
  sandbox,
  twoAccounts,
} from './support.ts';

const client = (aws: AwsSandbox, credentials = KEYS, maxAttempts = 1) =>
  new SQSClient({ endpoint: aws.url, region: REGION, credentials, maxAttempts });

async function queue(options: Parameters<typeof sandbox>[0] = {}) {
  const aws = await sandbox({
    world: twoAccounts({ queues: [{ name: 'dead' }, { name: 'q' }] }),
    eventTickMs: 0,
    sqsShuffle: 1,
    ...options,
  });
  return { aws, sqs: client(aws), QueueUrl: `${aws.url}/${ACCOUNT}/q` };
}

describe('[N1] [O7] SQS with the SDK', () => {
  it('creates, finds, lists, describes, changes and deletes queues', async () => {
    const { aws, sqs } = await queue();
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({
        QueueName: 'made',
        Attributes: { VisibilityTimeout: '45' },
        tags: { team: 'ml' },
      }),
    );
    expect(QueueUrl).toBe(`${aws.url}/${ACCOUNT}/made`);
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'made' }))).QueueUrl).toBe(QueueUrl);
    expect((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'm' }))).QueueUrls).toEqual([QueueUrl]);
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { DelaySeconds: '3' } }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    expect(Attributes).toMatchObject({
      QueueArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:made`,
      VisibilityTimeout: '45',
      DelaySeconds: '3',
      MaximumMessageSize: '1048576',
      ApproximateNumberOfMessages: '0',
    });
    await sqs.send(new DeleteQueueCommand({ QueueUrl }));
    expect(await refusal(sqs.send(new GetQueueUrlCommand({ QueueName: 'made' })))).toEqual({
      name: 'QueueDoesNotExist',
      message: 'The specified queue does not exist.',
      status: 400,
    });
  });

  it('sends, receives and deletes, with attributes and digests', async () => {
    const { sqs, QueueUrl } = await queue();
    const MessageBody = 'Grüße ❤️ \n {"a": 1}';
    const MessageAttributes = {
      kind: { DataType: 'String', StringValue: 'greeting' },
      bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) },
    };
    const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }));
    expect(sent.MD5OfMessageBody).toBe(createHash('md5').update(MessageBody).digest('hex'));
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    expect(Messages).toMatchObject([
      {
        MessageId: sent.MessageId,
        Body: MessageBody,
        Attributes: { ApproximateReceiveCount: '1', SenderId: expect.stringMatching(/^AIDA/) },
        MessageAttributes: { kind: { StringValue: 'greeting' }, bytes: { DataType: 'Binary' } },
        MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      },
    ]);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages![0]!.ReceiptHandle! }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    expect(Attributes?.ApproximateNumberOfMessagesNotVisible).toBe('0');
  });

  it('works in batches, each entry by itself', async () => {
    const { sqs, QueueUrl } = await queue();
    const sent = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', MessageBody: 'a' },
          { Id: 'b', MessageBody: 'b\u0001' },
          { Id: 'c', MessageBody: 'c' },
        ],
      }),
    );
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(['a', 'c']);
    expect(sent.Failed).toMatchObject([{ Id: 'b', SenderFault: true, Code: 'InvalidMessageContents' }]);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const changed = await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: [
          ...Entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 })),
          { Id: 'x', ReceiptHandle: 'nonsense', VisibilityTimeout: 0 },
        ],
      }),
    );
    expect(changed.Successful).toHaveLength(2);
    expect(changed.Failed).toMatchObject([{ Id: 'x', Code: 'ReceiptHandleIsInvalid' }]);
    const again = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    const deleted = await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: again.Messages!.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
    expect(deleted.Successful).toHaveLength(2);
  });

  it('holds a long poll until something comes', async () => {
    const { aws, sqs, QueueUrl } = await queue();
    const poll = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    await client(aws).send(new SendMessageCommand({ QueueUrl, MessageBody: 'now' }));
    expect((await poll).Messages).toMatchObject([{ Body: 'now' }]);
  });

  it('takes 1 MiB and no more', async () => {
    const { sqs, QueueUrl } = await queue();
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(1_048_576) }));
    expect(
      await refusal(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(1_048_577) }))),
    ).toMatchObject({
      name: 'InvalidParameterValue',
      message: expect.stringContaining('Message must be shorter than 1048576 bytes'),
    });
    const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: 'x'.repeat(600_000) }));
    expect(await refusal(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })))).toMatchObject({
      name: 'BatchRequestTooLong',
    });
  });

  it.each([
    ['eleven entries', 'TooManyEntriesInBatchRequest', Array.from({ length: 11 }, (_, n) => String(n))],
    ['none', 'EmptyBatchRequest', []],
    ['an id twice', 'BatchEntryIdsNotDistinct', ['a', 'a']],
    ['an id with a space', 'InvalidBatchEntryId', ['a b']],
  ])('refuses a batch of %s', async (_what, name, ids) => {
    const { sqs, QueueUrl } = await queue();
    const Entries = ids.map((Id) => ({ Id, MessageBody: 'x' }));
    expect((await refusal(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })))).name).toBe(name);
  });

  it('words what is wrong as SQS does', async () => {
    const { sqs, QueueUrl } = await queue();
    const names = await Promise.all(
      [
        sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'nonsense' })),
        sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 11 })),
        sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 21 })),
        sqs.send(new ReceiveMessageCommand({ QueueUrl: `${QueueUrl}-not` })),
        sqs.send(new CreateQueueCommand({ QueueName: 'a b' })),
        sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Colour' as 'All'] })),
      ].map(async (call) => (await refusal(call)).name),
    );
    expect(names).toEqual([
      'ReceiptHandleIsInvalid',
      'InvalidParameterValue',
      'InvalidParameterValue',
      'QueueDoesNotExist',
      'InvalidParameterValue',
      'InvalidAttributeName',
    ]);
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    expect(await refusal(sqs.send(new PurgeQueueCommand({ QueueUrl })))).toMatchObject({
      name: 'PurgeQueueInProgress',
      status: 403,
    });
  });

  it("lets another account in when both its own rights and the queue's policy say so", async () => {
    const { aws, sqs, QueueUrl } = await queue();
    const other = client(aws, OTHER_KEYS);
    const send = () => other.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hi' }));
    expect(await refusal(send())).toMatchObject({
      name: expect.stringMatching(/^AccessDenied/),
      message: `User: arn:aws:iam::${OTHER_ACCOUNT}:user/other is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:${REGION}:${ACCOUNT}:q because no resource-based policy allows the sqs:sendmessage action`,
    });
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:root` },
      Action: 'SQS:SendMessage',
      Resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:q`,
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statement });
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    await send();
    expect((await refusal(other.send(new ReceiveMessageCommand({ QueueUrl })))).name).toMatch(
      /^AccessDenied/,
    );
  });

  it('fails as planned, also after the work is done', async () => {
    const faults = new FaultPlan();
    const { sqs, QueueUrl } = await queue({ faults });
    const receive = () => sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    faults.add({ on: 'sqs:ReceiveMessage', kind: '429' });
    expect((await refusal(receive())).name).toMatch(/Throttl/);
    faults.add({ on: 'sqs:ReceiveMessage', kind: '500' });
    expect((await refusal(receive())).status).toBe(500);
    faults.add({ on: 'sqs:SendMessage', kind: 'lost_answer' });
    await refusal(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'told or not' })));
    expect((await receive()).Messages).toMatchObject([{ Body: 'told or not' }]);
  });
});
