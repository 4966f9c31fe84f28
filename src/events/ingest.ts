/**
 * Events in: store → dedupe → handle. Whoever delivered an event is told only once it is on disk; from then on it
 * is this process's, also after a crash. Handlers run at least once for each event and must not mind a second time.
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

/** Which use case the event belongs to: one of its account and region. */
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
  /** Events that are handled at the same time, without those of training jobs; default 64. Those of one thing go one after the other. */
  concurrency?: number;
  /** Milliseconds before a failed handling is repeated; doubles up to the second. Default 1,000 and 5 minutes. */
  backoff?: readonly [first: number, most: number];
  /** One is stored that somebody else is to handle: this one handles none, as it is never started. */
  stored?: (id: string) => void;
  /** Handlings until an event is set aside for good; default 12, about half an hour. */
  tries?: number;
}

export interface IngestCounts {
  stored: number;
  duplicates: number;
  setAside: Record<string, number>;
  handled: number;
  /** Failed handlings that were tried again. */
  retried: number;
}

/**
 * What one person waits for goes before what thousands of devices report. Those of training jobs wait elsewhere, for
 * SageMaker to confirm them (operations/confirm-jobs.ts): here they would take the places of all others meanwhile.
 */
const PRIORITY: Readonly<Partial<Record<AwsEventKind, number>>> = {
  compilation: 2,
  alarm: 1,
  deployment: 0,
  'installed-component': 0,
};
/**
 * Milliseconds by which our clock may be behind. Beyond five minutes AWS takes no request of ours either:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
const AHEAD = 5 * 60_000;
/** Characters of what is set aside that are kept for whoever looks into it. */
const EXCERPT = 2_000;

export class Ingest implements EventIntake {
  readonly #options: IngestOptions;
  readonly #handlers: { kind: AwsEventKind; run: EventHandler }[] = [];
  readonly #queue: PQueue;
  /** Events of one thing are handled one after the other. */
  readonly #bySubject = new KeyQueue<string>();
  readonly #known = new Set<string>();
  readonly #stopping = new AbortController();
  #started = false;
  readonly counts: IngestCounts = { stored: 0, duplicates: 0, setAside: {}, handled: 0, retried: 0 };

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency ?? 64 });
    // One pause for each event that is to be tried again.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Handlers of one kind run in the order in which they were added; a failing one is repeated with those behind it. */
  on<K extends AwsEventKind>(kind: K, handler: EventHandler<K>): void {
    this.#handlers.push({ kind, run: handler as unknown as EventHandler });
  }

  /** Once all handlers are there: what a stop or a crash left is handled first. */
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

  /** Handles what other instances have stored and could not tell of. */
  async takeUpMissed(): Promise<void> {
    for (const { id } of await this.#pending()) if (!this.#known.has(id)) await this.takeUp(id);
  }

  problem(): string | undefined {
    return this.#options.store.problem();
  }

  /** Resolves when everything stored so far is handled or set aside, repetitions included. */
  async idle(): Promise<void> {
    await this.#bySubject.idle();
  }

  /** No handling begins any more; those under way are told by their signal and waited for. The rest is on disk. */
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
    // The same rubbish once, however often it is sent.
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
          // A stop ends the pause between two tries; the next start goes on.
          if (this.#stopping.signal.aborted) return;
          this.#options.log.error({ err: error, id }, 'an event was not handled');
        })
        .finally(() => this.#known.delete(id)),
    );
  }

  /** What waits for its turn, or to be tried again, takes no place of those who could go. */
  async #handleUntilDone(record: EventRecord, event: AwsEvent): Promise<void> {
    const { signal } = this.#stopping;
    let tries = record.tries ?? 0;
    for (let pauses = 1; !signal.aborted; pauses += 1) {
      const handle = () => this.#handle(record.id, event, tries + 1);
      const priority = PRIORITY[event.kind];
      const end = await (priority === undefined ? handle() : this.#queue.add(handle, { priority }));
      if (end === 'done') return;
      if (end === 'again') tries += 1;
      // The store tells by itself when it can be written again: not long after that it goes on.
      const waits = this.#options.backoff ?? [1_000, 300_000];
      await pause(backoff(waits, end === 'blocked' ? Math.min(pauses, 4) : pauses), this.#stopping.signal);
    }
  }

  /** @returns `blocked`: to be tried again, and not the event's fault */
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
      // Cut off by the stop: the next start does it again.
      if (signal.aborted) return 'done';
      if (thrown instanceof NotBelieved) return this.#notBelieved(id, thrown.reason, event);
      const error = toAppError(thrown);
      const blocked = store.problem();
      const final =
        blocked === undefined && (error.code === 'invalid_input' || tries >= (this.#options.tries ?? 12));
      const words = { err: thrown, ref: error.ref, id, tries, final };
      // The store has said already what is wrong, and there may be hundreds that wait for it.
      if (blocked === undefined) log.warn(words, 'handling an event failed');
      else log.debug(words, 'an event waits until something can be stored');
      this.counts.retried += final ? 0 : 1;
      // With a full disk every handling fails: that uses up no event's tries.
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
   * Each use case by itself: several may share an account, and what goes wrong in one keeps nothing from the others.
   * @throws what the first of them threw; NotBelieved only where none of them believes it
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

  /** @returns whether what became of it is stored */
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

/** One that says it happened in the future would make all that really happens until then old news. */
function notAhead(event: AwsEvent, now: number): AwsEvent {
  return event.at > now + AHEAD ? { ...event, at: now } : event;
}
