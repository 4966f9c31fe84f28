import { describe, expect, it } from 'vitest';
import { checkDatabase } from '../../src/cli/doctor/database-checks.ts';
import { MIGRATIONS, migrate, SCHEMA_VERSION } from '../../src/stores/postgres/schema.ts';
import { freePort } from '../fixtures/free-port.ts';
import { whyNoPostgres } from '../fixtures/postgres.ts';
import { postgresOfTests } from '../stores/postgres/harness.ts';

const noPostgres = await whyNoPostgres();
const check = async (url: string, poolSize = 10) =>
  (await checkDatabase({ database: { url, poolSize } })).map(
    ({ title, status, detail, fix }) => `${title}: ${status}, ${detail}${fix ? ` → ${fix}` : ''}`,
  );

it('the doctor has nothing to say of a database that is not configured', async () => {
  expect(await checkDatabase({ database: undefined })).toEqual([]);
});

it('the doctor says that a database cannot be reached, and what to look at', async () => {
  const [only, ...others] = await check(`postgres://a:geheim@127.0.0.1:${await freePort()}/signalbox`);
  expect(others).toEqual([]);
  expect(only).toMatch(
    /^connection: failed, The database .* cannot be reached: .* → See that PostgreSQL runs/,
  );
  expect(only).not.toContain('geheim');
});

describe.skipIf(noPostgres)('the doctor and a PostgreSQL', () => {
  const postgres = postgresOfTests(['max_connections=20']);

  it('finds it right once its tables are there, and makes none itself', async () => {
    const url = await postgres().database();
    const before = await check(url, 4);
    expect(before[0]).toMatch(/^connection: ok, 127\.0\.0\.1:\d+\/test_\d+, PostgreSQL \d+/);
    expect(before[1]).toMatch(/^tables: warning, there are none yet → The first start makes them/);
    await migrate({ url });
    const after = await check(url, 4);
    expect(after[1]).toBe(`tables: ok, version ${SCHEMA_VERSION}`);
    expect(after[2]).toMatch(/^connections: ok, \d+ free; each instance uses 5 at most$/);
  });

  it('says what is wrong: read-only, newer tables, half a move, too few connections', async () => {
    const url = await postgres().database();
    await migrate({ url });
    const readOnly = await check(`${url}?options=-c%20default_transaction_read_only%3Don`, 200);
    expect(readOnly).toContainEqual(
      expect.stringMatching(/^writing: failed, it is read-only → Point DATABASE_URL/),
    );
    expect(readOnly).toContainEqual(
      expect.stringMatching(/^connections: warning, \d+ free, and each instance may use 201 →/),
    );
    await postgres().query(url, `insert into signalbox.moves (source) values ('/data')`);
    expect(await check(url)).toContainEqual(
      expect.stringMatching(
        /^tables: failed, the move of \/data is not finished → Run `signalbox migrate --from \/data`/,
      ),
    );
    await postgres().query(url, 'delete from signalbox.moves');
    await migrate({ url }, [...MIGRATIONS, { version: 9, compatibleFrom: 9, sql: 'select 1' }]);
    expect(await check(url)).toContainEqual(
      `tables: failed, they are of version 9, and this Signalbox knows ${SCHEMA_VERSION} → Start the newer Signalbox.`,
    );
  });
});
