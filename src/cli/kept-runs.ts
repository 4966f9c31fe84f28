/** Pushed runs, for subcommands that work beside the bot: they read what it keeps. */
import type { Config } from '../config.ts';
import type { Clock } from '../ground/time.ts';
import type { PushedRuns } from '../providers/push.ts';
import { pushedRuns, runsFolder } from '../roots.ts';
import { openFileRunLogs } from '../runs/file-run-logs.ts';

export interface KeptRuns {
  /** Left out where no use case takes runs. */
  pushed?: PushedRuns;
  close(): Promise<void>;
}

export async function keptRuns(
  config: Pick<Config, 'dataDir' | 'useCases'>,
  clock: Clock,
): Promise<KeptRuns> {
  if (!config.useCases.some(({ providers }) => providers?.push)) return { close: async () => undefined };
  const logs = await openFileRunLogs({ folder: runsFolder(config), clock, tidies: false });
  return { pushed: pushedRuns(config, logs), close: () => logs.close() };
}
