/** Retries of failures and how they end: the alert says so, whoever started the retry and wherever. */
import { currentStatus, isLive } from '../domain/compilations.ts';
import { isSettled } from '../domain/components.ts';
import { jobKey } from '../domain/job-keys.ts';
import { isFinished } from '../domain/jobs.ts';
import { elapsed } from '../ground/elapsed.ts';
import {
  compilationEnd,
  componentEnd,
  componentRetry,
  settleRetries,
  trainingEnd,
} from '../operations/retry-claims.ts';
import type { Notifier, NotifierDeps } from './notifier.ts';

/** Milliseconds between searches for retries that a crash has lost. */
const CHECK_EVERY = 60_000;

/** Runs after the notifiers that raise and resolve alerts, so that the alert already reflects the retry's end. */
export function retryNotifier(deps: NotifierDeps): Notifier {
  const { store, alerts, clock, useCases } = deps;
  let nextCheck = 0;
  return {
    async onChange(change, useCase) {
      switch (change.kind) {
        case 'run-again': {
          const started = await store.getJob(useCase.id, change.as);
          const rerun = started?.rerun;
          if (rerun)
            await alerts.beginRetry(
              useCase,
              { kind: 'training', job: rerun.of },
              { as: change.as, ...rerun },
            );
          return;
        }
        case 'job-appeared':
        case 'job-changed':
          if (isFinished(change.training))
            await alerts.endRetry(useCase, jobKey(change.training), trainingEnd(change.training));
          return;
        case 'compilation': {
          const { job, target, compilationJob, startedBy, askedAt } = change.attempt;
          if (!isLive(change.attempt))
            return alerts.endRetry(useCase, compilationJob, compilationEnd(currentStatus(change.attempt)));
          if (!change.before)
            await alerts.beginRetry(
              useCase,
              { kind: 'compilation', job, target },
              { as: compilationJob, by: startedBy, at: askedAt },
            );
          return;
        }
        case 'component': {
          const { component, before } = change;
          const as = componentRetry(component.chain.component);
          if (isSettled(component)) return alerts.endRetry(useCase, as, componentEnd(component.state));
          const { trainingJob: job, target } = component.chain;
          if (!before && component.publishedBy)
            await alerts.beginRetry(
              useCase,
              { kind: 'component', job, target },
              { as, by: component.publishedBy, at: component.createdAt },
            );
        }
      }
    },
    recover: (useCase) => settleRetries(deps, useCase),
    async tick() {
      const now = elapsed(clock);
      if (now < nextCheck) return;
      nextCheck = now + CHECK_EVERY;
      for (const useCase of useCases) await settleRetries(deps, useCase);
    },
  };
}
