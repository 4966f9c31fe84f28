import { describe, expect, it } from 'vitest';
import { postgresBudgets } from '../../../src/stores/postgres/budgets.ts';
import { Connections } from '../../../src/stores/postgres/connections.ts';
import { Database } from '../../../src/stores/postgres/database.ts';
import { migrate } from '../../../src/stores/postgres/schema.ts';
import { budgetsContract } from '../../contract/budgets.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { handClock } from './hand-clock.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('budgets on PostgreSQL', () => {
  const postgres = postgresOfTests();

  budgetsContract(
    'PostgreSQL',
    async () => {
      const url = await postgres().database();
      await migrate({ url });
      const connections = new Connections({ url });
      const database = new Database(connections);
      const setClock = await handClock(postgres(), url);
      let now = Date.UTC(2026, 0, 5, 12);
      await setClock(now);
      return {
        join: () => postgresBudgets(database),
        async advance(ms) {
          now += ms;
          await setClock(now);
        },
        dispose: () => connections.close(),
      };
    },
    { runs: 20 },
  );

  it('are not waited for while the database does not answer, and are there again once it does', async () => {
    const url = await postgres().database();
    await migrate({ url });
    const connections = new Connections({ url });
    const budgets = postgresBudgets(new Database(connections), { answerWithin: 50, askAgainAfter: 50 });
    const rate = { most: 2, within: 60_000 };
    expect((await budgets.take('a', rate)).taken).toBe(1);
    let unlock = (): void => {};
    const unlocked = new Promise<void>((resolve) => {
      unlock = resolve;
    });
    let lockedNow = (): void => {};
    const isLocked = new Promise<void>((resolve) => {
      lockedNow = resolve;
    });
    const locking = connections.with(async (connection) => {
      await connection.control('begin');
      await connection.run('lock table budgets in access exclusive mode');
      lockedNow();
      await unlocked;
      await connection.control('rollback');
    });
    await isLocked;
    await expect(budgets.take('a', rate)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(budgets.hold('a', 1_000)).rejects.toMatchObject({ code: 'unavailable' });
    unlock();
    await locking;
    // The first one, whose answer came too late, may have been taken, or the hold may stand.
    await expect.poll(() => budgets.take('a', rate).catch(() => undefined)).toBeDefined();
    await connections.close();
  });
});
