/** Parts that failed: one alert for each cause, about the job that they are part of, however many there are. */
import { createHash } from 'node:crypto';
import type { Alert } from '../domain/alerts.ts';
import { type FailureAdvice, guidanceForTraining } from '../domain/failure-guidance.ts';
import { jobKey, pipelineOf, readJobKey } from '../domain/job-keys.ts';
import { failedParts, type JobParts, type PartsCause } from '../domain/job-parts.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import type { Failure } from '../operations/alert-manager.ts';
import type { NotifierDeps } from './notifier.ts';

export interface PartsAlert {
  alert: Alert;
  /** Key of a part's job, whose log says more. */
  example: string | undefined;
}

/**
 * Repeating raises nothing twice; where more have failed since, the alerts say so.
 * @param own the alert that the job's own end has raised, before its parts were known: it tells of them then
 * @returns the alerts; none if no part failed, or all are muted
 */
export async function raiseParts(
  { alerts, gateway, clock }: Pick<NotifierDeps, 'alerts' | 'gateway' | 'clock'>,
  job: TrainingJob,
  useCase: UseCase,
  own: Alert | undefined,
): Promise<PartsAlert[]> {
  const { parts } = job;
  if (!parts || failedParts(parts) === 0) return [];
  const known = jobKey(job);
  const links = gateway.links(useCase, job);
  const words = parts.causes.map((cause) => ({
    title: titleOf(job, parts, cause),
    cause: `${cause.example}: ${cause.reason ?? cause.cause}`,
    advice: adviceOf(job, cause),
  }));
  if (own) {
    if (words[0]) await alerts.retell(own.id, words[0]);
    return [{ alert: own, example: exampleOf(parts.causes[0], useCase) }];
  }
  const raised = await alerts.raiseAll(
    useCase,
    parts.causes.map(
      (cause, index): Failure => ({
        kind: 'training',
        ...words[index]!,
        scope: known,
        subject: {
          id: `parts/${useCase.id}/${known}/${digest(cause.cause)}`,
          name: job.name,
          job: known,
          pipeline: pipelineOf(known),
          at: cause.at ?? clock.now(),
          console: links.job,
          site: links.site,
          provider: job.provider,
        },
        job: known,
      }),
    ),
  );
  const shown = new Map<string, PartsAlert>();
  for (const [index, alert] of raised.entries()) {
    // Two causes that differ only in details are one alert, which tells of the more frequent one.
    if (!alert || shown.has(alert.id)) continue;
    const { title, cause } = words[index]!;
    await alerts.retell(alert.id, { title, cause });
    shown.set(alert.id, { alert, example: exampleOf(parts.causes[index], useCase) });
  }
  return [...shown.values()];
}

/** `40 of 500 training jobs failed`; of what has failed as a whole `Tuning failed (40 of 500 training jobs)`. */
function titleOf(
  { provider, state }: TrainingJob,
  { thing, total }: JobParts,
  { count }: PartsCause,
): string {
  const many = `${count} of ${total} ${thing}${total === 1 ? '' : 's'}`;
  return state === 'failed' ? `${PROVIDERS[provider].work} failed (${many})` : `${many} failed`;
}

function adviceOf({ provider }: TrainingJob, { job, reason }: PartsCause): FailureAdvice | undefined {
  const ran = job === undefined ? provider : readJobKey(job).provider;
  const found = guidanceForTraining({ state: 'failed', failureReason: reason, provider: ran });
  return found && { id: found.id, cause: found.cause, fix: found.fix, link: found.link };
}

/** Only of a kind that the use case shows: the log of another may not be read. */
function exampleOf(cause: PartsCause | undefined, useCase: UseCase): string | undefined {
  const { job } = cause ?? {};
  if (job === undefined) return undefined;
  return sageMakerNames(useCase).some((name) => name === readJobKey(job).provider) ? job : undefined;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
