/** Which state a process opens, and that it says at once what is wrong with a database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openState } from '../src/state.ts';
import { record } from './contract/store-records.ts';
import { freePort } from './fixtures/free-port.ts';
import { whyNoPostgres } from './fixtures/postgres.ts';
import { postgresOfTests } from './stores/postgres/harness.ts';

const noPostgres = await whyNoPostgres();
const parts = { logger: pino({ level: 'silent' }), clock: { now: () => Date.now() } };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-state-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (url: string | undefined, dataDir = folder) =>
  openState({ dataDir, database: url === undefined ? undefined : { url, poolSize: 4 } }, parts);

it('is in the data folder if no database is named', async () => {
  const { store, coordination } = await open(undefined);
  await store.appendAudit(record());
  await coordination.close();
  await store.close();
  const again = await open(undefined);
  expect(await again.store.listAudit({ limit: 9 })).toEqual([record()]);
  await again.store.close();
});

describe('a database that is not there', () => {
  it('is said at once: nobody listens', async () => {
    const port = await freePort();
    await expect(open(`postgres://a:geheim@127.0.0.1:${port}/signalbox`)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        new RegExp(`^The database 127.0.0.1:${port}/signalbox cannot be reached: .*ECONNREFUSED.*\\.$`),
      ),
      hint: expect.stringContaining('host and port in DATABASE_URL'),
    });
  });

  it('is said at once: there is no such host', async () => {
    await expect(open('postgres://a:geheim@no-such-host.invalid/signalbox')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^The database no-such-host\.invalid\/signalbox cannot be reached/),
    });
  });

  it('is said after some seconds: something listens, and says nothing', async () => {
    const server: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await expect(open(`postgres://a:geheim@127.0.0.1:${port}/signalbox`)).rejects.toMatchObject({
      code: 'unavailable',
    });
    server.close();
  });

  it('leaves the data folder free', async () => {
    const port = await freePort();
    await expect(open(`postgres://a@127.0.0.1:${port}/signalbox`)).rejects.toThrow();
    await (await open(undefined)).store.close();
  });
});

describe.skipIf(noPostgres)('a state on PostgreSQL', () => {
  const postgres = postgresOfTests();

  it('[O1] is shared by processes, each with a folder of its own; a second one on a folder is refused', async () => {
    const url = await postgres().database();
    const [one, other] = [await open(url, join(folder, 'one')), await open(url, join(folder, 'other'))];
    await one.store.appendAudit(record());
    expect(await other.store.listAudit({ limit: 9 })).toEqual([record()]);
    expect(await one.coordination.tryLease('watch', 60_000)).toBeDefined();
    expect(await other.coordination.tryLease('watch', 60_000)).toBeUndefined();
    await expect(open(url, join(folder, 'one'))).rejects.toMatchObject({ code: 'conflict' });
    for (const { coordination, store } of [one, other]) {
      await coordination.close();
      await store.close();
    }
    await expect(one.store.appendAudit(record())).rejects.toThrow(/closed/);
  });

  it.each([
    [
      'a wrong password',
      (url: string) => url.replace(/:[^:@/]+@/, ':wrong@'),
      /does not let Signalbox in: password authentication failed for user "signalbox"\.$/,
      'Check the user and the password in DATABASE_URL',
    ],
    [
      'an unknown user',
      (url: string) => url.replace('//signalbox:', '//nobody:'),
      /does not let Signalbox in: .*"nobody"/,
      'Check the user and the password',
    ],
    [
      'no such database',
      (url: string) => url.replace(/\w+$/, 'nowhere'),
      /nowhere does not exist\.$/,
      'Make it with `createdb`',
    ],
  ])('says at once what is wrong: %s', async (_, change, message, hint) => {
    const url = change(await postgres().database());
    const error = await open(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(message) });
    expect((error as { hint: string }).hint).toContain(hint);
    expect(JSON.stringify(error)).not.toContain('of%20the%20test');
  });

  it('says at once what is wrong: the user may make no tables', async () => {
    const url = await postgres().database();
    await postgres().query(url, `create role guest login password 'guest'`);
    await expect(open(url.replace(/\/\/[^@]+@/, '//guest:guest@'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('does not allow it: permission denied for database'),
      hint: expect.stringContaining('owner of the database'),
    });
  });
});
