/** PostgreSQL for several instances: their state, logs of runs, leases and wake-ups, and what they share of rates. */
import type { Clock } from '../../ground/time.ts';
import type { Budgets } from '../../ports/budgets.ts';
import type { Coordination } from '../../ports/coordination.ts';
import type { RunLogStore } from '../../ports/run-log-store.ts';
import type { RunTimesStore } from '../../ports/run-times.ts';
import type { Store } from '../../ports/store.ts';
import { postgresBudgets } from './budgets.ts';
import { type ConnectionOptions, Connections } from './connections.ts';
import { type Hearer, openPostgresCoordination } from './coordination.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { RUN_LOGS } from './run-log-news.ts';
import { type PostgresRunLogsOptions, postgresRunLogs } from './run-logs.ts';
import { PostgresRunTimes } from './run-times.ts';
import { openPostgresStore, type PostgresStoreOptions } from './store.ts';

export { lookAt } from './look.ts';
export { holdsStore, move } from './move.ts';
export { moveRunLogs } from './move-run-logs.ts';
export { migrate } from './schema.ts';
export { sqlState } from './trouble.ts';

export interface PostgresOptions extends PostgresStoreOptions {
  clock: Clock;
  /** A listener of wake-ups failed, or none can be heard for now. */
  onError: (error: unknown, context: { topic: string }) => void;
  /** Left out: as by default. */
  runLogs?: Omit<PostgresRunLogsOptions, 'clock'> | undefined;
}

/**
 * @returns close the coordination first, then the logs: the store closes the connections of all
 * @throws AppError unavailable: it cannot be reached, does not let Signalbox in, or is of a newer, incompatible version
 */
export async function openPostgres(options: PostgresOptions): Promise<{
  store: Store;
  coordination: Coordination;
  budgets: Budgets;
  runLogs: RunLogStore;
  runTimes: RunTimesStore;
}> {
  const { store, database } = await openPostgresStore(options);
  const { clock } = options;
  const runLogs = postgresRunLogs(database, { clock, ...options.runLogs });
  try {
    const beside: Hearer = {
      channel: RUN_LOGS,
      told: (payload) => runLogs.told(payload),
      deaf: () => runLogs.deaf(),
    };
    const coordination = await openPostgresCoordination({ ...options, database, beside });
    const runTimes = new PostgresRunTimes(database);
    return { store, coordination, budgets: postgresBudgets(database), runLogs, runTimes };
  } catch (error) {
    await runLogs.close();
    await store.close();
    throw error;
  }
}

/**
 * Logs of runs beside the instances that write them, for who reads and goes again. Changes are found by looking; whether
 * the database can be reached shows with the first question.
 */
export function openPostgresRunLogs(
  options: ConnectionOptions & Pick<DatabaseOptions, 'waitFor'> & PostgresRunLogsOptions,
): {
  runLogs: RunLogStore;
  runTimes: RunTimesStore;
  close(): Promise<void>;
} {
  const connections = new Connections(options);
  const database = new Database(connections, options);
  const runLogs = postgresRunLogs(database, { tidies: false, ...options });
  return {
    runLogs,
    runTimes: new PostgresRunTimes(database),
    async close() {
      await runLogs.close();
      await connections.close();
    },
  };
}
