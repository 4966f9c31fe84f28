/**
 * Escalation: what time does to an alert. A snooze ends, or an on-call level does not answer and the next one is
 * called.
 */
import type { EpochMs } from '../ground/time.ts';
import { type Alert, type AlertCall, type EscalationRule, nextDue, withEntry } from './alerts.ts';

/** Whom a due alert calls: an on-call level, or the person it was passed to. */
export type Call = { level: number; escalated: boolean; assignee?: string | undefined };

/**
 * What is due by now: a snooze that ends calls the same level again, a level that did not answer calls the next.
 * After a time in which nothing ran, only one step is made: the next level gets its own time to answer.
 */
export function applyDue(alert: Alert, at: EpochMs, rule: EscalationRule): { alert: Alert; call?: Call } {
  if (alert.state !== 'open' || alert.dueAt === undefined || alert.dueAt > at) return { alert };
  if (alert.snoozedUntil !== undefined) {
    const { level, assignee } = alert;
    const woken = { ...alert, snoozedUntil: undefined, dueAt: nextDue(at, level, rule) };
    return { alert: withEntry(woken, { at, action: 'woken' }), call: { level, escalated: false, assignee } };
  }
  const level = alert.level + 1;
  if (level >= rule.levels) return { alert: { ...alert, dueAt: undefined } };
  return {
    alert: withEntry(
      { ...alert, level, dueAt: nextDue(at, level, rule) },
      { at, action: 'escalated', detail: { level } },
    ),
    call: { level, escalated: true },
  };
}

/**
 * The alert after the clock was changed: due times keep their distance, so that not everything falls due at once and
 * nothing is put off for hours. No wait is ever longer than the rule says, even if the clock was set back while nothing
 * ran.
 * @param setBy milliseconds by which the clock was set forward, below 0: back
 */
export function followClock(alert: Alert, at: EpochMs, setBy: number, rule: EscalationRule): Alert {
  if (alert.state !== 'open' || alert.dueAt === undefined) return alert;
  const { snoozedUntil } = alert;
  const moved = alert.dueAt + setBy;
  const dueAt = snoozedUntil === undefined ? Math.min(moved, at + rule.afterMs) : moved;
  if (dueAt === alert.dueAt) return alert;
  return { ...alert, dueAt, ...(snoozedUntil === undefined ? {} : { snoozedUntil: dueAt }) };
}

/** There are few calls: one for each level, and those that people make; the first and the newest are kept. */
const CALLS_KEPT = 50;

/** The alert with one more call on record, now at the level that was reached. */
export function withCall(alert: Alert, call: AlertCall, rule: EscalationRule): Alert {
  const calls = [...(alert.calls ?? []), call];
  if (calls.length > CALLS_KEPT) calls.splice(1, calls.length - CALLS_KEPT);
  // Levels with nobody in them were skipped: the time to answer starts with the level that was told.
  const level = Math.max(alert.level, call.level);
  return level === alert.level
    ? { ...alert, calls }
    : { ...alert, calls, level, dueAt: nextDue(call.at, level, rule) };
}
