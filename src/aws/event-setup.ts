/**
 * Sets up the way of events from EventBridge to the bot: queue, dead-letter queue, their policies, rule and target.
 * Makes what is missing, corrects what would not work, and leaves the rest alone.
 */
import type { QueueAttributeName } from '@aws-sdk/client-sqs';
import { EVENT_PATTERN } from '../domain/aws-events.ts';
import { AppError } from '../ground/errors.ts';
import { type EventClients, openEventClients } from './event-clients.ts';
import {
  allows,
  covers,
  deadLetterArnOf,
  forwarderStatement,
  policyOf,
  ruleStatement,
  type Statement,
} from './event-policies.ts';
import { EventResources, type EventsPlace, type Queue } from './event-resources.ts';

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

/** @param first where the events of another region of that account go already @param own the bot's account */
function whatToDeploy(target: string, first: string | undefined, own: boolean): string {
  if (first === undefined && !own)
    return `deploy infra/use-case-account.yaml there with EventTargetArn=${target}`;
  const role = first === undefined ? ' ForwardingRole=make' : '';
  const further =
    first === undefined || first === target
      ? ''
      : `, and update the stack of its first region with FurtherEventTargetArns=${target}`;
  return `deploy infra/use-case-region.yaml there with EventTargetArn=${target}${role}${further}`;
}

/** @throws AppError by the table of AWS errors, naming the step */
export async function setUpEvents(place: EventsPlace, given?: EventClients): Promise<EventsSetup> {
  const { clients, destroy } = await openEventClients(place, given);
  try {
    return await new Setup(place, clients).run();
  } finally {
    destroy();
  }
}

class Setup {
  readonly #found: EventResources;
  readonly #clients: EventClients;
  readonly #steps: SetupStep[] = [];

  constructor(place: EventsPlace, clients: EventClients) {
    this.#found = new EventResources(place, clients);
    this.#clients = clients;
  }

  async run(): Promise<EventsSetup> {
    const dead = await this.#queue(`${this.#found.queueName}-dlq`, {
      MessageRetentionPeriod: RETENTION_SECONDS,
    });
    const queue = await this.#queue(this.#found.queueName, {
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

  // --- Queues ---

  async #queue(name: string, attributes: Partial<Record<QueueAttributeName, string>>): Promise<Queue> {
    const known = await this.#found.queue(name);
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
    const made = await this.#found.queue(name);
    if (!made)
      throw new AppError('unavailable', `The queue ${name} was made, but SQS does not show it yet.`, {
        hint: 'Run `signalbox events setup` again in a minute.',
      });
    if (!made.arn.includes(`:${this.#found.account}:`))
      throw new AppError(
        'invalid_input',
        `The queue was made as ${made.arn}, which is not account ${this.#found.account}.`,
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

  /** @returns its ARN */
  async #rule(): Promise<string> {
    const what = `rule ${this.#found.place.rule}`;
    const known = await this.#found.rule();
    if (known?.enabled && covers(known.pattern)) {
      this.#did(what, 'unchanged', known.arn);
      return known.arn;
    }
    const { PutRuleCommand } = await import('@aws-sdk/client-eventbridge');
    const { RuleArn = this.#found.arn('events', `rule/${this.#found.place.rule}`) } = await this.#ask(
      `make the rule ${this.#found.place.rule}`,
      ['events:PutRule'],
      () =>
        this.#clients.eventBridge.send(
          new PutRuleCommand({
            Name: this.#found.place.rule,
            Description: 'SageMaker, Batch, Greengrass and alarm events to Signalbox',
            EventPattern: JSON.stringify(EVENT_PATTERN),
            State: 'ENABLED',
          }),
        ),
    );
    this.#did(what, known ? 'updated' : 'created', RuleArn);
    return RuleArn;
  }

  async #target(queue: Queue, dead: Queue): Promise<void> {
    const what = `target of ${this.#found.place.rule}`;
    const known = (await this.#found.targets()).find(({ Arn }) => Arn === queue.arn);
    if (known?.DeadLetterConfig?.Arn !== undefined) {
      this.#did(what, 'unchanged', queue.arn);
      return;
    }
    const { PutTargetsCommand } = await import('@aws-sdk/client-eventbridge');
    const answer = await this.#ask('point the rule to the queue', ['events:PutTargets'], () =>
      this.#clients.eventBridge.send(
        new PutTargetsCommand({
          Rule: this.#found.place.rule,
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
    return this.#found.place.sources.filter(({ account, region }) => {
      const key = `${account}/${region}`;
      if (seen.has(key) || (account === this.#found.account && region === this.#found.place.region))
        return false;
      seen.add(key);
      return true;
    });
  }

  /** Other accounts in this region send to the queue with a role of their own. */
  #forwarders(queueArn: string): Statement[] {
    const roles = this.#others
      .filter(({ account, region }) => account !== this.#found.account && region === this.#found.place.region)
      .map(({ account }) => account)
      .sort();
    return roles.map((account) => forwarderStatement(queueArn, this.#found.partition, account));
  }

  async #otherAccounts(queueArn: string, ruleArn: string): Promise<string[]> {
    const bus = ruleArn.replace(/:rule\/.*$/, ':event-bus/default');
    const remaining: string[] = [];
    // Where the events of an account's first region go: its roles, which all its regions share, are made there.
    const first = new Map<string, string>();
    for (const { account, region } of this.#others) {
      const here = region === this.#found.place.region;
      const own = account === this.#found.account;
      if (!here && !own) await this.#letIn(account);
      const target = here ? queueArn : bus;
      remaining.push(`Account ${account}, ${region}: ${whatToDeploy(target, first.get(account), own)}`);
      if (!first.has(account)) first.set(account, target);
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

  #ask<T>(operation: string, actions: readonly string[], run: () => Promise<T>): Promise<T> {
    return this.#found.ask(operation, actions, run);
  }

  #did(what: string, state: SetupStep['state'], detail: string): void {
    this.#steps.push({ what, state, detail });
  }
}
