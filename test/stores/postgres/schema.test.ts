import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { column } from '../../../src/stores/postgres/records.ts';
import { MIGRATIONS, type Migration, migrate, SCHEMA_VERSION } from '../../../src/stores/postgres/schema.ts';
import { openPostgresStore } from '../../../src/stores/postgres/store.ts';
import { record } from '../../contract/store-records.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

/** As a later version of Signalbox would have it. */
const later = (sql: string, changes: Partial<Migration> = {}): Migration[] => [
  ...MIGRATIONS,
  { version: SCHEMA_VERSION + 1, compatibleFrom: SCHEMA_VERSION + 1, sql, ...changes },
];

describe.skipIf(noPostgres)('the tables', () => {
  const postgres = postgresOfTests();
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  const versionOf = async (url: string): Promise<number> =>
    (await postgres().query<{ version: number }>(url, 'select version from signalbox.version'))[0]!.version;
  async function open(url: string) {
    const { store } = await openPostgresStore({ url });
    closing.push(() => store.close());
    return store;
  }

  it('are made once, and left as they are by whoever starts after that', async () => {
    const url = await postgres().database();
    expect(await migrate({ url })).toEqual({ from: 0, to: SCHEMA_VERSION });
    expect(await migrate({ url })).toEqual({ from: SCHEMA_VERSION, to: SCHEMA_VERSION });
  });

  it('are made by one of many that start at the same time, for whom the others wait', async () => {
    const url = await postgres().database();
    const slow = later('select pg_sleep(0.2)');
    const all = await Promise.all(Array.from({ length: 6 }, () => migrate({ url }, slow)));
    expect(all.filter(({ from }) => from === 0)).toHaveLength(1);
    expect(new Set(all.map(({ to }) => to))).toEqual(new Set([SCHEMA_VERSION + 1]));
  });

  it('are as before when a step is interrupted or fails, and the next start makes them', async () => {
    const url = await postgres().database();
    await migrate({ url });
    const interrupted = migrate({ url }, later('create table signalbox.half (n int); select pg_sleep(600)'));
    const outcome = expect(interrupted).rejects.toMatchObject({ code: 'unavailable' });
    await expect
      .poll(() =>
        postgres().query(
          url,
          `select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'signalbox migration' and wait_event = 'PgSleep'`,
        ),
      )
      .toHaveLength(1);
    await outcome;
    await expect(
      migrate({ url }, later('create table signalbox.half (n int); select 1 / 0')),
    ).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('division by zero') });
    expect(await versionOf(url)).toBe(SCHEMA_VERSION);
    await expect(postgres().query(url, 'select from signalbox.half')).rejects.toMatchObject({
      code: '42P01',
    });
    await migrate({ url }, later('create table signalbox.half (n int)'));
    expect(await postgres().query(url, 'select from signalbox.half')).toEqual([]);
  });

  it('are as before when the server crashes in the middle of a step, and the next start makes them', async () => {
    const url = await postgres().database();
    await migrate({ url });
    const interrupted = migrate({ url }, later('create table signalbox.half (n int); select pg_sleep(600)'));
    const outcome = expect(interrupted).rejects.toMatchObject({ code: 'unavailable' });
    await expect
      .poll(() => postgres().query(url, `select from pg_stat_activity where wait_event = 'PgSleep'`))
      .toHaveLength(1);
    await postgres().stop('crash');
    await outcome;
    await postgres().start();
    expect(await versionOf(url)).toBe(SCHEMA_VERSION);
    await migrate({ url }, later('create table signalbox.half (n int)'));
    expect(await versionOf(url)).toBe(SCHEMA_VERSION + 1);
  });

  it('of a newer version are used by an older one where they allow it, also while it runs', async () => {
    const url = await postgres().database();
    const running = await open(url);
    await migrate(
      { url },
      later('alter table signalbox.jobs add more text', { compatibleFrom: SCHEMA_VERSION }),
    );
    const started = await open(url);
    await running.appendAudit(record({ subject: 'running' }));
    await started.appendAudit(record({ subject: 'started' }));
    expect(await started.listAudit({ limit: 9 })).toHaveLength(2);
    expect(await versionOf(url)).toBe(SCHEMA_VERSION + 1);
  });

  it('of version 1 get those of logs beside them, and a running instance of version 1 goes on writing', async () => {
    const url = await postgres().database();
    const { store: older } = await openPostgresStore({ url, migrations: MIGRATIONS.slice(0, 1) });
    closing.push(() => older.close());
    expect(await versionOf(url)).toBe(1);
    expect(await migrate({ url })).toEqual({ from: 1, to: SCHEMA_VERSION });
    await older.appendAudit(record({ subject: 'older' }));
    expect(await older.listAudit({ limit: 9 })).toHaveLength(1);
    expect(await postgres().query(url, 'select from signalbox.run_logs')).toEqual([]);
  });

  it('of a newer version are not written by an older one where they do not: it does not start, and stops writing', async () => {
    const url = await postgres().database();
    const running = await open(url);
    await running.appendAudit(record());
    await migrate({ url }, later('alter table signalbox.jobs add more text'));
    const refused = {
      code: 'unavailable',
      message: expect.stringContaining(
        `is of a newer Signalbox: it takes schema version ${SCHEMA_VERSION + 1} or later, and this one knows ${SCHEMA_VERSION}.`,
      ),
      hint: expect.stringContaining('Start the newer Signalbox'),
    };
    await expect(open(url)).rejects.toMatchObject(refused);
    await expect(running.appendAudit(record())).rejects.toMatchObject(refused);
    await expect(running.putTimer({ id: 't', kind: 'x', dueAt: 1 })).rejects.toMatchObject(refused);
    expect(await running.listAudit({ limit: 9 })).toEqual([record()]);
    expect(await running.listTimers()).toEqual([]);
  });

  it('take any text as a key, each as itself', async () => {
    const url = await postgres().database();
    const store = await open(url);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc
        .array(fc.constantFrom('\0', '\\', '\ud800', '\udc00', '0;', '😀', 'a'), { maxLength: 8 })
        .map((parts) => parts.join('')),
      fc.integer({ min: 395, max: 405 }).map((length) => '😀'.repeat(length)),
      fc.integer({ min: 2_000, max: 3_000 }).map((length) => 'ü'.repeat(length)),
    );
    let n = 0;
    await fc.assert(
      fc.asyncProperty(text, async (id) => {
        n += 1;
        await store.putTimer({ id, kind: 'x', dueAt: n });
        const found = (await store.listTimers()).filter((timer) => timer.id === id);
        expect(found).toEqual([{ id, kind: 'x', dueAt: n }]);
      }),
    );
  });
});

it('columns tell any two texts apart, and are what PostgreSQL can hold', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc
      .array(fc.constantFrom('\0', '\\', '\ud800', '\udc00', '0;', 'd800;', 'a'), { maxLength: 6 })
      .map((parts) => parts.join('')),
    fc
      .tuple(fc.constantFrom('a', '😀'), fc.integer({ min: 199, max: 402 }))
      .map(([one, length]) => one.repeat(length)),
  );
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(column(a) === column(b)).toBe(a === b);
      for (const one of [column(a), column(b)]) {
        expect(one).not.toContain('\0');
        expect(Buffer.from(one).toString()).toBe(one);
        expect(Buffer.byteLength(one)).toBeLessThan(2_000);
      }
    }),
    { numRuns: 2_000 },
  );
});
