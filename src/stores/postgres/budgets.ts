/** Budgets in the database, by its clock. After a crash of the database they begin anew. */
import { AppError } from '../../ground/errors.ts';
import { inTime } from '../../ground/pause.ts';
import type { Budgets, Taken } from '../../ports/budgets.ts';
import type { Database } from './database.ts';
import { column } from './records.ts';

/** Milliseconds for an answer: a request waits for it that the service itself would refuse sooner. */
const ANSWER_WITHIN = 2_000;
/** Milliseconds without questions after there was no answer, so that not everybody waits for one. */
const ASK_AGAIN_AFTER = 2_000;

export function postgresBudgets(
  database: Database,
  { answerWithin = ANSWER_WITHIN, askAgainAfter = ASK_AGAIN_AFTER } = {},
): Budgets {
  let quietUntil = Number.NEGATIVE_INFINITY;
  const ask = async <R extends Record<string, unknown>>(
    text: string,
    values: readonly unknown[],
  ): Promise<R[]> => {
    if (performance.now() < quietUntil) throw unavailable();
    const rows = await inTime(answerWithin, database.read<R>(text, values)).catch((error: unknown) => {
      quietUntil = performance.now() + askAgainAfter;
      throw error;
    });
    if (rows) return rows;
    quietUntil = performance.now() + askAgainAfter;
    throw unavailable();
  };
  return {
    async take(name, rate, { want = 1, left = 0 } = {}) {
      // Nothing to take back: if the answer is lost, what was taken is not used.
      const [row] = await ('most' in rate
        ? ask<Taken & Record<string, unknown>>('select taken, wait from take_window($1, $2, $3, $4, $5)', [
            ...[column(name), rate.most, rate.within, want, left],
          ])
        : ask<Taken & Record<string, unknown>>('select taken, wait from take_budget($1, $2, $3, $4, $5)', [
            ...[column(name), rate.perSecond, rate.burst, want, left],
          ]));
      return { taken: row!.taken, wait: row!.wait };
    },
    async hold(name, ms) {
      await ask(
        `insert into budgets (name, used, at, held_until)
         values ($1, 0, database_time(), database_time() + $2 * interval '1 millisecond')
         on conflict (name) do update set held_until = greatest(budgets.held_until, excluded.held_until)`,
        [column(name), ms],
      );
    },
  };
}

const unavailable = (): AppError =>
  new AppError('unavailable', 'The database does not say in time how often a service may be asked.');
