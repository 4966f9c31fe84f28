/** EventBridge, SQS and the world's own events, put together for the server. */
import { SandboxError } from '../errors.ts';
import type { FaultPlan } from '../faults.ts';
import type { Clock } from '../time.ts';
import type { AlarmValue } from './alarms.ts';
import { type AwsEvent, makeEvent } from './event.ts';
import { EventBuses } from './event-buses.ts';
import { type DeliveryCounts, EventDelivery } from './event-delivery.ts';
import { eventBridgeService } from './eventbridge.ts';
import type { Iam } from './iam.ts';
import type { QueueSettings } from './queue.ts';
import { QueueStore, type StoredQueue } from './queue-store.ts';
import type { Scheduler } from './scheduler.ts';
import type { AwsWorld } from './seed.ts';
import type { AwsService } from './service.ts';
import { sqsService } from './sqs.ts';
import { StateChanges } from './state-changes.ts';
import type { Stores } from './stores.ts';
import { EMITTER_DEFAULTS, type EmitterSettings, WorldEmitter } from './world-emitter.ts';

export interface EventingSettings extends QueueSettings, EmitterSettings {}

export const EVENTING_DEFAULTS: EventingSettings = { ...EMITTER_DEFAULTS, sqsDuplicates: 0, sqsShuffle: 10 };

/** An event as a test or the page gives it; what is left out is made up. */
export type GivenEvent = Partial<Omit<AwsEvent, 'detail-type' | 'detail'>> & {
  'detail-type': string;
  detail?: Readonly<Record<string, unknown>>;
};

export interface Eventing {
  services: AwsService[];
  inside: {
    /**
     * Puts events on the default bus of the account and region they name, also those of AWS's own sources.
     * @throws SandboxError invalid_input naming what is wrong with the first that is; then none was put
     */
    put(events: readonly GivenEvent[]): AwsEvent[];
    /** Puts texts into a queue, whatever they are: malformed ones too. @throws SandboxError not_found */
    send(queue: string, bodies: readonly string[]): void;
    /** An alarm by its name, wherever it is. @throws SandboxError not_found, invalid_input */
    setAlarm(name: string, value: AlarmValue, reason?: string): void;
    /** Looks now for what has changed in the world. @returns how many changes there were */
    look(): Promise<number>;
    queues(): { url: string; arn: string; visible: number; inFlight: number; delayed: number }[];
    counts(): DeliveryCounts;
    resetCounts(): void;
  };
  /** The settings have changed. */
  reconfigured(): void;
  close(): void;
}

export function startEventing(parts: {
  world: AwsWorld;
  stores: Stores;
  iam: Iam;
  clock: Clock;
  scheduler: Scheduler;
  faults: FaultPlan | undefined;
  /** Read at each use. */
  settings: EventingSettings;
  baseUrl: () => string;
}): Eventing {
  const { world, stores, iam, clock, scheduler, faults, settings, baseUrl } = parts;
  const queues = new QueueStore({ clock, scheduler, settings, seed: settings.eventSeed });
  const buses = new EventBuses();
  for (const { id, regions = {} } of world.accounts) {
    for (const [region, seed] of Object.entries(regions)) {
      for (const queue of seed.queues ?? []) queues.seed(id, region, queue);
      for (const bus of seed.eventBuses ?? []) buses.seed(id, region, bus);
    }
  }
  const delivery = new EventDelivery({ buses, queues, iam, clock, scheduler, faults });
  const put = (event: AwsEvent) => delivery.put(buses.bus(event.account, event.region)!, event);
  const emitter = new WorldEmitter({
    changes: new StateChanges(() => stores.places(), clock.now()),
    settings,
    clock,
    scheduler,
    faults,
    put,
    settle: (now) => stores.settle(now),
  });
  emitter.start();
  const findQueue = (urlOrArnOrName: string): StoredQueue => {
    const name = urlOrArnOrName.split(/[/:]/).at(-1)!;
    const found =
      queues.find(urlOrArnOrName) ??
      queues
        .all()
        .find((queue) => queue.name === name && urlOrArnOrName.endsWith(`/${queue.account}/${name}`)) ??
      queues.all().find((queue) => queue.name === urlOrArnOrName);
    if (found) return found;
    const names = queues.all().map((queue) => queue.name);
    throw new SandboxError('not_found', `There is no queue ${urlOrArnOrName}.`, {
      hint: names.length === 0 ? 'There is none at all: create one.' : `There are: ${names.join(', ')}.`,
    });
  };

  return {
    services: [sqsService(queues, iam, baseUrl), eventBridgeService({ buses, delivery, iam })],
    inside: {
      put(given) {
        const events = given.map((event, index) => readEvent(event, index, clock));
        for (const event of events) put(event);
        return events;
      },
      send(queue, bodies) {
        const found = findQueue(queue);
        for (const body of bodies) found.queue.send({ body, sender: 'AIDASANDBOX000000000' });
      },
      setAlarm(name, value, reason = 'Set by hand.') {
        if (!['OK', 'ALARM', 'INSUFFICIENT_DATA'].includes(value)) {
          const given = String(value);
          throw new SandboxError(
            'invalid_input',
            `An alarm is OK, ALARM or INSUFFICIENT_DATA, not ${given}.`,
          );
        }
        for (const { alarms } of stores.places()) {
          if (alarms.set(name, value, reason, clock.now())) return;
        }
        throw new SandboxError('not_found', `There is no alarm ${name}.`);
      },
      look: () => emitter.look(),
      queues: () =>
        queues.all().map(({ account, name, arn, queue }) => ({
          url: `${baseUrl()}/${account}/${name}`,
          arn,
          ...queue.counts(),
        })),
      counts: () => ({ ...delivery.counts }),
      resetCounts: () => delivery.resetCounts(),
    },
    reconfigured: () => emitter.start(),
    close() {
      emitter.close();
      queues.close();
    },
  };
}

function readEvent(given: GivenEvent, index: number, clock: Clock): AwsEvent {
  const wrong = (what: string) =>
    new SandboxError('invalid_input', `Event ${index + 1}: ${what}`, {
      hint: 'For example {"account": "123456789012", "region": "eu-west-1", "source": "aws.sagemaker", "detail-type": "SageMaker Training Job State Change", "detail": {}}.',
    });
  if (typeof given !== 'object' || given === null) throw wrong('it must be an object.');
  const { account, region, source, detail = {}, time } = given;
  if (typeof account !== 'string' || !/^\d{12}$/.test(account)) throw wrong('`account` must be 12 digits.');
  if (typeof region !== 'string' || region === '') throw wrong('`region` must be an AWS region.');
  if (typeof source !== 'string' || source === '')
    throw wrong('`source` must be a string, as `aws.sagemaker`.');
  const detailType = given['detail-type'];
  if (typeof detailType !== 'string' || detailType === '') throw wrong('`detail-type` must be a string.');
  if (typeof detail !== 'object' || detail === null) throw wrong('`detail` must be an object.');
  const event = makeEvent({
    account,
    region,
    source,
    detailType,
    detail,
    at: clock.now(),
    ...(given.id === undefined ? {} : { id: String(given.id) }),
    resources: (given.resources ?? []).map(String),
  });
  return time === undefined ? event : { ...event, time: String(time) };
}
