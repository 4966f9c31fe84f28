/**
 * Puts the world's changes on the default bus of the account and region they happened in, as AWS does:
 * shortly after, now and then late, some of them twice, and so not always in order. What chance does is
 * decided by the seed and the event, and is the same at every run.
 */

import type { FaultPlan } from '../faults.ts';
import { hash32, type Random, randomFrom } from '../random.ts';
import type { Clock, EpochMs } from '../time.ts';
import { type AwsEvent, makeEvent } from './event.ts';
import type { Cancel, Scheduler } from './scheduler.ts';
import type { StateChange, StateChanges } from './state-changes.ts';

export interface EmitterSettings {
  /** How often the world is looked at for changes, ms; default 500. 0: only when asked to. */
  eventTickMs: number;
  /** Share of the changes of jobs (0 to 1) that are told by one or two more events, with ids of their own; default 0.25. */
  eventRepeats: number;
  /** Share of the events that come a second time, with the same id; default 0.05. */
  eventDuplicates: number;
  /** Every event takes up to this long, ms; default 400. */
  eventJitterMs: number;
  /** Share of the events that take up to `eventLateMs` more; default 0.05. */
  eventLateShare: number;
  /** Default 20 s. */
  eventLateMs: number;
  /** What chance does to events; default 1. */
  eventSeed: number;
  /** Times of jobs' events as text, as AWS's documentation shows them, or as numbers; default false. */
  eventTimesAsText: boolean;
  /** Also events of compilations, which AWS does not document; default false. */
  compilationEvents: boolean;
}

export const EMITTER_DEFAULTS: EmitterSettings = {
  eventTickMs: 500,
  eventRepeats: 0.25,
  eventDuplicates: 0.05,
  eventJitterMs: 400,
  eventLateShare: 0.05,
  eventLateMs: 20_000,
  eventSeed: 1,
  eventTimesAsText: false,
  compilationEvents: false,
};

export class WorldEmitter {
  readonly #changes: StateChanges;
  readonly #settings: EmitterSettings;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #faults: FaultPlan | undefined;
  readonly #put: (event: AwsEvent) => void;
  readonly #settle: (now: EpochMs) => Promise<void>;
  #cancel: Cancel = () => {};
  #closed = false;

  /** @param parts.settings read at each use, so that they may change while the sandbox runs */
  constructor(parts: {
    changes: StateChanges;
    settings: EmitterSettings;
    clock: Clock;
    scheduler: Scheduler;
    faults: FaultPlan | undefined;
    put: (event: AwsEvent) => void;
    /** Finds out how compilations have ended by now. */
    settle: (now: EpochMs) => Promise<void>;
  }) {
    this.#changes = parts.changes;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
    this.#scheduler = parts.scheduler;
    this.#faults = parts.faults;
    this.#put = parts.put;
    this.#settle = parts.settle;
  }

  /** Looks at the world now and then, until closed. */
  start(): void {
    this.#cancel();
    const { eventTickMs } = this.#settings;
    if (this.#closed || eventTickMs <= 0) return;
    const again = () => this.start();
    // A look that fails is one of the sandbox's own faults: the next one may succeed, and requests tell of it.
    this.#cancel = this.#scheduler.after(eventTickMs, () => void this.look().then(again, again));
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  /** Sends, or plans to send, what has changed since the last look. @returns how many changes there were */
  async look(): Promise<number> {
    const { compilationEvents } = this.#settings;
    const now = this.#clock.now();
    if (compilationEvents) await this.#settle(now);
    const changes = this.#changes.since(now, { compilations: compilationEvents });
    for (const change of changes) this.#plan(change);
    return changes.length;
  }

  #plan(change: StateChange): void {
    const { key, ...facts } = change;
    const settings = this.#settings;
    const random = randomFrom(seedOf(key, settings.eventSeed));
    const chance = (share: number) => random() < share;
    const ofSageMaker = facts.source === 'aws.sagemaker';
    const repeats = ofSageMaker && chance(settings.eventRepeats) ? 1 + Math.floor(random() * 2) : 0;
    for (let copy = 0; copy <= repeats; copy++) {
      // The service has written something more about the job, but its status is the same.
      const again = copy > 0 && typeof facts.detail.LastModifiedTime === 'number';
      const touched = again ? { LastModifiedTime: facts.at + copy * 130 } : {};
      const detail = { ...facts.detail, ...touched };
      const event = makeEvent({
        ...facts,
        detail: ofSageMaker && settings.eventTimesAsText ? timesAsText(detail) : detail,
        id: randomId(random),
      });
      const times = 1 + (chance(settings.eventDuplicates) ? 1 : 0);
      for (let time = 0; time < times; time++) {
        const late = chance(settings.eventLateShare) ? random() * settings.eventLateMs : 0;
        this.#send(event, random() * settings.eventJitterMs + late);
      }
    }
  }

  #send(event: AwsEvent, delayMs: number): void {
    // Best effort, says AWS: an event may never come.
    if (this.#faults?.take('events:Emit')) return;
    if (delayMs < 1) this.#put(event);
    else {
      this.#scheduler.after(delayMs, () => {
        if (!this.#closed) this.#put(event);
      });
    }
  }
}

function seedOf(key: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < key.length; index++) hash = hash32(key.charCodeAt(index), hash);
  return hash;
}

function randomId(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function timesAsText(detail: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(detail, (name, value) =>
      /Time$/.test(name) && typeof value === 'number' ? String(value) : value,
    ),
  );
}
