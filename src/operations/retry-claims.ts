/** Claims on failures that somebody retries, and how claims end if nobody reported their end. */
import type { Failed } from '../domain/alert-retries.ts';
import { retryOf } from '../domain/alert-retries.ts';
import type { Alert, AlertRetry } from '../domain/alerts.ts';
import { currentStatus, isLive } from '../domain/compilations.ts';
import { isSettled } from '../domain/components.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { CompilationStore } from '../ports/compilation-store.ts';
import type { ComponentStore } from '../ports/component-store.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { AlertManager } from './alert-manager.ts';

export interface RetryDeps {
  store: Pick<JobStore, 'getJob'> &
    Pick<CompilationStore, 'listAttempts'> &
    Pick<ComponentStore, 'listComponents'>;
  clock: Clock;
  alerts: Pick<AlertManager, 'beginRetry' | 'endRetry' | 'unresolved'>;
}

type RetryEnd = NonNullable<AlertRetry['ended']>['how'];

/** Milliseconds after which a claim that nothing came of was never started, because of a crash. */
const STARTS_WITHIN = 10 * 60_000;

/**
 * Take it before starting anything.
 * @returns what was started first, if anything was: then start nothing
 */
export async function claimRetry(
  deps: RetryDeps,
  useCase: UseCase,
  failed: Failed,
  { as, by }: { as: string; by: Actor },
): Promise<AlertRetry | undefined> {
  await settleRetries(deps, useCase, (alert) => retryOf(alert, failed) !== undefined);
  return deps.alerts.beginRetry(useCase, failed, { as, by, at: deps.clock.now() });
}

/** What is already in progress for this failure. */
export async function retryUnderWay(
  deps: RetryDeps,
  useCase: UseCase,
  failed: Failed,
): Promise<AlertRetry | undefined> {
  await settleRetries(deps, useCase, (alert) => retryOf(alert, failed) !== undefined);
  const alerts = await deps.alerts.unresolved(useCase.id);
  return alerts.map((alert) => retryOf(alert, failed)).find((retry) => retry !== undefined);
}

/** Ends the retries that are known to be over. */
export async function settleRetries(
  deps: RetryDeps,
  useCase: UseCase,
  which: (alert: Alert) => boolean = () => true,
): Promise<void> {
  for (const alert of await deps.alerts.unresolved(useCase.id)) {
    if (!alert.retries?.some(({ ended }) => ended === undefined) || !which(alert)) continue;
    for (const retry of alert.retries) {
      if (retry.ended !== undefined) continue;
      const how = await endOf(deps, useCase, alert, retry);
      if (how !== undefined) await deps.alerts.endRetry(useCase, retry.as, how);
    }
  }
}

async function endOf(
  { store, clock }: RetryDeps,
  useCase: UseCase,
  { kind }: Alert,
  { as, job, at }: AlertRetry,
): Promise<RetryEnd | undefined> {
  switch (kind) {
    case 'compilation': {
      const attempts = await store.listAttempts({ useCase: useCase.id, job });
      const attempt = attempts.find(({ compilationJob }) => compilationJob === as);
      if (!attempt) return neverStarted(at, clock.now());
      return isLive(attempt) ? undefined : compilationEnd(currentStatus(attempt));
    }
    case 'component': {
      const made = await store.listComponents({ useCase: useCase.id, job });
      const component = made.find(({ chain }) => componentRetry(chain.component) === as);
      if (!component) return neverStarted(at, clock.now());
      return isSettled(component) ? componentEnd(component.state) : undefined;
    }
    default: {
      const known = await store.getJob(useCase.id, as);
      if (!known) return neverStarted(at, clock.now());
      return isFinished(known.job) ? trainingEnd(known.job) : undefined;
    }
  }
}

const neverStarted = (at: EpochMs, now: EpochMs): RetryEnd | undefined =>
  now - at > STARTS_WITHIN ? 'not started' : undefined;

/** For a job that has ended. */
export function trainingEnd({ state }: Pick<TrainingJob, 'state'>): RetryEnd {
  return state === 'completed' ? 'succeeded' : state === 'stopped' ? 'stopped' : 'failed';
}

/** @param status of an attempt that has ended */
export function compilationEnd(status: string): RetryEnd {
  return status === 'COMPLETED' ? 'succeeded' : status === 'STOPPED' ? 'stopped' : 'failed';
}

/** @param state of a settled component */
export function componentEnd(state: string): RetryEnd {
  return state.toUpperCase() === 'FAILED' ? 'failed' : 'succeeded';
}

/** Identifies a retry of packaging. */
export const componentRetry = ({ name, version }: { name: string; version: string }): string =>
  `${name} ${version}`;
