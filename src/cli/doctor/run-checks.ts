/** What the logs of runs take of the disk, beside what they may. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { systemCode } from '../../ground/files.ts';
import type { Clock } from '../../ground/time.ts';
import { runsFolder } from '../../roots.ts';
import { diskUse, diskWords } from '../../runs/disk-use.ts';
import { openFileRunLogs } from '../../runs/file-run-logs.ts';
import { type Check, failure, subject } from './checks.ts';

const about = subject('logs of runs');
/** Names in one line. */
const NAMED = 3;

export async function checkRuns(config: Pick<Config, 'dataDir' | 'runs'>, clock: Clock): Promise<Check[]> {
  const folder = runsFolder(config);
  const { keepFor, disk } = config.runs;
  try {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
    const logs = await openFileRunLogs({ folder, clock, tidies: false });
    const known = new Set((await logs.list()).map(({ id }) => id));
    await logs.close();
    let used = 0;
    for (const id of known) used += await diskUse(join(folder, id));
    const kept = keepFor === undefined ? 'for ever' : `for ${days(keepFor)}`;
    const state = `${known.size} ${known.size === 1 ? 'takes' : 'take'} ${diskWords(used)} of ${diskWords(disk)} in ${folder}, kept ${kept}`;
    const unread = names.filter((name) => !known.has(name));
    return [
      used <= disk
        ? about.ok('disk', state)
        : about.warning(
            'disk',
            state,
            'The oldest are removed within ten minutes while the bot runs, but none that still comes in or that somebody reads. Raise storage.runsDisk if that is not enough.',
          ),
      ...(unread.length === 0
        ? []
        : [
            about.warning(
              'damaged logs',
              `${unread.length} cannot be read, and ${unread.length === 1 ? 'stays' : 'stay'} until somebody removes ${unread.length === 1 ? 'it' : 'them'}: ${unread.slice(0, NAMED).join(', ')}${unread.length > NAMED ? ' …' : ''}`,
              `Remove what nobody needs from ${folder}.`,
            ),
          ]),
    ];
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [about.ok('disk', `there are none in ${folder}`)];
    return [failure(about, 'disk', error)];
  }
}

function days(ms: number): string {
  const [count, unit] =
    ms >= 86_400_000
      ? [ms / 86_400_000, 'day']
      : ms >= 3_600_000
        ? [ms / 3_600_000, 'hour']
        : [ms / 60_000, 'minute'];
  const rounded = Math.round(count * 10) / 10;
  return `${rounded} ${unit}${rounded === 1 ? '' : 's'}`;
}
