/** Stops a training run. The caller checks rights first. */
import type { RunStop } from '../domain/job-records.ts';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { JobDeps } from './job-deps.ts';
import { placeOf } from './job-places.ts';
import { observeJob } from './observe-jobs.ts';

export interface StopTrainingReport {
  /** `ending`: it was being stopped already · `ended`: it had ended. Nothing was asked for then. */
  outcome: 'stopping' | 'ending' | 'ended';
  /** As it is now. */
  job: TrainingJob;
  sessionName: string;
}

export interface StopTrainingRequest {
  actor: Actor;
  /** The person's name, for the card. */
  actorName: string;
  useCase: UseCase;
  /** Its key. */
  job: string;
}

/**
 * @throws AppError not_found: there is no such job (any more) · invalid_input: its provider cannot stop it · as the gateway
 */
export async function stopTraining(
  deps: JobDeps,
  { actor, actorName, useCase, job: key }: StopTrainingRequest,
  { signal }: { signal?: AbortSignal } = {},
): Promise<StopTrainingReport> {
  const session = await deps.gateway.open(useCase, actor, 'train');
  const { sessionName } = session;
  const { provider, name } = placeOf(session, key);
  const record = (action: string, detail: Record<string, string> = {}): Promise<void> =>
    deps.store.appendAudit({
      ...{ at: deps.clock.now(), actor, action, useCase: useCase.id },
      ...{ subject: key, sessionName, detail },
    });
  const seen = async (job: TrainingJob, stop?: RunStop): Promise<TrainingJob> =>
    (await observeJob(deps, useCase, { job, at: deps.clock.now(), ...(stop ? { stop } : {}) })).job;
  try {
    const before = await provider.getStatus(name, signal);
    if (!before)
      throw new AppError('not_found', `There is no ${PROVIDERS[provider.name].thing} ${name} any more.`, {
        hint: 'It was deleted; there is nothing to stop.',
      });
    if (isFinished(before) || before.state === 'stopping')
      return { outcome: isFinished(before) ? 'ended' : 'ending', job: await seen(before), sessionName };
    const after = await provider.cancel(name, signal);
    // It may have ended by itself in between.
    const ended = isFinished(after) && after.state !== 'stopped';
    await record(ended ? 'training.ended_before_stop' : 'training.stopped');
    const stop = { by: actor, byName: actorName, at: deps.clock.now() };
    return {
      outcome: ended ? 'ended' : 'stopping',
      job: await seen(after, ended ? undefined : stop),
      sessionName,
    };
  } catch (thrown) {
    const error = toAppError(thrown);
    await record('training.stop_failed', { code: error.code, ref: error.ref });
    throw error;
  }
}
