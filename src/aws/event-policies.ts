/** What a queue's policies and a rule's pattern must say to let events through, and whether they say it. Asks AWS nothing. */
import { EVENT_PATTERN } from '../domain/aws-events.ts';

const SID = 'SignalboxEvents';
/** The role in infra/use-case-account.yaml that forwards events. Path and name must be the same here and there. */
export const FORWARDING_ROLE = 'SignalboxEventForwarding';

export interface Statement {
  Sid?: string;
  Effect: string;
  Principal?: unknown;
  Action?: unknown;
  Resource?: unknown;
  Condition?: unknown;
}

/** Lets EventBridge send to a queue for one rule. @param resource the queue's ARN */
export function ruleStatement(resource: string, rule: string): Statement {
  return {
    Sid: SID,
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: resource,
    Condition: { ArnEquals: { 'aws:SourceArn': rule } },
  };
}

/** Lets another account's forwarding role send to a queue. */
export function forwarderStatement(resource: string, partition: string, account: string): Statement {
  return {
    Sid: `SignalboxFrom${account}`,
    Effect: 'Allow',
    // AWS refuses a policy that names a role that does not exist, and this one may not exist yet.
    Principal: { AWS: `arn:${partition}:iam::${account}:root` },
    Action: 'sqs:SendMessage',
    Resource: resource,
    Condition: {
      ArnEquals: { 'aws:PrincipalArn': `arn:${partition}:iam::${account}:role/${FORWARDING_ROLE}` },
    },
  };
}

/** The statements of a policy document; none where it cannot be read. */
export function policyOf(document: string | undefined): Statement[] {
  const { Statement: statements } = (parse(document) ?? {}) as {
    Statement?: Statement | Statement[];
  };
  return statements === undefined ? [] : [statements].flat();
}

/** Whether the policy has this very statement under any id. One that is worded otherwise does not count. */
export function allows(policy: readonly Statement[], wanted: Statement): boolean {
  const essence = ({ Sid: _, ...statement }: Statement): string => JSON.stringify(sorted(statement));
  return policy.some((statement) => essence(statement) === essence(wanted));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? sorted(value[0]) : value.map(sorted);
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? value.replace(/^SQS:/i, 'sqs:') : value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** Where a queue's redrive policy sends its dead letters. */
export function deadLetterArnOf(redrivePolicy: string | undefined): string | undefined {
  return (parse(redrivePolicy) as { deadLetterTargetArn?: string } | undefined)?.deadLetterTargetArn;
}

/** Whether a rule's pattern lets through every event that the bot uses. It may let more through. */
export function covers(pattern: unknown): boolean {
  const given = (pattern ?? {}) as Record<string, unknown>;
  return (
    Object.keys(given).every((key) => key in EVENT_PATTERN) &&
    Object.entries(EVENT_PATTERN).every(
      ([key, values]) =>
        given[key] === undefined || values.every((value) => [given[key]].flat().includes(value)),
    ) &&
    Object.keys(given).length > 0
  );
}

/** JSON of a policy or pattern; undefined when it is not JSON. */
export function parse(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // It is not what is wanted, so it will be written anew.
    return undefined;
  }
}
