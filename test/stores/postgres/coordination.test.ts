import { describe } from 'vitest';
import { Connections } from '../../../src/stores/postgres/connections.ts';
import {
  openPostgresCoordination,
  type PostgresCoordination,
} from '../../../src/stores/postgres/coordination.ts';
import { Database } from '../../../src/stores/postgres/database.ts';
import { migrate } from '../../../src/stores/postgres/schema.ts';
import { type CoordinationHarness, coordinationContract } from '../../contract/coordination.ts';
import { handTimers } from '../../fixtures/hand-timers.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { handClock } from './hand-clock.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('coordination on PostgreSQL', () => {
  const postgres = postgresOfTests();

  coordinationContract('PostgreSQL', async (): Promise<CoordinationHarness> => {
    const url = await postgres().database();
    await migrate({ url });
    const connections = new Connections({ url });
    const database = new Database(connections);
    const setClock = await handClock(postgres(), url);
    const instances: PostgresCoordination[] = [];
    const time = handTimers(undefined, async (now) => {
      await setClock(now);
      // What one does may lead to something at another.
      for (let round = 0; round < 2; round += 1) for (const one of instances) await one.settled();
    });
    await setClock(time.clock.now());
    return {
      async join() {
        const one = await openPostgresCoordination({
          ...{ url, database, clock: time.clock, after: time.after },
          onError: () => {},
        });
        instances.push(one);
        return one;
      },
      advance: time.advance,
      cutOff: (instance) => (instance as PostgresCoordination).cutOff(),
      async dispose() {
        for (const one of instances) await one.close();
        await connections.close();
      },
    };
  });
});
