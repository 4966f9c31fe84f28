/** What there is in a database, for whoever checks it. */
import pg from 'pg';
import { type ConnectionOptions, clientOptions, placeOf, SCHEMA } from './connections.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { storeError } from './trouble.ts';

export interface DatabaseLook {
  /** Host, port and name. */
  place: string;
  /** Of the server. */
  server: string;
  readOnly: boolean;
  /** Of the tables; 0: there are none. */
  version: number;
  /** The oldest program that may write. */
  compatibleFrom: number;
  /** The version that this program knows. */
  known: number;
  /** The folder of an embedded store whose move is not finished. */
  unfinishedMove: string | undefined;
  /** That one instance may use. */
  connections: number;
  /** That the server can still give. */
  free: number;
}

/** Changes nothing. @throws AppError unavailable: it cannot be reached, or does not let Signalbox in */
export async function lookAt(options: ConnectionOptions): Promise<DatabaseLook> {
  const place = placeOf(options.url);
  const client = new pg.Client(clientOptions(options, 'doctor'));
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows: server } = await client.query<{
      server: string;
      read_only: boolean;
      free: number;
      there: boolean;
    }>(
      `select current_setting('server_version') as server,
         pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as read_only,
         current_setting('max_connections')::int - (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as free,
         to_regclass('${SCHEMA}.moves') is not null as there`,
    );
    const { there, read_only, ...rest } = server[0]!;
    const { rows: tables } = there
      ? await client.query<{ version: number; compatible_from: number; source: string | null }>(
          `select version, compatible_from, (select source from moves where finished_at is null) as source from version`,
        )
      : { rows: [] };
    return {
      ...{ place, ...rest, readOnly: read_only, known: SCHEMA_VERSION },
      version: tables[0]?.version ?? 0,
      compatibleFrom: tables[0]?.compatible_from ?? 0,
      unfinishedMove: tables[0]?.source ?? undefined,
      // And one that listens; a migration is over before the others.
      connections: (options.poolSize ?? 10) + 1,
    };
  } catch (error) {
    throw storeError(error, place);
  } finally {
    await client.end().catch(() => {});
  }
}
