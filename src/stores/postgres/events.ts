/** Incoming events, unique by each of their keys. */
import type { EpochMs } from '../../ground/time.ts';
import type { EventClaims, EventRecord, EventStore } from '../../ports/event-store.ts';
import { subjectOf } from '../older-records.ts';
import type { Row } from './connections.ts';
import { type Database, TakenBack } from './database.ts';
import { column, type Kind, orderKey, read, statementsOf, valuesOf } from './records.ts';
import { records } from './table.ts';

export const EVENTS: Kind<EventRecord> = {
  name: 'event',
  table: 'events',
  key: ({ id }) => id,
  columns: {
    state: ({ state }) => state,
    reason: ({ state, reason }) => (state === 'set-aside' ? (reason?.code ?? 'failed') : null),
    received_at: ({ receivedAt }) => receivedAt,
    settled_at: ({ settledAt, receivedAt }) => settledAt ?? receivedAt,
    subject: (record) => column(subjectOf(record)),
    kind: ({ event }) => event?.kind ?? null,
  },
  follow(transaction, after, before) {
    const [now, then] = [thingsToldBy(after), before && thingsToldBy(before)];
    if (JSON.stringify(now) !== JSON.stringify(then)) {
      if (then) transaction.put('delete from event_things where event = $1', [column(after.id)]);
      if (now) transaction.put(ADD_THINGS, [column(after.id), now.things, now.at]);
    }
    if (JSON.stringify(before?.keys) !== JSON.stringify(after.keys)) {
      if (before) transaction.put('delete from event_keys where event = $1', [column(after.id)]);
      transaction.put(ADD_KEYS, [column(after.id), keysOf(after)]);
    }
  },
};

/** What a handled one is about. */
const thingsToldBy = ({ state, about }: EventRecord): { things: string[]; at: EpochMs } | undefined =>
  state === 'handled' && about ? { things: [...new Set(about.things.map(column))], at: about.at } : undefined;

const keysOf = ({ keys }: EventRecord): string[] => [...new Set(keys.map(column))];

const ADD_THINGS = 'insert into event_things (event, thing, at) select $1, unnest($2::text[]), $3';

// Sorted, so that two that share several do not wait for each other.
const ADD_KEYS = `insert into event_keys (key, event) select one, $1 from unnest($2::text[]) one order by one
  on conflict do nothing`;

/** An event with its keys and things. Nothing of it may be kept unless all of its keys are new. */
const ADD = `
  with added as (${statementsOf(EVENTS).insert}),
    keyed as (
      insert into event_keys (key, event)
        select one, $1 from unnest($9::text[]) one where exists (select from added) order by one
      on conflict do nothing returning key
    ),
    about as (
      insert into event_things (event, thing, at)
        select $1, one, $11 from unnest($10::text[]) one where exists (select from added)
    )
  select (select count(*) from added)::int as added, (select count(*) from keyed)::int as keyed`;

export function events(database: Database): EventStore {
  const all = records(database, EVENTS);
  return {
    addEvent(record) {
      const { values, stored } = valuesOf(EVENTS, column(record.id), record);
      const order = [orderKey(EVENTS, record.id), ...stored.keys.map((key) => `event key ${key}`)];
      return database.write(order, async (transaction) => {
        const about = thingsToldBy(stored);
        const more = [keysOf(stored), about?.things ?? [], about?.at ?? null];
        const [made] = await transaction.write<{ added: number; keyed: number }>(ADD, [...values, ...more]);
        if (made!.added === 0) return false;
        if (made!.keyed < keysOf(stored).length) throw new TakenBack(false);
        return true;
      });
    },
    getEvent: (id) => all.get(id),
    async changeEvent(id, change) {
      await all.change(id, (before) => before && change(before));
    },
    async newestHandled(thing) {
      const [row] = await database.select<{ at: number | null }>(
        'select max(at) as at from event_things where thing = $1',
        [column(thing)],
      );
      return row?.at ?? undefined;
    },
    listEvents: ({ state, limit }) =>
      all.list(
        state === 'pending'
          ? `select record from events where state = $1 order by received_at, seq limit $2`
          : `select record from events where state = $1 order by received_at desc, seq desc limit $2`,
        [state, limit],
      ),
    async countEvents() {
      const rows = await database.select<{
        state: EventRecord['state'];
        reason: string | null;
        count: number;
      }>('select state, reason, count(*)::float8 as count from events group by state, reason');
      const of = (state: EventRecord['state']): number =>
        rows.filter((row) => row.state === state).reduce((sum, { count }) => sum + count, 0);
      return {
        pending: of('pending'),
        handled: of('handled'),
        setAside: Object.fromEntries(
          rows.flatMap(({ state, reason, count }) => (state === 'set-aside' ? [[reason!, count]] : [])),
        ),
      };
    },
  };
}

/**
 * What is free is looked up once, as an array: in a join, a planner that has no statistics yet (of a table that was just
 * filled, as a flood does) looks it up for every free event, which takes seconds where there are thousands.
 */
const CLAIM = `
  update events set claimed_by = $1
  where state = 'pending' and claimed_by is null and key = any (array(
    select key from events one
    where state = 'pending' and claimed_by is null and kind = any ($2::text[]) and not exists (
      select from events other
      where other.subject = one.subject and other.state = 'pending' and other.claimed_by is not null
        and other.claimed_by <> $1
    )
    order by received_at, seq limit $3
  ))
  returning record, received_at as at, seq::float8 as seq`;

interface Claimed extends Row {
  record: unknown;
  at: number;
  seq: number;
}

const CLAIMED = `
  select record, received_at as at, seq::float8 as seq from events
  where claimed_by = $1 and state = 'pending' and kind = any ($2::text[])`;

export function eventClaims(database: Database): EventClaims {
  return {
    async claimEvents({ by, kinds, limit }) {
      const { rows } = await database.transaction(async (transaction) => {
        // One after the other: two at once could each take one of the same subject.
        void transaction.read('select pg_advisory_xact_lock(7303014, 3)');
        // Committed before the answer is here, so that others wait for the database alone.
        return { rows: transaction.write<Claimed>(CLAIM, [column(by), kinds, limit]) };
      });
      // With the answer to the commit this one was lost as well.
      const claimed = await rows.catch(() => database.select<Claimed>(CLAIMED, [column(by), kinds]));
      return claimed.toSorted((a, b) => a.at - b.at || a.seq - b.seq).map((row) => read(EVENTS, row));
    },
    async giveBackEvents(by) {
      await database.transaction(async (transaction) =>
        transaction.put(`update events set claimed_by = null where state = 'pending' and claimed_by = $1`, [
          column(by),
        ]),
      );
    },
    async listClaimants() {
      const rows = await database.select<{ by: string }>(
        `select distinct claimed_by as by from events where state = 'pending' and claimed_by is not null`,
      );
      return rows.map(({ by }) => by);
    },
  };
}
