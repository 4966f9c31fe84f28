/** Every notifier: a new one is one file in this folder and one line here. */
import { setMaxListeners } from 'node:events';
import { CancelledError } from '../ground/errors.ts';
import { onCompilationEvent } from '../operations/compilation-events.ts';
import { JobConfirmer } from '../operations/confirm-jobs.ts';
import type { JobRefresher } from '../operations/refresh-jobs.ts';
import type { Ticker } from '../operations/ticker.ts';
import { trainingEvents } from '../operations/training-events.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { OutboxRecord } from '../ports/outbox-store.ts';
import { AlertExplainer } from './alert-explainer.ts';
import { alertClock, alertLists } from './alerts.ts';
import { compilationNotifier } from './compilation.ts';
import { componentNotifier } from './components.ts';
import { CurveTeller, type CurveTellerDeps } from './curves.ts';
import { CutWords } from './cut-words.ts';
import { digestNotifier } from './digest.ts';
import { jobCardNotifier } from './job-cards.ts';
import type { Notifier, NotifierDeps } from './notifier.ts';
import { machineNotifier } from './rented-machines.ts';
import type { EventSourceOf } from './reports.ts';
import { retryNotifier } from './retries.ts';
import { Rounds } from './rounds.ts';
import { stuckRunNotifier } from './stuck-runs.ts';
import { tailNotifier, type WatchedRuns } from './tails.ts';
import { Telling } from './telling.ts';
import { trainingNotifier } from './training.ts';

export interface NotifiersDeps extends NotifierDeps {
  files: Pick<FileDelivery, 'deliver'>;
  /** Left out: curves are shown on request alone. */
  curves?: CurveTellerDeps['curves'] | undefined;
  refresher: Pick<JobRefresher, 'refreshNow'>;
  /** Left out: runs cannot be watched. */
  watched?: WatchedRuns | undefined;
  /** Left out: every two seconds. */
  ticker?: Ticker | undefined;
  /** Milliseconds before SageMaker is asked again about an event. */
  pauses?: readonly number[] | undefined;
  /** Requests a second about events in one account and region. Left out: six. */
  perSecond?: number | undefined;
}

export class Notifiers {
  readonly #deps: NotifiersDeps;
  readonly #cutWords: CutWords;
  readonly #explainer: AlertExplainer;
  readonly #curves: CurveTeller | undefined;
  readonly #training: ReturnType<typeof trainingEvents>;
  readonly #telling: Telling;
  readonly #rounds: Rounds;
  readonly #all: readonly Notifier[];
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
    const { curves } = deps;
    this.#curves = curves && new CurveTeller({ ...deps, curves }, signal);
    this.#training = trainingEvents({ ...deps, confirmer: new JobConfirmer(deps, deps) });
    const all: readonly Notifier[] = [
      jobCardNotifier(deps),
      ...(this.#curves ? [this.#curves] : []),
      trainingNotifier(deps, this.#explainer),
      this.#training,
      compilationNotifier(deps, this.#explainer),
      componentNotifier(deps),
      stuckRunNotifier(deps),
      retryNotifier(deps),
      digestNotifier(deps),
      machineNotifier(deps),
      alertClock(deps.alerts),
      alertLists(deps),
      ...(deps.watched ? [tailNotifier({ ...deps, watched: deps.watched })] : []),
    ];
    this.#all = all;
    this.#telling = new Telling(deps, all, signal);
    this.#rounds = new Rounds(
      [
        () => this.#telling.again(),
        () => this.#explainer.tick(),
        ...all.flatMap((one) => (one.tick ? [(signal: AbortSignal) => one.tick!(signal)] : [])),
      ],
      signal,
      deps.onError,
    );
  }

  /** Call it before events are taken. Others may be told of elsewhere (reports.ts). */
  attach(events: EventSourceOf): void {
    events.on('training', (event, useCase, signal) => this.#training.onEvent(event, useCase, signal));
    events.on('step', (event, useCase, signal) => this.#training.onStep(event, useCase, signal));
    events.on('batch', (event, useCase, signal) => this.#training.onBatch(event, useCase, signal));
    events.on('compilation', (event, useCase) => onCompilationEvent(this.#deps, event, useCase));
    events.on('compilation', ({ compilationJob: job, ...event }, useCase, signal) =>
      this.#training.onEvent({ ...event, kind: 'training', provider: 'compilation', job }, useCase, signal),
    );
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
    await this.#curves?.posted(record);
  }

  /** Resolves when the recovery and all readings of logs have ended. */
  async idle(): Promise<void> {
    await this.#recovering;
    await this.#explainer.idle();
    await this.#curves?.idle();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    await this.#rounds.stop();
    await this.#recovering;
    await this.idle();
    this.#unsubscribe?.();
    for (const one of this.#all) one.stop?.();
  }

  async #recover(): Promise<void> {
    const { alerts, onError } = this.#deps;
    await alerts.recover().catch((error: unknown) => onError(error, { doing: 'showing open alerts' }));
    await this.#telling.recover();
  }
}
