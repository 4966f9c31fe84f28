/** Events of compilations: SageMaker promises none, so one is only a reason to ask. */
import type { CompilationHint } from '../domain/aws-events.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { CompilationStore } from '../ports/compilation-store.ts';
import type { JobRefresher } from './refresh-jobs.ts';

export async function onCompilationEvent(
  { store, refresher }: { store: CompilationStore; refresher: Pick<JobRefresher, 'refreshNow'> },
  event: CompilationHint,
  useCase: UseCase,
): Promise<void> {
  const live = await store.listAttempts({ useCase: useCase.id, live: true });
  const attempt = live.find(({ compilationJob }) => compilationJob === event.compilationJob);
  if (attempt) await refresher.refreshNow(useCase.id, attempt.job);
}
