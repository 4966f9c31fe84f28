/** The database that instances share: whether it lets Signalbox in, and whether its tables fit. Changes nothing. */
import type { Config } from '../../config.ts';
import { type Check, failure, subject } from './checks.ts';

const about = subject('database');

export async function checkDatabase({ database }: Pick<Config, 'database'>): Promise<Check[]> {
  if (!database) return [];
  const { lookAt } = await import('../../stores/postgres/index.ts');
  try {
    const found = await lookAt(database);
    const { place, server, version, known, connections, free } = found;
    const checks = [about.ok('connection', `${place}, PostgreSQL ${server}`)];
    if (found.readOnly)
      checks.push(
        about.failed('writing', 'it is read-only', 'Point DATABASE_URL to the primary, not to a standby.'),
      );
    checks.push(
      version === 0
        ? about.warning(
            'tables',
            'there are none yet',
            'The first start makes them. An embedded store is moved there by `signalbox migrate --from <its data folder>`.',
          )
        : found.unfinishedMove !== undefined
          ? about.failed(
              'tables',
              `the move of ${found.unfinishedMove} is not finished`,
              `Run \`signalbox migrate --from ${found.unfinishedMove}\` again: it goes on where it was.`,
            )
          : found.compatibleFrom > known
            ? about.failed(
                'tables',
                `they are of version ${version}, and this Signalbox knows ${known}`,
                'Start the newer Signalbox.',
              )
            : about.ok(
                'tables',
                `version ${version}${version < known ? `; the next start brings them to ${known}` : ''}`,
              ),
    );
    checks.push(
      free >= connections
        ? about.ok('connections', `${free} free; each instance uses ${connections} at most`)
        : about.warning(
            'connections',
            `${free} free, and each instance may use ${connections}`,
            'Raise max_connections on the server, or lower DATABASE_POOL_SIZE.',
          ),
    );
    return checks;
  } catch (error) {
    return [failure(about, 'connection', error)];
  }
}
