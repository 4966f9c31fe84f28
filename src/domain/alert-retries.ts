/**
 * What people start again to resolve a failure, as its alert knows it. The alert's record is the claim: while one retry
 * is going on there is no second one, whoever asks and wherever.
 */
import type { EpochMs } from '../ground/time.ts';
import {
  type Alert,
  type AlertKind,
  type AlertRetry,
  type EscalationRule,
  nextDue,
  withEntry,
} from './alerts.ts';

/** What failed, as somebody who starts it again names it. */
export interface Failed {
  kind: AlertKind;
  /** The training job. */
  job: string;
  target?: string | undefined;
}

/** Retries that an alert remembers. */
const RETRIES_KEPT = 20;

/** The one that is going on; the newest if there are several, as in an alert about several pipelines. */
export function openRetry({ retries = [] }: Alert): AlertRetry | undefined {
  return retries.findLast(({ ended }) => ended === undefined);
}

/** What keeps this failure from being started again now. */
export function retryOf(alert: Alert, failed: Failed): AlertRetry | undefined {
  const pipelines = pipelinesOf(alert, failed);
  return alert.retries?.findLast(
    ({ ended, pipeline, target }) =>
      ended === undefined && pipelines.has(pipeline) && target === failed.target,
  );
}

/** Whether the alert is about this failure, and nothing has resolved it yet. */
export function isAbout(alert: Alert, failed: Failed): boolean {
  return alert.state !== 'resolved' && pipelinesOf(alert, failed).size > 0;
}

/** A run of a run is of the same pipeline: whichever of them is started again, it is for the same failure. */
function pipelinesOf(alert: Alert, { kind, job, target }: Failed): Set<string> {
  if (alert.kind !== kind) return new Set();
  const subjects = alert.subjects.filter(
    (one) => one.job === job && one.target === target && one.succeededAt === undefined,
  );
  return new Set(subjects.map(({ pipeline }) => pipeline ?? job));
}

/**
 * The alert with this retry going on, and nobody else called meanwhile. The same object if the retry is already going
 * on under that name, or another one is (`retryOf` tells which).
 */
export function beginRetry(alert: Alert, failed: Failed, retry: Pick<AlertRetry, 'as' | 'by' | 'at'>): Alert {
  if (!isAbout(alert, failed) || retryOf(alert, failed)) return alert;
  // The start is reported late, when its end is already known.
  if (alert.retries?.some(({ as }) => as === retry.as)) return alert;
  const [pipeline] = pipelinesOf(alert, failed);
  const { as, by, at } = retry;
  const next: AlertRetry = { as, by, at, pipeline: pipeline!, job: failed.job, target: failed.target };
  return withEntry(
    {
      ...alert,
      retries: [...(alert.retries ?? []), next].slice(-RETRIES_KEPT),
      ...(alert.snoozedUntil === undefined ? { dueAt: undefined } : {}),
    },
    { at, action: 'retried', by, detail: { as } },
  );
}

/** What was claimed under the name that was asked for is the job that its provider made of it. */
export function renameRetry(alert: Alert, from: string, as: string): Alert {
  if (from === as || !alert.retries?.some((retry) => retry.as === from)) return alert;
  return {
    ...alert,
    retries: without(alert.retries, as).map((retry) => (retry.as === from ? { ...retry, as } : retry)),
  };
}

/** It has ended, or was never started: unless it succeeded, the alert waits for somebody again. */
export function endRetry(
  alert: Alert,
  as: string,
  how: NonNullable<AlertRetry['ended']>['how'],
  at: EpochMs,
  rule: EscalationRule,
): Alert {
  if (!alert.retries?.some((retry) => retry.as === as && retry.ended === undefined)) return alert;
  const retries = alert.retries.map((retry) => (retry.as === as ? { ...retry, ended: { at, how } } : retry));
  const next: Alert = { ...alert, retries: how === 'not started' ? without(retries, as) : retries };
  const waits = next.state === 'open' && next.snoozedUntil === undefined && !openRetry(next);
  return withEntry(
    { ...next, ...(waits && how !== 'succeeded' ? { dueAt: nextDue(at, next.level, rule) } : {}) },
    { at, action: 'retry ended', detail: { as, how } },
  );
}

const without = (retries: readonly AlertRetry[], as: string): AlertRetry[] =>
  retries.filter((retry) => retry.as !== as);
