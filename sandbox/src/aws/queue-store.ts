/** All queues of the sandbox, by account, region and name, with their attributes and their policies. */

import { type Random, randomFrom } from '../random.ts';
import type { Clock, EpochMs } from '../time.ts';
import { AwsError } from './errors.ts';
import { type PolicyDocument, parsePolicy } from './policy.ts';
import { Queue, type QueueSettings } from './queue.ts';
import type { Scheduler } from './scheduler.ts';

export interface QueueSeed {
  name: string;
  /** As `CreateQueue` takes them: all strings. */
  attributes?: Readonly<Record<string, string>>;
}

interface RedrivePolicy {
  deadLetterTargetArn: string;
  maxReceiveCount: number;
}

export interface StoredQueue {
  name: string;
  account: string;
  region: string;
  arn: string;
  queue: Queue;
  /** What was set or is the default; what is counted or derived is not among them. */
  attributes: Map<string, string>;
  policy: PolicyDocument | undefined;
  redrive: RedrivePolicy | undefined;
  tags: Record<string, string>;
  createdAt: EpochMs;
  modifiedAt: EpochMs;
  purgedAt: EpochMs | undefined;
}

/** SQS's own defaults; message sizes went from 256 KiB to 1 MiB in August 2025. */
const DEFAULTS: Readonly<Record<string, string>> = {
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  VisibilityTimeout: '30',
  SqsManagedSseEnabled: 'true',
};

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  DelaySeconds: [0, 900],
  MaximumMessageSize: [1024, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  VisibilityTimeout: [0, 43_200],
};

/** A name is free again, and a queue may be purged again, after so long. */
const SETTLE_MS = 60_000;

export class QueueStore {
  readonly #queues = new Map<string, StoredQueue>();
  readonly #deleted = new Map<string, EpochMs>();
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #settings: QueueSettings;
  readonly #random: Random;

  /** @param settings read at each use, so that they may change while the sandbox runs */
  constructor(parts: { clock: Clock; scheduler: Scheduler; settings: QueueSettings; seed: number }) {
    this.#clock = parts.clock;
    this.#scheduler = parts.scheduler;
    this.#settings = parts.settings;
    this.#random = randomFrom(parts.seed);
  }

  seed(account: string, region: string, { name, attributes = {} }: QueueSeed): StoredQueue {
    return this.create(account, region, name, attributes, {});
  }

  /**
   * The same name with the same attributes is the same queue.
   * @throws AwsError QueueNameExists, QueueDeletedRecently, InvalidAttributeName, InvalidAttributeValue
   */
  create(
    account: string,
    region: string,
    name: string,
    attributes: Readonly<Record<string, string>>,
    tags: Record<string, string>,
  ): StoredQueue {
    const arn = `arn:aws:sqs:${region}:${account}:${name}`;
    const now = this.#clock.now();
    const existing = this.#queues.get(arn);
    if (existing) {
      for (const [key, value] of Object.entries(attributes)) {
        if (!sameAttribute(existing.attributes.get(key), value)) {
          throw new AwsError(
            'QueueNameExists',
            `A queue already exists with the same name and a different value for attribute ${key}`,
          );
        }
      }
      return existing;
    }
    if (now < (this.#deleted.get(arn) ?? Number.NEGATIVE_INFINITY) + SETTLE_MS) {
      throw new AwsError(
        'QueueDeletedRecently',
        'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
      );
    }
    const stored: StoredQueue = {
      name,
      account,
      region,
      arn,
      attributes: new Map(Object.entries(DEFAULTS)),
      policy: undefined,
      redrive: undefined,
      tags,
      createdAt: now,
      modifiedAt: now,
      purgedAt: undefined,
      queue: new Queue(
        arn,
        {
          clock: this.#clock,
          scheduler: this.#scheduler,
          settings: this.#settings,
          random: this.#random,
        },
        () => ({
          delaySeconds: number(stored, 'DelaySeconds'),
          retentionSeconds: number(stored, 'MessageRetentionPeriod'),
        }),
        () => {
          const { redrive } = stored;
          if (redrive === undefined) return undefined;
          const { maxReceiveCount, deadLetterTargetArn } = redrive;
          return { maxReceiveCount, queue: () => this.#queues.get(deadLetterTargetArn)?.queue };
        },
      ),
    };
    this.setAttributes(stored, attributes);
    this.#queues.set(arn, stored);
    return stored;
  }

  /** All or nothing. @throws AwsError InvalidAttributeName, InvalidAttributeValue */
  setAttributes(stored: StoredQueue, attributes: Readonly<Record<string, string>>): void {
    let { policy, redrive } = stored;
    for (const [name, value] of Object.entries(attributes)) {
      if (name === 'Policy') policy = value === '' ? undefined : readPolicy(value);
      else if (name === 'RedrivePolicy')
        redrive = value === '' ? undefined : this.#readRedrive(stored, value);
      else checkAttribute(name, value);
    }
    stored.policy = policy;
    stored.redrive = redrive;
    for (const [name, value] of Object.entries(attributes)) {
      if (value === '') stored.attributes.delete(name);
      else stored.attributes.set(name, value);
    }
    stored.modifiedAt = this.#clock.now();
  }

  find(arn: string): StoredQueue | undefined {
    return this.#queues.get(arn);
  }

  all(): StoredQueue[] {
    return [...this.#queues.values()];
  }

  /** By name. */
  list(account: string, region: string, prefix: string): StoredQueue[] {
    return [...this.#queues.values()]
      .filter(
        (queue) => queue.account === account && queue.region === region && queue.name.startsWith(prefix),
      )
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Those that give their messages up to this one. */
  sources(arn: string): StoredQueue[] {
    return [...this.#queues.values()].filter(({ redrive }) => redrive?.deadLetterTargetArn === arn);
  }

  delete(stored: StoredQueue): void {
    this.#queues.delete(stored.arn);
    this.#deleted.set(stored.arn, this.#clock.now());
    stored.queue.close();
  }

  /** @throws AwsError PurgeQueueInProgress */
  purge(stored: StoredQueue): void {
    const now = this.#clock.now();
    if (stored.purgedAt !== undefined && now < stored.purgedAt + SETTLE_MS) {
      throw new AwsError(
        'PurgeQueueInProgress',
        `Only one PurgeQueue operation on ${stored.name} is allowed every 60 seconds.`,
        403,
      );
    }
    stored.purgedAt = now;
    stored.queue.purge();
  }

  close(): void {
    for (const { queue } of this.#queues.values()) queue.close();
  }

  #readRedrive(stored: StoredQueue, text: string): RedrivePolicy {
    const wrong = (reason: string) =>
      new AwsError(
        'InvalidParameterValue',
        `Value ${text} for parameter RedrivePolicy is invalid. Reason: ${reason}`,
      );
    let value: { deadLetterTargetArn?: unknown; maxReceiveCount?: unknown } | null;
    try {
      value = JSON.parse(text);
    } catch {
      throw wrong('Redrive policy is not a valid JSON map.');
    }
    const { deadLetterTargetArn: arn } = value ?? {};
    const maxReceiveCount = Number(value?.maxReceiveCount);
    if (typeof arn !== 'string')
      throw wrong('Redrive policy does not contain mandatory attribute: deadLetterTargetArn.');
    if (!Number.isInteger(maxReceiveCount) || maxReceiveCount < 1 || maxReceiveCount > 1000) {
      throw wrong('Invalid value for maxReceiveCount: it must be 1 to 1000.');
    }
    const [, , , region, account] = arn.split(':');
    if (region !== stored.region || account !== stored.account) {
      throw wrong('Dead-letter target owner should be same as the source, in the same region.');
    }
    if (!this.#queues.has(arn)) throw wrong('Dead letter target does not exist.');
    return { deadLetterTargetArn: arn, maxReceiveCount };
  }
}

export const number = (stored: StoredQueue, attribute: string): number =>
  Number(stored.attributes.get(attribute) ?? DEFAULTS[attribute]);

function readPolicy(text: string): PolicyDocument {
  try {
    return parsePolicy(text);
  } catch (error) {
    throw new AwsError(
      'InvalidAttributeValue',
      `Invalid value for the parameter Policy. Reason: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function checkAttribute(name: string, value: string): void {
  const range = RANGES[name];
  if (range !== undefined) {
    const given = Number(value);
    if (/^\d+$/.test(value) && given >= range[0] && given <= range[1]) return;
    throw new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
  }
  if (name === 'FifoQueue' || name === 'ContentBasedDeduplication') {
    throw new AwsError(
      'InvalidAttributeName',
      `Unknown Attribute ${name}. (The sandbox has standard queues only.)`,
    );
  }
  if (!KEPT.includes(name)) throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

/** Encryption and the like: kept and told, without an effect here. */
const KEPT = ['SqsManagedSseEnabled', 'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'RedriveAllowPolicy'];

function sameAttribute(a: string | undefined, b: string): boolean {
  if (a === b) return true;
  try {
    return a !== undefined && JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));
  } catch {
    return false;
  }
}
