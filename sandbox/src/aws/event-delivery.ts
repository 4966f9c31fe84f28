/**
 * From a bus to the targets of the rules that match: to queues and to other buses, in this account or
 * another one. What a target cannot take for now is tried again, ever more rarely; what it never will, and
 * what was tried for too long, goes to the target's dead-letter queue, or is lost.
 */

import type { FaultPlan } from '../faults.ts';
import type { Clock, EpochMs } from '../time.ts';
import { type AwsEvent, targetText } from './event.ts';
import type { EventBus, EventBuses, Rule, RuleTarget } from './event-buses.ts';
import type { Iam } from './iam.ts';
import { evaluateResource, type PolicyDocument } from './policy.ts';
import type { QueueStore } from './queue-store.ts';
import type { Scheduler } from './scheduler.ts';
import { roleMay, serviceMayAssume } from './service-roles.ts';

export interface DeliveryCounts {
  /** Put on a bus by a client, the world or a control request; copies that buses pass on count again. */
  events: number;
  /** Rule and target that an event was for. */
  matched: number;
  delivered: number;
  retried: number;
  deadLettered: number;
  /** Given up without a dead-letter queue that could take it. */
  lost: number;
}

interface Failure {
  /** EventBridge's own code, as it stands in a dead letter's attribute ERROR_CODE. */
  code: string;
  message: string;
  retry: boolean;
}

interface Job {
  event: AwsEvent;
  rule: Rule;
  target: RuleTarget;
  since: EpochMs;
  attempts: number;
  /** Accounts and regions the event has come through. */
  way: readonly string[];
}

const SERVICE = 'events.amazonaws.com';
/** EventBridge's defaults: 24 hours and 185 times. */
const MAX_ATTEMPTS = 185;
const MAX_AGE_SECONDS = 86_400;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 600_000;

export class EventDelivery {
  counts: DeliveryCounts = noCounts();
  readonly #buses: EventBuses;
  readonly #queues: QueueStore;
  readonly #iam: Iam;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #faults: FaultPlan | undefined;

  constructor(parts: {
    buses: EventBuses;
    queues: QueueStore;
    iam: Iam;
    clock: Clock;
    scheduler: Scheduler;
    faults: FaultPlan | undefined;
  }) {
    this.#buses = parts.buses;
    this.#queues = parts.queues;
    this.#iam = parts.iam;
    this.#clock = parts.clock;
    this.#scheduler = parts.scheduler;
    this.#faults = parts.faults;
  }

  /** To every target of every rule of the bus that matches. */
  put(bus: EventBus, event: AwsEvent, way: readonly string[] = []): void {
    this.counts.events++;
    const here = [...way, `${bus.account}/${bus.region}`];
    for (const rule of bus.rules.values()) {
      if (!rule.enabled || rule.targets.size === 0 || !rule.matches(event)) continue;
      for (const target of rule.targets.values()) {
        this.counts.matched++;
        this.#attempt({ event, rule, target, since: this.#clock.now(), attempts: 0, way: here });
      }
    }
  }

  resetCounts(): void {
    this.counts = noCounts();
  }

  #attempt(job: Job): void {
    const failure = this.#deliver(job);
    if (failure === undefined) {
      this.counts.delivered++;
      return;
    }
    const { MaximumRetryAttempts = MAX_ATTEMPTS, MaximumEventAgeInSeconds = MAX_AGE_SECONDS } =
      job.target.RetryPolicy ?? {};
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** job.attempts);
    const tooOld = this.#clock.now() + wait - job.since > MaximumEventAgeInSeconds * 1000;
    if (!failure.retry) this.#giveUp(job, failure, undefined);
    else if (job.attempts >= MaximumRetryAttempts) this.#giveUp(job, failure, 'MaximumRetryAttempts');
    else if (tooOld) this.#giveUp(job, failure, 'MaximumEventAgeInSeconds');
    else {
      this.counts.retried++;
      this.#scheduler.after(wait, () => this.#attempt({ ...job, attempts: job.attempts + 1 }));
    }
  }

  #deliver({ event, rule, target, way }: Job): Failure | undefined {
    const fault = this.#faults?.take('events:Deliver');
    if (fault) {
      const passing = ['429', '500', 'drop'].includes(fault.kind);
      return {
        code: fault.kind === '429' ? 'THROTTLING' : passing ? 'ERROR_FROM_TARGET' : fault.kind,
        message: 'A fault of the sandbox',
        retry: passing,
      };
    }
    const service = target.Arn.split(':')[2];
    if (service === 'events') return this.#toBus(event, rule, target, way);
    const queue = this.#queues.find(target.Arn);
    if (!queue) return never('NO_RESOURCE', `The queue ${target.Arn} does not exist.`);
    const refused = this.#refusal('sqs:SendMessage', target.Arn, queue.policy, queue.account, rule, target);
    if (refused) return refused;
    const body = targetText(event, target, rule);
    const limit = Number(queue.attributes.get('MaximumMessageSize'));
    if (Buffer.byteLength(body) > limit) {
      return never('INVALID_PARAMETER', `Message must be shorter than ${limit} bytes.`);
    }
    queue.queue.send({ body, sender: target.RoleArn ?? 'AIDAJQR6QDGQ7PATMSYEY' });
    return undefined;
  }

  #toBus(event: AwsEvent, rule: Rule, target: RuleTarget, way: readonly string[]): Failure | undefined {
    const bus = this.#buses.bus('', '', target.Arn);
    if (!bus) return never('NO_RESOURCE', `Event bus ${target.Arn} does not exist.`);
    const refused = this.#refusal('events:PutEvents', target.Arn, bus.policy, bus.account, rule, target);
    if (refused) return refused;
    // An event goes from one account or region to another once, and no further.
    const place = `${bus.account}/${bus.region}`;
    if (new Set([...way, place]).size > 2) {
      return never(
        'THIRD_ACCOUNT_HOP_DETECTED',
        'The event has come from another account or region already.',
      );
    }
    if (way.filter((passed) => passed === place).length > 3)
      return never('INVALID_PARAMETER', 'The rules make a circle.');
    this.put(bus, event, way);
    return undefined;
  }

  /**
   * With a role: it must trust EventBridge and have the right, and across accounts the target's policy must
   * let it. Without: the target's policy must let the rule.
   */
  #refusal(
    action: string,
    arn: string,
    policy: PolicyDocument | undefined,
    owner: string,
    rule: Rule,
    { RoleArn }: RuleTarget,
  ): Failure | undefined {
    const { account } = rule.bus;
    const source = { 'aws:SourceArn': rule.arn, 'aws:SourceAccount': account };
    if (RoleArn === undefined) {
      if (action === 'events:PutEvents' && owner === account) return undefined;
      const said = evaluateResource(policy, { service: SERVICE }, action, [arn], source);
      return said === 'allow'
        ? undefined
        : never('NO_PERMISSIONS', `The policy of ${arn} does not let ${SERVICE} ${action} for ${rule.arn}.`);
    }
    if (!serviceMayAssume(this.#iam, RoleArn, SERVICE)) {
      return never('NO_PERMISSIONS', `${SERVICE} is not able to assume ${RoleArn}.`);
    }
    if (!roleMay(this.#iam, RoleArn, action, [arn])) {
      return never(
        'NO_PERMISSIONS',
        `${RoleArn} is not authorized to perform: ${action} on resource: ${arn}.`,
      );
    }
    const names = [RoleArn, account, `arn:aws:iam::${account}:root`];
    const said = evaluateResource(policy, { aws: names }, action, [arn], {
      'aws:PrincipalArn': RoleArn,
      'aws:PrincipalAccount': account,
    });
    if (said === 'deny' || (owner !== account && said !== 'allow')) {
      return never('NO_PERMISSIONS', `The policy of ${arn} does not let ${RoleArn} ${action}.`);
    }
    return undefined;
  }

  #giveUp({ event, rule, target, attempts }: Job, failure: Failure, exhausted: string | undefined): void {
    const arn = target.DeadLetterConfig?.Arn;
    const queue = arn === undefined ? undefined : this.#queues.find(arn);
    const source = { 'aws:SourceArn': rule.arn, 'aws:SourceAccount': rule.bus.account };
    const may =
      queue !== undefined &&
      evaluateResource(queue.policy, { service: SERVICE }, 'sqs:SendMessage', [queue.arn], source) ===
        'allow';
    if (!may) {
      this.counts.lost++;
      return;
    }
    this.counts.deadLettered++;
    const facts = {
      ERROR_CODE: failure.code,
      ERROR_MESSAGE: failure.message,
      RULE_ARN: rule.arn,
      TARGET_ARN: target.Arn,
      RETRY_ATTEMPTS: String(attempts),
      ...(exhausted === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: exhausted }),
    };
    queue.queue.send({
      body: JSON.stringify(event),
      sender: 'AIDAJQR6QDGQ7PATMSYEY',
      attributes: Object.fromEntries(
        Object.entries(facts).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
      ),
    });
  }
}

const never = (code: string, message: string): Failure => ({ code, message, retry: false });

const noCounts = (): DeliveryCounts => ({
  events: 0,
  matched: 0,
  delivered: 0,
  retried: 0,
  deadLettered: 0,
  lost: 0,
});
