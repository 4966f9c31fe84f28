/** Event buses with their rules and targets, account by account and region by region. */
import { AwsError } from './errors.ts';
import type { TargetInput } from './event.ts';
import { type EventMatcher, parseEventPattern } from './event-pattern.ts';
import { type PolicyDocument, parsePolicy } from './policy.ts';

export interface RuleTarget extends TargetInput {
  Id: string;
  /** Of a queue or an event bus. */
  Arn: string;
  RoleArn?: string;
  DeadLetterConfig?: { Arn?: string };
  RetryPolicy?: { MaximumRetryAttempts?: number; MaximumEventAgeInSeconds?: number };
}

export interface Rule {
  name: string;
  arn: string;
  bus: EventBus;
  description: string | undefined;
  pattern: string | undefined;
  /** Kept, but nothing here runs by a schedule. */
  schedule: string | undefined;
  matches: EventMatcher;
  enabled: boolean;
  roleArn: string | undefined;
  targets: Map<string, RuleTarget>;
  createdBy: string;
}

export interface EventBus {
  name: string;
  arn: string;
  account: string;
  region: string;
  policyText: string | undefined;
  policy: PolicyDocument | undefined;
  rules: Map<string, Rule>;
}

interface RuleSeed {
  name: string;
  description?: string;
  /** As an object; it travels as text. */
  pattern: Readonly<Record<string, unknown>>;
  targets: readonly RuleTarget[];
}

export interface EventBusSeed {
  /** `default` is there anyway. */
  name: string;
  policy?: PolicyDocument;
  rules?: readonly RuleSeed[];
}

export interface RuleRequest {
  description?: string | undefined;
  pattern?: string | undefined;
  schedule?: string | undefined;
  enabled: boolean;
  roleArn?: string | undefined;
}

/** EventBridge's quotas for a rule's targets and a bus's rules. */
const MAX_TARGETS = 5;
const MAX_RULES = 300;

export class EventBuses {
  readonly #buses = new Map<string, EventBus>();

  seed(account: string, region: string, seed: EventBusSeed): void {
    const bus = this.bus(account, region, seed.name) ?? this.create(account, region, seed.name);
    if (seed.policy) this.setPolicy(bus, JSON.stringify(seed.policy));
    for (const { name, description, pattern, targets } of seed.rules ?? []) {
      const rule = this.putRule(bus, name, { description, pattern: JSON.stringify(pattern), enabled: true });
      for (const target of targets) rule.targets.set(target.Id, target);
    }
  }

  /** By name or ARN. The default bus of a region is always there. */
  bus(account: string, region: string, nameOrArn = 'default'): EventBus | undefined {
    const arn = nameOrArn.startsWith('arn:')
      ? nameOrArn
      : `arn:aws:events:${region}:${account}:event-bus/${nameOrArn}`;
    const found = this.#buses.get(arn);
    if (found) return found;
    const place = /^arn:aws:events:([\w-]+):(\d{12}):event-bus\/default$/.exec(arn);
    return place ? this.create(place[2]!, place[1]!, 'default') : undefined;
  }

  /** @throws AwsError ResourceAlreadyExistsException */
  create(account: string, region: string, name: string): EventBus {
    const arn = `arn:aws:events:${region}:${account}:event-bus/${name}`;
    if (this.#buses.has(arn)) {
      throw new AwsError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
    }
    const bus: EventBus = {
      name,
      arn,
      account,
      region,
      policyText: undefined,
      policy: undefined,
      rules: new Map(),
    };
    this.#buses.set(arn, bus);
    return bus;
  }

  delete(bus: EventBus): void {
    this.#buses.delete(bus.arn);
  }

  list(account: string, region: string): EventBus[] {
    this.bus(account, region);
    return [...this.#buses.values()].filter((bus) => bus.account === account && bus.region === region);
  }

  /** @throws AwsError ValidationException */
  setPolicy(bus: EventBus, text: string | undefined): void {
    try {
      bus.policy = text === undefined ? undefined : parsePolicy(text);
      bus.policyText = text;
    } catch (error) {
      throw new AwsError('ValidationException', error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * What a rule is called stays, its targets too: everything else is replaced, as `PutRule` does.
   * @throws AwsError InvalidEventPatternException, LimitExceededException
   */
  putRule(bus: EventBus, name: string, request: RuleRequest, createdBy = bus.account): Rule {
    const { pattern } = request;
    const matches = pattern === undefined ? () => false : parseEventPattern(pattern);
    const existing = bus.rules.get(name);
    if (!existing && bus.rules.size >= MAX_RULES) throw limitExceeded();
    const rule: Rule = {
      name,
      arn: ruleArn(bus, name),
      bus,
      description: request.description,
      pattern,
      schedule: request.schedule,
      matches,
      enabled: request.enabled,
      roleArn: request.roleArn,
      targets: existing?.targets ?? new Map<string, RuleTarget>(),
      createdBy,
    };
    bus.rules.set(name, rule);
    return rule;
  }

  /** @throws AwsError LimitExceededException */
  putTarget(rule: Rule, target: RuleTarget): void {
    if (!rule.targets.has(target.Id) && rule.targets.size >= MAX_TARGETS) throw limitExceeded();
    rule.targets.set(target.Id, target);
  }
}

export const ruleArn = (bus: Pick<EventBus, 'name' | 'account' | 'region'>, name: string): string =>
  `arn:aws:events:${bus.region}:${bus.account}:rule/${bus.name === 'default' ? '' : `${bus.name}/`}${name}`;

const limitExceeded = () =>
  new AwsError('LimitExceededException', 'The requested resource exceeds the maximum number allowed.');
