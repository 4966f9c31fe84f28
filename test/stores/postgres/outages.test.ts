/** What keeps the database from answering while it is written to: nothing is lost, nothing is there twice, and it goes on. */
import { randomBytes } from 'node:crypto';
import { chown, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { openPostgresStore, type PostgresStoreOptions } from '../../../src/stores/postgres/store.ts';
import { eventRecord, post } from '../../contract/notifications.ts';
import { jobRecord, record } from '../../contract/store-records.ts';
import { cuttingProxy } from '../../fixtures/cutting-proxy.ts';
import { serverUser, whyNoPostgres } from '../../fixtures/postgres.ts';
import { fill, tinyDisk } from '../../fixtures/tiny-disk.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const CONNECTIONS = 30;
const POOL = 3;
const CARDS = 5;

describe.skipIf(noPostgres)('while it is written to, PostgreSQL', () => {
  const postgres = postgresOfTests([
    `max_connections=${CONNECTIONS}`,
    'superuser_reserved_connections=3',
    'max_wal_senders=0',
  ]);
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
    const { store } = await openPostgresStore({ url, poolSize: POOL, ...options });
    closing.push(() => store.close());
    return store;
  }

  /** Many more who write than there are connections: each takes in events, and counts them in one of a few cards. */
  function load(store: Store, writers = 10 * POOL) {
    let enough = false;
    const taken: string[] = [];
    const refusals: unknown[] = [];
    let counted = 0;
    const write = async (writer: number): Promise<void> => {
      for (let n = 0; !enough; n += 1) {
        const id = `${writer}-${n}`;
        // As a queue does: what was not taken in comes again.
        for (;;)
          try {
            await store.addEvent(eventRecord(id, { keys: [`key:${id}`] }));
            break;
          } catch (error) {
            refusals.push(error);
          }
        taken.push(id);
        const key = `card-${writer % CARDS}`;
        await store
          .changePost(key, (known) => ({ ...(known ?? post(key)), version: (known?.version ?? 0) + 1 }))
          .then(
            () => {
              counted += 1;
            },
            (error: unknown) => refusals.push(error),
          );
      }
    };
    const all = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    return {
      counted: () => counted,
      more: (than = counted) => expect.poll(() => counted).toBeGreaterThan(than + 3 * writers),
      async end() {
        enough = true;
        await all;
        const events = await store.listEvents({ state: 'pending', limit: 1e6 });
        const posts = await store.listUnsent();
        return {
          taken: taken.toSorted(),
          stored: events.map(({ id }) => id).toSorted(),
          counted,
          shown: posts.reduce((sum, { version }) => sum + version, 0),
          refusals,
        };
      },
    };
  }

  type Outcome = Awaited<ReturnType<ReturnType<typeof load>['end']>>;
  function expectWhole({ taken, stored, counted, shown, refusals }: Outcome): void {
    expect(refusals).toEqual([]);
    expect(stored).toEqual(taken);
    expect(shown).toBe(counted);
  }

  const terminateAll = (url: string) =>
    postgres().query(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'signalbox' and datname = current_database()`,
    );

  it.each([undefined, 'crash'] as const)(
    'is stopped for a while (%s): all wait, and it goes on',
    async (how) => {
      const store = await open(await postgres().database(), { waitFor: 600_000 });
      const writing = load(store);
      await writing.more();
      await postgres().stop(how);
      await expect.poll(() => store.problem()).toMatch(/cannot be reached/);
      await postgres().start();
      await writing.more();
      expectWhole(await writing.end());
      await expect.poll(() => store.problem()).toBeUndefined();
    },
  );

  it('is stopped for longer than anybody waits: they are refused, and whoever comes again is stored once', async () => {
    const store = await open(await postgres().database(), { waitFor: 200 });
    const writing = load(store);
    await writing.more();
    await postgres().stop();
    await expect.poll(() => store.problem()).toMatch(/cannot be reached/);
    await expect(store.appendAudit(record())).rejects.toMatchObject({ code: 'unavailable' });
    await postgres().start();
    await writing.more();
    const { taken, stored, counted, shown, refusals } = await writing.end();
    expect(stored).toEqual(taken);
    // Whether what was refused is stored nobody can say whose answer was lost; what was acknowledged is.
    expect(shown).toBeGreaterThanOrEqual(counted);
    expect(shown).toBeLessThanOrEqual(counted + refusals.length);
    for (const refusal of refusals)
      expect(refusal).toMatchObject({
        code: 'unavailable',
        adminHint: expect.stringContaining('goes on by itself'),
      });
  });

  it('ends all connections again and again (57P01): nobody notices', async () => {
    const url = await postgres().database();
    const store = await open(url);
    const writing = load(store);
    for (let round = 0; round < 8; round += 1) {
      await writing.more();
      await terminateAll(url);
    }
    await writing.more();
    expectWhole(await writing.end());
    await expect.poll(() => store.problem()).toBeUndefined();
  });

  it('has given all its connections to others (53300): all wait until there is one', async () => {
    const url = await postgres().database();
    await postgres().query(url, `create role app login password 'app'`);
    await postgres().query(url, `grant create on database ${new URL(url).pathname.slice(1)} to app`);
    const there = url.replace(/\/\/[^@]+@/, '//app:app@');
    const store = await open(there, { waitFor: 600_000 });
    const writing = load(store);
    await writing.more();
    await postgres().query(url, 'alter role app connection limit 0');
    await terminateAll(url);
    await expect.poll(() => store.problem()).toMatch(/has no connection free/);
    const before = writing.counted();
    await postgres().query(url, 'alter role app connection limit -1');
    await writing.more(before);
    expectWhole(await writing.end());
    await expect.poll(() => store.problem()).toBeUndefined();
  });

  it('holds all connections of an instance up: who waits is served afterwards, and it is called what it is', async () => {
    const url = await postgres().database();
    const store = await open(url, { poolSize: 1 });
    const held = postgres().query(url, 'lock table signalbox.jobs; select pg_sleep(7)');
    const waits = (what: string) =>
      expect
        .poll(() =>
          postgres().query(
            url,
            `select from pg_stat_activity where ${what} and datname = current_database()`,
          ),
        )
        .toHaveLength(1);
    await waits(`wait_event = 'PgSleep'`);
    const waiting = store.changeJob('line-3', 'a', () => jobRecord('a'));
    // It has the connection.
    await waits(`wait_event_type = 'Lock'`);
    const behind = store.appendAudit(record());
    await expect
      .poll(() => store.problem())
      .toMatch(/^All connections of this instance to the database .* are in use\.$/);
    await Promise.all([held, waiting, behind]);
    expect(await store.listAudit({ limit: 9 })).toEqual([record()]);
    await expect.poll(() => store.problem()).toBeUndefined();
  });

  describe('is behind a box that drops connections without a word', () => {
    async function behindBox(options: Partial<PostgresStoreOptions> = {}) {
      const url = await postgres().database();
      const proxy = await cuttingProxy(postgres().port);
      closing.push(() => proxy.close());
      const store = await open(url.replace(`:${postgres().port}/`, `:${proxy.port}/`), options);
      return { store, proxy };
    }

    it('idle ones: whoever comes next is served all the same, within seconds', async () => {
      const { store, proxy } = await behindBox({ askAfter: 0, waitFor: 1 });
      await Promise.all(Array.from({ length: 50 }, () => store.appendAudit(record())));
      proxy.silence();
      await store.appendAudit(record({ subject: 'next' }));
      expect(await store.listAudit({ subject: 'next', limit: 9 })).toHaveLength(1);
      await expect.poll(() => store.problem()).toBeUndefined();
    });

    it('those in use: everything is stored once', async () => {
      const { store, proxy } = await behindBox();
      const writing = load(store);
      await writing.more();
      proxy.silence();
      await writing.more();
      expectWhole(await writing.end());
    });
  });

  it.skipIf(!tinyDisk.possible)(
    'has a full disk (53100): it says so, and goes on once there is room',
    async () => {
      const disk = await tinyDisk.mount(64 * 1024);
      closing.push(() => tinyDisk.unmount(disk));
      const owner = await serverUser();
      if (owner) await chown(disk, owner.uid, owner.gid);
      const first = await postgres().database();
      await postgres().query(first, `create tablespace tiny location '${disk}'`);
      await postgres().query(first, 'create database tiny tablespace tiny');
      const store = await open(postgres().url('tiny'));
      closing.push(async () => {
        await store.close();
        await postgres().query(first, 'drop database tiny with (force)');
        await postgres().query(first, 'drop tablespace tiny');
      });
      await fill(disk);
      let written = 0;
      const full = async (): Promise<{ code: string; message: string }> => {
        for (;;)
          try {
            // The database compresses what can be compressed.
            await store.appendAudit(record({ detail: { note: randomBytes(20_000).toString('base64') } }));
            written += 1;
          } catch (error) {
            return error as { code: string; message: string };
          }
      };
      expect(await full()).toMatchObject({
        code: 'unavailable',
        message: 'Signalbox’s database stores nothing now.',
        adminHint: expect.stringMatching(/^The disk of the database .*\/tiny is full\. Make room/),
      });
      expect(store.problem()).toMatch(/is full/);
      await rm(join(disk, 'filler'));
      await expect.poll(() => store.problem()).toBeUndefined();
      await store.appendAudit(record());
      expect(await store.listAudit({ limit: 1e6 })).toHaveLength(written + 1);
    },
  );
});
