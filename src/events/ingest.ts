/**
 * Incoming events: store → dedupe → handle. The sender gets its answer only once the event is on disk; from then on it
 * will be handled, even after a crash. Handlers run at least once for each event and must not mind a second time.
 */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import {
  type AwsEvent,
  type AwsEventKind,
  NotBelieved,
  parseAwsEvent,
  type SetAside,
  subjectKey,
  thingsOf,
} from '../domain/aws-events.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { backoff } from '../ground/backoff.ts';
import { toAppError } from '../ground/errors.ts';
import { KeyQueue } from '../ground/key-queue.ts';
import { pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import type { EventRecord, EventSource, EventStore } from '../ports/event-store.ts';
import type { StoreHealth } from '../ports/store.ts';
import type { EventIntake, Receipt } from './intake.ts';

/** @param useCase one with the event's account and region */
export type EventHandler<K extends AwsEventKind = AwsEventKind> = (
  event: Extract<AwsEvent, { kind: K }>,
  useCase: UseCase,
  signal: AbortSignal,
) => Promise<void>;

export interface IngestLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

export interface IngestOptions {
  store: EventStore & StoreHealth;
  clock: Clock;
  useCases: readonly UseCase[];
  log: IngestLog;
  /** Events handled at once, not counting training jobs'; default 64. Events of one thing are handled one at a time. */
  concurrency?: number;
  /** Milliseconds before failed handling is retried; doubles up to the second value. Default 1,000 and 5 minutes. */
  backoff?: readonly [first: number, most: number];
  /** Called when an event is stored that another instance should handle, because this one is never started. */
  stored?: (id: string) => void;
  /** Tries until an event is set aside for good; default 12, about half an hour. */
  tries?: number;
}

export interface IngestCounts {
  stored: number;
  duplicates: number;
  setAside: Record<string, number>;
  handled: number;
  /** Failed tries that were repeated. */
  retried: number;
}

/**
 * What one person waits for goes before what thousands of devices report. Training jobs' events are not in this queue:
 * they wait for SageMaker to confirm them (operations/confirm-jobs.ts), and would take up everybody's places here.
 */
const PRIORITY: Readonly<Partial<Record<AwsEventKind, number>>> = {
  compilation: 2,
  alarm: 1,
  deployment: 0,
  'installed-component': 0,
};
/**
 * Milliseconds by which our clock may be behind. Beyond five minutes AWS refuses our requests anyway:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
const AHEAD = 5 * 60_000;
/** Characters kept of an event that is set aside, for whoever looks into it. */
const EXCERPT = 2_000;

export class Ingest implements EventIntake {
  readonly #options: IngestOptions;
  readonly #handlers: { kind: AwsEventKind; run: EventHandler }[] = [];
  readonly #queue: PQueue;
  /** Handles the events of one thing one at a time. */
  readonly #bySubject = new KeyQueue<string>();
  readonly #known = new Set<string>();
  readonly #stopping = new AbortController();
  #started = false;
  readonly counts: IngestCounts = { stored: 0, duplicates: 0, setAside: {}, handled: 0, retried: 0 };

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency ?? 64 });
    // Each event to be retried has a pause that listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Handlers of one kind run in the order they were added; if one fails, it and those after it are retried. */
  on<K extends AwsEventKind>(kind: K, handler: EventHandler<K>): void {
    this.#handlers.push({ kind, run: handler as unknown as EventHandler });
  }

  /** Call it once all handlers are added. What a stop or a crash left is handled first. */
  async start(): Promise<void> {
    const left = await this.#pending();
    this.#started = true;
    for (const record of left) this.#handOver(record);
  }

  async receive(body: string, via: EventSource): Promise<Receipt> {
    const { store, clock } = this.#options;
    const parsed = parseAwsEvent(body);
    if ('setAside' in parsed) return this.#setAside(body, via, parsed.setAside);
    const { keys } = parsed;
    const event = notAhead(parsed.event, clock.now());
    if (this.#concerned(event).length === 0)
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
      ...(things.length === 0 ? {} : { about: { things, at: event.at } }),
    };
    if (!(await store.addEvent(record))) {
      this.counts.duplicates += 1;
      return 'duplicate';
    }
    this.counts.stored += 1;
    if (this.#started) this.#handOver(record);
    this.#options.stored?.(record.id);
    return 'stored';
  }

  /** Another instance has stored it. */
  async takeUp(id: string): Promise<void> {
    const record = await this.#options.store.getEvent(id);
    if (record?.state === 'pending') this.#handOver(record);
  }

  /** Handles events that other instances stored without being able to say so. */
  async takeUpMissed(): Promise<void> {
    for (const { id } of await this.#pending()) if (!this.#known.has(id)) await this.takeUp(id);
  }

  problem(): string | undefined {
    return this.#options.store.problem();
  }

  /** Resolves when everything stored so far is handled or set aside, retries included. */
  async idle(): Promise<void> {
    await this.#bySubject.idle();
  }

  /** Begins no more handling; tells running handlers by their signal and waits for them. The rest is on disk. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.idle();
  }

  async #pending(): Promise<EventRecord[]> {
    return this.#options.store.listEvents({ state: 'pending', limit: Number.MAX_SAFE_INTEGER });
  }

  #concerned(event: AwsEvent): UseCase[] {
    return this.#options.useCases.filter(
      ({ aws }) => aws?.account === event.account && aws.region === event.region,
    );
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
      excerpt: maskSecrets(body).slice(0, EXCERPT),
    });
    this.counts.setAside[reason.code] = (this.counts.setAside[reason.code] ?? 0) + 1;
    log.warn({ code: reason.code, reason: reason.message, via, repeated: !isNew }, 'an event is set aside');
    return 'set-aside';
  }

  #handOver(record: EventRecord): void {
    const { event, id } = record;
    if (!event || this.#known.has(id) || this.#stopping.signal.aborted) return;
    this.#known.add(id);
    const subject = subjectKey(event);
    void this.#bySubject.run(subject, () =>
      this.#handleUntilDone(record, event)
        .catch((error: unknown) => {
          // A stop ends the pause between two tries; the next start continues.
          if (this.#stopping.signal.aborted) return;
          this.#options.log.error({ err: error, id }, 'an event was not handled');
        })
        .finally(() => this.#known.delete(id)),
    );
  }

  /** An event that waits for its turn or a retry takes up no place in the queue. */
  async #handleUntilDone(record: EventRecord, event: AwsEvent): Promise<void> {
    const { signal } = this.#stopping;
    let tries = record.tries ?? 0;
    for (let pauses = 1; !signal.aborted; pauses += 1) {
      const handle = () => this.#handle(record.id, event, tries + 1);
      const priority = PRIORITY[event.kind];
      const end = await (priority === undefined ? handle() : this.#queue.add(handle, { priority }));
      if (end === 'done') return;
      if (end === 'again') tries += 1;
      // The store notices by itself when it can be written again, and soon after that this continues.
      const waits = this.#options.backoff ?? [1_000, 300_000];
      await pause(backoff(waits, end === 'blocked' ? Math.min(pauses, 4) : pauses), this.#stopping.signal);
    }
  }

  /** @returns `blocked`: to be retried, and not the event's fault */
  async #handle(id: string, event: AwsEvent, tries: number): Promise<'done' | 'again' | 'blocked'> {
    const { store, clock, log } = this.#options;
    const { signal } = this.#stopping;
    if (signal.aborted) return 'done';
    try {
      await this.#handleForAll(event);
      await store.changeEvent(id, ({ event: _, ...known }) => ({
        ...known,
        state: 'handled',
        settledAt: clock.now(),
      }));
      this.counts.handled += 1;
      return 'done';
    } catch (thrown) {
      // Interrupted by the stop: the next start does it again.
      if (signal.aborted) return 'done';
      if (thrown instanceof NotBelieved) return this.#notBelieved(id, thrown.reason, event);
      const error = toAppError(thrown);
      const blocked = store.problem();
      const final =
        blocked === undefined && (error.code === 'invalid_input' || tries >= (this.#options.tries ?? 12));
      const words = { err: thrown, ref: error.ref, id, tries, final };
      // The store has already logged what is wrong, and hundreds of events may be waiting for it.
      if (blocked === undefined) log.warn(words, 'handling an event failed');
      else log.debug(words, 'an event waits until something can be stored');
      this.counts.retried += final ? 0 : 1;
      // On a full disk all handling fails, which does not count as a try.
      if (blocked !== undefined) return 'blocked';
      const reason = { code: 'failed', message: `${error.message} (reference ${error.ref})` } as const;
      const noted = await this.#noted(id, () =>
        final ? this.#giveUp(id, reason, event) : store.changeEvent(id, (known) => ({ ...known, tries })),
      );
      if (!noted) return 'blocked';
      return final ? 'done' : 'again';
    }
  }

  /**
   * Each use case independently: several may share an account, and a failure in one does not affect the others.
   * @throws what the first of them threw; NotBelieved only if none of them believes it
   */
  async #handleForAll(event: AwsEvent): Promise<void> {
    const { signal } = this.#stopping;
    const concerned = this.#concerned(event);
    const thrown: unknown[] = [];
    for (const useCase of concerned)
      try {
        for (const { kind, run } of this.#handlers)
          if (kind === event.kind) await run(event, useCase, signal);
      } catch (error) {
        thrown.push(error);
      }
    const failed = thrown.filter((error) => !(error instanceof NotBelieved));
    if (failed.length > 0) throw failed[0];
    if (thrown.length > 0 && thrown.length === concerned.length) throw thrown[0];
  }

  async #notBelieved(id: string, reason: SetAside, event: AwsEvent): Promise<'done' | 'blocked'> {
    if (!(await this.#noted(id, () => this.#giveUp(id, reason, event)))) return 'blocked';
    this.#options.log.warn({ code: reason.code, reason: reason.message, id }, 'an event is set aside');
    return 'done';
  }

  /** @returns whether the outcome is stored */
  async #noted(id: string, write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (cause) {
      const words = 'what became of an event could not be stored: it is tried again';
      this.#options.log.warn({ err: cause, id }, words);
      return false;
    }
  }

  async #giveUp(id: string, reason: SetAside, event: AwsEvent): Promise<void> {
    await this.#options.store.changeEvent(id, ({ event: _, ...known }) => ({
      ...known,
      state: 'set-aside',
      settledAt: this.#options.clock.now(),
      reason,
      excerpt: maskSecrets(JSON.stringify(event)).slice(0, EXCERPT),
    }));
    this.counts.setAside[reason.code] = (this.counts.setAside[reason.code] ?? 0) + 1;
  }
}

/** An event dated in the future would make everything that really happens until then old news. */
function notAhead(event: AwsEvent, now: number): AwsEvent {
  return event.at > now + AHEAD ? { ...event, at: now } : event;
}
