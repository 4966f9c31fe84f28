/** Every notifier: a new one is one file in this folder and one line here. */
import { setMaxListeners } from 'node:events';
import type { AwsEvent, AwsEventKind, CompilationHint } from '../domain/aws-events.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { backoff } from '../ground/backoff.ts';
import { elapsed } from '../ground/elapsed.ts';
import { CancelledError } from '../ground/errors.ts';
import { JobConfirmer } from '../operations/confirm-jobs.ts';
import { type Beat, steadyBeat } from '../operations/refresh-beat.ts';
import type { JobRefresher } from '../operations/refresh-jobs.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { alarmNotifier } from './alarms.ts';
import { alertClock, alertLists } from './alerts.ts';
import { compilationNotifier } from './compilation.ts';
import { componentNotifier, deviceNotifier } from './components.ts';
import { digestNotifier } from './digest.ts';
import { jobCardNotifier } from './job-cards.ts';
import { LogLooks } from './log-looks.ts';
import type { Notifier, NotifierDeps } from './notifier.ts';
import { retryNotifier } from './retries.ts';
import { stuckRunNotifier } from './stuck-runs.ts';
import { trainingNotifier } from './training.ts';
import { trainingEvents } from './training-events.ts';

export interface NotifiersDeps extends NotifierDeps {
  files: Pick<FileDelivery, 'deliver'>;
  refresher: Pick<JobRefresher, 'refreshNow'>;
  /** Left out: every two seconds. */
  beat?: Beat | undefined;
  /** Milliseconds before SageMaker is asked again about an event. */
  pauses?: readonly number[] | undefined;
}

type Handler<K extends AwsEventKind> = (
  event: Extract<AwsEvent, { kind: K }>,
  useCase: UseCase,
  signal: AbortSignal,
) => Promise<void>;

/** Who hears of events; `events/ingest.ts` is one. */
export interface EventSourceOf {
  on<K extends AwsEventKind>(kind: K, handler: Handler<K>): void;
}

/** Milliseconds until what could not be told is told again; doubles up to the second. */
const TELL_AGAIN = [2_000, 300_000] as const;

/** What a notifier could not tell of a use case: its recovery tells it. */
interface Untold {
  notifier: Notifier;
  useCase: UseCase;
  failures: number;
  /** By the time that passes. */
  nextTry: number;
}

export class Notifiers {
  readonly #deps: NotifiersDeps;
  readonly #all: readonly Notifier[];
  readonly #cards: ReturnType<typeof jobCardNotifier>;
  readonly #looks: LogLooks;
  readonly #training: ReturnType<typeof trainingEvents>;
  readonly #stopping = new AbortController();
  readonly #untold = new Map<string, Untold>();
  #unsubscribe: (() => void) | undefined;
  #beat: ReturnType<Beat> | undefined;
  /** What is under way of the last rounds. */
  readonly #ticking = new Map<Notifier | 'untold', Promise<void>>();
  #recovering: Promise<void> | undefined;

  constructor(deps: NotifiersDeps) {
    this.#deps = deps;
    // Whatever is asked at the same time listens to it.
    setMaxListeners(0, this.#stopping.signal);
    this.#cards = jobCardNotifier(deps);
    this.#looks = new LogLooks(deps);
    this.#training = trainingEvents({ ...deps, confirmer: new JobConfirmer(deps, deps) });
    this.#all = [
      this.#cards,
      trainingNotifier(deps, this.#looks),
      this.#training,
      compilationNotifier(deps, this.#looks),
      componentNotifier(deps),
      stuckRunNotifier(deps),
      retryNotifier(deps),
      digestNotifier(deps),
      alertClock(deps.alerts),
      alertLists(deps),
    ];
  }

  /** Before the intake of events starts. */
  attach(events: EventSourceOf): void {
    const devices = deviceNotifier(this.#deps);
    const alarms = alarmNotifier(this.#deps);
    events.on('training', (event, useCase, signal) => this.#training.onEvent(event, useCase, signal));
    events.on('compilation', (event, useCase) => this.#onCompilation(event, useCase));
    events.on('deployment', (event, useCase) => devices.onDeployment(event, useCase));
    events.on('installed-component', (event, useCase) => devices.onInstalled(event, useCase));
    events.on('alarm', (event, useCase) => alarms.onAlarm(event, useCase));
  }

  /** What a crash left untold is told first; then what happens. */
  start(): void {
    const { changes, useCases, onError } = this.#deps;
    this.#unsubscribe ??= changes.subscribe(async (change) => {
      const useCase = useCases.find(({ id }) => id === change.useCase);
      if (!useCase) return;
      for (const notifier of this.#all)
        await notifier.onChange?.(change, useCase).catch((error: unknown) => {
          onError(error, { useCase: useCase.id, subject: change.job, doing: `telling of ${change.kind}` });
          this.#missed(notifier, useCase);
        });
    });
    this.#recovering ??= this.#recover();
    this.#beat ??= (this.#deps.beat ?? steadyBeat)(() => {
      this.tick().catch((error: unknown) => onError(error, { doing: 'looking what is due' }));
    });
  }

  /** One round of what time brings. Each goes by itself: a look into a slow log must not hold an escalation up. */
  async tick(): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    await Promise.all([
      this.#once('untold', () => this.#tellAgain()),
      ...this.#all.map((notifier) => this.#once(notifier, async () => notifier.tick?.(signal))),
    ]);
  }

  /** Joins what is under way already; does not reject. */
  #once(what: Notifier | 'untold', work: () => Promise<void>): Promise<void> {
    const underWay =
      this.#ticking.get(what) ??
      work()
        .catch((error: unknown) => {
          if (!this.#stopping.signal.aborted) this.#deps.onError(error, { doing: 'looking what is due' });
        })
        .finally(() => this.#ticking.delete(what));
    this.#ticking.set(what, underWay);
    return underWay;
  }

  /** For the outbox: a message arrived. */
  async posted(record: OutboxRecord): Promise<void> {
    await this.#cards.posted(record);
  }

  /** Resolves when all that was begun is done: the recovery, and looks into logs. */
  async idle(): Promise<void> {
    await this.#recovering;
    await this.#looks.idle();
  }

  async stop(): Promise<void> {
    await this.#beat?.stop();
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    await Promise.allSettled([...this.#ticking.values(), this.#recovering]);
    await this.idle();
    this.#unsubscribe?.();
  }

  async #recover(): Promise<void> {
    const { useCases, alerts, onError } = this.#deps;
    await alerts.recover().catch((error: unknown) => onError(error, { doing: 'showing open alerts' }));
    for (const useCase of useCases)
      for (const notifier of this.#all) {
        if (this.#stopping.signal.aborted) return;
        await notifier.recover?.(useCase).catch((error: unknown) => {
          onError(error, { useCase: useCase.id, doing: 'telling what a stop left untold' });
          this.#missed(notifier, useCase);
        });
      }
  }

  // --- What could not be told, mostly since the disk was full ------------------------------------------

  #missed(notifier: Notifier, useCase: UseCase): void {
    const key = `${this.#all.indexOf(notifier)} ${useCase.id}`;
    const failures = (this.#untold.get(key)?.failures ?? 0) + 1;
    const nextTry = elapsed(this.#deps.clock) + backoff(TELL_AGAIN, failures);
    this.#untold.set(key, { notifier, useCase, failures, nextTry });
  }

  async #tellAgain(): Promise<void> {
    const { store, clock, onError } = this.#deps;
    for (const [key, untold] of this.#untold) {
      if (this.#stopping.signal.aborted || store.problem() !== undefined) return;
      if (untold.nextTry > elapsed(clock)) continue;
      const { notifier, useCase } = untold;
      try {
        await notifier.recover?.(useCase);
        // Unless something else could not be told meanwhile.
        if (this.#untold.get(key) === untold) this.#untold.delete(key);
      } catch (error) {
        onError(error, { useCase: useCase.id, doing: 'telling what could not be told' });
        this.#missed(notifier, useCase);
      }
    }
  }

  /** Only a reason to ask: SageMaker promises no such events. */
  async #onCompilation(event: CompilationHint, useCase: UseCase): Promise<void> {
    const { store, refresher } = this.#deps;
    const live = await store.listAttempts({ useCase: useCase.id, live: true });
    const attempt = live.find(({ compilationJob }) => compilationJob === event.compilationJob);
    if (attempt) await refresher.refreshNow(useCase.id, attempt.job);
  }
}
