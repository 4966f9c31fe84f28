/** Runs that people can open in the viewer, while they print and afterwards. */
import { jobKey, readJobKey, readJobWord } from '../domain/job-keys.ts';
import type { ProviderName } from '../domain/providers.ts';
import { isRunId, runId } from '../domain/runs.ts';
import type { RunLogStore } from '../ports/run-log-store.ts';

export interface LiveRuns {
  /**
   * @param job its key
   * @returns the run's id; undefined if there is nothing to see of it
   */
  of(useCase: string, job: string): Promise<string | undefined>;
}

/**
 * Runs in the store of run logs, or copied into it once somebody opens them. It never throws, because opening a run is
 * only an extra.
 * @param onError a log that cannot be looked at
 * @param canFollow whether opening it copies the job's log into the store, from the beginning
 */
export function liveRuns(
  logs: Pick<RunLogStore, 'info'>,
  onError: (error: unknown, context: { run: string }) => void,
  canFollow: (useCase: string, job: string) => Promise<boolean> = async () => false,
): LiveRuns {
  return {
    async of(useCase, job) {
      const { provider, name } = readJobKey(job);
      const id = runId({ useCase, provider, job: name });
      if (!isRunId(id) || id.split('~').length !== 3) return undefined;
      try {
        return (await logs.info(id)) || (await canFollow(useCase, job)) ? id : undefined;
      } catch (error) {
        onError(error, { run: id });
        return undefined;
      }
    },
  };
}

/**
 * The job that people mean by a word, if it can be opened: when they leave its provider out, the first one of
 * the use case that has it.
 * @returns its key
 */
export async function openableJob(
  runs: LiveRuns,
  useCase: string,
  word: string,
  trainsOn: readonly ProviderName[],
): Promise<string | undefined> {
  const { provider, name } = readJobWord(word);
  for (const one of provider ? [provider] : trainsOn) {
    const job = jobKey({ provider: one, name });
    if (await runs.of(useCase, job)) return job;
  }
  return undefined;
}
