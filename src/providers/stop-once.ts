/** Stopping a job of a service that refuses to stop what has ended. */
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import type { AppError } from '../ground/errors.ts';
import type { TrainingProvider } from '../ports/training-provider.ts';

const isEnding = ({ state }: TrainingJob): boolean => state === 'stopping' || isFinished({ state });

export function stopOnce({
  stop,
  getStatus,
  missing,
}: Pick<TrainingProvider, 'getStatus'> & {
  stop(job: string, signal?: AbortSignal): Promise<void>;
  /** There is no such job. */
  missing(job: string): AppError;
}): TrainingProvider['cancel'] {
  return async (job, signal) => {
    const now = async (): Promise<TrainingJob> => {
      const found = await getStatus(job, signal);
      if (found) return found;
      throw missing(job);
    };
    const before = await now();
    if (isEnding(before)) return before;
    try {
      await stop(job, signal);
    } catch (error) {
      // "The request was rejected because the training job is in status Completed": it ended meanwhile.
      const after = await now().catch(() => undefined);
      if (after && isEnding(after)) return after;
      throw error;
    }
    return await now();
  };
}
