/** Training jobs: their end, once; failures as alerts; spot interruptions, which are no failures; and reruns. */

import { interruptionMessage, runAgainMessage, trainingAnnouncement } from '../blocks/announcements.ts';
import { type Alert, needsExcerpt } from '../domain/alerts.ts';
import { backgroundActor } from '../domain/background-actor.ts';
import { type FailureAdvice, guidanceForTraining } from '../domain/failure-guidance.ts';
import { jobKey, pipelineOf } from '../domain/job-keys.ts';
import { failedParts } from '../domain/job-parts.ts';
import type { JobRecord } from '../domain/job-records.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { cardKey } from '../operations/card-key.ts';
import { trainingFailure } from '../operations/explain-failure.ts';
import type { AlertExplainer } from './alert-explainer.ts';
import { alertKey } from './alerts.ts';
import { raiseParts } from './job-parts.ts';
import {
  alertsChannelOf,
  announce,
  canOpen,
  NEWS_FOR,
  type Notifier,
  type NotifierDeps,
} from './notifier.ts';

/** Causes that have nothing to do with the model: one alert for all affected jobs. */
const OF_THE_ACCOUNT = new Set(['training-capacity', 'training-quota', 'training-internal']);
const JOBS_LIMIT = 1_000;

export function trainingNotifier(deps: NotifierDeps, explainer: AlertExplainer): Notifier {
  const { store, clock, alerts, notices, gateway } = deps;

  async function ended({ job, rerun, start, unconfirmed }: JobRecord, useCase: UseCase): Promise<void> {
    const { state } = job;
    const at = job.endedAt ?? clock.now();
    const known = jobKey(job);
    // A service may fail, work again, and fail again.
    const which = PROVIDERS[job.provider].stays ? `${state} ${job.endedAt ?? 0}` : state;
    const key = endKey(useCase, known, which);
    const pipeline = rerun?.pipeline ?? pipelineOf(known);
    const event = { useCase: useCase.id, kind: 'training', name: job.name } as const;
    const post = trainingAnnouncement(job, useCase, unconfirmed);
    // Whatever the clocks say, the end comes after every line of the log.
    await alerts.succeeded(useCase, { kind: 'stuck', pipeline: known, at: Math.max(at, clock.now()) });
    if (state === 'completed') {
      // What failed of it stays to be looked at: only earlier runs are made good.
      const since = failedParts(job.parts) > 0 ? job.createdAt : at;
      await alerts.succeeded(useCase, { kind: 'training', pipeline, at: since });
      await partsFailed(job, useCase);
      return announce(deps, { ...event, outcome: 'succeeded' }, key, post);
    }
    const ofParts = await partsFailed(job, useCase);
    // Limits and stops on request are ends, not failures.
    if (state !== 'failed') return announce(deps, { ...event, outcome: 'stopped' }, key, post);
    if (ofParts.length > 0)
      return announce(deps, { ...event, outcome: 'failed' }, key, post, { except: alertsChannelOf(useCase) });
    const advice = guidanceForTraining(job);
    const links = gateway.links(useCase, job);
    const alert = await alerts.raise(useCase, {
      kind: 'training',
      title: `${PROVIDERS[job.provider].work} failed`,
      cause: job.failureReason ?? '',
      scope: OF_THE_ACCOUNT.has(advice?.id ?? '') ? undefined : pipeline,
      subject: {
        id: key,
        name: job.name,
        job: known,
        pipeline,
        at,
        console: links.job,
        site: links.site,
        provider: job.provider,
        canOpen: await canOpen(deps, useCase, known),
      },
      startedBy: rerun?.by ?? start?.by,
      ...(advice ? { advice: plainAdvice(advice) } : {}),
      job: known,
      ...(unconfirmed === undefined ? {} : { unconfirmed }),
    });
    // Whoever told of it first did not know why.
    if (alert?.count === 1 && alert.cause === '' && job.failureReason !== undefined)
      await alerts.retell(alert.id, {
        title: alert.title,
        cause: job.failureReason,
        advice: advice ? plainAdvice(advice) : alert.advice,
      });
    await announce(deps, { ...event, outcome: 'failed' }, key, post, {
      except: alert && alertsChannelOf(useCase),
    });
    if (alert && needsExcerpt(alert) && alert.subjects[0]?.id === key) readLogEnd(alert.id, known, useCase);
  }

  /** @returns the alerts that tell of its parts that failed */
  async function partsFailed(job: TrainingJob, useCase: UseCase): Promise<Alert[]> {
    if (failedParts(job.parts) === 0) return [];
    const own = await store.findAlertOfSubject(useCase.id, endKey(useCase, jobKey(job), 'failed'));
    const raised = await raiseParts(deps, job, useCase, own);
    for (const { alert, example } of raised)
      if (example !== undefined && needsExcerpt(alert)) readLogEnd(alert.id, example, useCase);
    return raised.map(({ alert }) => alert);
  }

  /** In the threads of the old job's alert and card, where people look who saw it fail. */
  async function runAgain({ job, rerun }: JobRecord, useCase: UseCase): Promise<void> {
    if (!rerun) return;
    const message = runAgainMessage(jobKey(job), rerun, useCase);
    const key = `run-again/${useCase.id}/${jobKey(job)}`;
    const alert = await store.findAlertOfSubject(useCase.id, endKey(useCase, rerun.of, 'failed'));
    const channel = alertsChannelOf(useCase);
    if (alert && channel !== undefined)
      await notices.post(`${key}@alert`, channel, message, { thread: alertKey(alert.id) });
    const old = await store.getJob(useCase.id, rerun.of);
    const thread = await cardKey(store, useCase.id, rerun.of);
    if (old?.card) await notices.post(`${key}@card`, old.card.channel, message, { thread });
  }

  function readLogEnd(alert: string, job: string, useCase: UseCase): void {
    explainer.begin(alert, { useCase: useCase.id, subject: job }, async () => {
      const request = { actor: backgroundActor(deps.team), useCase, job };
      const { excerpt, guidance, logProblem } = await trainingFailure(deps, request);
      return { excerpt, advice: guidance && plainAdvice(guidance), logProblem };
    });
  }

  return {
    async onChange(change, useCase) {
      if (change.kind === 'run-again') {
        const started = await store.getJob(useCase.id, change.as);
        return started && runAgain(started, useCase);
      }
      if (change.kind !== 'job-appeared' && change.kind !== 'job-changed') return;
      const record = await store.getJob(useCase.id, change.job);
      if (!record?.news) return;
      if (isFinished(record.job)) return ended(record, useCase);
      await partsFailed(record.job, useCase);
      if (change.kind === 'job-changed' && isUpAgain(change.training, change.before))
        await alerts.succeeded(useCase, {
          kind: 'training',
          pipeline: pipelineOf(change.job),
          at: clock.now(),
        });
      if (change.kind === 'job-changed' && interrupted(change.training) && !interrupted(change.before)) {
        const channel = useCase.channels[0];
        const thread = await cardKey(store, useCase.id, change.job);
        if (channel !== undefined && (await store.getPost(thread)))
          await notices.post(
            `${thread}/told/interrupted ${clock.now()}`,
            channel,
            interruptionMessage(change.training),
            { thread },
          );
      }
    },
    async recover(useCase) {
      for (const record of await store.listJobs({ useCase: useCase.id, limit: JOBS_LIMIT })) {
        if (record.rerun && clock.now() - record.rerun.at < NEWS_FOR) await runAgain(record, useCase);
        if (!record.news) continue;
        if (!isFinished(record.job)) await partsFailed(record.job, useCase);
        else if (clock.now() - (record.job.endedAt ?? 0) < NEWS_FOR) await ended(record, useCase);
      }
    },
  };
}

/** Identifies one end of one job in alerts. */
const endKey = (useCase: UseCase, job: string, state: string): string =>
  `training/${useCase.id}/${job}/${state}`;

/** A service that serves again; one that is being repaired may fail again. */
const isUpAgain = (job: TrainingJob, before: TrainingJob): boolean =>
  PROVIDERS[job.provider].stays === true &&
  job.state === 'running' &&
  job.status.toLowerCase() === 'inservice' &&
  before.status.toLowerCase() !== 'inservice';

const interrupted = ({ phase }: Pick<TrainingJob, 'phase'>): boolean => phase === 'interrupted';

/** What of it an alert keeps. */
const plainAdvice = ({ id, cause, fix, link }: FailureAdvice): FailureAdvice => ({ id, cause, fix, link });
