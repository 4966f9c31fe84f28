/** Stores what was seen, never going backwards, and announces it once it is durable. */

import {
  applyObservation,
  type CompilationAttempt,
  type CompilationObservation,
  isSuccessful,
} from '../domain/compilations.ts';
import {
  applyComponentObservation,
  type Component,
  type ComponentObservation,
} from '../domain/components.ts';
import { isToldWithAnother } from '../domain/job-families.ts';
import { jobKey, wordOfJob } from '../domain/job-keys.ts';
import { applyFailedCheck, applyJobObservation, sameFacts } from '../domain/job-observations.ts';
import { failedParts } from '../domain/job-parts.ts';
import type { JobRecord, Rerun, RunStart, RunStop } from '../domain/job-records.ts';
import { isFinished, leavesModel, sameState, type TrainingJob } from '../domain/jobs.ts';
import { isSageMakers, PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import { nearestJobs } from './find-jobs.ts';
import type { JobDeps } from './job-deps.ts';
import { placeOf } from './job-places.ts';

type Observing = Pick<JobDeps, 'store' | 'changes'>;

export interface Observed {
  job: TrainingJob;
  /** When it was observed. */
  at: EpochMs;
  /** In the use case's list of jobs. */
  listed?: boolean;
  /** By describing it, which tells everything. */
  described?: boolean;
  /** If it is unknown, it is news. */
  announce?: boolean;
  /** Only an event says so: why the service could not be asked. */
  unconfirmed?: string;
  /** It repeats an earlier job; the first to say so wins. */
  rerun?: Rerun;
  /** It was started from a template; the first to say so wins. */
  start?: RunStart;
  /** Somebody asked to stop it; the first to say so wins. */
  stop?: RunStop;
}

export async function observeJob(
  { store, changes }: Observing,
  useCase: UseCase,
  { job, at, listed = false, described = false, announce = false, unconfirmed, rerun, start, stop }: Observed,
): Promise<JobRecord> {
  const key = jobKey(job);
  let before: JobRecord | undefined;
  // What is known of it may say more than this look.
  const isTold = (record: JobRecord | undefined): boolean =>
    !isToldWithAnother(useCase, { ...job, parent: job.parent ?? record?.job.parent });
  const after = await store.changeJob(useCase.id, key, (record) => {
    before = record;
    const seen = record?.stop ? explained(job) : job;
    let next: JobRecord = record ? applyJobObservation(record, seen, at, described) : { job, seenAt: at };
    const ends = isFinished(next.job) && !(record && isFinished(record.job));
    if (unconfirmed !== undefined && ends) next = { ...next, unconfirmed };
    if (listed && !next.listed) next = { ...next, listed };
    if (described && isFinished(job) && !next.described) next = { ...next, described };
    if (rerun && !next.rerun) next = { ...next, rerun };
    if (start && !next.start) next = { ...next, start };
    if (stop && !next.stop) next = { ...next, stop, job: explained(next.job) };
    // A service's description has no such time; another end of it is another failure.
    if (ends && PROVIDERS[job.provider].stays && next.job.endedAt === undefined)
      next = { ...next, job: { ...next.job, endedAt: at } };
    const moved = record !== undefined && !sameState(record.job, next.job);
    // The first description of a job that was only listed finds old failures.
    const worse =
      record?.job.parts !== undefined && failedParts(next.job.parts) > failedParts(record.job.parts);
    const isNews = (moved || worse || (!record && announce)) && isTold(record);
    if (isNews && !next.news) next = { ...next, news: true };
    const completes =
      leavesModel(next.job) && isTold(record) && (record ? record.job.state !== 'completed' : announce);
    return completes && useCase.compile?.auto ? { ...next, compileDue: true } : next;
  });
  const record = after ?? { job, seenAt: at };
  const told = { useCase: useCase.id, job: key };
  if (!before)
    changes.emit({
      ...told,
      kind: 'job-appeared',
      training: record.job,
      announce: announce && isTold(undefined),
    });
  else if (!sameFacts(before.job, record.job))
    changes.emit({ ...told, kind: 'job-changed', training: record.job, before: before.job });
  else if (before !== record) changes.emit({ ...told, kind: 'checked' });
  return record;
}

/** Its provider does not say who stopped it, but that is on record. */
function explained(job: TrainingJob): TrainingJob {
  return job.phase === 'unexplained' ? { ...job, phase: undefined } : job;
}

export async function observeFailedCheck(
  { store, changes }: Observing,
  useCase: string,
  job: string,
  failed: { at: EpochMs; message: string },
): Promise<void> {
  let before: JobRecord | undefined;
  const after = await store.changeJob(useCase, job, (record) => {
    before = record;
    return record && applyFailedCheck(record, failed);
  });
  if (after !== before) changes.emit({ useCase, job, kind: 'checked' });
}

export async function observeAttempt(
  { store, changes }: Observing,
  useCase: UseCase,
  id: string,
  observation: CompilationObservation,
): Promise<CompilationAttempt> {
  let before: CompilationAttempt | undefined;
  const attempt = await store.changeAttempt(id, (known) => {
    before = known;
    const next = applyObservation(known, observation);
    const completes = isSuccessful(next) && !isSuccessful(known);
    // Whoever started it elsewhere has their own plans for it.
    const ours = next.why !== 'elsewhere';
    return completes && ours && useCase.components?.auto ? { ...next, packageDue: true } : next;
  });
  if (!before || attempt === before) return attempt;
  const told = { useCase: attempt.useCase, job: attempt.job };
  const news = (['statuses', 'failureReason', 'artifact', 'startedAt', 'endedAt'] as const).some(
    (fact) => attempt[fact] !== before?.[fact],
  );
  changes.emit(news ? { ...told, kind: 'compilation', attempt, before } : { ...told, kind: 'checked' });
  return attempt;
}

export async function observeComponent(
  { store, changes }: Observing,
  { useCase, chain }: Component,
  observation: ComponentObservation,
): Promise<Component> {
  let before: Component | undefined;
  const component = await store.changeComponent({ useCase, ...chain.component }, (known) => {
    before = known;
    const next = applyComponentObservation(known, observation);
    // Greengrass has it, and keeps the recipe from now on.
    return next.arn !== undefined && next.recipe !== undefined ? { ...next, recipe: undefined } : next;
  });
  if (!before || component === before) return component;
  const told = { useCase, job: chain.trainingJob };
  const news = (['state', 'arn', 'message', 'errors'] as const).some(
    (fact) => component[fact] !== before?.[fact],
  );
  changes.emit(news ? { ...told, kind: 'component', component, before } : { ...told, kind: 'checked' });
  return component;
}

/**
 * The job as its service describes it now, whatever is on record; the answer is recorded.
 * @throws AppError not_found with the nearest names
 */
export async function liveJob(
  deps: JobDeps,
  session: UseCaseSession,
  useCase: UseCase,
  key: string,
  signal?: AbortSignal,
): Promise<TrainingJob> {
  const at = deps.clock.now();
  const { provider, name } = placeOf(session, key);
  const job = await provider.getStatus(name, signal);
  if (job) {
    await observeJob(deps, useCase, { job, at, described: true });
    return job;
  }
  const trainsOn = session.providers.map((one) => one.name);
  const near = await nearestJobs({ providers: [provider] }, name, 3, signal);
  throw new AppError(
    'not_found',
    `There is no ${PROVIDERS[provider.name].thing} ${name} in ${useCase.name}.`,
    {
      hint:
        near.length > 0
          ? `Did you mean ${near.map((one) => wordOfJob(jobKey(one), trainsOn)).join(' or ')}?`
          : isSageMakers(provider.name)
            ? 'Copy its name from the list of jobs or from the SageMaker console.'
            : 'Copy its name from the list of jobs.',
    },
  );
}

/** @throws AppError not_found */
export async function findAttempt(
  { store }: Pick<JobDeps, 'store'>,
  useCase: UseCase,
  id: string,
): Promise<CompilationAttempt> {
  // The only way to reach an archived one; returning the same object changes nothing.
  const attempt = await store.changeAttempt(id, (known) => known);
  if (attempt.useCase === useCase.id) return attempt;
  throw new AppError('not_found', `There is no compilation attempt ${id} in ${useCase.name}.`, {
    hint: 'Open the job again: its buttons may be from an older message.',
  });
}
