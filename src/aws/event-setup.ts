/**
 * Sets up the way of events from EventBridge to the bot: queue, dead-letter queue, their policies, rule and target.
 * Makes what is missing, corrects what would not work, and leaves the rest alone.
 *
 * One file because setting up and inspecting ask AWS about the same queue, rule and targets.
 */
import type { QueueAttributeName } from '@aws-sdk/client-sqs';
import { EVENT_PATTERN } from '../domain/aws-events.ts';
import { AppError } from '../ground/errors.ts';
import { asked, type EventClients, openEventClients } from './event-clients.ts';
import {
  allows,
  covers,
  deadLetterArnOf,
  forwarderStatement,
  parse,
  policyOf,
  ruleStatement,
  type Statement,
} from './event-policies.ts';

export interface EventsPlace {
  queueUrl: string;
  region: string;
  /** Name of the rule on the default bus of the queue's account. */
  rule: string;
  /** Accounts and regions of the use cases. */
  sources: readonly { account: string; region: string }[];
}

interface SetupStep {
  /** `queue signalbox-events`. */
  what: string;
  state: 'created' | 'updated' | 'unchanged';
  detail: string;
}

export interface EventsSetup {
  steps: SetupStep[];
  /** What is left to do in other accounts, a paragraph each. */
  remaining: string[];
  queueArn: string;
}

/** 14 days, SQS's longest, so that a bot that is down over a long weekend misses nothing. */
const RETENTION_SECONDS = String(14 * 24 * 3600);
/** With a full disk the same messages are received again and again. That alone must not make them dead letters. */
const MAX_RECEIVES = 100;
const TARGET_ID = 'signalbox-queue';
/** @throws AppError by the table of AWS errors, naming the step */
export async function setUpEvents(place: EventsPlace, given?: EventClients): Promise<EventsSetup> {
  const { clients, destroy } = await openEventClients(place, given);
  try {
    return await new Setup(place, clients).run();
  } finally {
    destroy();
  }
}

export interface EventsFindings {
  /** Undefined: there is no such queue. */
  queue?: { arn: string; waiting: number; hidden: number; policyAllows: boolean } | undefined;
  /** Undefined: the queue has none, or it cannot be found. */
  deadLetters?: { name: string; waiting: number } | undefined;
  /** Undefined: there is no such rule. */
  rule?: { enabled: boolean; reachesQueue: boolean; pattern: boolean } | undefined;
}

/** Changes nothing. @throws AppError by the table of AWS errors */
export async function inspectEvents(place: EventsPlace, given?: EventClients): Promise<EventsFindings> {
  const { clients, destroy } = await openEventClients(place, given);
  try {
    return await new Setup(place, clients).inspect();
  } finally {
    destroy();
  }
}

interface Queue {
  url: string;
  arn: string;
  name: string;
  attributes: Partial<Record<QueueAttributeName, string>>;
}

class Setup {
  readonly #place: EventsPlace;
  readonly #clients: EventClients;
  readonly #name: string;
  readonly #account: string;
  readonly #steps: SetupStep[] = [];

  constructor(place: EventsPlace, clients: EventClients) {
    this.#place = place;
    this.#clients = clients;
    const [, account, name] = /\/(\d{12})\/([\w.-]{1,80})\/?$/.exec(new URL(place.queueUrl).pathname) ?? [];
    if (account === undefined || name === undefined)
      throw new AppError('invalid_input', `${place.queueUrl} is not the URL of an SQS queue.`, {
        hint: 'events.queueUrl in signalbox.yaml should look like https://sqs.eu-west-1.amazonaws.com/111122223333/signalbox-events.',
      });
    if (name.endsWith('.fifo'))
      throw new AppError(
        'invalid_input',
        `${name} is a FIFO queue, which EventBridge cannot use with a dead-letter queue of standard kind.`,
        {
          hint: 'Name a standard queue in events.queueUrl. Signalbox puts events into order by itself.',
        },
      );
    this.#account = account;
    this.#name = name;
  }

  async run(): Promise<EventsSetup> {
    const dead = await this.#queue(`${this.#name}-dlq`, { MessageRetentionPeriod: RETENTION_SECONDS });
    const queue = await this.#queue(this.#name, {
      MessageRetentionPeriod: RETENTION_SECONDS,
      VisibilityTimeout: '60',
      ReceiveMessageWaitTimeSeconds: '20',
    });
    const rule = await this.#rule();
    await this.#redrive(queue, dead);
    await this.#policy(dead, [ruleStatement(dead.arn, rule)]);
    await this.#policy(queue, [ruleStatement(queue.arn, rule), ...this.#forwarders(queue.arn)]);
    await this.#target(queue, dead);
    const remaining = await this.#otherAccounts(queue.arn, rule);
    return { steps: this.#steps, remaining, queueArn: queue.arn };
  }

  async inspect(): Promise<EventsFindings> {
    const queue = await this.#find(this.#name);
    const rule = await this.#describeRule();
    const targets = rule ? await this.#targets() : [];
    const deadArn = queue && deadLetterArnOf(queue.attributes.RedrivePolicy);
    const dead = deadArn === undefined ? undefined : await this.#find(deadArn.split(':').at(-1)!);
    const count = (one: Queue, name: QueueAttributeName): number => Number(one.attributes[name] ?? 0);
    return {
      queue: queue && {
        arn: queue.arn,
        waiting: count(queue, 'ApproximateNumberOfMessages'),
        hidden: count(queue, 'ApproximateNumberOfMessagesNotVisible'),
        policyAllows:
          rule !== undefined && allows(policyOf(queue.attributes.Policy), ruleStatement(queue.arn, rule.arn)),
      },
      deadLetters: dead && { name: dead.name, waiting: count(dead, 'ApproximateNumberOfMessages') },
      rule: rule && {
        enabled: rule.enabled,
        reachesQueue: queue !== undefined && targets.some(({ Arn }) => Arn === queue.arn),
        pattern: covers(rule.pattern),
      },
    };
  }

  // --- Queues ---

  async #find(name: string): Promise<Queue | undefined> {
    const { GetQueueAttributesCommand, GetQueueUrlCommand } = await import('@aws-sdk/client-sqs');
    try {
      return await this.#ask(
        `look at the queue ${name}`,
        ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'],
        async () => {
          const { QueueUrl: url = '' } = await this.#clients.sqs.send(
            new GetQueueUrlCommand({ QueueName: name }),
          );
          const { Attributes: attributes = {} } = await this.#clients.sqs.send(
            new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
          );
          return { url, name, attributes, arn: attributes.QueueArn ?? this.#arn('sqs', name) };
        },
      );
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async #queue(name: string, attributes: Partial<Record<QueueAttributeName, string>>): Promise<Queue> {
    const known = await this.#find(name);
    if (known) {
      this.#did(`queue ${name}`, 'unchanged', known.arn);
      return known;
    }
    const { CreateQueueCommand } = await import('@aws-sdk/client-sqs');
    await this.#ask(`make the queue ${name}`, ['sqs:CreateQueue'], () =>
      this.#clients.sqs.send(
        new CreateQueueCommand({
          QueueName: name,
          Attributes: { ...attributes, SqsManagedSseEnabled: 'true' },
        }),
      ),
    );
    const made = await this.#find(name);
    if (!made)
      throw new AppError('unavailable', `The queue ${name} was made, but SQS does not show it yet.`, {
        hint: 'Run `signalbox events setup` again in a minute.',
      });
    if (!made.arn.includes(`:${this.#account}:`))
      throw new AppError(
        'invalid_input',
        `The queue was made as ${made.arn}, which is not account ${this.#account}.`,
        {
          hint: 'Run this with credentials of the account that events.queueUrl names, and delete the queue that was made.',
        },
      );
    this.#did(`queue ${name}`, 'created', made.arn);
    return made;
  }

  async #redrive(queue: Queue, dead: Queue): Promise<void> {
    const what = `dead letters of ${queue.name}`;
    const known = deadLetterArnOf(queue.attributes.RedrivePolicy);
    if (known !== undefined) {
      this.#did(what, 'unchanged', known);
      return;
    }
    await this.#set(queue, 'RedrivePolicy', {
      deadLetterTargetArn: dead.arn,
      maxReceiveCount: MAX_RECEIVES,
    });
    this.#did(what, 'created', `${dead.arn}, after ${MAX_RECEIVES} receives`);
  }

  /** Adds the statements that are missing and keeps all others. */
  async #policy(queue: Queue, wanted: readonly Statement[]): Promise<void> {
    const what = `policy of ${queue.name}`;
    const policy = policyOf(queue.attributes.Policy);
    if (wanted.every((statement) => allows(policy, statement))) {
      this.#did(what, 'unchanged', 'lets EventBridge send');
      return;
    }
    const others = policy.filter(({ Sid }) => !wanted.some((statement) => statement.Sid === Sid));
    await this.#set(queue, 'Policy', { Version: '2012-10-17', Statement: [...others, ...wanted] });
    this.#did(
      what,
      policy.length === 0 ? 'created' : 'updated',
      'lets EventBridge send, for this rule alone',
    );
  }

  async #set(queue: Queue, name: QueueAttributeName, value: object): Promise<void> {
    const { SetQueueAttributesCommand } = await import('@aws-sdk/client-sqs');
    await this.#ask(`set ${name} of the queue ${queue.name}`, ['sqs:SetQueueAttributes'], () =>
      this.#clients.sqs.send(
        new SetQueueAttributesCommand({ QueueUrl: queue.url, Attributes: { [name]: JSON.stringify(value) } }),
      ),
    );
  }

  // --- Rule ---

  async #describeRule(): Promise<{ arn: string; enabled: boolean; pattern: unknown } | undefined> {
    const { DescribeRuleCommand } = await import('@aws-sdk/client-eventbridge');
    try {
      const rule = await this.#ask(`look at the rule ${this.#place.rule}`, ['events:DescribeRule'], () =>
        this.#clients.eventBridge.send(new DescribeRuleCommand({ Name: this.#place.rule })),
      );
      return {
        arn: rule.Arn ?? this.#arn('events', `rule/${this.#place.rule}`),
        enabled: rule.State?.startsWith('ENABLED') ?? false,
        pattern: parse(rule.EventPattern),
      };
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  /** @returns its ARN */
  async #rule(): Promise<string> {
    const what = `rule ${this.#place.rule}`;
    const known = await this.#describeRule();
    if (known?.enabled && covers(known.pattern)) {
      this.#did(what, 'unchanged', known.arn);
      return known.arn;
    }
    const { PutRuleCommand } = await import('@aws-sdk/client-eventbridge');
    const { RuleArn = this.#arn('events', `rule/${this.#place.rule}`) } = await this.#ask(
      `make the rule ${this.#place.rule}`,
      ['events:PutRule'],
      () =>
        this.#clients.eventBridge.send(
          new PutRuleCommand({
            Name: this.#place.rule,
            Description: 'Training, compilation, Greengrass and alarm events to Signalbox',
            EventPattern: JSON.stringify(EVENT_PATTERN),
            State: 'ENABLED',
          }),
        ),
    );
    this.#did(what, known ? 'updated' : 'created', RuleArn);
    return RuleArn;
  }

  async #targets() {
    const { ListTargetsByRuleCommand } = await import('@aws-sdk/client-eventbridge');
    const { Targets = [] } = await this.#ask(
      'list the targets of the rule',
      ['events:ListTargetsByRule'],
      () => this.#clients.eventBridge.send(new ListTargetsByRuleCommand({ Rule: this.#place.rule })),
    );
    return Targets;
  }

  async #target(queue: Queue, dead: Queue): Promise<void> {
    const what = `target of ${this.#place.rule}`;
    const known = (await this.#targets()).find(({ Arn }) => Arn === queue.arn);
    if (known?.DeadLetterConfig?.Arn !== undefined) {
      this.#did(what, 'unchanged', queue.arn);
      return;
    }
    const { PutTargetsCommand } = await import('@aws-sdk/client-eventbridge');
    const answer = await this.#ask('point the rule to the queue', ['events:PutTargets'], () =>
      this.#clients.eventBridge.send(
        new PutTargetsCommand({
          Rule: this.#place.rule,
          Targets: [{ Id: known?.Id ?? TARGET_ID, Arn: queue.arn, DeadLetterConfig: { Arn: dead.arn } }],
        }),
      ),
    );
    const [failed] = answer.FailedEntries ?? [];
    if (failed)
      throw new AppError(
        'unavailable',
        `EventBridge did not take the target: ${failed.ErrorCode ?? 'no reason given'}.`,
        {
          hint: 'Run `signalbox events setup` again.',
          adminHint: failed.ErrorMessage ?? '',
        },
      );
    this.#did(what, known ? 'updated' : 'created', queue.arn);
  }

  // --- Other accounts ---

  get #others(): { account: string; region: string }[] {
    const seen = new Set<string>();
    return this.#place.sources.filter(({ account, region }) => {
      const key = `${account}/${region}`;
      if (seen.has(key) || (account === this.#account && region === this.#place.region)) return false;
      seen.add(key);
      return true;
    });
  }

  /** Other accounts in this region send to the queue with a role of their own. */
  #forwarders(queueArn: string): Statement[] {
    const roles = this.#others
      .filter(({ account, region }) => account !== this.#account && region === this.#place.region)
      .map(({ account }) => account)
      .sort();
    return roles.map((account) => forwarderStatement(queueArn, this.#partition, account));
  }

  async #otherAccounts(queueArn: string, ruleArn: string): Promise<string[]> {
    const bus = ruleArn.replace(/:rule\/.*$/, ':event-bus/default');
    const remaining: string[] = [];
    for (const { account, region } of this.#others) {
      const here = region === this.#place.region;
      if (!here && account !== this.#account) await this.#letIn(account);
      remaining.push(
        `Account ${account}, ${region}: deploy infra/use-case-account.yaml there with EventTargetArn=${here ? queueArn : bus}`,
      );
    }
    return remaining;
  }

  /** Lets an account in another region put events on the bus here, whose rule passes them on. */
  async #letIn(account: string): Promise<void> {
    const { DescribeEventBusCommand, PutPermissionCommand } = await import('@aws-sdk/client-eventbridge');
    const StatementId = `SignalboxFrom${account}`;
    const what = `bus permission for ${account}`;
    const bus = await this.#ask('look at the default event bus', ['events:DescribeEventBus'], () =>
      this.#clients.eventBridge.send(new DescribeEventBusCommand({})),
    );
    if (bus.Policy?.includes(`"${StatementId}"`)) {
      this.#did(what, 'unchanged', 'may put events');
      return;
    }
    await this.#ask('let another account put events', ['events:PutPermission'], () =>
      this.#clients.eventBridge.send(
        new PutPermissionCommand({ Action: 'events:PutEvents', Principal: account, StatementId }),
      ),
    );
    this.#did(what, 'created', 'may put events');
  }

  get #partition(): string {
    if (this.#place.region.startsWith('cn-')) return 'aws-cn';
    return this.#place.region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  }

  #arn(service: string, resource: string): string {
    return `arn:${this.#partition}:${service}:${this.#place.region}:${this.#account}:${resource}`;
  }

  #ask<T>(operation: string, actions: readonly string[], run: () => Promise<T>): Promise<T> {
    return asked(operation, actions, this.#place.region, run);
  }

  #did(what: string, state: SetupStep['state'], detail: string): void {
    this.#steps.push({ what, state, detail });
  }
}
