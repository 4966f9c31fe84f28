/** What a start says of a database that it cannot use: at once, what is wrong, and what to do. */
import { afterEach, describe, expect, it } from 'vitest';
import { openPostgres } from '../../../src/stores/postgres/index.ts';
import { migrate } from '../../../src/stores/postgres/schema.ts';
import { record } from '../../contract/store-records.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('a start on PostgreSQL says at once what is wrong', () => {
  const postgres = postgresOfTests(['max_connections=20', 'superuser_reserved_connections=3']);
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(url: string) {
    const opened = await openPostgres({ url, clock: { now: () => Date.now() }, onError: () => {} });
    closing.push(
      () => opened.store.close(),
      () => opened.coordination.close(),
    );
    return opened;
  }

  /** @returns the database's URL, for a new user */
  async function guest(url: string, name: string): Promise<string> {
    await postgres().query(url, `create role ${name} login password '${name}'`);
    return url.replace(/\/\/[^@]+@/, `//${name}:${name}@`);
  }

  const withSetting = (url: string, setting: string): string =>
    `${url}?options=${encodeURIComponent(`-c ${setting}`)}`;

  it('nothing, of settings that DATABASE_URL has for the session: they and the schema are both used', async () => {
    const owner = await postgres().database();
    const url = await guest(owner, 'settler');
    await postgres().query(owner, `grant create on database ${new URL(url).pathname.slice(1)} to settler`);
    const { store } = await open(withSetting(url, 'work_mem=7MB'));
    await store.appendAudit(record());
    expect(await store.listAudit({ limit: 9 })).toEqual([record()]);
    expect(await (await open(url)).store.listAudit({ limit: 9 })).toEqual([record()]);
    const tables = await postgres().query<{ schema: string }>(
      owner,
      `select distinct table_schema as schema from information_schema.tables where table_name = 'audit'`,
    );
    expect(tables).toEqual([{ schema: 'signalbox' }]);
  });

  describe('read-only', () => {
    const refused = {
      code: 'unavailable',
      message: expect.stringMatching(/^The database .* is read-only: nothing can be stored\.$/),
      hint: expect.stringContaining('point DATABASE_URL to the primary'),
    };

    it.each([
      ['without tables', false],
      ['with its tables', true],
    ])('by default_transaction_read_only, %s', async (_, hasTables) => {
      const url = await postgres().database();
      if (hasTables) await migrate({ url });
      const name = new URL(url).pathname.slice(1);
      await postgres().query(url, `alter database ${name} set default_transaction_read_only = on`);
      await expect(open(url)).rejects.toMatchObject(refused);
      await postgres().query(
        withSetting(url, 'default_transaction_read_only=off'),
        `alter database ${name} reset default_transaction_read_only`,
      );
      await (await open(url)).store.appendAudit(record());
    });

    it('because it is a standby; once it is promoted, it is used', async () => {
      const url = await postgres().database();
      await (await open(url)).store.appendAudit(record());
      const standby = await postgres().standby();
      closing.push(() => standby.dispose());
      const there = standby.url(new URL(url).pathname.slice(1));
      await expect(open(there)).rejects.toMatchObject(refused);
      await standby.query(there, 'select pg_promote()');
      expect(await (await open(there)).store.listAudit({ limit: 9 })).toEqual([record()]);
    });
  });

  it('no connection left on the server', async () => {
    const url = await postgres().database();
    await migrate({ url });
    const there = await guest(url, 'late');
    await postgres().query(url, 'alter role late connection limit 0');
    await expect(open(there)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('has no connection free'),
      hint: expect.stringContaining('Raise max_connections'),
    });
  });

  it.each([
    ['not even to look into the schema', 'stranger', ''],
    ['not to read its tables', 'visitor', 'grant usage on schema signalbox to visitor'],
    [
      'only to read',
      'reader',
      'grant usage on schema signalbox to reader; grant select on all tables in schema signalbox to reader',
    ],
  ])('rights in the schema: %s', async (_, name, grants) => {
    const url = await postgres().database();
    await migrate({ url });
    const there = await guest(url, name);
    if (grants) await postgres().query(url, grants);
    await expect(open(there)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^The database .* does not allow it: permission denied for /),
      hint: expect.stringContaining('the owner of all in it'),
    });
  });

  it('that it takes encrypted connections only', async () => {
    const url = await postgres().database();
    const [{ hba, before }] = (await postgres().query<{ hba: string; before: string }>(
      url,
      `select current_setting('hba_file') as hba, pg_read_file(current_setting('hba_file')) as before`,
    )) as [{ hba: string; before: string }];
    const there = await guest(url, 'plain');
    const rules = async (text: string): Promise<void> => {
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const values = lines.map((line) => `('${line.replaceAll(/\s+/g, ' ')}')`).join(', ');
      await postgres().query(url, `copy (values ${values}) to '${hba}'`);
      await postgres().query(url, 'select pg_reload_conf()');
    };
    await rules('hostssl all plain 127.0.0.1/32 scram-sha-256\nhost all signalbox all scram-sha-256');
    try {
      // The rules are read a moment after they were written.
      await expect
        .poll(() => open(there).catch((error: unknown) => error))
        .toMatchObject({
          code: 'unavailable',
          message: expect.stringMatching(/does not let Signalbox in: .*no encryption\.$/),
          hint: expect.stringContaining('sslmode=verify-full'),
        });
    } finally {
      await rules(before);
    }
  });
});
