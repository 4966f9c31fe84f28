/** An empty queue for events on an AWS sandbox, and how a test reads it: at once, and again soon after an error. */
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { KEYS, REGION, sandbox } from '../../sandbox/test/aws/support.ts';
import type { SqsPollersOptions } from '../../src/events/sqs-pollers.ts';
import { SILENT } from './support.ts';

export async function startQueue(options: Parameters<typeof sandbox>[0] = {}) {
  const aws = await sandbox(options);
  const client = new SQSClient({ endpoint: aws.url, region: REGION, credentials: KEYS, maxAttempts: 1 });
  const { QueueUrl: queueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: 'events' }));
  const reading = {
    queueUrl,
    region: REGION,
    client,
    log: SILENT,
    waitSeconds: 1,
    backoff: [1, 5],
  } satisfies Partial<SqsPollersOptions>;
  /** Messages that are in it, those received and not deleted too. */
  const left = async (): Promise<number> => {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['All'] }),
    );
    return (
      Number(Attributes.ApproximateNumberOfMessages) +
      Number(Attributes.ApproximateNumberOfMessagesNotVisible)
    );
  };
  return { aws, client, queueUrl, reading, left };
}
