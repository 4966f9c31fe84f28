/**
 * Starts a training run from an existing job. The caller checks rights first.
 *
 * However often the form is submitted, a run is started at most once: its name is the claim, held by the provider. What
 * is stored here (who, from which job) only adds to a run that exists.
 */

import { editedHyperparameters, hyperparameterChanges } from '../domain/hyperparameters.ts';
import { jobKey, nameOfJob, pipelineOf, readJobKey } from '../domain/job-keys.ts';
import type { Rerun } from '../domain/job-records.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS, type ProviderName, providerWord } from '../domain/providers.ts';
import { checkRunName } from '../domain/training-names.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { AgainOrder, TrainingProvider, TrainingSetup } from '../ports/training-provider.ts';
import type { UseCaseSession } from '../ports/use-case-session.ts';
import type { JobDeps } from './job-deps.ts';
import { placeOf } from './job-places.ts';
import { liveJob, observeJob } from './observe-jobs.ts';

export interface RunAgainPlan {
  job: TrainingJob;
  setup: TrainingSetup;
}

/**
 * The job as it is now, and what it would be run again with.
 * @throws AppError not_found with the nearest names, conflict when it cannot be run again, and as the gateway
 */
export async function planRunAgain(
  deps: JobDeps,
  request: { actor: Actor; useCase: UseCase; job: string },
  options: { signal?: AbortSignal } = {},
): Promise<RunAgainPlan> {
  const { actor, useCase } = request;
  const session = await deps.gateway.open(useCase, actor, 'train');
  return plan(deps, session, useCase, request.job, options.signal);
}

export interface RunAgainRequest {
  actor: Actor;
  /** For texts where a mention would ping. */
  actorName: string;
  useCase: UseCase;
  /** Key of the existing job. */
  job: string;
  /** Of the new run. */
  name: string;
  /** As written in the form; anything it does not show stays as it was. */
  hyperparameters: Readonly<Record<string, string>>;
  /** The form text's length limit, which determines what was not shown. */
  room: number;
  /** Left out: as they were. */
  machines?: TrainingSetup['machines'];
  /** When the form was opened. */
  askedAt: EpochMs;
}

export interface RunAgainReport {
  job: TrainingJob;
  rerun: Rerun;
  sessionName: string;
}

/** @throws AppError as `planRunAgain` and the provider's `deploy` */
export async function runAgain(
  deps: JobDeps,
  request: RunAgainRequest,
  options: { signal?: AbortSignal } = {},
): Promise<RunAgainReport> {
  const { actor, useCase, name } = request;
  let session: UseCaseSession | undefined;
  let old: RunAgainPlan;
  let order: AgainOrder;
  let started: string;
  try {
    checkRequest(request);
    session = await deps.gateway.open(useCase, actor, 'train');
    old = await plan(deps, session, useCase, request.job, options.signal);
    order = orderOf(request, old.setup);
    started = await placeOf(session, request.job).provider.deploy(order, options.signal);
  } catch (thrown) {
    const error = toAppError(thrown);
    await deps.store.appendAudit({
      at: deps.clock.now(),
      actor,
      action: 'training.not_started',
      useCase: useCase.id,
      subject: name,
      sessionName: session?.sessionName,
      detail: { again: request.job, code: error.code, ref: error.ref },
    });
    throw error;
  }
  return record(deps, session, request, order, old, started);
}

async function plan(
  deps: JobDeps,
  session: UseCaseSession,
  useCase: UseCase,
  key: string,
  signal?: AbortSignal,
): Promise<RunAgainPlan> {
  const { provider, name } = placeOf(session, key);
  const [job, setup] = await Promise.all([
    liveJob(deps, session, useCase, key, signal),
    provider.setup(name, signal),
  ]);
  if (!setup)
    throw new AppError('not_found', `${name} was deleted just now.`, { hint: 'Start from another job.' });
  if (setup.refusal)
    throw new AppError('conflict', `${name} cannot be run again. ${setup.refusal.reason}`, {
      hint: setup.refusal.hint,
    });
  return { job, setup };
}

function checkRequest({ name, job, machines }: RunAgainRequest): void {
  checkRunName(readJobKey(job).provider, name);
  if (name === nameOfJob(job))
    throw new AppError('invalid_input', 'The new run needs another name than the old one.', {
      hint: 'Names of training jobs are unique, also those of jobs that have ended.',
    });
  if (machines && !(Number.isInteger(machines.count) && machines.count >= 1))
    throw new AppError('invalid_input', `Expected a whole number of machines, but got ${machines.count}.`);
}

function orderOf(request: RunAgainRequest, { hyperparameters, machines }: TrainingSetup): AgainOrder {
  const edited = editedHyperparameters(hyperparameters, request.room, request.hyperparameters);
  const count = Object.keys(edited).length;
  const { provider } = readJobKey(request.job);
  const { mostHyperparameters: most = Number.POSITIVE_INFINITY } = PROVIDERS[provider];
  if (count > most)
    throw new AppError(
      'invalid_input',
      `These are ${count} hyperparameters, those included that are not shown; ${providerWord(provider)} takes ${most}.`,
      { hint: 'Leave some out.' },
    );
  return {
    kind: 'again',
    name: request.name,
    again: nameOfJob(request.job),
    hyperparameters: edited,
    ...(machines ? { machines: request.machines ?? machines } : {}),
    askedAt: request.askedAt,
  };
}

/**
 * The run has started. If the store fails here, submitting again finds the run and records it.
 * @param name the job's, which a provider makes of the one that was asked for
 */
async function record(
  deps: JobDeps,
  session: UseCaseSession,
  { actor, actorName, useCase, job: again }: RunAgainRequest,
  order: AgainOrder,
  old: RunAgainPlan,
  name: string,
): Promise<RunAgainReport> {
  const { store, clock, changes } = deps;
  const at = clock.now();
  const { provider } = placeOf(session, again);
  const mine: Rerun = {
    of: again,
    pipeline: (await store.getJob(useCase.id, again))?.rerun?.pipeline ?? pipelineOf(again),
    by: actor,
    byName: actorName,
    at,
    changes: differences(provider.name, old.setup, order),
  };
  // It gives no answer just now; the next check tells the rest.
  const job =
    (await provider.getStatus(name).catch(() => undefined)) ??
    freshJob(provider, useCase, { ...order, name }, at);
  const known = await observeJob(deps, useCase, { job, at, announce: true, rerun: mine });
  const rerun = known.rerun ?? mine;
  // The second of two clicks finds it started, and starts nothing.
  const first = rerun.at === mine.at && rerun.by.user === actor.user;
  await store.appendAudit({
    at,
    actor,
    action: first ? 'training.started' : 'training.already_started',
    useCase: useCase.id,
    subject: name,
    sessionName: session.sessionName,
    detail: { again, changes: rerun.changes.join('; ').slice(0, 1000) },
  });
  changes.emit({ useCase: useCase.id, job: again, kind: 'run-again', as: jobKey(job) });
  return { job: known.job, rerun, sessionName: session.sessionName };
}

/** What the service will say about it in a moment. */
function freshJob(
  provider: TrainingProvider,
  useCase: UseCase,
  { name, hyperparameters, machines }: AgainOrder,
  at: EpochMs,
): TrainingJob {
  return {
    name,
    useCase: useCase.id,
    provider: provider.name,
    ...provider.begins,
    createdAt: at,
    hyperparameters,
    ...(machines ? { instanceType: machines.type, instanceCount: machines.count } : {}),
  };
}

function differences(
  provider: ProviderName,
  old: TrainingSetup,
  { hyperparameters, machines }: AgainOrder,
): string[] {
  const { count: called = 'machines' } = PROVIDERS[provider].machines ?? {};
  const words = (given: TrainingSetup['machines']): string => (given ? `${given.count} × ${given.type}` : '');
  return [
    ...(words(old.machines) === words(machines)
      ? []
      : [`${called.toLowerCase()}: ${words(old.machines)} → ${words(machines)}`]),
    ...hyperparameterChanges(old.hyperparameters, hyperparameters),
  ];
}
