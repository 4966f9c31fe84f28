/**
 * Events of training jobs and of SageMaker's other kinds: SageMaker is asked before anybody is called (confirm-jobs.ts),
 * and its answer is then handled as if it had come without an event. What is a part of another job (a tuning job's
 * training, a pipeline's step) is a reason to look at that one.
 */
import { type BatchEvent, NotBelieved, type StepEvent, type TrainingEvent } from '../domain/aws-events.ts';
import { isToldWithAnother, tuningParent } from '../domain/job-families.ts';
import { type JobPlace, jobKey, pipelineOf, readJobKey } from '../domain/job-keys.ts';
import { type JobRecord, NEWS_FOR } from '../domain/job-records.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { executionOfStepJob, readExecutionName } from '../domain/pipeline-names.ts';
import { PROVIDERS, type ProviderName } from '../domain/providers.ts';
import { kindState } from '../domain/sagemaker-kinds.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import type { EpochMs } from '../ground/time.ts';
import type { AlertManager } from './alert-manager.ts';
import type { JobConfirmer } from './confirm-jobs.ts';
import type { JobDeps } from './job-deps.ts';
import { observeFailedCheck, observeJob } from './observe-jobs.ts';
import type { JobRefresher } from './refresh-jobs.ts';

/** Milliseconds between requests about an end that is not confirmed yet. */
const ASK_AGAIN = 30_000;
/** Milliseconds between two looks at a job because of its parts, of which hundreds may change at once; or fail. */
const LOOK_EVERY = 10_000;
const LOOK_EVERY_FAILURE = 2_000;
/** Milliseconds by which an event's time may be too early: some tell whole seconds. */
const ROUNDED = 1_000;
/** Known jobs looked through for a name that may be in lower case. */
const JOBS_LIMIT = 1_000;

export interface TrainingEventsDeps extends JobDeps {
  useCases: readonly UseCase[];
  alerts: Pick<AlertManager, 'unresolved' | 'confirmed' | 'unfounded' | 'succeeded'>;
  confirmer: JobConfirmer;
  refresher: Pick<JobRefresher, 'refreshNow'>;
}

type Part = Pick<TrainingEvent, 'at' | 'status' | 'replayed'>;

/** A look that is put off. */
interface Due {
  useCase: UseCase;
  /** The job's. */
  key: string;
  part: Part;
  at: EpochMs;
}

type Handler<E> = (event: E, useCase: UseCase, signal: AbortSignal) => Promise<void>;

export function trainingEvents(deps: TrainingEventsDeps): {
  onEvent: Handler<TrainingEvent>;
  onStep: Handler<StepEvent>;
  onBatch: Handler<BatchEvent>;
  tick(signal: AbortSignal): Promise<void>;
} {
  const { store, clock, alerts, confirmer, refresher } = deps;
  /** Alert → when SageMaker was last asked to confirm it, in elapsed time. */
  const asked = new Map<string, number>();
  /** Jobs that were looked at a moment ago, and have changed since. Lost with the process: all are looked at regularly. */
  const due = new Map<string, Due>();

  /** @throws NotBelieved when SageMaker says otherwise */
  const onEvent: Handler<TrainingEvent> = (event, useCase, signal) =>
    // Names of executions come from ARNs.
    told(event, useCase, signal, event.provider === 'pipeline');

  /** @param anyCase the job's name may be in another letter case than its own */
  async function told(
    event: TrainingEvent,
    useCase: UseCase,
    signal: AbortSignal,
    anyCase: boolean,
  ): Promise<void> {
    const { provider = 'sagemaker' } = event;
    if (!sageMakerNames(useCase).includes(provider)) return;
    const before = await recordOf(useCase, { provider, name: event.job }, anyCase);
    const name = before?.job.name ?? event.job;
    const parent = before?.job.parent ?? tuningParent(name, event.tuningJobArn);
    if (isToldWithAnother(useCase, { name, provider, parent })) {
      const teller = parent ?? (await executionOf(useCase, name));
      if (teller !== undefined) await lookAt(teller, event, useCase, signal);
      return;
    }
    const key = jobKey({ provider, name });
    const { thing, stays = false } = PROVIDERS[provider];
    const isNews = isNewsAt(event);
    // Ended long before Signalbox heard of it: leave it as it is.
    if (!before && !isNews) return;
    const ends = isFinished(kindState(provider, event.status));
    if (before && isFinished(before.job) && before.unconfirmed === undefined) {
      // If SageMaker itself has said that it is over, that is final, except for what may begin again.
      if (!stays || event.at <= before.seenAt) return addFacts(event, useCase, before);
    } else if (before && !ends) {
      // Nobody is called for a running job, and it is checked every now and then anyway.
      return observed(event, useCase, before, isNews);
    }

    const at = clock.now();
    const answer = await confirmer.ask(useCase, key, { ended: ends, known: before !== undefined }, signal);
    if (answer.kind === 'unknown') throw noSuchJob({ provider, name }, event);
    if (answer.kind === 'unasked')
      return observed(event, useCase, before, isNews, ends ? answer.problem.message : undefined);
    const { job } = answer;
    await observeJob(deps, useCase, { job: withFacts(job, event), at, described: true, announce: isNews });
    if (ends && !isFinished(job) && !stays)
      throw new NotBelieved({
        code: 'contradicted',
        message: `The event says that the ${thing} ${name} is ${event.status}; SageMaker says ${job.status}.`,
      });
    // Its compilations and components, if any.
    if (ends && provider === 'sagemaker') await refresher.refreshNow(useCase.id, jobKey(job));
  }

  /** @throws NotBelieved when there is no such execution */
  async function onStep(event: StepEvent, useCase: UseCase, signal: AbortSignal): Promise<void> {
    if (!sageMakerNames(useCase).includes('pipeline')) return;
    const place: JobPlace = { provider: 'pipeline', name: event.execution };
    const known = await recordOf(useCase, place, true);
    if (await lookAt(jobKey(known?.job ?? place), event, useCase, signal)) return;
    throw noSuchJob(place, event);
  }

  async function onBatch(event: BatchEvent, useCase: UseCase, signal: AbortSignal): Promise<void> {
    // Before it is started there is nothing that has a name in SageMaker.
    if (event.trainingJob === undefined) return;
    await told(ofBatch(event, event.trainingJob), useCase, signal, true);
    if (event.status === 'SUCCEEDED') await madeGood(event, event.trainingJob, useCase);
  }

  /** Batch's own retry of what failed is a job of another name. */
  async function madeGood({ earlier = [] }: BatchEvent, job: string, useCase: UseCase): Promise<void> {
    if (earlier.length === 0) return;
    const named = (name: string) => recordOf(useCase, { provider: 'sagemaker', name }, true);
    const good = (await named(job))?.job;
    // SageMaker has the last word.
    if (good?.state !== 'completed') return;
    for (const record of await Promise.all(earlier.map(named)))
      if (record)
        await alerts.succeeded(useCase, {
          kind: 'training',
          pipeline: pipelineOf(jobKey(record.job)),
          at: good.endedAt ?? clock.now(),
        });
  }

  const isNewsAt = ({ replayed, at }: Pick<TrainingEvent, 'replayed' | 'at'>): boolean =>
    !replayed && clock.now() - at < NEWS_FOR;

  async function recordOf(
    useCase: UseCase,
    place: JobPlace,
    anyCase: boolean,
  ): Promise<JobRecord | undefined> {
    const exact = await store.getJob(useCase.id, jobKey(place));
    if (exact || !anyCase) return exact;
    const name = place.name.toLowerCase();
    return (await knownOf(useCase, place.provider)).find(({ job }) => job.name.toLowerCase() === name);
  }

  const knownOf = (useCase: UseCase, provider: ProviderName): Promise<readonly JobRecord[]> =>
    store.listJobs({ useCase: useCase.id, provider, limit: JOBS_LIMIT });

  /** Key of the execution whose step a job is, if it is known. */
  async function executionOf(useCase: UseCase, job: string): Promise<string | undefined> {
    const id = executionOfStepJob(job);
    if (id === undefined) return undefined;
    const known = await knownOf(useCase, 'pipeline');
    const found = known.find(({ job: one }) => readExecutionName(one.name)?.id === id);
    return found && jobKey(found.job);
  }

  /**
   * Something happened to a part of this job, which is looked at unless it was meanwhile; later, if it was a moment ago.
   * @returns false: SageMaker has no such job
   */
  async function lookAt(key: string, part: Part, useCase: UseCase, signal: AbortSignal): Promise<boolean> {
    const known = await store.getJob(useCase.id, key);
    const isNews = isNewsAt(part);
    if (!known && !isNews) return true;
    if (known) {
      const { seenAt, job } = known;
      if (isFinished(job) || part.at + ROUNDED <= seenAt) return true;
      const id = JSON.stringify([useCase.id, key]);
      const every = part.status.toLowerCase() === 'failed' ? LOOK_EVERY_FAILURE : LOOK_EVERY;
      // A clock that was set back must not put it off for hours.
      if (Math.abs(clock.now() - seenAt) < every) {
        const at = Math.min(seenAt + every, due.get(id)?.at ?? Number.POSITIVE_INFINITY);
        due.set(id, { useCase, key, part, at });
        return true;
      }
      due.delete(id);
    }
    const at = clock.now();
    const answer = await confirmer.ask(useCase, key, { ended: false, known: known !== undefined }, signal);
    if (answer.kind === 'known')
      await observeJob(deps, useCase, { job: answer.job, at, described: true, announce: isNews });
    return answer.kind !== 'unknown';
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

  /** What else is told of a job that has ended. */
  async function addFacts(event: TrainingEvent, useCase: UseCase, { job, seenAt }: JobRecord): Promise<void> {
    if (event.facts && !job.facts)
      await observeJob(deps, useCase, { job: withFacts(job, event), at: seenAt });
  }

  async function lookAgain(signal: AbortSignal): Promise<void> {
    for (const [id, { useCase, key, part, at }] of due) {
      if (clock.now() < at) continue;
      due.delete(id);
      // Whatever it is, the next regular look tells it.
      await lookAt(key, part, useCase, signal).catch(() => undefined);
    }
  }

  /** Alerts posted on an event's word alone: SageMaker is asked until it answers. */
  async function tick(signal: AbortSignal): Promise<void> {
    await lookAgain(signal);
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
        const { thing } = PROVIDERS[readJobKey(job).provider];
        const message = `SageMaker has no ${thing} of this name.`;
        await observeFailedCheck(deps, useCase.id, job, { at, message });
        await alerts.unfounded(alert.id);
      }
    }
  }

  return { onEvent, onStep, onBatch, tick };
}

const noSuchJob = (
  { provider, name }: JobPlace,
  { account, region }: TrainingEvent | StepEvent,
): NotBelieved =>
  new NotBelieved({
    code: 'no-such-job',
    message: `SageMaker has no ${PROVIDERS[provider].thing} ${name} in account ${account} and region ${region}.`,
  });

function jobOf(event: TrainingEvent, useCase: UseCase, before: JobRecord | undefined): TrainingJob {
  const { at, provider = 'sagemaker' } = event;
  const standing = kindState(provider, event.status, event.secondaryStatus);
  return {
    name: before?.job.name ?? event.job,
    useCase: useCase.id,
    provider,
    arn: event.resource.startsWith('arn:') ? event.resource : undefined,
    ...standing,
    failureReason: event.failureReason,
    instanceType: event.instanceType,
    instanceCount: event.instanceCount,
    createdAt: event.createdAt ?? before?.job.createdAt ?? at,
    startedAt: event.startedAt,
    endedAt: event.endedAt ?? (isFinished(standing) ? at : undefined),
    modelArtifact: event.modelArtifact,
    ...(event.facts ? { facts: event.facts } : {}),
  };
}

const withFacts = (job: TrainingJob, { facts }: TrainingEvent): TrainingJob =>
  facts ? { ...job, facts: { ...job.facts, ...facts } } : job;

/**
 * What Batch says of a training job, in SageMaker's words: "Mapping AWS Batch service job status to SageMaker AI status"
 * (AWS Batch's User Guide, November 2026). To Batch a job that was stopped has failed.
 */
function ofBatch(event: BatchEvent, job: string): TrainingEvent {
  const { batchJob, queue, status, reason, createdAt, endedAt } = event;
  const { id, account, region, at, resource, replayed } = event;
  const stopped = /\bstopped\b|MaxRuntime|MaxWaitTime/i.test(reason ?? '');
  const ended = { SUCCEEDED: 'Completed', FAILED: stopped ? 'Stopped' : 'Failed' };
  return {
    ...{ id, account, region, at, resource, replayed, kind: 'training', job },
    status: status === 'SUCCEEDED' || status === 'FAILED' ? ended[status] : 'InProgress',
    failureReason:
      status === 'FAILED' ? reason?.replace(/^Received status from SageMaker:\s*/i, '') : undefined,
    ...{ createdAt, endedAt },
    facts: { 'Batch job': queue === undefined ? batchJob : `${batchJob} in ${queue}` },
  };
}
