/** Logs of runs that the bot keeps, for subcommands that work beside the bot: they read what it keeps. */
import type { Config } from '../config.ts';
import type { Clock } from '../ground/time.ts';
import type { KeptRuns } from '../providers/kept-runs.ts';
import { keptRuns, runsFolder } from '../roots.ts';
import { openFileRunLogs } from '../runs/file-run-logs.ts';

export interface OpenedRuns {
  /** Left out where no use case has such. */
  kept?: KeptRuns;
  close(): Promise<void>;
}

export async function openKeptRuns(
  config: Pick<Config, 'dataDir' | 'useCases'>,
  clock: Clock,
): Promise<OpenedRuns> {
  if (!config.useCases.some(({ providers }) => providers?.push || providers?.runpod))
    return { close: async () => undefined };
  const logs = await openFileRunLogs({ folder: runsFolder(config), clock, tidies: false });
  return { kept: keptRuns(config, logs), close: () => logs.close() };
}
