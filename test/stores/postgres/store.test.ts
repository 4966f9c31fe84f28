import { describe } from 'vitest';
import { fencesContract } from '../../contract/fences.ts';
import { notificationContract } from '../../contract/notifications.ts';
import { storeContract } from '../../contract/store.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresHarness, postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('the store on PostgreSQL', () => {
  const postgres = postgresOfTests();
  storeContract('PostgreSQL', postgresHarness(postgres));
  notificationContract('PostgreSQL', postgresHarness(postgres));
  fencesContract('PostgreSQL', postgresHarness(postgres));
});
