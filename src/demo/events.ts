/**
 * How events of the use cases come to the bot: its queue, the rules in the use cases' accounts that send to it
 * (in the queue's own region at once, from another region by way of the bot's bus), and alarms that go off.
 */

import type { EpochMs } from '#sandbox';
import type {
  AlarmSeed,
  EventBusSeed,
  PolicyDocument,
  RegionSeed,
  RoleSeed,
  RuleTarget,
} from '#sandbox/seeds';
import { MINUTE } from './job-maker.ts';

export const EVENTS_REGION = 'eu-west-1';
const QUEUE = 'signalbox-events';
const DEAD_LETTERS = 'signalbox-events-dlq';
const RULE = 'signalbox-events';
const FORWARD_ROLE = 'SignalboxEvents';

interface Sender {
  account: string;
  region: string;
}

/** What Signalbox wants to hear of. */
const PATTERN = {
  source: ['aws.sagemaker', 'aws.batch', 'aws.greengrass', 'aws.cloudwatch'],
  'detail-type': [
    'SageMaker Training Job State Change',
    'SageMaker Processing Job State Change',
    'SageMaker Transform Job State Change',
    'SageMaker HyperParameter Tuning Job State Change',
    'SageMaker Compilation Job State Change',
    'SageMaker Model Building Pipeline Execution Status Change',
    'SageMaker Model Building Pipeline Execution Step Status Change',
    'SageMaker Endpoint State Change',
    'SageMaker Endpoint Deployment State Change',
    'SageMaker Notebook Instance State Change',
    'SageMaker HyperPod Cluster State Change',
    'SageMaker Model Package State Change',
    'Batch Service Job State Change',
    'Greengrass V2 Effective Deployment Status Change',
    'Greengrass V2 Installed Component Status Change',
    'CloudWatch Alarm State Change',
  ],
};

const queueArn = (account: string, name = QUEUE) => `arn:aws:sqs:${EVENTS_REGION}:${account}:${name}`;
const busArn = (account: string) => `arn:aws:events:${EVENTS_REGION}:${account}:event-bus/default`;
const ruleArn = ({ account, region }: Sender) => `arn:aws:events:${region}:${account}:rule/${RULE}`;
const forwardRoleArn = (account: string) => `arn:aws:iam::${account}:role/${FORWARD_ROLE}`;

export const queueUrl = (endpoint: string, account: string) => `${endpoint}/${account}/${QUEUE}`;

/** The bot's own account. */
export function botEvents(bot: string, senders: readonly Sender[]): RegionSeed {
  const near = senders.filter(({ region }) => region === EVENTS_REGION);
  const own = { account: bot, region: EVENTS_REGION };
  const service = { Service: 'events.amazonaws.com' };
  const queuePolicy: PolicyDocument = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: near.map(({ account }) => forwardRoleArn(account)) },
        Action: 'sqs:SendMessage',
        Resource: queueArn(bot),
      },
      {
        Effect: 'Allow',
        Principal: service,
        Action: 'sqs:SendMessage',
        Resource: queueArn(bot),
        Condition: { ArnEquals: { 'aws:SourceArn': ruleArn(own) } },
      },
    ],
  };
  const deadLetterPolicy: PolicyDocument = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: service,
        Action: 'sqs:SendMessage',
        Resource: queueArn(bot, DEAD_LETTERS),
        Condition: { ArnEquals: { 'aws:SourceArn': [own, ...near].map(ruleArn) } },
      },
    ],
  };
  const bus: EventBusSeed = {
    name: 'default',
    policy: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: senders.map(({ account }) => `arn:aws:iam::${account}:root`) },
          Action: 'events:PutEvents',
          Resource: busArn(bot),
        },
      ],
    },
    rules: [
      {
        name: RULE,
        description: "Events of the bot's own account, and those that come from other regions",
        pattern: PATTERN,
        targets: [toQueue(bot)],
      },
    ],
  };
  return {
    queues: [
      {
        name: DEAD_LETTERS,
        attributes: { MessageRetentionPeriod: '1209600', Policy: JSON.stringify(deadLetterPolicy) },
      },
      {
        name: QUEUE,
        attributes: {
          VisibilityTimeout: '60',
          ReceiveMessageWaitTimeSeconds: '20',
          MessageRetentionPeriod: '1209600',
          RedrivePolicy: JSON.stringify({
            deadLetterTargetArn: queueArn(bot, DEAD_LETTERS),
            maxReceiveCount: 5,
          }),
          Policy: JSON.stringify(queuePolicy),
        },
      },
    ],
    eventBuses: [bus],
  };
}

const toQueue = (bot: string): RuleTarget => ({
  Id: 'signalbox',
  Arn: queueArn(bot),
  DeadLetterConfig: { Arn: queueArn(bot, DEAD_LETTERS) },
});

/** The rule of a use case's account. */
export function senderEvents(bot: string, { account, region }: Sender): RegionSeed {
  const RoleArn = forwardRoleArn(account);
  const target: RuleTarget =
    region === EVENTS_REGION ? { ...toQueue(bot), RoleArn } : { Id: 'signalbox', Arn: busArn(bot), RoleArn };
  const description = "To Signalbox's queue";
  return {
    eventBuses: [
      { name: 'default', rules: [{ name: RULE, description, pattern: PATTERN, targets: [target] }] },
    ],
  };
}

/** Taken on by EventBridge in a use case's account. */
export function forwardRole(bot: string): RoleSeed {
  return {
    name: FORWARD_ROLE,
    trust: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'events.amazonaws.com' } },
      ],
    },
    policy: {
      Statement: [
        { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: queueArn(bot) },
        { Effect: 'Allow', Action: 'events:PutEvents', Resource: busArn(bot) },
      ],
    },
  };
}

/** The bot's own user: its queue, and setting up what belongs to it. */
export const BOT_EVENT_RIGHTS: PolicyDocument['Statement'] = [
  { Effect: 'Allow', Action: 'sqs:*', Resource: `arn:aws:sqs:*:*:${QUEUE}*` },
  { Effect: 'Allow', Action: 'sqs:ListQueues', Resource: '*' },
  {
    Effect: 'Allow',
    Action: 'events:*',
    Resource: [`arn:aws:events:*:*:rule/${RULE}*`, 'arn:aws:events:*:*:event-bus/default'],
  },
  { Effect: 'Allow', Action: ['events:ListRules', 'events:TestEventPattern'], Resource: '*' },
];

/** What the role in a use case's account adds, so that Signalbox can set up its rule there, and look after it. */
export const accessEventRights = (account: string): PolicyDocument['Statement'] => [
  {
    Effect: 'Allow',
    Action: [
      'events:PutRule',
      'events:DescribeRule',
      'events:EnableRule',
      'events:PutTargets',
      'events:RemoveTargets',
      'events:ListTargetsByRule',
    ],
    Resource: `arn:aws:events:*:${account}:rule/${RULE}*`,
  },
  { Effect: 'Allow', Action: 'events:ListRules', Resource: '*' },
  { Effect: 'Allow', Action: 'iam:PassRole', Resource: forwardRoleArn(account) },
];

/** The disk of the labelling server fills up ten minutes after the start, and somebody cleans it up. */
export function line3Alarms(now: EpochMs): AlarmSeed[] {
  const seen = (percent: number) => `Threshold Crossed: 1 datapoint [${percent}] was`;
  return [
    {
      name: 'line-3-label-disk',
      description: 'Disk of the labelling server is nearly full',
      metric: {
        namespace: 'CWAgent',
        name: 'disk_used_percent',
        dimensions: { host: 'label-1', path: '/data' },
      },
      period: 300,
      statistic: 'Average',
      states: [
        {
          at: now - 600 * MINUTE,
          value: 'OK',
          reason: `${seen(71.4)} not greater than the threshold (90.0).`,
        },
        { at: now + 10 * MINUTE, value: 'ALARM', reason: `${seen(91.8)} greater than the threshold (90.0).` },
        {
          at: now + 25 * MINUTE,
          value: 'OK',
          reason: `${seen(64.2)} not greater than the threshold (90.0).`,
        },
      ],
    },
  ];
}
