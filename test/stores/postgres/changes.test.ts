/** Changes that are written together, statements that are asked for together, and claims: each is as good as alone. */
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { Connections } from '../../../src/stores/postgres/connections.ts';
import { Database } from '../../../src/stores/postgres/database.ts';
import { migrate } from '../../../src/stores/postgres/schema.ts';
import { openPostgresStore } from '../../../src/stores/postgres/store.ts';
import { alarmEvent, eventRecord, post } from '../../contract/notifications.ts';
import { attempt, seen } from '../../contract/store-records.ts';
import { cuttingProxy } from '../../fixtures/cutting-proxy.ts';
import { countJourneys } from '../../fixtures/journeys.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const KEYS = Array.from({ length: 20 }, (_, n) => `post-${n}`);

describe.skipIf(noPostgres)('what is written together on PostgreSQL', () => {
  const postgres = postgresOfTests();
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(url: string): Promise<Store> {
    const { store } = await openPostgresStore({ url });
    closing.push(() => store.close());
    return store;
  }
  const next = (store: Store, key: string) =>
    store.changePost(key, (known) => (known ? { ...known, version: known.version + 1 } : post(key)));
  const versions = async (store: Store): Promise<(number | undefined)[]> =>
    Promise.all(KEYS.map(async (key) => (await store.getPost(key))?.version));

  it('shares the journeys of a transaction, and is listed in the order in which it was asked for', async () => {
    const store = await open(await postgres().database());
    await store.listUnsent();
    const counts = countJourneys();
    await Promise.all(KEYS.toReversed().map((key) => next(store, key)));
    counts.stop();
    expect(counts.journeys, counts.sent.join('\n')).toBeLessThanOrEqual(4);
    expect((await store.listUnsent()).map(({ key }) => key)).toEqual(KEYS.toReversed());
  });

  it('of which one throws: the others are stored, and that one is not', async () => {
    const store = await open(await postgres().database());
    const boom = new Error('boom');
    const bad = store.changePost('bad', () => {
      throw boom;
    });
    const other = store.changePost('other', () => post('another'));
    const good = KEYS.map((key) => next(store, key));
    await expect(bad).rejects.toBe(boom);
    await expect(other).rejects.toMatchObject({ code: 'internal' });
    await Promise.all(good);
    expect((await store.listUnsent()).map(({ key }) => key)).toEqual(KEYS);
  });

  it('of which the database refuses one: the others are stored, and only that one fails', async () => {
    const url = await postgres().database();
    const store = await open(url);
    await postgres().query(
      url,
      `create function signalbox.refuse() returns trigger language plpgsql as $$ begin
         if new.key = 'post-7' then raise exception 'not this one' using errcode = 'check_violation'; end if;
         return new;
       end $$;
       create trigger refuse before insert on signalbox.posts for each row execute function signalbox.refuse()`,
    );
    const all = await Promise.allSettled(KEYS.map((key) => next(store, key)));
    expect(all.flatMap(({ status }, n) => (status === 'rejected' ? [KEYS[n]] : []))).toEqual(['post-7']);
    expect((await store.listUnsent()).map(({ key }) => key).toSorted()).toEqual(
      KEYS.filter((key) => key !== 'post-7').toSorted(),
    );
  });

  it('of which somebody else is changing one: only that one waits for them', async () => {
    const url = await postgres().database();
    const store = await open(url);
    for (const key of KEYS) await next(store, key);
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    closing.push(() => other.end());
    await other.query('begin');
    await other.query(`select from signalbox.posts where key = 'post-3' for update`);
    let waited = false;
    const blocked = next(store, 'post-3').then(() => {
      waited = true;
    });
    await Promise.all(KEYS.filter((key) => key !== 'post-3').map((key) => next(store, key)));
    expect(waited).toBe(false);
    await other.query('commit');
    await blocked;
    expect(new Set(await versions(store))).toEqual(new Set([2]));
  });

  it('of which somebody else makes one at the same moment: it is made once, and changed after that', async () => {
    const url = await postgres().database();
    const [one, other] = [await open(url), await open(url)];
    await Promise.all([one, other, one, other].flatMap((store) => KEYS.map((key) => next(store, key))));
    expect(new Set(await versions(one))).toEqual(new Set([4]));
  });

  it('in turn where it is one record, also when it is removed in between', async () => {
    const store = await open(await postgres().database());
    const timer = (dueAt: number) => ({ id: 't', kind: 'digest' as const, subject: 's', dueAt });
    const all = [store.putTimer(timer(1)), store.removeTimer('t'), store.putTimer(timer(2))];
    await Promise.all(all);
    expect((await store.listTimers()).map(({ dueAt }) => dueAt)).toEqual([2]);
    await Promise.all([store.putTimer(timer(3)), store.removeTimer('t')]);
    expect(await store.listTimers()).toEqual([]);
  });

  it('under a fence that is not the newest: none of it is stored', async () => {
    const store = await open(await postgres().database());
    const old = await store.under({ lease: 'watch', fence: 1 });
    const early = Promise.all(KEYS.map((key) => next(old, key)));
    await early;
    const now = await store.under({ lease: 'watch', fence: 2 });
    const late = await Promise.allSettled(KEYS.map((key) => next(old, key)));
    for (const one of late)
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'conflict', message: /new holder/ } });
    await expect(old.addEvent(eventRecord('late'))).rejects.toMatchObject({ code: 'conflict' });
    expect(new Set(await versions(now))).toEqual(new Set([1]));
    expect(await now.getEvent('late')).toBeUndefined();
  });

  it.each([1, 2])('of which %i wait for somebody else: who comes later does not', async (count) => {
    const url = await postgres().database();
    const store = await open(url);
    for (const key of KEYS) await next(store, key);
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    closing.push(() => other.end());
    await other.query('begin');
    await other.query('select from signalbox.posts where key = any ($1) for update', [KEYS.slice(0, count)]);
    const waiting = () =>
      postgres().query(
        url,
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
    const blocked: Promise<unknown>[] = [];
    for (const key of KEYS.slice(0, count)) {
      blocked.push(next(store, key));
      await expect.poll(waiting).toHaveLength(blocked.length);
    }
    for (const key of KEYS.slice(count)) await next(store, key);
    await other.query('commit');
    await Promise.all(blocked);
    expect(new Set(await versions(store))).toEqual(new Set([2]));
  });

  it('and finds its claim taken at that moment looks who has it', async () => {
    const url = await postgres().database();
    const store = await open(url);
    await store.addAttempt(attempt({ id: 'one' }));
    // As the index does when another instance takes the claim between the look and the write.
    await postgres().query(
      url,
      `create sequence signalbox.takings;
       create function signalbox.taken() returns trigger language plpgsql as $$ begin
         if nextval('signalbox.takings') = 1 then
           raise exception 'taken' using errcode = 'unique_violation';
         end if;
         return new;
       end $$;
       create trigger taken before update on signalbox.attempts for each row execute function signalbox.taken()`,
    );
    const after = await store.changeAttempt('one', seen('INPROGRESS'));
    expect(after.statuses).toHaveLength(2);
  });

  describe('whose answers are lost', () => {
    async function cut() {
      const url = await postgres().database();
      const proxy = await cuttingProxy(postgres().port);
      closing.push(() => proxy.close());
      return { store: await open(url.replace(`:${postgres().port}/`, `:${proxy.port}/`)), proxy };
    }

    it('counts each change once', async () => {
      const { store, proxy } = await cut();
      proxy.cutAt('COMMIT\0', 3);
      for (let round = 0; round < 3; round += 1) await Promise.all(KEYS.map((key) => next(store, key)));
      expect(proxy.cuts).toBe(3);
      expect(new Set(await versions(store))).toEqual(new Set([3]));
    });

    it('knows what it has claimed', async () => {
      const { store, proxy } = await cut();
      for (let round = 0; round < 5; round += 1) {
        const ids = Array.from({ length: 3 }, (_, n) => `e${round}-${n}`);
        for (const id of ids) await store.addEvent(eventRecord(id, { event: alarmEvent(id) }));
        // Instead of the answer with the events.
        proxy.cutAt('UPDATE 3\0', 1);
        const claimed = await store.claimEvents({ by: 'a', kinds: ['alarm'], limit: 9 });
        expect(claimed.map(({ id }) => id)).toEqual(ids);
        expect(proxy.cuts).toBe(round + 1);
        for (const id of ids)
          await store.changeEvent(id, (known) => ({ ...known, state: 'handled', settledAt: 1 }));
      }
    });
  });
});

describe.skipIf(noPostgres)('what is asked for together on PostgreSQL', () => {
  const postgres = postgresOfTests();

  async function database() {
    const url = await postgres().database();
    await migrate({ url });
    const connections = new Connections({ url });
    return { url, connections, database: new Database(connections) };
  }

  it('goes in one journey, the same once, and what fails fails alone', async () => {
    const { database: own, connections } = await database();
    await own.select('select 1 as one');
    const counts = countJourneys();
    const all = await Promise.allSettled([
      own.select('select 1 as one'),
      own.select('select 1 as one'),
      own.select('select $1::int as two', [2]),
      own.select('select 1 / 0'),
      own.select('select $1::int as two', [3]),
    ]);
    counts.stop();
    expect(all.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code))).toEqual([
      [{ one: 1 }],
      [{ one: 1 }],
      [{ two: 2 }],
      'internal',
      [{ two: 3 }],
    ]);
    expect(counts).toMatchObject({ statements: 4, journeys: 1 });
    await connections.close();
  });

  it('is asked after what was stored before', async () => {
    const { database: own, connections } = await database();
    for (let n = 0; n < 20; n += 1) {
      const early = own.select<{ count: number }>('select count(*)::int as count from fences');
      await own.write([], async (transaction) =>
        transaction.put('insert into fences values ($1, 1)', [`${n}`]),
      );
      const late = await own.select<{ count: number }>('select count(*)::int as count from fences');
      expect(late).toEqual([{ count: n + 1 }]);
      expect((await early)[0]!.count).toBeGreaterThanOrEqual(n);
    }
    await connections.close();
  });

  it('many at once, each has its own answer', async () => {
    const { database: own, connections } = await database();
    const numbers = Array.from({ length: 1_000 }, (_, n) => n);
    const rows = await Promise.all(numbers.map((n) => own.select('select $1::int as n', [n])));
    expect(rows).toEqual(numbers.map((n) => [{ n }]));
    await connections.close();
  });
});

describe.skipIf(noPostgres)('among others on PostgreSQL', () => {
  const postgres = postgresOfTests();

  it('claims look at each waiting event a few times at most, also in a table that nobody has analysed', async () => {
    const url = await postgres().database();
    const { store } = await openPostgresStore({ url });
    await postgres().query(url, 'alter table signalbox.events set (autovacuum_enabled = off)');
    const waiting = 600;
    const ids = Array.from({ length: waiting }, (_, n) => `e${n}`);
    await Promise.all(ids.map((id) => store.addEvent(eventRecord(id, { event: alarmEvent(id) }))));
    const looked = async (): Promise<number> => {
      const [row] = await postgres().query<{ looked: string }>(
        url,
        `select seq_tup_read + idx_tup_fetch as looked from pg_stat_user_tables
         where schemaname = 'signalbox' and relname = 'events'`,
      );
      return Number(row!.looked);
    };
    // Counts are told when a connection ends.
    await store.close();
    const claiming = await openPostgresStore({ url });
    const before = await looked();
    expect(await claiming.store.claimEvents({ by: 'a', kinds: ['deployment'], limit: 64 })).toEqual([]);
    expect(await claiming.store.claimEvents({ by: 'a', kinds: ['alarm'], limit: 64 })).toHaveLength(64);
    await claiming.store.close();
    await expect.poll(looked).toBeGreaterThan(before);
    expect((await looked()) - before).toBeLessThan(10 * waiting);
  });
});
