/**
 * Handles stored events. Handlers run at least once for each event and must not mind a second time. Events of one subject
 * are handled one at a time and in order; what fails is tried again, and in the end set aside.
 */
import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import {
  type AwsEvent,
  type AwsEventKind,
  NotBelieved,
  type SetAside,
  subjectKey,
} from '../domain/aws-events.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { backoff } from '../ground/backoff.ts';
import { toAppError } from '../ground/errors.ts';
import { KeyQueue } from '../ground/key-queue.ts';
import { pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import type { EventRecord, EventStore } from '../ports/event-store.ts';
import type { StoreHealth } from '../ports/store.ts';

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

export interface HandlingOptions {
  store: EventStore & StoreHealth;
  clock: Clock;
  useCases: readonly UseCase[];
  log: IngestLog;
  /** Events handled at once, not counting training jobs'; default 64. Events of one thing are handled one at a time. */
  concurrency?: number;
  /** Milliseconds before failed handling is retried; doubles up to the second value. Default 1,000 and 5 minutes. */
  backoff?: readonly [first: number, most: number];
  /** Tries until an event is set aside for good; default 12, about half an hour. */
  tries?: number;
  /** One is done with, or waits for its next try. */
  freed?: () => void;
}

export interface HandlingCounts {
  setAside: Record<string, number>;
  handled: number;
  /** Failed tries that were repeated. */
  retried: number;
}

/**
 * What one person waits for goes before what thousands of devices report. Events of training and other jobs are not in
 * this queue: they wait for SageMaker to confirm them (operations/confirm-jobs.ts), and would take up everybody's places.
 */
const PRIORITY: Readonly<Partial<Record<AwsEventKind, number>>> = {
  compilation: 2,
  alarm: 1,
  'model-package': 0,
  'endpoint-deployment': 0,
  deployment: 0,
  'installed-component': 0,
};
/** Characters kept of an event that is set aside, for whoever looks into it. */
const EXCERPT = 2_000;

/** The beginning of what is set aside. */
export const excerptOf = (text: string): string => maskSecrets(text).slice(0, EXCERPT);

export const concernedBy = (event: AwsEvent, useCases: readonly UseCase[]): UseCase[] =>
  useCases.filter(({ aws }) => aws?.account === event.account && aws.region === event.region);

export class EventHandling {
  readonly counts: HandlingCounts;
  readonly #options: HandlingOptions;
  readonly #handlers: { kind: AwsEventKind; run: EventHandler }[] = [];
  readonly #queue: PQueue;
  /** Handles the events of one thing one at a time. */
  readonly #bySubject = new KeyQueue<string>();
  readonly #known = new Set<string>();
  readonly #stopping = new AbortController();
  #pausing = 0;

  constructor(options: HandlingOptions, counts: HandlingCounts = { setAside: {}, handled: 0, retried: 0 }) {
    this.#options = options;
    this.counts = counts;
    this.#queue = new PQueue({ concurrency: options.concurrency ?? 64 });
    // Each event to be retried has a pause that listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Handlers of one kind run in the order they were added; if one fails, it and those after it are retried. */
  on<K extends AwsEventKind>(kind: K, handler: EventHandler<K>): void {
    this.#handlers.push({ kind, run: handler as unknown as EventHandler });
  }

  /** Whether it is being handled, or waits for that. */
  knows(id: string): boolean {
    return this.#known.has(id);
  }

  /** How many are being handled or wait for their turn, not counting those that wait for their next try. */
  get busy(): number {
    return this.#known.size - this.#pausing;
  }

  /** Resolves when everything taken so far is handled or set aside, retries included. */
  async idle(): Promise<void> {
    await this.#bySubject.idle();
  }

  /** Begins no more handling; tells running handlers by their signal and waits for them. The rest is on disk. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.idle();
  }

  /** Does nothing if it has it already, or has stopped. */
  take(record: EventRecord): void {
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
        .finally(() => {
          this.#known.delete(id);
          this.#options.freed?.();
        }),
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
      this.#pausing += 1;
      this.#options.freed?.();
      await pause(backoff(waits, end === 'blocked' ? Math.min(pauses, 4) : pauses), signal).finally(() => {
        this.#pausing -= 1;
      });
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
    const concerned = concernedBy(event, this.#options.useCases);
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
      excerpt: excerptOf(JSON.stringify(event)),
    }));
    this.counts.setAside[reason.code] = (this.counts.setAside[reason.code] ?? 0) + 1;
  }
}
