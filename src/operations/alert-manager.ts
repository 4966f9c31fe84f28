/**
 * Alerts from the failure to the person: opened or joined, sent to whoever is on call, escalated when nobody answers,
 * resolved by a later success. All of it is state in the store and Slack shows a drawing of it, so after a crash it
 * only has to be drawn again.
 */
import { applyDue, followClock, withCall } from '../domain/alert-escalation.ts';
import { beginRetry, endRetry, type Failed, isAbout, renameRetry, retryOf } from '../domain/alert-retries.ts';
import {
  type Alert,
  type AlertExcerpt,
  type AlertRetry,
  acknowledge,
  applySuccesses,
  type EscalationRule,
  passTo,
  resolve,
  type Success,
  snooze,
  withEmptyRead,
} from '../domain/alerts.ts';
import type { FailureAdvice } from '../domain/failure-guidance.ts';
import { checkMutePattern, type Mute } from '../domain/mutes.ts';
import { withoutOwnAct } from '../domain/on-call.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { ClockWatch } from '../ground/elapsed.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { AlertStore } from '../ports/alert-store.ts';
import type { AuditTrail } from '../ports/audit-trail.ts';
import { ALERT_LIMIT, AlertDisplay, type AlertDisplayDeps } from './alert-display.ts';
import { Batches } from './batches.ts';
import { type OnCallDeps, reachOnCall } from './on-call-reach.ts';
import { type Failure, joinAlerts, raiseAlerts, ruleOf } from './raise-alerts.ts';

export type { Failure } from './raise-alerts.ts';

export interface AlertManagerDeps extends AlertDisplayDeps, OnCallDeps {
  store: AlertStore & Pick<AuditTrail, 'appendAudit'>;
  /** Runs work of one name in one instance at a time. Left out: no other instance raises alerts. */
  alone?: (<T>(name: string, work: () => Promise<T>) => Promise<T>) | undefined;
}

/** An alert, and the use case in which somebody may handle it: the id alone might belong to another use case. */
export type AlertRef = Pick<Alert, 'id' | 'useCase'>;

interface Raised {
  useCase: UseCase;
  failures: readonly Failure[];
}

export class AlertManager {
  readonly #deps: AlertManagerDeps;
  readonly #display: AlertDisplay;
  readonly #raising: Batches<Raised, (Alert | undefined)[]>;
  readonly #succeeding: Batches<Success, Success>;
  readonly #watch: ClockWatch;

  constructor(deps: AlertManagerDeps) {
    this.#deps = deps;
    const { alone } = deps;
    this.#raising = new Batches(async (key, batch) => {
      const { useCase } = batch[0]!;
      const failures = batch.flatMap((one) => one.failures);
      const raised = alone
        ? // Waiting for other instances takes longer than all the rest, and most failures of a flood need not.
          ((await joinAlerts(deps, useCase, failures)) ??
          (await alone(`alerts/${key}`, () => raiseAlerts(deps, useCase, failures))))
        : await raiseAlerts(deps, useCase, failures);
      const rest = [...raised];
      return batch.map(({ failures }) => rest.splice(0, failures.length));
    });
    this.#succeeding = new Batches(async (useCase, successes) => {
      await this.#succeed(useCase, successes);
      return successes;
    });
    this.#display = new AlertDisplay(deps);
    this.#watch = new ClockWatch(deps.clock);
  }

  /**
   * Opens an alert, or counts the failure in the one with the same cause. A subject only ever counts once.
   * @returns undefined when it is muted
   */
  async raise(useCase: UseCase, failure: Failure): Promise<Alert | undefined> {
    return (await this.raiseAll(useCase, [failure]))[0];
  }

  /** As `raise`, for failures of one kind that came together: one alert for each cause, or fewer in a flood. */
  async raiseAll(useCase: UseCase, failures: readonly Failure[]): Promise<(Alert | undefined)[]> {
    const [first] = failures;
    if (!first) return [];
    const raised = await this.#raising.add(JSON.stringify([useCase.id, first.kind]), { useCase, failures });
    const ids = new Set(raised.flatMap((alert) => alert?.id ?? []));
    await Promise.all([...ids].map((id) => this.#display.show(id)));
    return raised;
  }

  /** Adds what the log says; the first answer is kept. That the log says nothing is remembered too. */
  async explain(
    id: string,
    { read = true, ...facts }: { excerpt?: AlertExcerpt; advice?: FailureAdvice; read?: boolean },
  ): Promise<Alert> {
    const at = this.#deps.clock.now();
    const alert = await this.#deps.store.changeAlert(id, (alert) => {
      if (alert.excerpt) return alert;
      return facts.excerpt ? { ...alert, ...facts } : withEmptyRead({ ...alert, ...facts }, at, read);
    });
    if (facts.excerpt || facts.advice) await this.#display.show(id);
    return alert;
  }

  /** The same failure in other words: it hit more, or more is known of it. A resolved alert is left as it is. */
  async retell(id: string, words: Pick<Alert, 'title' | 'cause' | 'advice'>): Promise<void> {
    await this.#change(id, (alert) =>
      alert.state === 'resolved' || (alert.title === words.title && alert.cause === words.cause)
        ? alert
        : { ...alert, ...words },
    );
  }

  /** The service has confirmed it. */
  async confirmed(id: string): Promise<void> {
    await this.#deps.store.changeAlert(id, (alert) =>
      alert.unconfirmed === undefined ? alert : { ...alert, unconfirmed: undefined },
    );
    await this.#display.show(id);
  }

  /** The service contradicts it, so nothing needs to be done. */
  async unfounded(id: string): Promise<void> {
    const at = this.#deps.clock.now();
    await this.#deps.store.changeAlert(id, (alert) =>
      alert.count === 1 ? resolve(alert, 'unfounded', at) : { ...alert, unconfirmed: undefined },
    );
    await this.#display.show(id);
  }

  /** A later success resolves its failures; alerts with none left end. */
  async succeeded(useCase: UseCase, success: Success): Promise<void> {
    await this.#succeeding.add(useCase.id, success);
  }

  async #succeed(useCase: string, successes: readonly Success[]): Promise<void> {
    const resolved = (alert: Alert): Alert => applySuccesses(alert, successes);
    // Mostly it is about other things, and others may be changing it just then.
    for (const known of await this.unresolved(useCase))
      if (resolved(known) !== known) await this.#change(known.id, resolved);
  }

  /** Its whole list has been posted in its thread. */
  async noteListed(id: string, listed: NonNullable<Alert['listed']>): Promise<void> {
    await this.#deps.store.changeAlert(id, (alert) => ({ ...alert, listed }));
    await this.#display.show(id);
  }

  // --- Retries by people -------------------------------------------------------------------------------

  /**
   * Claims a failure before it is started again. The claim is durable; making it twice is fine. Without an open alert
   * about the failure it does nothing.
   * @returns whoever claimed it first, if that is somebody or something else
   */
  async beginRetry(
    useCase: UseCase,
    failed: Failed,
    retry: Pick<AlertRetry, 'as' | 'by' | 'at'>,
  ): Promise<AlertRetry | undefined> {
    const about = (await this.unresolved(useCase.id)).filter((alert) => isAbout(alert, failed));
    for (const { id } of about) {
      const first = retryOf(await this.#change(id, (alert) => beginRetry(alert, failed, retry)), failed);
      if (first && first.as !== retry.as) return first;
    }
    return undefined;
  }

  async endRetry(useCase: UseCase, as: string, how: NonNullable<AlertRetry['ended']>['how']): Promise<void> {
    const at = this.#deps.clock.now();
    for (const { id } of await this.unresolved(useCase.id))
      await this.#change(id, (alert) => endRetry(alert, as, how, at, ruleOf(useCase)));
  }

  /** @param as key of the job that was started, once it is known */
  async renameRetry(useCase: UseCase, from: string, as: string): Promise<void> {
    if (from === as) return;
    for (const { id } of await this.unresolved(useCase.id))
      await this.#change(id, (alert) => renameRetry(alert, from, as));
  }

  /** Newest first. */
  async unresolved(useCase?: string): Promise<Alert[]> {
    return this.#deps.store.listAlerts({
      ...(useCase === undefined ? {} : { useCase }),
      unresolved: true,
      limit: ALERT_LIMIT,
    });
  }

  // --- What people do ---------------------------------------------------------------------------------
  // Each returns the resulting alert and whether anything changed. A late click changes nothing, and the message
  // shows the current state. An alert of another use case counts as missing.

  /** @throws AppError not_found, including for another use case's alert */
  async find({ id, useCase }: AlertRef): Promise<Alert> {
    const alert = await this.#deps.store.getAlert(id);
    if (alert?.useCase === useCase) return alert;
    throw new AppError('not_found', 'This alert is not there any more.', {
      hint: 'Resolved alerts are kept for half a year. The Home tab of Signalbox lists the open ones.',
    });
  }

  acknowledge(ref: AlertRef, by: Actor): Promise<{ alert: Alert; changed: boolean }> {
    return this.#act(ref, by, 'alert.acknowledged', (alert, at) => acknowledge(alert, by, at));
  }

  snooze(ref: AlertRef, by: Actor, ms: number): Promise<{ alert: Alert; changed: boolean }> {
    // Whole minutes, so that a double click is one snooze.
    const until = Math.ceil((this.#deps.clock.now() + ms) / 60_000) * 60_000;
    return this.#act(ref, by, 'alert.snoozed', (alert, at) => snooze(alert, by, until, at), { until });
  }

  async pass(ref: AlertRef, by: Actor, to: string): Promise<{ alert: Alert; changed: boolean }> {
    return this.#act(
      ref,
      by,
      'alert.passed',
      (alert, at, rule) => {
        const next = passTo(alert, by, to, at, rule);
        const told = withoutOwnAct([to], by.user);
        return next === alert
          ? alert
          : withCall(next, { at, why: 'passed', level: alert.level, to: told, empty: [] }, rule);
      },
      { to },
    );
  }

  close(ref: AlertRef, by: Actor): Promise<{ alert: Alert; changed: boolean }> {
    return this.#act(ref, by, 'alert.resolved', (alert, at) => resolve(alert, 'closed', at, by));
  }

  /**
   * Ends the alert, and until then names that match the pattern raise none. A longer mute of the same pattern is kept,
   * since whoever set it meant it.
   * @returns `kept`: that longer one
   * @throws AppError invalid_input
   */
  async mute(
    ref: AlertRef,
    by: Actor,
    mute: { pattern: string; forMs?: number | undefined },
  ): Promise<{ alert: Alert; changed: boolean; kept?: Mute | undefined }> {
    const pattern = checkMutePattern(mute.pattern);
    const { store, clock } = this.#deps;
    const found = await this.find(ref);
    const at = clock.now();
    const until = mute.forMs === undefined ? undefined : at + mute.forMs;
    const id = `${found.useCase}/${pattern.toLowerCase()}`;
    const before = (await store.listMutes(found.useCase)).find((one) => one.id === id);
    const kept = before && lastsLonger(before, until) ? before : undefined;
    if (!kept)
      await store.putMute({
        id,
        useCase: found.useCase,
        pattern,
        by,
        at,
        ...(until === undefined ? {} : { until }),
      });
    const done = await this.#act(ref, by, 'alert.muted', (alert) => resolve(alert, 'muted', at, by), {
      pattern,
      ...(until === undefined ? {} : { until }),
    });
    return { ...done, kept };
  }

  /** Names that match the pattern raise alerts again. @returns undefined when there is no such mute (any more) */
  async unmute(useCase: string, id: string, by: Actor): Promise<Mute | undefined> {
    const { store, clock } = this.#deps;
    const mute = (await store.listMutes(useCase)).find((one) => one.id === id);
    if (!mute) return undefined;
    await store.removeMute(id);
    const { pattern } = mute;
    await store.appendAudit({
      at: clock.now(),
      actor: by,
      action: 'alert.unmuted',
      useCase,
      subject: pattern,
      detail: { pattern },
    });
    return mute;
  }

  async #act(
    ref: AlertRef,
    by: Actor,
    action: string,
    change: (alert: Alert, at: EpochMs, rule: EscalationRule) => Alert,
    detail: Record<string, string | number> = {},
  ): Promise<{ alert: Alert; changed: boolean }> {
    const { store, clock } = this.#deps;
    const { id } = ref;
    const useCase = this.#knownUseCase((await this.find(ref)).useCase);
    const at = clock.now();
    let before: Alert | undefined;
    let after: Alert;
    try {
      after = await store.changeAlert(id, (alert) => {
        before = alert;
        return change(alert, at, ruleOf(useCase));
      });
    } finally {
      // Even after a refusal: the buttons on screen may belong to an older state.
      await this.#display.show(id);
    }
    const changed = after !== before;
    if (changed)
      await store.appendAudit({
        at,
        actor: by,
        action,
        useCase: useCase.id,
        subject: after.job ?? after.subjects[0]?.name,
        detail: { alert: id, ...detail },
      });
    return { alert: after, changed };
  }

  // --- What is due ------------------------------------------------------------------------------------

  /** Handles snoozes that end and levels that did not answer, including those that fell due while it was stopped. */
  async tick(): Promise<void> {
    const { store, clock, onError } = this.#deps;
    const at = clock.now();
    const setBy = this.#watch.setBy();
    await this.#display.showUndrawn();
    for (const known of await this.unresolved()) {
      const { id, level } = known;
      const useCase = this.#deps.useCases.find((one) => one.id === known.useCase);
      if (!useCase) continue;
      try {
        const moved = (alert: Alert): Alert => followClock(alert, at, setBy, ruleOf(useCase));
        const { dueAt } = moved(known) === known ? known : await store.changeAlert(id, moved);
        if (dueAt === undefined || dueAt > at) continue;
        const [same, next] = await Promise.all([
          reachOnCall(this.#deps, useCase, level, at),
          reachOnCall(this.#deps, useCase, level + 1, at),
        ]);
        await store.changeAlert(id, (alert) => {
          const rule = ruleOf(useCase);
          const due = applyDue(alert, at, rule);
          if (!due.call || alert.level !== level) return alert.level === level ? due.alert : alert;
          const { escalated, assignee } = due.call;
          const reached = escalated ? next : same;
          const to = assignee === undefined ? reached.to : [assignee];
          return withCall(due.alert, { at, why: escalated ? 'escalated' : 'woken', ...reached, to }, rule);
        });
        await this.#display.show(id);
      } catch (error) {
        onError(error, { alert: id, doing: 'escalating' });
      }
    }
  }

  /** Draws what a crash may have left undrawn. */
  recover(): Promise<void> {
    return this.#display.recover();
  }

  /** Draws it again if that changes anything. */
  async #change(id: string, change: (alert: Alert) => Alert): Promise<Alert> {
    let before: Alert | undefined;
    const after = await this.#deps.store.changeAlert(id, (alert) => {
      before = alert;
      return change(alert);
    });
    if (after !== before) await this.#display.show(id);
    return after;
  }

  #knownUseCase(id: string): UseCase {
    const useCase = this.#deps.useCases.find((one) => one.id === id);
    if (useCase) return useCase;
    throw new AppError('not_found', `The use case ${id} is not configured any more.`, {
      hint: 'Its alerts stay on record, but nobody can be asked about them.',
    });
  }
}

const lastsLonger = (mute: Mute, until: EpochMs | undefined): boolean =>
  until !== undefined && (mute.until === undefined || mute.until > until);
