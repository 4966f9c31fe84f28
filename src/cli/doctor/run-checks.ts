/** What the logs of runs take of the disk, beside what they may. */
import { readdir } from 'node:fs/promises';
import type { DatabaseConfig } from '../../config/database.ts';
import type { Config } from '../../config.ts';
import { systemCode } from '../../ground/files.ts';
import type { Clock } from '../../ground/time.ts';
import { runsFolder } from '../../roots.ts';
import { diskWords } from '../../runs/disk-use.ts';
import { openFileRunLogs } from '../../runs/file-run-logs.ts';
import { BESIDE_WAITS } from '../kept-runs.ts';
import { type Check, failure, subject } from './checks.ts';

const about = subject('logs of runs');
/** Names in one line. */
const NAMED = 3;

export async function checkRuns(
  config: Pick<Config, 'dataDir' | 'database' | 'runs'>,
  clock: Clock,
): Promise<Check[]> {
  try {
    return config.database ? await inDatabase(config, config.database, clock) : await inFolder(config, clock);
  } catch (error) {
    return [failure(about, 'disk', error)];
  }
}

async function inFolder(config: Pick<Config, 'dataDir' | 'runs'>, clock: Clock): Promise<Check[]> {
  const folder = runsFolder(config);
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!names) return [about.ok('disk', `there are none in ${folder}`)];
  const logs = await openFileRunLogs({ folder, clock, tidies: false });
  const sizes = await logs.stored();
  await logs.close();
  const unread = names.filter((name) => !name.startsWith('.') && !sizes.has(name));
  return [
    room(sizes, config.runs, folder),
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
}

async function inDatabase(
  config: Pick<Config, 'dataDir' | 'runs'>,
  database: DatabaseConfig,
  clock: Clock,
): Promise<Check[]> {
  const { openPostgresRunLogs, sqlState } = await import('../../stores/postgres/index.ts');
  const { runLogs, close } = openPostgresRunLogs({ ...database, clock, waitFor: BESIDE_WAITS });
  try {
    const checks = [room(await runLogs.stored(), config.runs, 'the database')];
    const folder = runsFolder(config);
    const left = (await readdir(folder).catch((): string[] => [])).filter((name) => !name.startsWith('.'));
    if (left.length === 0) return checks;
    const known = new Set((await runLogs.list()).map(({ id }) => id));
    const waiting = left.filter((name) => !known.has(name));
    if (waiting.length === 0) return checks;
    return [
      ...checks,
      about.warning(
        'logs in the folder',
        `${waiting.length} of before the database ${waiting.length === 1 ? 'is' : 'are'} in ${folder} only, where no instance shows ${waiting.length === 1 ? 'it' : 'them'}: ${waiting.slice(0, NAMED).join(', ')}${waiting.length > NAMED ? ' …' : ''}`,
        `Stop the bot on that folder and run \`signalbox migrate --from ${config.dataDir}\`; or remove what nobody needs.`,
      ),
    ];
  } catch (error) {
    // Its tables come with the first start: that is said beside it.
    if (sqlState((error as Error).cause) !== '42P01') throw error;
    return [about.ok('disk', 'there are none in the database')];
  } finally {
    await close();
  }
}

function room(sizes: ReadonlyMap<string, number>, { keepFor, disk }: Config['runs'], where: string): Check {
  const used = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const kept = keepFor === undefined ? 'for ever' : `for ${days(keepFor)}`;
  const state = `${sizes.size} ${sizes.size === 1 ? 'takes' : 'take'} ${diskWords(used)} of ${diskWords(disk)} in ${where}, kept ${kept}`;
  return used <= disk
    ? about.ok('disk', state)
    : about.warning(
        'disk',
        state,
        'The oldest are removed within ten minutes while the bot runs, but none that still comes in or that somebody reads. Raise storage.runsDisk if that is not enough.',
      );
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
