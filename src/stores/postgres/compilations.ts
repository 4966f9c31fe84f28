/** Attempts at compiling, and the claims that each job and target has one of. */
import {
  alreadyClaimed,
  type CompilationAttempt,
  claimKey,
  holdsClaim,
  isLive,
  needsClaim,
} from '../../domain/compilations.ts';
import type { CompilationStore } from '../../ports/compilation-store.ts';
import { attemptExists, noAttempt, requireSame } from '../refused.ts';
import { pairKey } from '../tables.ts';
import { Again, type Database } from './database.ts';
import { column, type Kind, orderKey, read, statementsOf, valuesOf } from './records.ts';
import { records } from './table.ts';
import type { Transaction } from './transaction.ts';
import { sqlState } from './trouble.ts';

export const ATTEMPTS: Kind<CompilationAttempt> = {
  name: 'attempt',
  table: 'attempts',
  key: ({ id }) => id,
  columns: {
    use_case: ({ useCase }) => column(useCase),
    job: ({ useCase, job }) => column(pairKey(useCase, job)),
    pair: (attempt) => column(claimKey(attempt)),
    live: isLive,
    holds: holdsClaim,
    own: needsClaim,
    asked_at: ({ askedAt }) => askedAt,
  },
};

const SQL = statementsOf(ATTEMPTS);
const HOLDER = 'select record from attempts where pair = $1 and holds order by seq limit 1';

/** Whatever holds the claim rules it out, also what was started elsewhere; of our own, an index takes one only. */
const CLAIM = SQL.insert
  .replace(/values \((.*?)\)/, 'select $1')
  .replace(' on conflict', ' where not exists (select from attempts where pair = $5 and holds) on conflict');

async function holderOf(transaction: Transaction, attempt: CompilationAttempt) {
  const [row] = await transaction.read<{ record: unknown }>(HOLDER, [column(claimKey(attempt))]);
  return row && read(ATTEMPTS, row);
}

export function compilations(database: Database): CompilationStore {
  const all = records(database, ATTEMPTS);
  const claimOrder = (attempt: CompilationAttempt): string => `claim ${claimKey(attempt)}`;
  return {
    async addAttempt(attempt) {
      const { values } = valuesOf(ATTEMPTS, column(attempt.id), attempt);
      const needs = needsClaim(attempt);
      await database.write([orderKey(ATTEMPTS, attempt.id), claimOrder(attempt)], async (transaction) => {
        const added = await transaction.write(needs ? CLAIM : SQL.insert, values);
        if (added.length > 0) return;
        const holder = needs ? await holderOf(transaction, attempt) : undefined;
        if (holder) throw alreadyClaimed(holder);
        const [same] = await transaction.read(SQL.get, [column(attempt.id)]);
        if (same) throw attemptExists(attempt.id);
        // What was in the way has just gone.
        throw new Again('the claim is free again');
      });
    },

    async changeAttempt(id, change) {
      return database.write([orderKey(ATTEMPTS, id)], async (transaction) => {
        const [row] = await transaction.read<{ record: unknown }>(SQL.lock, [column(id)]);
        if (!row) throw noAttempt(id);
        const before = read(ATTEMPTS, row);
        const after = change(before);
        if (after === before) return before;
        const identity = ({ useCase, job, target }: CompilationAttempt) => [useCase, job, target];
        requireSame('compilation attempt', [id, ...identity(before)], [after.id, ...identity(after)]);
        // Whatever held the claim keeps it, even when another one is found later.
        if (needsClaim(after) && holdsClaim(after) && !holdsClaim(before)) {
          const holder = await holderOf(transaction, after);
          if (holder) throw alreadyClaimed(holder);
        }
        const { values, stored } = valuesOf(ATTEMPTS, column(id), after);
        try {
          await transaction.write(SQL.update, values);
        } catch (error) {
          // Somebody has just taken the claim: the next try sees who.
          if (sqlState(error) === '23505') throw new Again('claimed meanwhile');
          throw error;
        }
        return stored;
      });
    },

    async listAttempts({ useCase, job, live }) {
      const ofJob = useCase !== undefined && job !== undefined;
      const where = [
        ...(ofJob ? ['job = $1'] : useCase === undefined ? [] : ['use_case = $1']),
        // Not as a value: only then is the index of those that are live used.
        ...(live === undefined ? [] : [live ? 'live' : 'not live']),
      ];
      const found = await all.list(
        `select record from attempts ${where.length > 0 ? `where ${where.join(' and ')}` : ''} order by asked_at, seq`,
        useCase === undefined ? [] : [column(ofJob ? pairKey(useCase, job) : useCase)],
      );
      return job === undefined ? found : found.filter((attempt) => attempt.job === job);
    },
  };
}
