/** Logs of runs in a database that several instances share. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RunLogStore } from '../../../src/ports/run-log-store.ts';
import { openPostgres } from '../../../src/stores/postgres/index.ts';
import { AT, LIMITS, runLogStoreContract } from '../../contract/run-log-store.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
describe.skipIf(noPostgres)('logs of runs on PostgreSQL', () => {
  const postgres = postgresOfTests();
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(url: string, now: () => number = Date.now, limits: object = {}): Promise<RunLogStore> {
    const clock = { now, elapsed: () => performance.now() };
    const { store, coordination, runLogs } = await openPostgres({
      ...{ url, clock, onError: () => {}, poolSize: 4, runLogs: limits },
    });
    const close = runLogs.close.bind(runLogs);
    return Object.assign(runLogs, {
      async close() {
        await coordination.close();
        await close();
        await store.close();
      },
    });
  }

  runLogStoreContract('PostgreSQL', async () => {
    const url = await postgres().database();
    const now = { at: AT };
    return { open: () => open(url, () => now.at, LIMITS), now, dispose: async () => {} };
  });
});
