/**
 * Events that any instance may handle: each takes its part of them for as long as it has the lease of its own name, and
 * writes under that. Nobody has to hold the lease of the watch for this.
 */
import { randomUUID } from 'node:crypto';
import { ClaimedEvents, giveBackOfGone, leaseOfInstance } from './events/claimed-events.ts';
import { concerns, HANDLED_BY_ANY } from './events/lines.ts';
import { CancelledError } from './ground/errors.ts';
import { pause, untilAborted } from './ground/pause.ts';
import { alertBoard } from './notifiers/alerts.ts';
import { attachReports } from './notifiers/reports.ts';
import { AlertManager } from './operations/alert-manager.ts';
import { steadyTicker } from './operations/ticker.ts';
import type { Lease } from './ports/coordination.ts';
import {
  configuredUseCases,
  INSTANCE_FOR,
  oneAtATime,
  type RootOptions,
  TOPICS,
  wakeOutbox,
} from './roots.ts';
import type { SlackApi } from './slack/api.ts';
import { OutboxWriter } from './slack/outbox-writer.ts';

/** Milliseconds before the next try when there was no lease, or the store did not answer. */
const AGAIN_AFTER = 2_000;

export class WatchEvents {
  readonly #options: RootOptions;
  readonly #slack: SlackApi;
  readonly #stopping = new AbortController();
  #events: ClaimedEvents | undefined;
  #working: Promise<void> | undefined;

  constructor(options: RootOptions, slack: SlackApi) {
    this.#options = options;
    this.#slack = slack;
  }

  start(): void {
    this.#working ??= this.#work();
  }

  /** Nothing more is handled, and others may have what is left. Does not throw. */
  async stop(): Promise<void> {
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    await this.#working;
  }

  /** As one instance after the other: each has a name of its own, so that none writes what an earlier one began. */
  async #work(): Promise<void> {
    const { coordination, logger, pace } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const by = randomUUID();
      let lease: Lease | undefined;
      let end: (() => Promise<void>) | undefined;
      try {
        lease = await coordination.lease(leaseOfInstance(by), INSTANCE_FOR, signal);
        end = await this.#begin(by, lease);
        await untilAborted(AbortSignal.any([signal, lease.lost]));
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error }, 'events cannot be handled here for now');
      }
      await end?.();
      await lease?.release();
      if (!signal.aborted) await pause(pace?.watchAgain ?? AGAIN_AFTER, signal).catch(() => undefined);
    }
  }

  /** @returns ends it */
  async #begin(by: string, lease: Lease): Promise<() => Promise<void>> {
    const { config, logger, clock, coordination, pace } = this.#options;
    const store = await this.#options.store.under({ lease: lease.name, fence: lease.fence });
    const log = logger.child({ part: 'events' });
    const useCases = configuredUseCases(config);
    const notices = new OutboxWriter({ store, clock, stored: wakeOutbox(this.#options) });
    const alerts = new AlertManager({
      ...{ store, clock, useCases, admins: config.admins },
      directory: this.#slack.directory,
      show: alertBoard(notices),
      alone: oneAtATime(this.#options),
      onError: (error, context) => log.warn({ err: error, ...context }, 'an alert is in trouble'),
    });
    const events = new ClaimedEvents({ store, clock, useCases, log, by });
    attachReports({ store, clock, alerts, notices }, events);
    const unlisten = coordination.onWake(TOPICS.events, (note) => {
      if (concerns(HANDLED_BY_ANY, note)) events.look();
    });
    const ticker = (pace?.ticker ?? steadyTicker)(() => {
      giveBackOfGone(this.#options.store, coordination, INSTANCE_FOR)
        .catch((error: unknown) => log.debug({ err: error }, 'nobody knows who else handles events'))
        .finally(() => events.look());
    });
    events.look();
    return async () => {
      unlisten();
      await ticker.stop();
      await events.stop();
    };
  }
}
