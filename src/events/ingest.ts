/**
 * Incoming events: store → dedupe → handle. The sender gets its answer only once the event is on disk; from then on it
 * will be handled, even after a crash (handling.ts).
 */
import { createHash } from 'node:crypto';
import {
  type AwsEvent,
  type AwsEventKind,
  parseAwsEvent,
  type SetAside,
  subjectKey,
  thingsOf,
} from '../domain/aws-events.ts';
import { observed } from '../ground/observed.ts';
import type { EventRecord, EventSource } from '../ports/event-store.ts';
import {
  concernedBy,
  type EventHandler,
  EventHandling,
  excerptOf,
  type HandlingCounts,
  type HandlingOptions,
} from './handling.ts';
import type { EventIntake, Receipt } from './intake.ts';

export interface IngestOptions extends Omit<HandlingOptions, 'freed'> {
  /** Called when an event is stored that another instance should handle, because this one is never started. */
  stored?: (id: string, kind: AwsEventKind) => void;
  /** The kinds that are handled here; left out: all. */
  kinds?: ReadonlySet<AwsEventKind>;
}

export interface IngestCounts extends HandlingCounts {
  stored: number;
  duplicates: number;
}

/**
 * Milliseconds by which our clock may be behind. Beyond five minutes AWS refuses our requests anyway:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
const AHEAD = 5 * 60_000;

export class Ingest implements EventIntake {
  readonly counts: IngestCounts = { stored: 0, duplicates: 0, setAside: {}, handled: 0, retried: 0 };
  readonly #options: IngestOptions;
  readonly #handling: EventHandling;
  #started = false;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#handling = new EventHandling(options, this.counts);
  }

  /** As `EventHandling.on`. */
  on<K extends AwsEventKind>(kind: K, handler: EventHandler<K>): void {
    this.#handling.on(kind, handler);
  }

  /** Call it once all handlers are added. What a stop or a crash left is handled first. */
  async start(): Promise<void> {
    const left = await this.#pending();
    this.#started = true;
    for (const record of left) this.#handOver(record);
  }

  receive(body: string, via: EventSource): Promise<Receipt> {
    return observed({ kind: 'event', name: via }, () => this.#receive(body, via), {
      result: (receipt) => ({ outcome: receipt.replaceAll('-', '_') }),
    });
  }

  async #receive(body: string, via: EventSource): Promise<Receipt> {
    const { store, clock, useCases } = this.#options;
    const parsed = parseAwsEvent(body);
    if ('setAside' in parsed) return this.#setAside(body, via, parsed.setAside);
    const { keys } = parsed;
    const event = notAhead(parsed.event, clock.now());
    if (concernedBy(event, useCases).length === 0)
      return this.#setAside(body, via, {
        code: 'no-use-case',
        message: `No use case is in account ${event.account} and region ${event.region}.`,
      });
    const things = thingsOf(event);
    const record: EventRecord = {
      id: event.id,
      keys,
      receivedAt: clock.now(),
      via,
      state: 'pending',
      event,
      subject: subjectKey(event),
      ...(things.length === 0 ? {} : { about: { things, at: event.at } }),
    };
    if (!(await store.addEvent(record))) {
      this.counts.duplicates += 1;
      return 'duplicate';
    }
    this.counts.stored += 1;
    if (this.#started) this.#handOver(record);
    this.#options.stored?.(record.id, event.kind);
    return 'stored';
  }

  /** Another instance has stored it. Does nothing for kinds that are not handled here. */
  async takeUp(id: string): Promise<void> {
    const record = await this.#options.store.getEvent(id);
    if (record?.state === 'pending') this.#handOver(record);
  }

  /** Handles events that other instances stored without being able to say so. */
  async takeUpMissed(): Promise<void> {
    for (const { id } of await this.#pending()) if (!this.#handling.knows(id)) await this.takeUp(id);
  }

  problem(): string | undefined {
    return this.#options.store.problem();
  }

  /** Resolves when everything stored so far is handled or set aside, retries included. */
  async idle(): Promise<void> {
    await this.#handling.idle();
  }

  /** Begins no more handling; tells running handlers by their signal and waits for them. The rest is on disk. */
  async stop(): Promise<void> {
    await this.#handling.stop();
  }

  async #pending(): Promise<EventRecord[]> {
    const all = await this.#options.store.listEvents({ state: 'pending', limit: Number.MAX_SAFE_INTEGER });
    return all.filter((record) => this.#isHandled(record));
  }

  #isHandled({ event }: EventRecord): boolean {
    return event !== undefined && (this.#options.kinds?.has(event.kind) ?? true);
  }

  async #setAside(body: string, via: EventSource, reason: SetAside): Promise<Receipt> {
    const { store, clock, log } = this.#options;
    const at = clock.now();
    const digest = createHash('sha256').update(body).digest('hex').slice(0, 32);
    // Stored once, however often the same rubbish is sent.
    const isNew = await store.addEvent({
      id: `aside:${digest}`,
      keys: [`body:${digest}`],
      receivedAt: at,
      via,
      state: 'set-aside',
      settledAt: at,
      reason,
      excerpt: excerptOf(body),
    });
    this.counts.setAside[reason.code] = (this.counts.setAside[reason.code] ?? 0) + 1;
    log.warn({ code: reason.code, reason: reason.message, via, repeated: !isNew }, 'an event is set aside');
    return 'set-aside';
  }

  #handOver(record: EventRecord): void {
    if (this.#isHandled(record)) this.#handling.take(record);
  }
}

/** An event dated in the future would make everything that really happens until then old news. */
function notAhead(event: AwsEvent, now: number): AwsEvent {
  return event.at > now + AHEAD ? { ...event, at: now } : event;
}
