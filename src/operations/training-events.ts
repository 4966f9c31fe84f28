/**
 * Events of training jobs: SageMaker is asked before anybody is called (confirm-jobs.ts), and its answer is then handled
 * as if it had come without an event.
 */
import { NotBelieved, type TrainingEvent } from '../domain/aws-events.ts';
import { type JobRecord, NEWS_FOR } from '../domain/job-records.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { sageMakerState } from '../domain/sagemaker-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import type { AlertManager } from './alert-manager.ts';
import type { JobConfirmer } from './confirm-jobs.ts';
import type { JobDeps } from './job-deps.ts';
import { observeFailedCheck, observeJob } from './observe-jobs.ts';
import type { JobRefresher } from './refresh-jobs.ts';

/** Milliseconds between requests about an end that is not confirmed yet. */
const ASK_AGAIN = 30_000;

export interface TrainingEventsDeps extends JobDeps {
  useCases: readonly UseCase[];
  alerts: Pick<AlertManager, 'unresolved' | 'confirmed' | 'unfounded'>;
  confirmer: JobConfirmer;
  refresher: Pick<JobRefresher, 'refreshNow'>;
}

export function trainingEvents(deps: TrainingEventsDeps): {
  onEvent(event: TrainingEvent, useCase: UseCase, signal: AbortSignal): Promise<void>;
  tick(signal: AbortSignal): Promise<void>;
} {
  const { store, clock, alerts, confirmer, refresher } = deps;
  /** Alert → when SageMaker was last asked to confirm it, in elapsed time. */
  const asked = new Map<string, number>();

  /** @throws NotBelieved when SageMaker says otherwise */
  async function onEvent(event: TrainingEvent, useCase: UseCase, signal: AbortSignal): Promise<void> {
    const before = await store.getJob(useCase.id, event.job);
    const isNews = !event.replayed && clock.now() - event.at < NEWS_FOR;
    // Ended long before Signalbox heard of it: leave it as it is.
    if (!before && !isNews) return;
    const ends = isFinished(sageMakerState(event.status));
    // If SageMaker itself has said that it is over, that is final.
    if (before && isFinished(before.job) && before.unconfirmed === undefined) return;
    // Nobody is called for a running job, and it is checked every few seconds anyway.
    if (before && !ends) return observed(event, useCase, before, isNews);

    const at = clock.now();
    const answer = await confirmer.ask(
      useCase,
      event.job,
      { ended: ends, known: before !== undefined },
      signal,
    );
    if (answer.kind === 'unknown')
      throw new NotBelieved({
        code: 'no-such-job',
        message: `SageMaker has no training job ${event.job} in account ${event.account} and region ${event.region}.`,
      });
    if (answer.kind === 'unasked')
      return observed(event, useCase, before, isNews, ends ? answer.problem.message : undefined);
    await observeJob(deps, useCase, { job: answer.job, at, described: true, announce: isNews });
    if (ends && !isFinished(answer.job))
      throw new NotBelieved({
        code: 'contradicted',
        message: `The event says that the training job ${event.job} is ${event.status}; SageMaker says ${answer.job.status}.`,
      });
    // Its compilations and components, if any.
    if (ends) await refresher.refreshNow(useCase.id, event.job);
  }

  async function observed(
    event: TrainingEvent,
    useCase: UseCase,
    before: JobRecord | undefined,
    announce: boolean,
    unconfirmed?: string,
  ): Promise<void> {
    await observeJob(deps, useCase, {
      job: jobOf(event, useCase, before),
      at: event.at,
      announce,
      ...(unconfirmed === undefined ? {} : { unconfirmed }),
    });
  }

  /** Alerts posted on an event's word alone: SageMaker is asked until it answers. */
  async function tick(signal: AbortSignal): Promise<void> {
    const open = (await alerts.unresolved()).filter(({ unconfirmed }) => unconfirmed !== undefined);
    for (const id of asked.keys()) if (!open.some((alert) => alert.id === id)) asked.delete(id);
    for (const alert of open) {
      const useCase = deps.useCases.find(({ id }) => id === alert.useCase);
      const { job } = alert;
      const now = elapsed(clock);
      if (
        !useCase ||
        job === undefined ||
        now - (asked.get(alert.id) ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN
      )
        continue;
      asked.set(alert.id, now);
      const at = clock.now();
      const answer = await confirmer
        .ask(useCase, job, { ended: false, known: true }, signal)
        .catch(() => undefined);
      if (answer?.kind === 'known') {
        await observeJob(deps, useCase, { job: answer.job, at, described: true });
        if (answer.job.state === 'failed') await alerts.confirmed(alert.id);
        else await alerts.unfounded(alert.id);
      } else if (answer?.kind === 'unknown') {
        const message = 'SageMaker has no training job of this name.';
        await observeFailedCheck(deps, useCase.id, job, { at, message });
        await alerts.unfounded(alert.id);
      }
    }
  }

  return { onEvent, tick };
}

function jobOf(event: TrainingEvent, useCase: UseCase, before: JobRecord | undefined): TrainingJob {
  const { at } = event;
  const standing = sageMakerState(event.status, event.secondaryStatus);
  return {
    name: event.job,
    useCase: useCase.id,
    provider: 'sagemaker',
    arn: event.resource.startsWith('arn:') ? event.resource : undefined,
    ...standing,
    failureReason: event.failureReason,
    instanceType: event.instanceType,
    instanceCount: event.instanceCount,
    createdAt: event.createdAt ?? before?.job.createdAt ?? at,
    startedAt: event.startedAt,
    endedAt: event.endedAt ?? (isFinished(standing) ? at : undefined),
    modelArtifact: event.modelArtifact,
  };
}
