/** Logs of runs that the bot keeps, for subcommands that work beside the bot: they read what it keeps. */
import type { Config } from '../config.ts';
import type { Clock } from '../ground/time.ts';
import type { KeptRuns } from '../providers/kept-runs.ts';
import { keptRuns, runsFolder, runTimesFolder } from '../roots.ts';
import { openFileRunLogs } from '../runs/file-run-logs.ts';
import { PushedTimes } from '../runs/pushed-times.ts';

/** Milliseconds: whoever calls it by hand is told soon. */
export const BESIDE_WAITS = 2_000;

export interface OpenedRuns {
  /** Left out where no use case has such. */
  kept?: KeptRuns;
  close(): Promise<void>;
}

export async function openKeptRuns(
  config: Pick<Config, 'dataDir' | 'database' | 'useCases'>,
  clock: Clock,
): Promise<OpenedRuns> {
  if (!config.useCases.some(({ providers }) => providers?.push || providers?.runpod))
    return { close: async () => undefined };
  if (config.database) {
    // Loaded only where it is used.
    const { openPostgresRunLogs } = await import('../stores/postgres/index.ts');
    const { close, ...opened } = openPostgresRunLogs({ ...config.database, clock, waitFor: BESIDE_WAITS });
    return { kept: keptRuns(opened), close };
  }
  const runLogs = await openFileRunLogs({ folder: runsFolder(config), clock, tidies: false });
  const runTimes = new PushedTimes(runTimesFolder(config));
  return { kept: keptRuns({ runLogs, runTimes }), close: () => runLogs.close() };
}
