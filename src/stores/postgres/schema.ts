/**
 * The tables, made by numbered steps of which each runs once. A step is never changed once it was released: a new one
 * comes after it.
 *
 * Records are kept as `json` and not as `jsonb`, which takes neither U+0000 nor half a surrogate pair; both are in logs
 * and reasons of failures. What is looked up or sorted by has a column of its own. `seq` is the order in which records
 * came. Times are milliseconds since the epoch by the instances' clocks, except where the type is `timestamptz`: those
 * are the database's.
 */
import pg from 'pg';
import { AppError } from '../../ground/errors.ts';
import { type ConnectionOptions, clientOptions, placeOf, SCHEMA } from './connections.ts';
import { storeError } from './trouble.ts';

export interface Migration {
  version: number;
  /** The oldest version of the schema whose programs may go on writing beside this one. */
  compatibleFrom: number;
  sql: string;
}

const RECORD = 'seq bigint generated always as identity, record json not null';

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    compatibleFrom: 1,
    sql: `
      create table health (id int primary key, at timestamptz not null);

      create table audit (
        seq bigint generated always as identity primary key,
        at double precision not null,
        person text not null,
        subject text,
        -- Where it was moved from, and its number there: moving it twice adds nothing.
        origin text unique,
        record json not null
      );
      create index audit_newest on audit (at desc, seq desc);
      create index audit_of_person on audit (person, at desc, seq desc);
      create index audit_of_subject on audit (subject, at desc, seq desc);
      create function audit_is_kept() returns trigger language plpgsql as $$
        begin
          raise exception 'The audit trail is only added to: % is refused', lower(tg_op)
            using errcode = 'insufficient_privilege';
        end $$;
      create trigger audit_is_kept before update or delete or truncate on audit
        for each statement execute function audit_is_kept();

      create table jobs (
        key text primary key, use_case text not null, provider text not null,
        created_at double precision not null, ${RECORD}
      );
      create index jobs_newest on jobs (created_at desc, seq desc);
      create index jobs_of_use_case on jobs (use_case, created_at desc, seq desc);

      create table attempts (
        key text primary key, use_case text not null, job text not null, pair text not null,
        live boolean not null, holds boolean not null, own boolean not null,
        asked_at double precision not null, ${RECORD}
      );
      create unique index attempts_claim on attempts (pair) where holds and own;
      create index attempts_holding on attempts (pair) where holds;
      create index attempts_of_job on attempts (job);
      create index attempts_live on attempts (asked_at, seq) where live;

      create table components (
        key text primary key, use_case text not null, job text not null, settled boolean not null,
        created_at double precision not null, ${RECORD}
      );
      create index components_of_job on components (job);
      create index components_unsettled on components (created_at, seq) where not settled;

      create table events (
        key text primary key, state text not null, reason text, received_at double precision not null,
        settled_at double precision not null, subject text not null, kind text,
        -- The instance that handles it; of a settled one it means nothing.
        claimed_by text, ${RECORD}
      );
      create index events_free on events (received_at, seq) where state = 'pending' and claimed_by is null;
      create index events_claimed on events (subject) where state = 'pending' and claimed_by is not null;
      create index events_in_state on events (state, received_at, seq);
      create index events_settled on events (settled_at) where state <> 'pending';
      create table event_keys (
        key text primary key, event text not null references events on delete cascade
      );
      create index event_keys_of on event_keys (event);
      create table event_things (
        event text not null references events on delete cascade, thing text not null,
        at double precision not null, primary key (event, thing)
      );
      create index event_things_newest on event_things (thing, at desc);

      create table posts (
        key text primary key, unsent boolean not null, created_at double precision not null,
        changed_at double precision not null, ${RECORD}
      );
      create index posts_unsent on posts (created_at, seq) where unsent;
      create index posts_changed on posts (changed_at) where not unsent;
      create table dead_channels (key text primary key, ${RECORD});

      create table alerts (
        key text primary key, use_case text not null, in_group text not null, resolved boolean not null,
        opened_at double precision not null, resolved_at double precision, ${RECORD}
      );
      create index alerts_newest on alerts (opened_at desc, seq desc);
      create index alerts_open on alerts (in_group) where not resolved;
      create table alert_subjects (
        subject text primary key, alert text not null references alerts on delete cascade
      );
      create index alert_subjects_of on alert_subjects (alert);
      create table mutes (key text primary key, use_case text not null, until double precision, ${RECORD});

      create table subscriptions (
        key text primary key, use_case text not null, channel text not null,
        created_at double precision not null, ${RECORD}
      );
      create table channels (key text primary key, ${RECORD});
      create table timers (key text primary key, due_at double precision not null, ${RECORD});
      create table tails (
        key text primary key, told boolean not null, since double precision not null,
        ended_at double precision, ${RECORD}
      );
      create index tails_untold on tails (since, seq) where not told;
      create table unfinished (key text primary key, since double precision not null, ${RECORD});
      create table refusals (key text primary key, since double precision not null, ${RECORD});
      create table secrets (key text primary key, ${RECORD});
      create table links (key text primary key, until double precision not null, ${RECORD});

      -- The one clock of all instances.
      create function database_time() returns timestamptz language sql volatile as 'select clock_timestamp()';
      create table marks (
        slot text primary key, number double precision not null, at timestamptz not null default now()
      ) with (fillfactor = 20);
      create table fences (lease text primary key, fence bigint not null);
      -- Of all leases: a row may go once its lease is over, and numbers still only rise.
      create sequence fence_numbers;
      create table leases (
        name text primary key, holder text not null, fence bigint not null, expires_at timestamptz not null
      );
      -- Not the table's own, which would begin anew with it after a crash.
      create sequence note_numbers;
      create unlogged table notes (
        seq bigint primary key default nextval('note_numbers'), topic text not null, note json not null,
        at timestamptz not null default database_time()
      );
      create index notes_old on notes (at);
      -- One sender at a time, so that the order of numbers is the order in which readers see them.
      create function send_notes(topics text[], contents text[]) returns void language plpgsql as $$
        begin
          perform pg_advisory_xact_lock(7303014, 2);
          insert into notes (topic, note)
            select one.topic, one.note::json
            from unnest(topics, contents) with ordinality as one (topic, note, place) order by one.place;
          perform pg_notify('signalbox_notes', '');
        end $$;

      create unlogged table budgets (
        name text primary key,
        -- What was taken and has not come back yet, as of "at".
        used double precision not null, at timestamptz not null, held_until timestamptz not null
      );
      create function take_budget(
        of text, per_second double precision, burst double precision, want int, leave double precision,
        out taken int, out wait double precision
      ) language plpgsql as $$
        declare
          budget budgets;
          now timestamptz;
          held double precision;
          there double precision;
        begin
          insert into budgets values (of, 0, database_time(), '-infinity') on conflict do nothing;
          select * into budget from budgets where name = of for update;
          -- Now that it is locked: what others have waited for has come back too.
          now := greatest(database_time(), budget.at);
          budget.used := greatest(0, budget.used - per_second * extract(epoch from now - budget.at));
          held := case when budget.held_until > now then 1000 * extract(epoch from budget.held_until - now) else 0 end;
          there := burst - budget.used - leave;
          taken := case when held > 0 then 0 else greatest(0, least(want, floor(there + 1e-6))) end;
          wait := case when taken >= want then 0 else greatest(held, (1 - (there - taken)) / per_second * 1000) end;
          update budgets set used = budget.used + taken, at = now where name = of;
        end $$;

      create table moves (
        source text primary key, begun_at timestamptz not null default now(), finished_at timestamptz,
        summary json
      );
    `,
  },
  {
    version: 2,
    compatibleFrom: 1,
    sql: `
      -- Of a window: when each was taken that has not come back yet, the earliest first.
      alter table budgets add column taken_at timestamptz[] not null default '{}';
      create function take_window(
        of text, most double precision, within double precision, want int, leave double precision,
        out taken int, out wait double precision
      ) language plpgsql as $$
        declare
          budget budgets;
          now timestamptz;
          held double precision;
          there double precision;
          next timestamptz;
        begin
          insert into budgets (name, used, at, held_until) values (of, 0, database_time(), '-infinity')
            on conflict do nothing;
          select * into budget from budgets where name = of for update;
          -- Now that it is locked: what others have waited for has come back too.
          now := greatest(database_time(), budget.at);
          budget.taken_at := array(
            select one from unnest(budget.taken_at) one where one > now - within * interval '1 millisecond' order by one
          );
          held := case when budget.held_until > now then 1000 * extract(epoch from budget.held_until - now) else 0 end;
          there := most - cardinality(budget.taken_at) - leave;
          taken := case when held > 0 then 0 else greatest(0, least(want, floor(there + 1e-6))) end;
          budget.taken_at := budget.taken_at || array_fill(now, array[taken]);
          -- There may be some, and be held.
          next := case when there - taken >= 1 then now
            else coalesce(budget.taken_at[ceil(1 - (there - taken) - 1e-6)::int], now) + within * interval '1 millisecond'
          end;
          wait := case when taken >= want then 0 else greatest(held, 1000 * extract(epoch from next - now)) end;
          update budgets set taken_at = budget.taken_at, at = now where name = of;
        end $$;
    `,
  },
  {
    version: 3,
    // Who does not know of these tables writes none of them.
    compatibleFrom: 1,
    sql: `
      create table run_logs (
        run bigint generated always as identity primary key,
        -- Ids are ASCII, and are looked for by how they begin.
        id text collate "C" not null,
        -- It is being moved here from a folder: until all of it is there, nobody sees it.
        arriving boolean not null default false,
        created_at double precision not null, updated_at double precision not null,
        size bigint not null default 0, gaps json not null default '[]',
        cursor json, note json, ended json,
        chunk_bytes int not null,
        -- Pieces at the end that are not merged yet: how many, and where the first one begins.
        loose int not null default 0, loose_from bigint not null default 0,
        packed boolean not null default false,
        -- Rises with each change that readers are told of.
        revision bigint not null default 0
      ) with (fillfactor = 50);
      create unique index run_logs_id on run_logs (id) where not arriving;
      create unique index run_logs_arriving on run_logs (id) where arriving;
      create index run_logs_unpacked on run_logs (run) where ended is not null and not packed;
      create table run_log_pieces (
        run bigint not null references run_logs on delete cascade,
        -- Offset of its first byte. No piece lies in two chunks, or on both sides of a gap.
        at bigint not null,
        -- Of the bytes as they were printed; "packed" ones are compressed with gzip.
        length int not null, packed boolean not null default false, bytes bytea not null,
        primary key (run, at)
      );
      -- Not compressed by the database: a part of it is read without the rest.
      alter table run_log_pieces alter bytes set storage external;
      create table run_times (
        seq bigint generated always as identity primary key,
        run bigint not null references run_logs on delete cascade, lines text not null
      );
      create index run_times_of on run_times (run, seq);
      -- Of folders whose logs were moved here; "moves" is for their records.
      create table run_log_moves (
        source text not null, id text not null, digest text not null, moved_at timestamptz not null default now(),
        primary key (source, id)
      );
    `,
  },
];

/** What this program knows. */
export const SCHEMA_VERSION = MIGRATIONS.at(-1)!.version;

/** Of advisory locks: the migration's, and in `send_notes` the notes'. */
const MIGRATION_LOCK = [7_303_014, 1];

export function newerSchema(place: string, needed: number, known: number): AppError {
  return new AppError(
    'unavailable',
    `The database ${place} is of a newer Signalbox: it takes schema version ${needed} or later, and this one knows ${known}.`,
    {
      hint: 'Start the newer Signalbox; this one writes nothing more. To go back for good, put back a copy of the database from before the upgrade.',
    },
  );
}

interface Versions {
  version: number;
  compatible_from: number;
}

/**
 * Brings the tables up to date, all steps or none. Of several at the same time one works, and the others wait for it.
 * @returns the versions before (0: there was nothing) and after
 * @throws AppError unavailable: newer and not compatible, or it cannot be reached; internal: a step failed
 */
export async function migrate(
  options: ConnectionOptions,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<{ from: number; to: number }> {
  const place = placeOf(options.url);
  const client = new pg.Client({
    ...clientOptions(options, 'migration'),
    // A step, or waiting for somebody else's, may take its time.
    statement_timeout: 0,
    query_timeout: 0,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const newest = migrations.at(-1)!.version;
    const isDone = ({ version, compatible_from }: Versions): boolean => {
      if (version > newest && compatible_from > newest) throw newerSchema(place, compatible_from, newest);
      return version >= newest;
    };
    const found = await versionsOf(client);
    if (isDone(found)) return { from: found.version, to: found.version };
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1, $2)', MIGRATION_LOCK);
    // Somebody else may have been faster.
    const current = await versionsOf(client);
    if (isDone(current)) return { from: current.version, to: current.version };
    const { version } = current;
    const due = migrations.filter((one) => one.version > version);
    if (version === 0)
      await client.query(
        `create schema if not exists ${SCHEMA};
         create table version (
           one boolean primary key default true check (one), version int not null, compatible_from int not null,
           applied_at timestamptz not null
         );
         insert into version values (true, 0, 0, now())`,
      );
    for (const step of due) {
      await client.query(step.sql);
      await client.query('update version set version = $1, compatible_from = $2, applied_at = now()', [
        step.version,
        step.compatibleFrom,
      ]);
    }
    await client.query('commit');
    return { from: version, to: newest };
  } catch (error) {
    throw storeError(error, place);
  } finally {
    await client.end().catch(() => {});
  }
}

async function versionsOf(client: pg.Client): Promise<Versions> {
  const none = { version: 0, compatible_from: 0 };
  // Asking for what is not there would end the transaction.
  const { rows: there } = await client.query<{ there: boolean }>(
    `select to_regclass('${SCHEMA}.version') is not null as there`,
  );
  if (!there[0]!.there) return none;
  const { rows } = await client.query<Versions>(`select version, compatible_from from ${SCHEMA}.version`);
  return rows[0] ?? none;
}
