import { describe, expect, it } from 'vitest';
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

  it('[O1] a lease that is given back just as somebody finds it taken is theirs at once', async () => {
    const url = await postgres().database();
    await migrate({ url });
    const connections = new Connections({ url });
    const database = new Database(connections);
    const join = (reached: Database): Promise<PostgresCoordination> =>
      openPostgresCoordination({
        ...{ url, database: reached, clock: { now: () => Date.now() } },
        onError: () => {},
      });
    const one = await join(database);
    const held = await one.lease('sorting', 60_000);
    let wasFound = false;
    const read: Database['read'] = async (text, values) => {
      // How long it still has is asked right after it could not be had.
      if (text.includes('as left')) {
        wasFound = true;
        await held.release();
      }
      return database.read(text, values);
    };
    const other = await join({ read, persist: (work) => database.persist(work) } as Database);
    try {
      const lease = await other.lease('sorting', 60_000);
      expect({ wasFound, isHeld: lease.isHeld() }).toEqual({ wasFound: true, isHeld: true });
    } finally {
      for (const each of [one, other]) await each.close();
      await connections.close();
    }
  });
});
