/** What AWS events say about jobs goes where polling puts what it sees: one record, forward only, told once. */
import type { CompilationHint, TrainingEvent } from '../domain/aws-events.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { JobDeps } from './job-deps.ts';
import { observeJob } from './observe-jobs.ts';

/**
 * A replayed event of a job that is not known tells of old times: it is put on record without being news.
 */
export async function applyTrainingEvent(
  deps: Pick<JobDeps, 'store' | 'changes'>,
  useCase: UseCase,
  event: TrainingEvent,
): Promise<void> {
  const job: TrainingJob = {
    name: event.job,
    useCase: useCase.id,
    provider: 'sagemaker',
    ...(event.resource.startsWith('arn:') ? { arn: event.resource } : {}),
    status: event.status,
    secondaryStatus: event.secondaryStatus,
    failureReason: event.failureReason,
    instanceType: event.instanceType,
    instanceCount: event.instanceCount,
    createdAt: event.createdAt ?? event.at,
    startedAt: event.startedAt,
    endedAt: event.endedAt,
    // Named from the beginning in some events: only a completed training has one.
    ...(event.status.toLowerCase() === 'completed' && event.modelArtifact
      ? { modelArtifact: event.modelArtifact }
      : {}),
  };
  await observeJob(deps, useCase, { job, at: event.at, announce: !event.replayed });
}

/**
 * A compilation's event says only that asking is worth while now.
 * @returns false: no attempt of that name is known; somebody else's
 */
export async function followCompilationHint(
  deps: Pick<JobDeps, 'store'> & { refreshNow(useCase: string, job: string): Promise<void> },
  useCase: UseCase,
  hint: CompilationHint,
): Promise<boolean> {
  const live = await deps.store.listAttempts({ useCase: useCase.id, live: true });
  const attempt = live.find(({ compilationJob }) => compilationJob === hint.compilationJob);
  if (!attempt) return false;
  await deps.refreshNow(useCase.id, attempt.job);
  return true;
}
