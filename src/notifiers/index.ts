/** Every notifier: a new one is one file in this folder and one line here. */
import { setMaxListeners } from 'node:events';
import type { AwsEvent, AwsEventKind } from '../domain/aws-events.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { CancelledError } from '../ground/errors.ts';
import { onCompilationEvent } from '../operations/compilation-events.ts';
import { JobConfirmer } from '../operations/confirm-jobs.ts';
import type { JobRefresher } from '../operations/refresh-jobs.ts';
import type { Ticker } from '../operations/ticker.ts';
import { trainingEvents } from '../operations/training-events.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { alarmNotifier } from './alarms.ts';
import { AlertExplainer } from './alert-explainer.ts';
import { alertClock, alertLists } from './alerts.ts';
import { compilationNotifier } from './compilation.ts';
import { componentNotifier, deviceNotifier } from './components.ts';
import { CutWords } from './cut-words.ts';
import { digestNotifier } from './digest.ts';
import { jobCardNotifier } from './job-cards.ts';
import type { Notifier, NotifierDeps } from './notifier.ts';
import { retryNotifier } from './retries.ts';
import { Rounds } from './rounds.ts';
import { stuckRunNotifier } from './stuck-runs.ts';
import { Telling } from './telling.ts';
import { trainingNotifier } from './training.ts';

export interface NotifiersDeps extends NotifierDeps {
  files: Pick<FileDelivery, 'deliver'>;
  refresher: Pick<JobRefresher, 'refreshNow'>;
  /** Left out: every two seconds. */
  ticker?: Ticker | undefined;
  /** Milliseconds before SageMaker is asked again about an event. */
  pauses?: readonly number[] | undefined;
}

type Handler<K extends AwsEventKind> = (
  event: Extract<AwsEvent, { kind: K }>,
  useCase: UseCase,
  signal: AbortSignal,
) => Promise<void>;

/** A source of events, such as `events/ingest.ts`. */
export interface EventSourceOf {
  on<K extends AwsEventKind>(kind: K, handler: Handler<K>): void;
}

export class Notifiers {
  readonly #deps: NotifiersDeps;
  readonly #cutWords: CutWords;
  readonly #explainer: AlertExplainer;
  readonly #training: ReturnType<typeof trainingEvents>;
  readonly #telling: Telling;
  readonly #rounds: Rounds;
  readonly #stopping = new AbortController();
  #unsubscribe: (() => void) | undefined;
  #recovering: Promise<void> | undefined;

  constructor(deps: NotifiersDeps) {
    this.#deps = deps;
    const { signal } = this.#stopping;
    // All concurrent requests listen to it.
    setMaxListeners(0, signal);
    this.#cutWords = new CutWords(deps);
    this.#explainer = new AlertExplainer(deps);
    this.#training = trainingEvents({ ...deps, confirmer: new JobConfirmer(deps, deps) });
    const all: readonly Notifier[] = [
      jobCardNotifier(deps),
      trainingNotifier(deps, this.#explainer),
      this.#training,
      compilationNotifier(deps, this.#explainer),
      componentNotifier(deps),
      stuckRunNotifier(deps),
      retryNotifier(deps),
      digestNotifier(deps),
      alertClock(deps.alerts),
      alertLists(deps),
    ];
    this.#telling = new Telling(deps, all, signal);
    this.#rounds = new Rounds(
      [() => this.#telling.again(), () => this.#explainer.tick(), ...all.flatMap(({ tick }) => tick ?? [])],
      signal,
      deps.onError,
    );
  }

  /** Call it before the intake of events starts. */
  attach(events: EventSourceOf): void {
    const devices = deviceNotifier(this.#deps);
    const alarms = alarmNotifier(this.#deps);
    events.on('training', (event, useCase, signal) => this.#training.onEvent(event, useCase, signal));
    events.on('compilation', (event, useCase) => onCompilationEvent(this.#deps, event, useCase));
    events.on('deployment', (event, useCase) => devices.onDeployment(event, useCase));
    events.on('installed-component', (event, useCase) => devices.onInstalled(event, useCase));
    events.on('alarm', (event, useCase) => alarms.onAlarm(event, useCase));
  }

  /** Announces what a crash left unannounced, then what happens from now on. */
  start(): void {
    this.#unsubscribe ??= this.#deps.changes.subscribe((change) => this.#telling.change(change));
    this.#recovering ??= this.#recover();
    this.#rounds.start(this.#deps.ticker);
  }

  /** Runs one tick. */
  tick(): Promise<void> {
    return this.#rounds.tick();
  }

  /** For the outbox: a message arrived. */
  async posted(record: OutboxRecord): Promise<void> {
    await this.#cutWords.posted(record);
  }

  /** Resolves when the recovery and all readings of logs have ended. */
  async idle(): Promise<void> {
    await this.#recovering;
    await this.#explainer.idle();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    await this.#rounds.stop();
    await this.#recovering;
    await this.idle();
    this.#unsubscribe?.();
  }

  async #recover(): Promise<void> {
    const { alerts, onError } = this.#deps;
    await alerts.recover().catch((error: unknown) => onError(error, { doing: 'showing open alerts' }));
    await this.#telling.recover();
  }
}
