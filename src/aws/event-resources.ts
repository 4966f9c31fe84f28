/** The queues, the rule and its targets that bring events to the bot, as AWS has them. Changes nothing. */
import type { Target } from '@aws-sdk/client-eventbridge';
import type { QueueAttributeName } from '@aws-sdk/client-sqs';
import { AppError } from '../ground/errors.ts';
import { asked, type EventClients } from './event-clients.ts';
import { parse } from './event-policies.ts';

export interface EventsPlace {
  queueUrl: string;
  region: string;
  /** Name of the rule on the default bus of the queue's account. */
  rule: string;
  /** Accounts and regions of the use cases. */
  sources: readonly { account: string; region: string }[];
}

export interface Queue {
  url: string;
  arn: string;
  name: string;
  attributes: Partial<Record<QueueAttributeName, string>>;
}

export class EventResources {
  readonly place: EventsPlace;
  readonly queueName: string;
  /** Of the queue. */
  readonly account: string;
  readonly #clients: EventClients;

  /** @throws AppError invalid_input for a URL that is not that of a standard queue */
  constructor(place: EventsPlace, clients: EventClients) {
    this.place = place;
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
    this.account = account;
    this.queueName = name;
  }

  /** @returns undefined when there is no such queue */
  async queue(name: string): Promise<Queue | undefined> {
    const { GetQueueAttributesCommand, GetQueueUrlCommand } = await import('@aws-sdk/client-sqs');
    try {
      return await this.ask(
        `look at the queue ${name}`,
        ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'],
        async () => {
          const { QueueUrl: url = '' } = await this.#clients.sqs.send(
            new GetQueueUrlCommand({ QueueName: name }),
          );
          const { Attributes: attributes = {} } = await this.#clients.sqs.send(
            new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
          );
          return { url, name, attributes, arn: attributes.QueueArn ?? this.arn('sqs', name) };
        },
      );
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  /** @returns undefined when there is no such rule */
  async rule(): Promise<{ arn: string; enabled: boolean; pattern: unknown } | undefined> {
    const { DescribeRuleCommand } = await import('@aws-sdk/client-eventbridge');
    try {
      const rule = await this.ask(`look at the rule ${this.place.rule}`, ['events:DescribeRule'], () =>
        this.#clients.eventBridge.send(new DescribeRuleCommand({ Name: this.place.rule })),
      );
      return {
        arn: rule.Arn ?? this.arn('events', `rule/${this.place.rule}`),
        enabled: rule.State?.startsWith('ENABLED') ?? false,
        pattern: parse(rule.EventPattern),
      };
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async targets(): Promise<Target[]> {
    const { ListTargetsByRuleCommand } = await import('@aws-sdk/client-eventbridge');
    const { Targets = [] } = await this.ask(
      'list the targets of the rule',
      ['events:ListTargetsByRule'],
      () => this.#clients.eventBridge.send(new ListTargetsByRuleCommand({ Rule: this.place.rule })),
    );
    return Targets;
  }

  get partition(): string {
    if (this.place.region.startsWith('cn-')) return 'aws-cn';
    return this.place.region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  }

  arn(service: string, resource: string): string {
    return `arn:${this.partition}:${service}:${this.place.region}:${this.account}:${resource}`;
  }

  /** Runs a call. @throws AppError by the table of AWS errors, naming the operation and its IAM actions */
  ask<T>(operation: string, actions: readonly string[], run: () => Promise<T>): Promise<T> {
    return asked(operation, actions, this.place.region, run);
  }
}
