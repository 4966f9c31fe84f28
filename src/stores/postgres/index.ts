/** PostgreSQL for several instances: their state, their leases and wake-ups, and what they share of rates. */
import type { Clock } from '../../ground/time.ts';
import type { Budgets } from '../../ports/budgets.ts';
import type { Coordination } from '../../ports/coordination.ts';
import type { Store } from '../../ports/store.ts';
import { postgresBudgets } from './budgets.ts';
import { openPostgresCoordination } from './coordination.ts';
import { openPostgresStore, type PostgresStoreOptions } from './store.ts';

export { lookAt } from './look.ts';
export { move } from './move.ts';
export { migrate } from './schema.ts';

export interface PostgresOptions extends PostgresStoreOptions {
  clock: Clock;
  /** A listener of wake-ups failed, or none can be heard for now. */
  onError: (error: unknown, context: { topic: string }) => void;
}

/**
 * @returns close the coordination first: the store closes the connections of all
 * @throws AppError unavailable: it cannot be reached, does not let Signalbox in, or is of a newer, incompatible version
 */
export async function openPostgres(
  options: PostgresOptions,
): Promise<{ store: Store; coordination: Coordination; budgets: Budgets }> {
  const { store, database } = await openPostgresStore(options);
  try {
    const coordination = await openPostgresCoordination({ ...options, database });
    return { store, coordination, budgets: postgresBudgets(database) };
  } catch (error) {
    await store.close();
    throw error;
  }
}
