/** A world whose every event goes to one queue. */
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { AwsEvent } from '../../src/aws/event.ts';
import type { AwsSandboxOptions } from '../../src/aws/index.ts';
import type { RegionSeed } from '../../src/aws/seed.ts';
import { ManualTime } from './manual-time.ts';
import { ACCOUNT, KEYS, REGION, sandbox, twoAccounts } from './support.ts';

const QUEUE_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:q`;
const CALM = { eventRepeats: 0, eventDuplicates: 0, eventJitterMs: 0, eventLateShare: 0, sqsShuffle: 1 };

/** A world whose every event goes to one queue, and what came there. */
export async function watched(
  seed: RegionSeed,
  options: Partial<AwsSandboxOptions> = {},
  time = new ManualTime(Date.now()),
) {
  const policy = {
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:*',
      Resource: QUEUE_ARN,
    },
  };
  const world = twoAccounts({
    ...seed,
    queues: [{ name: 'q', attributes: { Policy: JSON.stringify(policy) } }],
    eventBuses: [
      {
        name: 'default',
        rules: [
          { name: 'all', pattern: { source: [{ prefix: 'aws.' }] }, targets: [{ Id: 'q', Arn: QUEUE_ARN }] },
        ],
      },
    ],
  });
  const aws = await sandbox({ world, clock: time, scheduler: time, ...CALM, ...options });
  const sqs = new SQSClient({ endpoint: aws.url, region: REGION, credentials: KEYS });
  const received = async (): Promise<AwsEvent[]> => {
    const events: AwsEvent[] = [];
    for (;;) {
      const QueueUrl = `${aws.url}/${ACCOUNT}/q`;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 43_200 }),
      );
      if (Messages.length === 0) return events;
      events.push(...Messages.map(({ Body }) => JSON.parse(Body!) as AwsEvent));
    }
  };
  return { aws, time, received };
}
