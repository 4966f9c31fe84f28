/** Incoming events, unique by each of their keys. */
import type { EventClaims, EventRecord, EventStore } from '../../ports/event-store.ts';
import { subjectOf } from '../older-records.ts';
import { type Database, TakenBack, type Transaction } from './database.ts';
import { column, type Kind, orderKey, read, records, statementsOf, valuesOf } from './records.ts';

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
  async follow(transaction, after, before) {
    await followThings(transaction, after, before);
    if (JSON.stringify(before?.keys) !== JSON.stringify(after.keys)) {
      if (before) await transaction.write('delete from event_keys where event = $1', [column(after.id)]);
      await addKeys(transaction, after);
    }
  },
};

/** What a handled one is about. */
async function followThings(
  transaction: Transaction,
  after: EventRecord,
  before: EventRecord | undefined,
): Promise<void> {
  const things = ({ state, about }: EventRecord) => (state === 'handled' && about ? about : undefined);
  const [now, then] = [things(after), before && things(before)];
  if (JSON.stringify(now) === JSON.stringify(then)) return;
  if (then) await transaction.write('delete from event_things where event = $1', [column(after.id)]);
  if (now)
    await transaction.write('insert into event_things (event, thing, at) select $1, unnest($2::text[]), $3', [
      column(after.id),
      [...new Set(now.things.map(column))],
      now.at,
    ]);
}

/** @returns how many of them no other event has */
async function addKeys(transaction: Transaction, { id, keys }: EventRecord): Promise<number> {
  // Sorted, so that two that share several do not wait for each other.
  const added = await transaction.write(
    `insert into event_keys (key, event) select one, $2 from unnest($1::text[]) one order by one
     on conflict do nothing returning key`,
    [[...new Set(keys.map(column))], column(id)],
  );
  return added.length;
}

export function events(database: Database): EventStore {
  const all = records(database, EVENTS);
  return {
    addEvent(record) {
      const { values, stored } = valuesOf(EVENTS, column(record.id), record);
      const order = [orderKey(EVENTS, record.id), ...stored.keys.map((key) => `event key ${key}`)];
      return database.write(order, async (transaction) => {
        const added = await transaction.write(statementsOf(EVENTS).insert, values);
        if (added.length === 0) return false;
        if ((await addKeys(transaction, stored)) < new Set(stored.keys.map(column)).size)
          throw new TakenBack(false);
        await followThings(transaction, stored, undefined);
        return true;
      });
    },
    getEvent: (id) => all.get(id),
    async changeEvent(id, change) {
      await all.change(id, (before) => before && change(before));
    },
    async newestHandled(thing) {
      const [row] = await database.read<{ at: number | null }>(
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
      const rows = await database.read<{ state: EventRecord['state']; reason: string | null; count: number }>(
        'select state, reason, count(*)::float8 as count from events group by state, reason',
      );
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

const CLAIM = `
  with free as (
    select key from events one
    where state = 'pending' and claimed_by is null and kind = any ($2::text[]) and not exists (
      select from events other
      where other.subject = one.subject and other.state = 'pending' and other.claimed_by is not null
        and other.claimed_by <> $1
    )
    order by received_at, seq limit $3
  )
  update events set claimed_by = $1 from free
  where events.key = free.key and events.state = 'pending' and events.claimed_by is null
  returning events.record, events.received_at as at, events.seq::float8 as seq`;

export function eventClaims(database: Database): EventClaims {
  return {
    claimEvents: ({ by, kinds, limit }) =>
      database.write(['claims of events'], async (transaction) => {
        // One after the other: two at once could each take one of the same subject.
        await transaction.read('select pg_advisory_xact_lock(7303014, 3)');
        const rows = await transaction.write<{ record: unknown; at: number; seq: number }>(CLAIM, [
          column(by),
          kinds,
          limit,
        ]);
        return rows.sort((a, b) => a.at - b.at || a.seq - b.seq).map((row) => read(EVENTS, row));
      }),
    async giveBackEvents(by) {
      await database.write(['claims of events'], (transaction) =>
        transaction.write(`update events set claimed_by = null where state = 'pending' and claimed_by = $1`, [
          column(by),
        ]),
      );
    },
    async listClaimants() {
      const rows = await database.read<{ by: string }>(
        `select distinct claimed_by as by from events where state = 'pending' and claimed_by is not null`,
      );
      return rows.map(({ by }) => by);
    },
  };
}
