/** The store on PostgreSQL, for the contract suites: each in a database of its own. */
import { afterAll, beforeAll } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { openPostgresStore, type PostgresStoreOptions } from '../../../src/stores/postgres/store.ts';
import type { StoreHarness } from '../../contract/store-harness.ts';
import { type Postgres, startPostgres } from '../../fixtures/postgres.ts';

/** One PostgreSQL for all tests of the `describe` that it is called in. */
export function postgresOfTests(settings: readonly string[] = []): () => Postgres {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ settings });
  });
  afterAll(() => postgres?.dispose());
  return () => postgres;
}

export function postgresHarness(
  postgres: () => Postgres,
  options: Partial<PostgresStoreOptions> = {},
): () => Promise<StoreHarness<Store>> {
  return async () => {
    const url = await postgres().database();
    return {
      open: async () => (await openPostgresStore({ url, ...options })).store,
      dispose: async () => {},
    };
  };
}
