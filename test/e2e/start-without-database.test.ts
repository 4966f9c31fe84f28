/** `signalbox start` on a database that it cannot use: the process ends by itself, once, with the reason and what to do. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../fixtures/free-port.ts';
import { type Postgres, startPostgres, whyNoPostgres } from '../fixtures/postgres.ts';
import { PROGRAM } from '../fixtures/runner-process.ts';

const CONFIG = `useCases:
  - id: line-3
    name: Line 3
    account: "123456789012"
    region: eu-west-1
    channels: [C0LINE3]
    access: { viewer: [channel-members] }
`;
const noPostgres = await whyNoPostgres();

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-database-'));
  await writeFile(join(dir, 'signalbox.yaml'), CONFIG);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Nobody ends it. @returns its exit code and all that it said */
const start = (url: string): Promise<{ code: unknown; said: string }> =>
  new Promise((resolve) => {
    const env = {
      ...{ PATH: process.env.PATH, SIGNALBOX_DATA_DIR: join(dir, 'data'), DATABASE_URL: url },
      ...{ SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1', SLACK_API_URL: 'http://127.0.0.1:1/api/' },
    };
    execFile(process.execPath, [PROGRAM, 'start'], { cwd: dir, env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    );
  });

async function isRefused(url: string, code: number, message: RegExp, hint: string): Promise<void> {
  const { code: ended, said } = await start(url);
  expect(said).toMatch(message);
  expect(said).toContain(hint);
  expect(said).not.toMatch(/geheim|of%20the%20test|of the test|\n {4}at /);
  expect(ended).toBe(code);
}

describe.skipIf(!existsSync(PROGRAM))('[O1] a start without the database that DATABASE_URL names', () => {
  it.each([
    ['mysql://a:geheim@127.0.0.1/signalbox', /it begins with mysql:\/\//],
    ['postgres://a:geheim@ss@127.0.0.1/x@y', /DATABASE_URL \(environment\): expected the URL/],
    ['127.0.0.1:5432', /DATABASE_URL \(environment\): expected the URL/],
  ])('is refused before anything is asked: %s', (url, message) =>
    isRefused(url, 2, message, 'Example: DATABASE_URL=postgres://'),
  );

  it('ends where nobody listens', async () => {
    const url = `postgres://a:geheim@127.0.0.1:${await freePort()}/signalbox`;
    await isRefused(url, 5, /cannot be reached: .*ECONNREFUSED/, 'host and port in DATABASE_URL');
  });

  it('ends where there is no such host', () =>
    isRefused(
      'postgres://a:geheim@no-such-host.invalid/signalbox',
      5,
      /no-such-host\.invalid\/signalbox cannot be reached/,
      'host and port in DATABASE_URL',
    ));

  it('ends where something listens that says nothing', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await isRefused(
      `postgres://a:geheim@127.0.0.1:${port}/signalbox`,
      5,
      /cannot be reached/,
      'PostgreSQL runs',
    );
    server.close();
  });

  describe.skipIf(noPostgres)('on a PostgreSQL', () => {
    let postgres: Postgres;
    let url: string;
    beforeAll(async () => {
      postgres = await startPostgres();
      url = await postgres.database();
    });
    afterAll(() => postgres?.dispose());

    const readOnly = `?options=${encodeURIComponent('-c default_transaction_read_only=on')}`;
    it.each([
      [
        'a wrong password',
        () => url.replace(/:[^:@/]+@/, ':geheim@'),
        /does not let Signalbox in/,
        'the password in DATABASE_URL',
      ],
      [
        'no such database',
        () => `${url}_geht_nicht`,
        /_geht_nicht does not exist/,
        'Make it with `createdb`',
      ],
      [
        'TLS, where it has none',
        () => `${url}?sslmode=verify-full`,
        /no encrypted connection to the database/,
        'sslrootcert',
      ],
      ['read-only', () => `${url}${readOnly}`, /is read-only: nothing can be stored/, 'to the primary'],
    ])('ends: %s', (_, wrong, message, hint) => isRefused(wrong(), 5, message, hint));
  });
});
