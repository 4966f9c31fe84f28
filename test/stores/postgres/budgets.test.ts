import { describe } from 'vitest';
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
});
