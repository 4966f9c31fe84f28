/** What the store does when its database is away, in the way, full or read-only. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { openPostgresStore, type PostgresStoreOptions } from '../../../src/stores/postgres/store.ts';
import { eventRecord, post } from '../../contract/notifications.ts';
import { attempt, component, jobRecord, record, seen } from '../../contract/store-records.ts';
import { type CuttingProxy, cuttingProxy } from '../../fixtures/cutting-proxy.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('the store on a PostgreSQL in trouble', () => {
  const postgres = postgresOfTests();
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
    const { store } = await openPostgresStore({ url, ...options });
    closing.push(() => store.close());
    return store;
  }

  it('that speaks no TLS where it is asked for says so at once, and what to do', async () => {
    const url = await postgres().database();
    await expect(open(`${url}?sslmode=verify-full`)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^There is no encrypted connection to the database .* SSL/),
      hint: expect.stringContaining('sslrootcert'),
    });
  });

  describe('that is stopped while it is written to', () => {
    it.each([undefined, 'crash'] as const)('stores everything once it is back (%s)', async (how) => {
      const store = await open(await postgres().database(), { waitFor: 600_000 });
      let written = 0;
      let enough = false;
      const write = async (worker: number): Promise<string[]> => {
        const ids: string[] = [];
        for (let n = 0; !enough; n += 1) {
          const one = attempt({ job: `job-${worker}-${n}` });
          await store.addAttempt(one);
          await store.changeAttempt(one.id, seen('INPROGRESS'));
          ids.push(one.id);
          written += 1;
        }
        return ids;
      };
      const writers = Promise.all(Array.from({ length: 8 }, (_, worker) => write(worker)));
      await expect.poll(() => written).toBeGreaterThan(20);
      await postgres().stop(how);
      await expect.poll(() => store.problem()).toMatch(/^The database .* cannot be reached/);
      const before = written;
      await postgres().start();
      await expect.poll(() => written).toBeGreaterThan(before + 20);
      enough = true;
      const ids = (await writers).flat();
      const attempts = await store.listAttempts({});
      expect(attempts.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      expect(new Set(attempts.map(({ statuses }) => statuses.length))).toEqual(new Set([2]));
      await expect.poll(() => store.problem()).toBeUndefined();
    });

    it('refuses after a while, says so, and finds out by itself when it is back', async () => {
      const store = await open(await postgres().database(), { waitFor: 50 });
      await postgres().stop();
      const refused = {
        code: 'unavailable',
        message: 'Signalbox’s database does not answer now.',
        adminHint: expect.stringMatching(/^The database 127\.0\.0\.1:\d+\/test_\d+ cannot be reached/),
      };
      await expect(store.appendAudit(record())).rejects.toMatchObject(refused);
      await expect(store.listJobs({ limit: 1 })).rejects.toMatchObject(refused);
      expect(store.problem()).toMatch(/cannot be reached/);
      await postgres().start();
      await expect.poll(() => store.problem()).toBeUndefined();
      await store.appendAudit(record());
    });
  });

  describe('whose answer to a commit is lost', () => {
    async function cut(): Promise<{ store: Store; proxy: CuttingProxy }> {
      const url = await postgres().database();
      const proxy = await cuttingProxy(postgres().port);
      closing.push(() => proxy.close());
      const store = await open(url.replace(`:${postgres().port}/`, `:${proxy.port}/`));
      return { store, proxy };
    }

    const WRITES: [what: string, write: (store: Store) => Promise<unknown>, answer: unknown][] = [
      ['an audit record', (store) => store.appendAudit(record()), undefined],
      ['a claim', (store) => store.addAttempt(attempt()), undefined],
      ['a component', (store) => store.addComponent(component('1.0.0')), undefined],
      ['an event', (store) => store.addEvent(eventRecord('a')), true],
      ['a link', (store) => store.useViewerLink('a', Date.now() + 60_000), true],
      [
        'that a subscription is gone',
        async (store) => {
          await store.putSubscription({
            ...{ id: 's', useCase: 'line-3', channel: 'C', kinds: [], failuresOnly: true },
            ...{ createdBy: { team: 'T', user: 'U' }, createdAt: 1 },
          });
          return store.removeSubscription('s');
        },
        true,
      ],
    ];
    it.each(WRITES)(
      'stores once, and is answered as if nothing had happened: %s',
      async (_, write, answer) => {
        const { store, proxy } = await cut();
        proxy.cutAt('COMMIT\0', 3);
        expect(await write(store)).toEqual(answer);
        expect(proxy.cuts).toBeGreaterThan(0);
      },
    );

    it('counts each of many changes once', async () => {
      const { store, proxy } = await cut();
      proxy.cutAt('COMMIT\0', 12);
      const count = () =>
        store.changePost('card', (before) => ({
          ...(before ?? post('card')),
          version: (before?.version ?? 0) + 1,
        }));
      await Promise.all(Array.from({ length: 20 }, count));
      expect((await store.getPost('card'))?.version).toBe(20);
      expect(proxy.cuts).toBe(12);
      expect(await store.listUnsent()).toHaveLength(1);
    });

    it('gives nobody a claim twice, though all who ask are cut', async () => {
      const { store, proxy } = await cut();
      proxy.cutAt('COMMIT\0', 5);
      const tries = await Promise.allSettled(Array.from({ length: 20 }, () => store.addAttempt(attempt())));
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await store.listAttempts({})).toHaveLength(1);
    });
  });

  describe('where others are in the way', () => {
    /** The next `times` writes of a job fail with the code, each in its own transaction. */
    const failing = (url: string, code: string, times: number) =>
      postgres().query(
        url,
        `create sequence signalbox.failures;
         create function signalbox.fail() returns trigger language plpgsql as $$ begin
           if nextval('signalbox.failures') <= ${times} then
             raise exception 'in the way' using errcode = '${code}';
           end if;
           return new;
         end $$;
         create trigger fail before insert or update on signalbox.jobs for each row execute function signalbox.fail()`,
      );

    it.each(['40001', '40P01'])('tries again after %s', async (code) => {
      const url = await postgres().database();
      const store = await open(url);
      await failing(url, code, 5);
      expect(await store.changeJob('line-3', 'a', () => jobRecord('a'))).toEqual(jobRecord('a'));
      expect(store.problem()).toBeUndefined();
    });

    it('gives up when it is so each time, with nothing stored', async () => {
      const url = await postgres().database();
      const store = await open(url);
      await failing(url, '40001', 1_000_000);
      await expect(store.changeJob('line-3', 'a', () => jobRecord('a'))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('each time it was tried'),
      });
      expect(await store.listJobs({ limit: 9 })).toEqual([]);
    });

    it('gets through real deadlocks', async () => {
      const url = await postgres().database();
      const store = await open(url);
      await store.changePost('a', () => post('a'));
      await store.changePost('b', () => post('b'));
      // Whoever changes b has a changed by the database, and the other way round.
      await postgres().query(
        url,
        `create function signalbox.cross() returns trigger language plpgsql as $$ begin
           if pg_trigger_depth() = 1 then
             update signalbox.posts set changed_at = changed_at
               where key = case new.key when 'a' then 'b' else 'a' end;
           end if;
           return new;
         end $$;
         create trigger cross_over after update on signalbox.posts for each row execute function signalbox.cross()`,
      );
      const next = (key: string) => () =>
        store.changePost(key, (known) => known && { ...known, version: known.version + 1 });
      await Promise.all(Array.from({ length: 10 }, () => [next('a')(), next('b')()]).flat());
      expect((await store.getPost('a'))?.version).toBe(11);
      expect((await store.getPost('b'))?.version).toBe(11);
    });
  });

  it('that is read-only is told at once, and is written to as soon as it can be', async () => {
    const url = await postgres().database();
    const name = new URL(url).pathname.slice(1);
    const store = await open(url);
    await store.appendAudit(record());
    await postgres().query(url, `alter system set default_transaction_read_only = on`);
    await postgres().query(url, 'select pg_reload_conf()');
    await expect
      .poll(async () => {
        const error = await store.appendAudit(record()).catch((thrown: unknown) => thrown);
        return (error as { adminHint?: string } | undefined)?.adminHint;
      })
      .toMatch(new RegExp(`^The database .*/${name} is read-only: nothing can be stored\\.`));
    expect(await store.listJobs({ limit: 1 })).toEqual([]);
    expect(store.problem()).toContain('read-only');
    const reset = `${url}?options=-c%20default_transaction_read_only%3Doff`;
    await postgres().query(reset, 'alter system reset default_transaction_read_only');
    await postgres().query(reset, 'select pg_reload_conf()');
    await expect.poll(() => store.problem()).toBeUndefined();
    await store.appendAudit(record());
  });

  it('that has fewer connections than are wanted serves everybody, one after the other', async () => {
    const url = await postgres().database();
    await postgres().query(url, `create role few login password 'few' connection limit 2`);
    await postgres().query(url, `grant create on database ${new URL(url).pathname.slice(1)} to few`);
    const store = await open(url.replace(/\/\/[^@]+@/, '//few:few@'), { poolSize: 10 });
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => store.changeJob('line-3', `j${n}`, () => jobRecord(`j${n}`))),
    );
    expect(await store.listJobs({ limit: 99 })).toHaveLength(40);
    await expect.poll(() => store.problem()).toBeUndefined();
  });

  it('refuses whoever changes or deletes an audit record, whatever they may do otherwise', async () => {
    const url = await postgres().database();
    const store = await open(url);
    await store.appendAudit(record());
    for (const change of [
      `update signalbox.audit set person = 'nobody'`,
      'delete from signalbox.audit',
      'truncate signalbox.audit',
    ])
      await expect(postgres().query(url, change)).rejects.toMatchObject({
        code: '42501',
        message: expect.stringContaining('The audit trail is only added to'),
      });
    expect(await store.listAudit({ limit: 9 })).toEqual([record()]);
  });
});
