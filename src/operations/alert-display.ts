/** Keeps each alert in Slack in step with the store, even after a failed drawing or a crash. */
import { isDeepStrictEqual } from 'node:util';
import type { Alert } from '../domain/alerts.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Clock } from '../ground/time.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import { Batches } from './batches.ts';

/** Draws an alert's current state. Drawing it twice shows it once. */
export type ShowAlert = (alert: Alert, useCase: UseCase) => Promise<void>;

export interface AlertDisplayDeps {
  store: AlertStore;
  clock: Clock;
  useCases: readonly UseCase[];
  show: ShowAlert;
  onError: (error: unknown, context: { alert?: string; doing: string }) => void;
}

/** The most alerts that one query returns: far more than anybody handles. */
export const ALERT_LIMIT = 10_000;

export class AlertDisplay {
  readonly #deps: AlertDisplayDeps;
  /** One drawing of an alert at a time, so that the newest state wins. Waiting requests share the next one. */
  readonly #drawing: Batches<undefined, undefined>;
  /** Alerts whose newest state could not be drawn. */
  readonly #undrawn = new Set<string>();

  constructor(deps: AlertDisplayDeps) {
    this.#deps = deps;
    this.#drawing = new Batches(async (id, asked) => {
      await this.#draw(id);
      return asked;
    });
  }

  async show(id: string): Promise<void> {
    await this.#drawing.add(id, undefined);
  }

  /** Retries failed drawings. */
  async showUndrawn(): Promise<void> {
    for (const id of this.#undrawn) await this.#showOrReport(id);
  }

  /** Draws what a crash may have left undrawn. */
  async recover(): Promise<void> {
    const { store, clock } = this.#deps;
    const since = clock.now() - 86_400_000;
    const latest = await store.listAlerts({ limit: ALERT_LIMIT });
    for (const { id, state, resolved } of latest)
      if (state !== 'resolved' || (resolved && resolved.at > since)) await this.show(id);
  }

  async #draw(id: string): Promise<void> {
    const { store, useCases, show } = this.#deps;
    this.#undrawn.add(id);
    const alert = await store.getAlert(id);
    const useCase = alert && useCases.find((one) => one.id === alert.useCase);
    if (alert && useCase) await show(alert, useCase);
    this.#undrawn.delete(id);
    // Another instance may have changed and drawn the alert meanwhile, and our older drawing may hide that.
    if (!isDeepStrictEqual(await store.getAlert(id), alert)) void this.#showOrReport(id);
  }

  async #showOrReport(id: string): Promise<void> {
    try {
      await this.show(id);
    } catch (error) {
      this.#deps.onError(error, { alert: id, doing: 'drawing' });
    }
  }
}
