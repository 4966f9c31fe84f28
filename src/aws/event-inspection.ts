/** Checks whether events can reach the bot: the state of the queue, its dead letters and the rule. */
import type { QueueAttributeName } from '@aws-sdk/client-sqs';
import { type EventClients, openEventClients } from './event-clients.ts';
import { allows, covers, deadLetterArnOf, policyOf, ruleStatement } from './event-policies.ts';
import { EventResources, type EventsPlace, type Queue } from './event-resources.ts';

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
    return await findingsOf(new EventResources(place, clients));
  } finally {
    destroy();
  }
}

async function findingsOf(found: EventResources): Promise<EventsFindings> {
  const queue = await found.queue(found.queueName);
  const rule = await found.rule();
  const targets = rule ? await found.targets() : [];
  const deadArn = queue && deadLetterArnOf(queue.attributes.RedrivePolicy);
  const dead = deadArn === undefined ? undefined : await found.queue(deadArn.split(':').at(-1)!);
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
