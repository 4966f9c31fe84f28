import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
} from '@aws-sdk/client-eventbridge';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AwsSandbox } from '#sandbox';
import { ACCOUNT, KEYS, OTHER_ACCOUNT, OTHER_KEYS, REGION, sandbox } from '../../sandbox/test/aws/support.ts';
import { inspectEvents } from '../../src/aws/event-inspection.ts';
import type { EventsPlace } from '../../src/aws/event-resources.ts';
import { sendToQueue } from '../../src/aws/event-sender.ts';
import { setUpEvents } from '../../src/aws/event-setup.ts';
import { parseAwsEvent } from '../../src/domain/aws-events.ts';
import { trainingEvent } from '../events/support.ts';

let aws: AwsSandbox;
let place: EventsPlace;
let clients: { sqs: SQSClient; eventBridge: EventBridgeClient };

beforeEach(async () => {
  aws = await sandbox();
  const options = { endpoint: aws.url, region: REGION, credentials: KEYS, maxAttempts: 1 };
  clients = { sqs: new SQSClient(options), eventBridge: new EventBridgeClient(options) };
  place = {
    queueUrl: `${aws.url}/${ACCOUNT}/signalbox-events`,
    region: REGION,
    rule: 'signalbox-events',
    sources: [{ account: ACCOUNT, region: REGION }],
  };
});

const states = async () =>
  (await setUpEvents(place, clients)).steps.map(({ what, state }) => `${what}: ${state}`);
const policy = async (name = 'signalbox-events') => {
  const { Attributes = {} } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: `${aws.url}/${ACCOUNT}/${name}`, AttributeNames: ['All'] }),
  );
  return JSON.parse(Attributes.Policy ?? '{"Statement":[]}') as {
    Statement: { Sid: string; Principal: unknown; Condition: unknown }[];
  };
};

describe('[O3] signalbox events setup', () => {
  it('makes queue, dead letters, rule, policies and target, and events arrive', async () => {
    expect(await states()).toEqual([
      'queue signalbox-events-dlq: created',
      'queue signalbox-events: created',
      'rule signalbox-events: created',
      'dead letters of signalbox-events: created',
      'policy of signalbox-events-dlq: created',
      'policy of signalbox-events: created',
      'target of signalbox-events: created',
    ]);
    expect(await inspectEvents(place, clients)).toMatchObject({
      queue: { waiting: 0, policyAllows: true },
      deadLetters: { name: 'signalbox-events-dlq', waiting: 0 },
      rule: { enabled: true, reachesQueue: true, pattern: true },
    });
    aws.events.put([
      trainingEvent('train-1', 'Failed'),
      trainingEvent('train-1', 'Failed', {}, { source: 'my.test' }),
    ]);
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: place.queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
    );
    expect(Messages.map(({ Body = '' }) => parseAwsEvent(Body))).toMatchObject([
      { event: { job: 'train-1' } },
    ]);
  });

  it('changes nothing when it is run again', async () => {
    await states();
    expect((await states()).filter((line) => !line.endsWith('unchanged'))).toEqual([]);
  });

  it('mends what would not work, and leaves alone what others set', async () => {
    await states();
    const others = {
      Sid: 'Mine',
      Effect: 'Allow',
      Principal: { AWS: ACCOUNT },
      Action: 'sqs:*',
      Resource: '*',
    };
    await clients.sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: place.queueUrl,
        Attributes: {
          Policy: JSON.stringify({ Version: '2012-10-17', Statement: [others] }),
          VisibilityTimeout: '300',
        },
      }),
    );
    await clients.eventBridge.send(new DisableRuleCommand({ Name: place.rule }));
    expect(await inspectEvents(place, clients)).toMatchObject({
      queue: { policyAllows: false },
      rule: { enabled: false },
    });
    expect((await states()).filter((line) => !line.endsWith('unchanged'))).toEqual([
      'rule signalbox-events: updated',
      'policy of signalbox-events: updated',
    ]);
    expect((await policy()).Statement.map(({ Sid }) => Sid)).toEqual(['Mine', 'SignalboxEvents']);
  });

  it('corrects a rule that leaves something out, and keeps one that lets more through', async () => {
    await states();
    const put = (pattern: object) =>
      clients.eventBridge.send(
        new PutRuleCommand({ Name: place.rule, EventPattern: JSON.stringify(pattern) }),
      );
    await put({ source: ['aws.sagemaker'] });
    expect((await inspectEvents(place, clients)).rule?.pattern).toBe(false);
    expect(await states()).toContain('rule signalbox-events: updated');
    await put({ source: ['aws.sagemaker', 'aws.batch', 'aws.greengrass', 'aws.cloudwatch', 'aws.s3'] });
    expect(await states()).toContain('rule signalbox-events: unchanged');
    const rule = await clients.eventBridge.send(new DescribeRuleCommand({ Name: place.rule }));
    expect(rule.EventPattern).toContain('aws.s3');
  });

  it('lets in the forwarding role of other accounts and no one else, and says what is left to do there', async () => {
    place = {
      ...place,
      sources: [
        { account: ACCOUNT, region: REGION },
        { account: OTHER_ACCOUNT, region: REGION },
        { account: OTHER_ACCOUNT, region: REGION },
      ],
    };
    const { remaining, queueArn } = await setUpEvents(place, clients);
    expect(remaining).toEqual([expect.stringContaining(`EventTargetArn=${queueArn}`)]);
    const [rule, forwarder] = (await policy()).Statement;
    expect(rule).toMatchObject({
      Principal: { Service: 'events.amazonaws.com' },
      Condition: {
        ArnEquals: { 'aws:SourceArn': `arn:aws:events:${REGION}:${ACCOUNT}:rule/signalbox-events` },
      },
    });
    expect(forwarder).toMatchObject({
      Condition: {
        ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${OTHER_ACCOUNT}:role/SignalboxEventForwarding` },
      },
    });
    expect((await states()).filter((line) => !line.endsWith('unchanged'))).toEqual([]);
    // Somebody else of that account gets nowhere.
    const stranger = new SQSClient({
      endpoint: aws.url,
      region: REGION,
      credentials: OTHER_KEYS,
      maxAttempts: 1,
    });
    await expect(sendToQueue(place, ['x'], undefined, { ...clients, sqs: stranger })).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });

  it('has the roles of an account made once, whatever regions its use cases are in', async () => {
    const [here, there, further] = [REGION, 'us-east-1', 'us-west-2'];
    place = {
      ...place,
      sources: [
        { account: ACCOUNT, region: here },
        { account: ACCOUNT, region: there },
        { account: ACCOUNT, region: further },
        { account: OTHER_ACCOUNT, region: here },
        { account: OTHER_ACCOUNT, region: there },
      ],
    };
    const { remaining, queueArn } = await setUpEvents(place, clients);
    const bus = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`;
    expect(remaining).toEqual([
      `Account ${ACCOUNT}, ${there}: deploy infra/use-case-region.yaml there with EventTargetArn=${bus} ForwardingRole=make`,
      `Account ${ACCOUNT}, ${further}: deploy infra/use-case-region.yaml there with EventTargetArn=${bus}`,
      `Account ${OTHER_ACCOUNT}, ${here}: deploy infra/use-case-account.yaml there with EventTargetArn=${queueArn}`,
      `Account ${OTHER_ACCOUNT}, ${there}: deploy infra/use-case-region.yaml there with EventTargetArn=${bus}, and update the stack of its first region with FurtherEventTargetArns=${bus}`,
    ]);
  });

  it('forwards by the event bus from another region', async () => {
    place = { ...place, sources: [{ account: OTHER_ACCOUNT, region: 'us-east-1' }] };
    const { remaining, steps } = await setUpEvents(place, clients);
    expect(remaining).toEqual([
      expect.stringContaining(`EventTargetArn=arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`),
    ]);
    expect(steps.at(-1)).toMatchObject({ what: `bus permission for ${OTHER_ACCOUNT}`, state: 'created' });
    expect((await states()).filter((line) => !line.endsWith('unchanged'))).toEqual([]);
  });

  it.each([
    ['http://example.com/queue', /not the URL of an SQS queue/],
    [`http://example.com/${ACCOUNT}/events.fifo`, /FIFO/],
  ])('refuses %s', async (queueUrl, message) => {
    await expect(setUpEvents({ ...place, queueUrl }, clients)).rejects.toThrow(message);
  });

  it('finds nothing where nothing is', async () => {
    expect(await inspectEvents(place, clients)).toEqual({
      queue: undefined,
      deadLetters: undefined,
      rule: undefined,
    });
  });

  it('says which right is missing', async () => {
    const stranger = {
      endpoint: aws.url,
      region: REGION,
      credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' },
      maxAttempts: 1,
    };
    const nobody = { sqs: new SQSClient(stranger), eventBridge: new EventBridgeClient(stranger) };
    await expect(setUpEvents(place, nobody)).rejects.toMatchObject({
      code: expect.stringMatching(/permission_denied|unavailable/),
    });
  });
});

it('sends recorded events to the queue, more than a batch and larger than one', async () => {
  await states();
  const event = (n: number) =>
    JSON.stringify({
      id: `e-${n}`,
      source: 'aws.sagemaker',
      'detail-type': 'SageMaker Training Job State Change',
      account: ACCOUNT,
      region: REGION,
      time: '2026-01-31T14:00:00Z',
      detail: { TrainingJobName: 'a', TrainingJobStatus: 'Failed', Padding: 'x'.repeat(100_000) },
    });
  expect(
    await sendToQueue(
      place,
      Array.from({ length: 23 }, (_, n) => event(n)),
      undefined,
      clients,
    ),
  ).toBe(23);
  const ids = new Set<string>();
  while (ids.size < 23) {
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: place.queueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) break;
    for (const { Body = '' } of Messages) {
      const result = parseAwsEvent(Body);
      if ('event' in result) ids.add(result.event.id);
    }
  }
  expect(ids.size).toBe(23);
});
