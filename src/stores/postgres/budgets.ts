/** Budgets in the database, by its clock. After a crash of the database they begin anew. */
import type { Budgets, Taken } from '../../ports/budgets.ts';
import type { Database } from './database.ts';
import { column } from './records.ts';

export function postgresBudgets(database: Database): Budgets {
  return {
    async take(name, { perSecond, burst }, { want = 1, left = 0 } = {}) {
      // Nothing to take back: if the answer is lost, what was taken is not used.
      const [row] = await database.read<Taken & Record<string, unknown>>(
        'select taken, wait from take_budget($1, $2, $3, $4, $5)',
        [column(name), perSecond, burst, want, left],
      );
      return { taken: row!.taken, wait: row!.wait };
    },
    async hold(name, ms) {
      await database.read(
        `insert into budgets (name, used, at, held_until)
         values ($1, 0, database_time(), database_time() + $2 * interval '1 millisecond')
         on conflict (name) do update set held_until = greatest(budgets.held_until, excluded.held_until)`,
        [column(name), ms],
      );
    },
  };
}
