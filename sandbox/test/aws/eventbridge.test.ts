import {
  DeleteRuleCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutPermissionCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import type { AwsSandbox } from '../../src/aws/index.ts';
import { FaultPlan } from '../../src/faults.ts';
import { ManualTime } from './manual-time.ts';
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

const QUEUE_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:q`;
const DEAD_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:dead`;
const RULE_ARN = `arn:aws:events:${REGION}:${ACCOUNT}:rule/mine`;
const FORWARD_ROLE = `arn:aws:iam::${OTHER_ACCOUNT}:role/Forward`;

const eventsClient = (aws: AwsSandbox, credentials = KEYS) =>
  new EventBridgeClient({ endpoint: aws.url, region: REGION, credentials, maxAttempts: 1 });

async function world(options: Parameters<typeof sandbox>[0] = {}) {
  const seeded = twoAccounts({ queues: [{ name: 'dead' }, { name: 'q' }] });
  const [first, second] = seeded.accounts;
  const forward = {
    name: 'Forward',
    trust: {
      Statement: [
        {
          Effect: 'Allow' as const,
          Action: 'sts:AssumeRole',
          Principal: { Service: 'events.amazonaws.com' },
        },
      ],
    },
    policy: {
      Statement: [
        { Effect: 'Allow' as const, Action: ['sqs:SendMessage', 'events:PutEvents'], Resource: '*' },
      ],
    },
  };
  const accounts = [first!, { ...second!, roles: [...(second!.roles ?? []), forward] }];
  const aws = await sandbox({ world: { accounts }, eventTickMs: 0, sqsShuffle: 1, ...options });
  const sqs = new SQSClient({ endpoint: aws.url, region: REGION, credentials: KEYS, maxAttempts: 1 });
  const urlOf = (name: string) => `${aws.url}/${ACCOUNT}/${name}`;
  const allow = (name: string, ...Statement: object[]) =>
    sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: urlOf(name),
        Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Statement }) },
      }),
    );
  const bodies = async (name = 'q') => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: urlOf(name),
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages;
  };
  const events = async (name = 'q') => (await bodies(name)).map(({ Body }) => JSON.parse(Body!));
  return { aws, events: eventsClient(aws), allow, bodies, received: events };
}

const forRule = (resource = QUEUE_ARN) => ({
  Effect: 'Allow',
  Principal: { Service: 'events.amazonaws.com' },
  Action: 'sqs:SendMessage',
  Resource: resource,
  Condition: { ArnEquals: { 'aws:SourceArn': RULE_ARN } },
});

async function rule(
  events: EventBridgeClient,
  target: Partial<Target> = {},
  pattern: object = { source: ['me'] },
) {
  await events.send(new PutRuleCommand({ Name: 'mine', EventPattern: JSON.stringify(pattern) }));
  return events.send(
    new PutTargetsCommand({ Rule: 'mine', Targets: [{ Id: 't', Arn: QUEUE_ARN, ...target }] }),
  );
}

const put = (events: EventBridgeClient, Detail: unknown, Source = 'me') =>
  events.send(
    new PutEventsCommand({
      Entries: [
        {
          Source,
          DetailType: 'Said',
          Detail: JSON.stringify(Detail),
          Resources: ['arn:x'],
          Time: new Date(1_795_000_000_000),
        },
      ],
    }),
  );

describe('[N1] [O7] EventBridge with the SDK', () => {
  it('carries an event by a rule into a queue whose policy lets it', async () => {
    const { events, allow, received } = await world();
    await allow('q', forRule());
    await rule(events);
    const { Entries, FailedEntryCount } = await put(events, { a: 1 });
    await put(events, {}, 'somebody-else');
    expect(FailedEntryCount).toBe(0);
    expect(await received()).toEqual([
      {
        version: '0',
        id: Entries![0]!.EventId,
        'detail-type': 'Said',
        source: 'me',
        account: ACCOUNT,
        time: '2026-11-18T11:06:40Z',
        region: REGION,
        resources: ['arn:x'],
        detail: { a: 1 },
      },
    ]);
  });

  it('keeps rules and targets as they were put', async () => {
    const { events } = await world();
    await rule(events, { RetryPolicy: { MaximumRetryAttempts: 3 } });
    expect(await events.send(new DescribeRuleCommand({ Name: 'mine' }))).toMatchObject({
      Arn: RULE_ARN,
      State: 'ENABLED',
      EventPattern: '{"source":["me"]}',
      EventBusName: 'default',
    });
    const { Targets } = await events.send(new ListTargetsByRuleCommand({ Rule: 'mine' }));
    expect(Targets).toEqual([{ Id: 't', Arn: QUEUE_ARN, RetryPolicy: { MaximumRetryAttempts: 3 } }]);
    await events.send(new DisableRuleCommand({ Name: 'mine' }));
    expect((await events.send(new ListRulesCommand({ NamePrefix: 'm' }))).Rules).toMatchObject([
      { Name: 'mine', State: 'DISABLED' },
    ]);
    await events.send(new EnableRuleCommand({ Name: 'mine' }));
    expect(await refusal(events.send(new DeleteRuleCommand({ Name: 'mine' })))).toMatchObject({
      message: "Rule can't be deleted since it has targets.",
    });
    const removed = await events.send(new RemoveTargetsCommand({ Rule: 'mine', Ids: ['t', 'u'] }));
    expect(removed).toMatchObject({ FailedEntryCount: 1, FailedEntries: [{ TargetId: 'u' }] });
    await events.send(new DeleteRuleCommand({ Name: 'mine' }));
    expect((await refusal(events.send(new DescribeRuleCommand({ Name: 'mine' })))).name).toBe(
      'ResourceNotFoundException',
    );
  });

  it('tells for each entry what is wrong with it', async () => {
    const { events } = await world();
    const entry = { Source: 'me', DetailType: 'Said', Detail: '{}' };
    const { FailedEntryCount, Entries } = await events.send(
      new PutEventsCommand({
        Entries: [
          entry,
          { ...entry, Detail: 'no' },
          { ...entry, Detail: '[]' },
          { ...entry, Source: 'aws.sagemaker' },
          { Source: 'me', Detail: '{}' },
        ],
      }),
    );
    expect(FailedEntryCount).toBe(4);
    expect(Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      'MalformedDetail',
      'MalformedDetail',
      'NotAuthorizedForSource',
      'InvalidArgument',
    ]);
    const Detail = JSON.stringify({ pad: 'x'.repeat(1_048_576) });
    expect(
      await refusal(events.send(new PutEventsCommand({ Entries: [{ ...entry, Detail }] }))),
    ).toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('over the limit'),
    });
    const many = Array.from({ length: 11 }, () => entry);
    expect((await refusal(events.send(new PutEventsCommand({ Entries: many })))).name).toBe(
      'ValidationException',
    );
  });

  it('tests patterns, and refuses those that are none', async () => {
    const { events } = await world();
    const event = {
      id: '1',
      account: ACCOUNT,
      source: 'me',
      time: 'x',
      region: REGION,
      resources: [],
      'detail-type': 'T',
    };
    const test = (pattern: object) =>
      events.send(
        new TestEventPatternCommand({ EventPattern: JSON.stringify(pattern), Event: JSON.stringify(event) }),
      );
    expect((await test({ source: [{ prefix: 'm' }] })).Result).toBe(true);
    expect((await test({ source: ['you'] })).Result).toBe(false);
    expect(await refusal(test({ source: 'me' }))).toMatchObject({
      name: 'InvalidEventPatternException',
      message: expect.stringContaining('Event pattern is not valid. Reason: '),
    });
  });

  it.each([
    ['its path', { InputPath: '$.detail' }, '{"a":"x","n":[1]}'],
    ['a constant', { Input: '"hello"' }, '"hello"'],
    [
      'a template',
      {
        InputTransformer: {
          InputPathsMap: { a: '$.detail.a', n: '$.detail.n', z: '$.detail.z' },
          InputTemplate: '{"said": "<a>!", "n": <n>, "z": <z>}',
        },
      },
      '{"said": "x!", "n": [1], "z": ""}',
    ],
  ])('sends %s in place of the event', async (_what, input, expected) => {
    const { events, allow, bodies } = await world();
    await allow('q', forRule());
    await rule(events, input);
    await put(events, { a: 'x', n: [1] });
    expect((await bodies()).map(({ Body }) => Body)).toEqual([expected]);
  });

  it('sends what it may not deliver to the dead-letter queue, with the reason, or loses it', async () => {
    const { aws, events, allow, bodies } = await world();
    await rule(events, { DeadLetterConfig: { Arn: DEAD_ARN } });
    await put(events, { n: 1 });
    expect(aws.events.counts()).toMatchObject({ matched: 1, lost: 1 });
    await allow('dead', forRule(DEAD_ARN));
    await put(events, { n: 2 });
    const [letter] = await bodies('dead');
    expect(JSON.parse(letter!.Body!).detail).toEqual({ n: 2 });
    expect(letter!.MessageAttributes).toMatchObject({
      ERROR_CODE: { StringValue: 'NO_PERMISSIONS' },
      RULE_ARN: { StringValue: RULE_ARN },
      TARGET_ARN: { StringValue: QUEUE_ARN },
      RETRY_ATTEMPTS: { StringValue: '0' },
    });
  });

  it('tries again what fails for now, up to the target’s own limit', async () => {
    const faults = new FaultPlan();
    const time = new ManualTime(Date.now());
    const { aws, events, allow, bodies, received } = await world({ faults, clock: time, scheduler: time });
    await allow('q', forRule());
    await allow('dead', forRule(DEAD_ARN));
    await rule(events, { DeadLetterConfig: { Arn: DEAD_ARN }, RetryPolicy: { MaximumRetryAttempts: 2 } });
    faults.add({ on: 'events:Deliver', kind: '500', times: 2 });
    await put(events, { n: 1 });
    expect(await received()).toEqual([]);
    await time.advance(10_000);
    expect(await received()).toMatchObject([{ detail: { n: 1 } }]);
    faults.add({ on: 'events:Deliver', kind: '429', times: 0 });
    await put(events, { n: 2 });
    await time.advance(10_000);
    expect((await bodies('dead'))[0]!.MessageAttributes).toMatchObject({
      ERROR_CODE: { StringValue: 'THROTTLING' },
      RETRY_ATTEMPTS: { StringValue: '2' },
      EXHAUSTED_RETRY_CONDITION: { StringValue: 'MaximumRetryAttempts' },
    });
    expect(aws.events.counts()).toMatchObject({ retried: 4, deadLettered: 1, lost: 0 });
  });

  it('crosses accounts into a queue with a role that both sides allow', async () => {
    const { aws, allow, received } = await world();
    const theirs = eventsClient(aws, OTHER_KEYS);
    await theirs.send(new PutRuleCommand({ Name: 'mine', EventPattern: '{"source": ["me"]}' }));
    const target = (more: object) =>
      theirs.send(new PutTargetsCommand({ Rule: 'mine', Targets: [{ Id: 't', Arn: QUEUE_ARN, ...more }] }));
    expect((await refusal(target({}))).message).toContain('RoleArn is required');
    await target({ RoleArn: FORWARD_ROLE });
    await put(theirs, { n: 1 });
    expect(await received()).toEqual([]);
    await allow('q', {
      Effect: 'Allow',
      Principal: { AWS: FORWARD_ROLE },
      Action: 'sqs:SendMessage',
      Resource: QUEUE_ARN,
    });
    await put(theirs, { n: 2 });
    expect(await received()).toMatchObject([{ account: OTHER_ACCOUNT, detail: { n: 2 } }]);
  });

  it('crosses regions by way of a bus, and keeps where the event came from', async () => {
    const { aws, events, allow, received } = await world();
    await allow('q', forRule());
    await rule(events);
    const bus = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`;
    const far = new EventBridgeClient({
      endpoint: aws.url,
      region: 'us-east-1',
      credentials: OTHER_KEYS,
      maxAttempts: 1,
    });
    await far.send(new PutRuleCommand({ Name: 'away', EventPattern: '{"source": ["me"]}' }));
    const queueFarAway = [{ Id: 't', Arn: QUEUE_ARN, RoleArn: FORWARD_ROLE }];
    expect(
      (await refusal(far.send(new PutTargetsCommand({ Rule: 'away', Targets: queueFarAway })))).message,
    ).toContain('another region');
    await far.send(
      new PutTargetsCommand({ Rule: 'away', Targets: [{ Id: 't', Arn: bus, RoleArn: FORWARD_ROLE }] }),
    );
    await put(far, { n: 1 });
    expect(await received()).toEqual([]);
    await events.send(
      new PutPermissionCommand({ Action: 'events:PutEvents', Principal: OTHER_ACCOUNT, StatementId: 'them' }),
    );
    expect((await events.send(new DescribeEventBusCommand({}))).Policy).toContain(OTHER_ACCOUNT);
    await put(far, { n: 2 });
    expect(await received()).toMatchObject([
      { account: OTHER_ACCOUNT, region: 'us-east-1', detail: { n: 2 } },
    ]);
  });

  it('fails as planned', async () => {
    const faults = new FaultPlan();
    const { events } = await world({ faults });
    faults.add({ on: 'events:PutEvents', kind: 'InternalException' });
    expect((await refusal(put(events, {}))).name).toBe('InternalException');
    await put(events, {});
  });
});
