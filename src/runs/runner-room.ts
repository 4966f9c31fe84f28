/** Whether a runner has room for another run: so many at a time, and so much of the disk. */
import { join } from 'node:path';
import { AppError } from '../ground/errors.ts';
import type { RunnerConfig } from '../ports/runner-config.ts';
import { diskUse, diskWords } from './disk-use.ts';
import type { RunFile } from './run-records.ts';

export const logsFolder = (dataDir: string): string => join(dataDir, 'logs');

/** Apart from its log, a run takes no more than this on the disk. */
const RECORDS = 1_000_000;

/**
 * @param running those that have not ended, and may still write up to their cap
 * @throws AppError rate_limited, unavailable
 */
export async function requireRoom(
  running: readonly Pick<RunFile<'request'>, 'id' | 'cap'>[],
  { dataDir, limits }: Pick<RunnerConfig, 'dataDir' | 'limits'>,
): Promise<void> {
  if (running.length >= limits.runs) {
    const names = running.slice(0, 5).map(({ id }) => id);
    throw new AppError(
      'rate_limited',
      `${running.length} ${running.length === 1 ? 'run is' : 'runs are'} going on, and this runner takes ${limits.runs} at a time: ${names.join(', ')}${running.length > 5 ? ' …' : ''}.`,
      { hint: 'Wait until one ends, cancel one, or raise limits.runs in runner.yaml.' },
    );
  }
  // What running runs may still write is reserved.
  let used = await diskUse(dataDir);
  for (const { id, cap } of running)
    used += Math.max(0, cap + RECORDS - (await diskUse(join(logsFolder(dataDir), id))));
  const most = limits.bytesPerRun + RECORDS;
  if (used + most > limits.disk)
    throw new AppError(
      'unavailable',
      `There is no room for another run: runs take or may take ${diskWords(used)} of ${diskWords(limits.disk)}, and one more may take ${diskWords(most)}.`,
      {
        hint: 'Remove runs that are not needed any more (DELETE /runs/{id}), or raise limits.disk in runner.yaml.',
      },
    );
}
