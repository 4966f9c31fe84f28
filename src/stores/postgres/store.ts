/** The store on PostgreSQL, which several instances share. */
import type { EpochMs } from '../../ground/time.ts';
import type { Store } from '../../ports/store.ts';
import { alerts } from './alerts.ts';
import { audit } from './audit.ts';
import { tails, timers, unfinished } from './background.ts';
import { compilations } from './compilations.ts';
import { components } from './components.ts';
import { type ConnectionOptions, Connections } from './connections.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { eventClaims, events } from './events.ts';
import { raiseFence } from './fences.ts';
import { jobs, refusals } from './jobs.ts';
import { outbox } from './outbox.ts';
import { prune } from './pruning.ts';
import { migrate } from './schema.ts';
import { subscriptions } from './subscriptions.ts';
import { storeError } from './trouble.ts';
import { requireMoved } from './unfinished-move.ts';
import { viewer } from './viewer.ts';

export interface PostgresStoreOptions extends ConnectionOptions, DatabaseOptions {
  /** Milliseconds since the epoch; decides what is too old to keep. Default: the system's clock. */
  now?: (() => EpochMs) | undefined;
}

/** Milliseconds between looks for what is too old to keep, and before the first one. */
const PRUNE_EVERY = 3_600_000;
const PRUNE_AFTER = 60_000;

/**
 * Makes the tables, or brings them up to date.
 * @throws AppError unavailable: it cannot be reached or written, does not let Signalbox in, or is of a newer, incompatible
 *   version · conflict: an embedded store is being moved into it
 */
export async function openPostgresStore(
  options: PostgresStoreOptions,
): Promise<{ store: Store; database: Database }> {
  await migrate(options, options.migrations);
  const connections = new Connections(options);
  const database = new Database(connections, options);
  try {
    await requireMoved(database, options.url);
    // Tables that are there already say nothing about whether they can be written.
    await connections.tryOut();
  } catch (error) {
    await connections.close();
    throw storeError(error, connections.place);
  }
  const stopPruning = pruneRegularly(database, options.now ?? Date.now);
  const close = async (): Promise<void> => {
    await stopPruning();
    await connections.close();
  };
  return { store: storeOn(database, close), database };
}

/** @returns ends it, once what is under way has ended */
function pruneRegularly(database: Database, now: () => EpochMs): () => Promise<void> {
  let underWay: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const later = (ms: number): void => {
    timer = setTimeout(() => {
      // Another instance does it, or the next time does.
      underWay = prune(database, now()).catch(() => {});
      void underWay.then(() => {
        if (!ended) later(PRUNE_EVERY);
      });
    }, ms).unref();
  };
  let ended = false;
  later(PRUNE_AFTER);
  return async () => {
    ended = true;
    clearTimeout(timer);
    await underWay;
  };
}

function storeOn(database: Database, close: () => Promise<void>): Store {
  return {
    ...audit(database),
    ...jobs(database),
    ...refusals(database),
    ...compilations(database),
    ...components(database),
    ...events(database),
    ...eventClaims(database),
    ...outbox(database),
    ...alerts(database),
    ...subscriptions(database),
    ...timers(database),
    ...tails(database),
    ...unfinished(database),
    ...viewer(database),
    async under(fence) {
      await raiseFence(database, fence);
      // It shares the connections, which are not its own to close.
      return storeOn(database.under(fence), async () => {});
    },
    problem: () => database.problem(),
    close,
  };
}
