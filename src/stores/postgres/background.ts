/** What goes on in the background: timers, watched runs, unfinished work. */
import type { Tail } from '../../domain/tails.ts';
import type { TailStore } from '../../ports/tail-store.ts';
import type { Timer, TimerStore } from '../../ports/timer-store.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../../ports/unfinished-store.ts';
import type { Database } from './database.ts';
import { column, type Kind, orderKey } from './records.ts';
import { records } from './table.ts';

export const TIMERS: Kind<Timer> = {
  name: 'timer',
  table: 'timers',
  key: ({ id }) => id,
  columns: { due_at: ({ dueAt }) => dueAt },
};

export const TAILS: Kind<Tail> = {
  name: 'tail',
  table: 'tails',
  key: ({ id }) => id,
  columns: {
    told: ({ told }) => told === true,
    since: ({ since }) => since,
    ended_at: ({ ended }) => ended?.at ?? null,
  },
};

export const UNFINISHED: Kind<UnfinishedMessage> = {
  name: 'unfinished',
  table: 'unfinished',
  key: ({ id }) => id,
  columns: { since: ({ since }) => since },
};

export function timers(database: Database): TimerStore {
  const all = records(database, TIMERS);
  return {
    putTimer: (timer) => all.put(timer),
    async removeTimer(id, dueAt) {
      await database.write([orderKey(TIMERS, id)], async (transaction) =>
        transaction.put('delete from timers where key = $1 and ($2::float8 is null or due_at = $2)', [
          column(id),
          dueAt ?? null,
        ]),
      );
    },
    listTimers: () => all.list('select record from timers order by due_at, seq'),
  };
}

export function tails(database: Database): TailStore {
  const all = records(database, TAILS);
  return {
    getTail: (id) => all.get(id),
    changeTail: (id, change) => all.change(id, change),
    listTails: () => all.list('select record from tails where not told order by since, seq'),
  };
}

export function unfinished(database: Database): UnfinishedStore {
  const all = records(database, UNFINISHED);
  return {
    putUnfinished: (message) => all.put(message),
    async removeUnfinished(id) {
      await all.remove(id);
    },
    listUnfinished: () => all.list('select record from unfinished order by since, seq'),
  };
}
