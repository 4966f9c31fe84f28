/** Compilations: one announcement when all of a job's have ended, and each failure as an alert or part of one. */

import { createHash } from 'node:crypto';
import { compilationAnnouncement } from '../blocks/announcements.ts';
import { needsExcerpt } from '../domain/alerts.ts';
import { backgroundActor } from '../domain/background-actor.ts';
import { type CompilationAttempt, currentStatus, isLive, isSuccessful } from '../domain/compilations.ts';
import { compilationJobUrl, inConsole } from '../domain/console-links.ts';
import { pipelineOf } from '../domain/job-keys.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { adviceForAttempt, compilationFailure } from '../operations/explain-failure.ts';
import type { AlertExplainer } from './alert-explainer.ts';
import { alertsChannelOf, announce, NEWS_FOR, type Notifier, type NotifierDeps } from './notifier.ts';

export function compilationNotifier(deps: NotifierDeps, explainer: AlertExplainer): Notifier {
  const { store, clock, alerts } = deps;

  async function ended(attempt: CompilationAttempt, useCase: UseCase): Promise<void> {
    const { job, target, id } = attempt;
    const at = attempt.endedAt ?? attempt.statuses.at(-1)!.at;
    const pipeline = pipelineOf(job);
    if (isSuccessful(attempt)) await alerts.succeeded(useCase, { kind: 'compilation', pipeline, target, at });
    else if (currentStatus(attempt) === 'FAILED') {
      const advice = adviceForAttempt(attempt);
      const alert = await alerts.raise(useCase, {
        kind: 'compilation',
        title: 'Compilation failed',
        cause: attempt.failureReason ?? '',
        scope: pipeline,
        subject: {
          id,
          name: `${job} → ${target}`,
          job,
          pipeline,
          target,
          at,
          console: inConsole(useCase, compilationJobUrl, attempt.compilationJob),
        },
        startedBy: attempt.startedBy,
        advice,
        job,
      });
      if (alert && needsExcerpt(alert) && alert.subjects[0]?.id === id)
        readLogEnd(alert.id, attempt, useCase);
    }
    await announceAll(job, useCase);
  }

  async function announceAll(job: string, useCase: UseCase): Promise<void> {
    const attempts = await store.listAttempts({ useCase: useCase.id, job });
    if (attempts.length === 0 || attempts.some(isLive)) return;
    // One that ended before Signalbox was installed, and is found late, does not announce the others again.
    const told = attempts.filter(({ old }) => !old);
    const newest = [...new Map(attempts.map((attempt) => [attempt.target, attempt])).values()];
    const failed = newest.some((attempt) => currentStatus(attempt) === 'FAILED');
    const ids = told.map(({ id }) => id).sort();
    const round = createHash('sha256').update(JSON.stringify(ids)).digest('hex').slice(0, 16);
    // If there are only failures, the alert says it already.
    const alone = failed && !newest.some(isSuccessful);
    const alert = alone ? await store.findAlertOfSubject(useCase.id, newest[0]!.id) : undefined;
    const except = alert && alertsChannelOf(useCase);
    await announce(
      deps,
      {
        useCase: useCase.id,
        kind: 'compilation',
        name: job,
        outcome: failed ? 'failed' : newest.every(isSuccessful) ? 'succeeded' : 'stopped',
      },
      `compilation/${useCase.id}/${job}/${round}`,
      compilationAnnouncement(job, newest, useCase),
      { except },
    );
  }

  function readLogEnd(alert: string, attempt: CompilationAttempt, useCase: UseCase): void {
    const actor = backgroundActor(deps.team);
    explainer.begin(alert, { useCase: useCase.id, subject: attempt.job }, async () => {
      // The alert already contains this.
      const { excerpt, logProblem } = await compilationFailure(deps, { actor, useCase, attempt: attempt.id });
      return { excerpt, logProblem };
    });
  }

  return {
    async onChange(change, useCase) {
      if (change.kind === 'compilation' && !isLive(change.attempt)) await ended(change.attempt, useCase);
    },
    async recover(useCase) {
      const attempts = await store.listAttempts({ useCase: useCase.id, live: false });
      for (const attempt of attempts)
        if (!attempt.old && clock.now() - (attempt.endedAt ?? attempt.statuses.at(-1)!.at) < NEWS_FOR)
          await ended(attempt, useCase);
    },
  };
}
