/** EventBridge: buses, rules, targets and events, on its JSON protocol. */
import { putPermission, removePermission } from './bus-permissions.ts';
import { AwsError } from './errors.ts';
import { type EventBus, type EventBuses, type Rule, ruleArn } from './event-buses.ts';
import type { EventDelivery } from './event-delivery.ts';
import { parseEventPattern } from './event-pattern.ts';
import type { Iam } from './iam.ts';
import { pageOf } from './page-tokens.ts';
import { putEvents } from './put-events.ts';
import { putTargets } from './put-targets.ts';
import type { AwsAnswer, AwsCall, AwsOperation, AwsService } from './service.ts';
import { Parameters } from './validation.ts';

const INVALID = 'ValidationException';
const RULE_NAME = { min: 1, max: 64, pattern: '[\\.\\-_A-Za-z0-9]+' };
const BUS_NAME = {
  min: 1,
  max: 1600,
  pattern: '(arn:aws[\\w-]*:events:[a-z0-9-]+:\\d{12}:event-bus/)?[/\\.\\-_A-Za-z0-9]+',
};
const STATES = ['ENABLED', 'DISABLED', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS'];
export function eventBridgeService(parts: {
  buses: EventBuses;
  delivery: EventDelivery;
  iam: Iam;
}): AwsService {
  const { buses, delivery, iam } = parts;

  const busOf = (call: AwsCall): EventBus => {
    const read = new Parameters(call.input, INVALID);
    const name = read.text('EventBusName', BUS_NAME);
    read.check();
    return found(buses.bus(call.account, call.region, name), name ?? 'default');
  };
  const ruleOf = (call: AwsCall, member = 'Name'): Rule => {
    const bus = busOf(call);
    const read = new Parameters(call.input, INVALID);
    const name = read.need(member, RULE_NAME);
    read.check();
    const rule = bus.rules.get(name);
    if (rule) return rule;
    throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${bus.name}.`);
  };
  const onRule = (name: string, handle: (call: AwsCall) => AwsAnswer, member = 'Name'): AwsOperation => ({
    action: `events:${name}`,
    resources: (call) => [resourceArn(call, String(call.input[member]))],
    handle,
  });
  const resourceArn = (call: AwsCall, rule: string) => {
    const bus = String(call.input.EventBusName ?? 'default')
      .split('/')
      .at(-1)!;
    return ruleArn({ name: bus, account: call.account, region: call.region }, rule);
  };
  const onBus = (name: string, member: string, handle: (call: AwsCall) => AwsAnswer): AwsOperation => ({
    action: `events:${name}`,
    resources: (call) => [
      `arn:aws:events:${call.region}:${call.account}:event-bus/${String(call.input[member] ?? 'default')}`,
    ],
    handle,
  });

  return {
    name: 'events',
    signingName: 'events',
    protocol: 'json',
    target: 'AWSEvents',
    timeless: true,
    operations: {
      PutRule: onRule('PutRule', (call) => ({ body: { RuleArn: putRule(buses, busOf(call), call).arn } })),
      DescribeRule: onRule('DescribeRule', (call) => {
        const rule = ruleOf(call);
        return { body: { ...summary(rule), CreatedBy: rule.createdBy } };
      }),
      DeleteRule: onRule('DeleteRule', (call) => {
        const bus = busOf(call);
        const read = new Parameters(call.input, INVALID);
        const name = read.need('Name', RULE_NAME);
        read.check();
        if ((bus.rules.get(name)?.targets.size ?? 0) > 0) {
          throw new AwsError(INVALID, "Rule can't be deleted since it has targets.");
        }
        bus.rules.delete(name);
        return NOTHING;
      }),
      EnableRule: onRule('EnableRule', (call) => {
        ruleOf(call).enabled = true;
        return NOTHING;
      }),
      DisableRule: onRule('DisableRule', (call) => {
        ruleOf(call).enabled = false;
        return NOTHING;
      }),
      ListRules: {
        action: 'events:ListRules',
        resources: (call) => [resourceArn(call, '*')],
        handle: (call) => {
          const prefix = String(call.input.NamePrefix ?? '');
          const rules = [...busOf(call).rules.values()].filter(({ name }) => name.startsWith(prefix));
          return paged(call, 'Rules', sorted(rules), summary);
        },
      },
      ListRuleNamesByTarget: {
        action: 'events:ListRuleNamesByTarget',
        resources: (call) => [resourceArn(call, '*')],
        handle: (call) => {
          const read = new Parameters(call.input, INVALID);
          const arn = read.need('TargetArn', { max: 1600 });
          read.check();
          const rules = [...busOf(call).rules.values()].filter(({ targets }) =>
            [...targets.values()].some(({ Arn }) => Arn === arn),
          );
          return paged(call, 'RuleNames', sorted(rules), ({ name }) => name);
        },
      },
      PutTargets: onRule('PutTargets', (call) => putTargets(buses, iam, ruleOf(call, 'Rule'), call), 'Rule'),
      RemoveTargets: onRule(
        'RemoveTargets',
        (call) => {
          const rule = ruleOf(call, 'Rule');
          const read = new Parameters(call.input, INVALID);
          const ids = read.list('Ids', { min: 1, max: 100 }) ?? [];
          read.check();
          const failed: Record<string, unknown>[] = [];
          for (const id of ids.map(String)) {
            if (rule.targets.delete(id)) continue;
            failed.push({
              TargetId: id,
              ErrorCode: 'ResourceNotFoundException',
              ErrorMessage: `Rule ${rule.name} does not have a target with id ${id}.`,
            });
          }
          return { body: { FailedEntryCount: failed.length, FailedEntries: failed } };
        },
        'Rule',
      ),
      ListTargetsByRule: onRule(
        'ListTargetsByRule',
        (call) =>
          paged(call, 'Targets', [...ruleOf(call, 'Rule').targets.values()], (target) => ({ ...target })),
        'Rule',
      ),
      PutEvents: { handle: (call) => putEvents(buses, delivery, iam, call) },
      TestEventPattern: {
        action: 'events:TestEventPattern',
        handle: (call) => {
          const read = new Parameters(call.input, INVALID);
          const pattern = read.need('EventPattern');
          const event = read.need('Event');
          read.check();
          return { body: { Result: parseEventPattern(pattern)(parseTestEvent(event)) } };
        },
      },
      CreateEventBus: onBus('CreateEventBus', 'Name', (call) => {
        const read = new Parameters(call.input, INVALID);
        const name = read.need('Name', { min: 1, max: 256, pattern: '[\\.\\-_A-Za-z0-9]+' });
        read.check();
        buses.bus(call.account, call.region);
        return { body: { EventBusArn: buses.create(call.account, call.region, name).arn } };
      }),
      DeleteEventBus: onBus('DeleteEventBus', 'Name', (call) => {
        const name = String(call.input.Name);
        if (name === 'default') throw new AwsError(INVALID, 'Cannot delete event bus default.');
        const bus = buses.bus(call.account, call.region, name);
        if (bus && bus.rules.size > 0)
          throw new AwsError(INVALID, `Cannot delete event bus ${name} while it has rules.`);
        if (bus) buses.delete(bus);
        return NOTHING;
      }),
      DescribeEventBus: onBus('DescribeEventBus', 'Name', (call) => {
        const name = call.input.Name === undefined ? 'default' : String(call.input.Name);
        return { body: busSummary(found(buses.bus(call.account, call.region, name), name)) };
      }),
      ListEventBuses: {
        action: 'events:ListEventBuses',
        handle: (call) => {
          const prefix = String(call.input.NamePrefix ?? '');
          const all = buses.list(call.account, call.region).filter(({ name }) => name.startsWith(prefix));
          return paged(call, 'EventBuses', sorted(all), busSummary);
        },
      },
      PutPermission: onBus('PutPermission', 'EventBusName', (call) => {
        putPermission(buses, busOf(call), call.input);
        return NOTHING;
      }),
      RemovePermission: onBus('RemovePermission', 'EventBusName', (call) => {
        removePermission(buses, busOf(call), call.input);
        return NOTHING;
      }),
    },
  };
}

const NOTHING: AwsAnswer = { chunks: [], events: 0 };

function putRule(buses: EventBuses, bus: EventBus, call: AwsCall): Rule {
  const read = new Parameters(call.input, INVALID);
  const name = read.need('Name', RULE_NAME);
  const pattern = read.text('EventPattern') || undefined;
  const schedule = read.text('ScheduleExpression', { max: 256 }) || undefined;
  const state = read.text('State', { values: STATES }) ?? 'ENABLED';
  const description = read.text('Description', { max: 512 });
  const roleArn = read.text('RoleArn', { min: 1, max: 1600 });
  read.check();
  if (pattern === undefined && schedule === undefined) {
    throw new AwsError(INVALID, 'Parameter(s) EventPattern or ScheduleExpression must be specified.');
  }
  if (schedule !== undefined && bus.name !== 'default') {
    throw new AwsError(INVALID, 'ScheduleExpression is supported only on the default event bus.');
  }
  const request = { description, pattern, schedule, enabled: state !== 'DISABLED', roleArn };
  return buses.putRule(bus, name, request, call.account);
}

const summary = (rule: Rule): Record<string, unknown> => ({
  Name: rule.name,
  Arn: rule.arn,
  EventPattern: rule.pattern,
  ScheduleExpression: rule.schedule,
  State: rule.enabled ? 'ENABLED' : 'DISABLED',
  Description: rule.description,
  RoleArn: rule.roleArn,
  EventBusName: rule.bus.name,
});

const busSummary = (bus: EventBus): Record<string, unknown> => ({
  Name: bus.name,
  Arn: bus.arn,
  Policy: bus.policyText,
});

const sorted = <T extends { name: string }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => (a.name < b.name ? -1 : 1));

function paged<T>(call: AwsCall, member: string, all: readonly T[], show: (item: T) => unknown): AwsAnswer {
  const read = new Parameters(call.input, INVALID);
  const limit = read.number('Limit', { min: 1, max: 100 }) ?? 100;
  const token = read.text('NextToken', { min: 1, max: 2048 });
  read.check();
  const { items, nextToken } = pageOf(all, limit, token, call.now);
  return { body: { [member]: items.map(show), NextToken: nextToken } };
}

function found(bus: EventBus | undefined, name: string): EventBus {
  if (bus) return bus;
  throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
}

/** The members that a rule may look at must be there, as `TestEventPattern` asks for. */
function parseTestEvent(text: string): unknown {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    throw new AwsError('ValidationException', 'Parameter Event is not valid. Reason: it is not JSON.');
  }
  for (const member of ['id', 'account', 'source', 'time', 'region', 'resources', 'detail-type']) {
    if (typeof event !== 'object' || event === null || !Object.hasOwn(event, member)) {
      throw new AwsError(
        'ValidationException',
        `Parameter Event is not valid. Reason: ${member} is missing.`,
      );
    }
  }
  return event;
}
