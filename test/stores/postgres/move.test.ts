/** An embedded store and logs of runs moved into a database, by the program, also when it is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childEnvironment } from '../../../src/config.ts';
import { resolve } from '../../../src/domain/alerts.ts';
import type { Store } from '../../../src/ports/store.ts';
import { openFileRunLogs } from '../../../src/runs/file-run-logs.ts';
import { appendCommandLineAudit } from '../../../src/stores/audit-files.ts';
import { openLowdbStore } from '../../../src/stores/lowdb.ts';
import { openPostgres, openPostgresRunLogs } from '../../../src/stores/postgres/index.ts';
import { migrate, SCHEMA_VERSION } from '../../../src/stores/postgres/schema.ts';
import { openPostgresStore } from '../../../src/stores/postgres/store.ts';
import { alarmEvent, alert, eventRecord, post } from '../../contract/notifications.ts';
import { COMPLETED, readAll } from '../../contract/run-log-store.ts';
import { AT, attempt, component, jobRecord, record, seen } from '../../contract/store-records.ts';
import { endProcess } from '../../fixtures/end-process.ts';
import { numberedBytes } from '../../fixtures/numbered-bytes.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const root = join(import.meta.dirname, '../../..');
const NOW = Date.now();

const CONFIG = `
useCases:
  - { id: line-3, name: Line 3, account: "123456789012", region: eu-west-1, channels: [C0LINE3],
      access: { viewer: [channel-members] } }
`;

describe.skipIf(noPostgres)('signalbox migrate', () => {
  const postgres = postgresOfTests();
  const children: ChildProcess[] = [];
  let home: string;
  let folder: string;
  let url: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'signalbox-move-'));
    folder = join(home, 'data');
    await writeFile(join(home, 'signalbox.yaml'), CONFIG);
    url = await postgres().database();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await endProcess(child);
    await rm(home, { recursive: true, force: true });
  });

  function start(args: readonly string[], env: Record<string, string | undefined> = { DATABASE_URL: url }) {
    const child = spawn(
      process.execPath,
      [
        '--import',
        join(root, 'node_modules/tsx/dist/loader.mjs'),
        join(root, 'src/cli.ts'),
        'migrate',
        ...args,
      ],
      {
        cwd: home,
        env: childEnvironment({ DATABASE_URL: undefined, ...env }),
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    children.push(child);
    let said = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    return { child, done: once(child, 'close').then(([code]) => ({ code: code as number | null, said })) };
  }

  /** Something of every kind, and of what has archives more than fits beside them. */
  async function fill(attempts = 60): Promise<void> {
    const store = await openLowdbStore(folder, { auditKept: 8, attemptsKept: 20, journalBytes: 20_000 });
    for (let n = 0; n < 30; n += 1) await store.appendAudit(record({ at: AT + n, subject: `s${n}\0` }));
    for (let n = 0; n < attempts; n += 1) {
      const one = attempt({ job: `job-${n}` });
      await store.addAttempt(one);
      await store.changeAttempt(one.id, seen(['COMPLETED', 'FAILED', 'INPROGRESS'][n % 3]!));
    }
    await store.addAttempt(attempt({ job: 'job-0', why: 'elsewhere' }));
    await store.changeJob('line-3', 'a', () => jobRecord('a'));
    await store.addComponent(component('1.0.0'));
    await store.addEvent(eventRecord('pending', { event: alarmEvent('pending'), keys: ['id:pending', 'k'] }));
    await store.addEvent(
      eventRecord('handled', { state: 'handled', settledAt: NOW, about: { things: ['box'], at: AT + 5 } }),
    );
    await store.changePost('card', () => post('card', { changedAt: NOW }));
    const dead = { channel: 'C0DEAD', since: AT, code: 'is_archived', nextCheckAt: AT, checks: 0 };
    await store.changeDeadChannel('C0DEAD', () => dead);
    for (const id of ['open', 'over'])
      await store.changeAlertOfGroup(
        { useCase: 'line-3', group: `group-${id}`, subject: `subject-${id}` },
        () => (id === 'open' ? alert(id) : resolve(alert(id), 'closed', NOW)),
      );
    const by = { team: 'T', user: 'U' };
    await store.putMute({ id: 'm', useCase: 'line-3', pattern: 'x-*', by, at: AT });
    await store.putSubscription({
      ...{
        id: 's',
        useCase: 'line-3',
        channel: 'C',
        kinds: [],
        failuresOnly: true,
        createdBy: by,
        createdAt: AT,
      },
    });
    await store.changeChannelSettings('C', () => ({ channel: 'C', changedBy: by, changedAt: AT }));
    await store.putTimer({ id: 't', kind: 'x', dueAt: AT });
    await store.putUnfinished({ id: 'u', channel: 'C', ts: '1.1', since: AT });
    await store.putKindRefusal({ useCase: 'line-3', kind: 'tuning', what: 'list', since: AT });
    await store.viewerSecret('the secret');
    await store.useViewerLink('link', NOW + 3_600_000);
    await store.close();
    await appendCommandLineAudit(folder, record({ subject: 'by the command line', at: AT + 1_000 }));
  }

  async function everything(store: Store) {
    const jobs = [...Array(200).keys()].map((n) => `job-${n}`);
    return {
      audit: await store.listAudit({ limit: 1_000 }),
      attempts: await Promise.all(jobs.map((job) => store.listAttempts({ useCase: 'line-3', job }))),
      jobs: await store.listJobs({ limit: 99 }),
      components: await store.listComponents({}),
      events: [
        ...(await store.listEvents({ state: 'pending', limit: 99 })),
        ...(await store.listEvents({ state: 'handled', limit: 99 })),
      ],
      handled: await store.newestHandled('box'),
      posts: await store.listUnsent(),
      dead: await store.listDeadChannels(),
      alerts: await store.listAlerts({ limit: 99 }),
      subject: await store.findAlertOfSubject('line-3', 'subject-over'),
      mutes: await store.listMutes(),
      subscriptions: await store.listSubscriptions(),
      channels: await store.listChannelSettings(),
      timers: await store.listTimers(),
      unfinished: await store.listUnfinished(),
      refusals: await store.listKindRefusals(),
      secret: await store.viewerSecret('another'),
      link: await store.useViewerLink('link', NOW),
      duplicate: await store.addEvent(eventRecord('again', { keys: ['k'] })),
    };
  }

  async function requireSame(): Promise<void> {
    const [embedded, { store: moved }] = [await openLowdbStore(folder), await openPostgresStore({ url })];
    try {
      const expected = await everything(embedded);
      expect(expected.attempts.flat().length).toBeGreaterThan(60);
      expect(await everything(moved)).toEqual(expected);
      // Claims came with the attempts, those of the archive too.
      await expect(moved.addAttempt(attempt({ job: 'job-0' }))).rejects.toMatchObject({ code: 'conflict' });
      await moved.addAttempt(attempt({ job: 'job-1' }));
    } finally {
      await embedded.close();
      await moved.close();
    }
  }

  it('[O1] moves everything, archives too, says how many of each, and does nothing a second time', async () => {
    await fill();
    const first = await start(['--from', './data']).done;
    expect(first).toMatchObject({
      code: 0,
      said: expect.stringContaining('records are in the database, compared'),
    });
    expect(first.said).toMatch(/^ {2}attempt +61$/m);
    expect(first.said).toMatch(/^ {2}audit +31$/m);
    const again = await start(['--from', './data']).done;
    expect(again).toMatchObject({ code: 0, said: expect.stringContaining('nothing is to be done') });
    await requireSame();
  });

  it('goes on after a kill -9 in the middle; until it is through, no bot starts on the database', async () => {
    await fill(120);
    await migrate({ url });
    // Slow enough to be killed in the middle for certain.
    await postgres().query(
      url,
      `create function signalbox.slow() returns trigger language plpgsql as $$ begin
         perform pg_sleep(0.05); return new;
       end $$;
       create trigger slow before insert on signalbox.components for each row execute function signalbox.slow();
       create trigger slow before insert on signalbox.attempts for each row execute function signalbox.slow()`,
    );
    const killed = start(['--from', './data']);
    await expect
      .poll(() =>
        postgres().query(
          url,
          `select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
        ),
      )
      .toHaveLength(1);
    killed.child.kill('SIGKILL');
    expect((await killed.done).code).toBeNull();
    const clock = { now: () => Date.now() };
    await expect(openPostgres({ url, clock, onError: () => {} })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('is not finished'),
      hint: expect.stringContaining(`signalbox migrate --from ${folder}`),
    });
    // The bot ran on the folder once more: something is new, something is different, something is gone.
    const store = await openLowdbStore(folder);
    await store.changeJob('line-3', 'b', () => jobRecord('b'));
    await store.changeJob('line-3', 'a', (job) => ({ ...job!, seenAt: AT + 99 }));
    await store.removeTimer('t');
    await store.appendAudit(record({ at: AT + 500 }));
    await store.close();
    await postgres().query(
      url,
      'drop trigger slow on signalbox.attempts; drop trigger slow on signalbox.components',
    );
    expect(await start(['--from', './data']).done).toMatchObject({ code: 0 });
    await requireSame();
  });

  /** One that has ended, one that was over the cap and goes on, with a gap, and an empty one. */
  async function fillLogs(): Promise<void> {
    const options = { folder: join(folder, 'runs'), clock: { now: () => AT } };
    const logs = await openFileRunLogs(options);
    for (const id of ['ended', 'empty']) await logs.create(id);
    await logs.append('ended', 0, numberedBytes(0, 3_000_000), 'c');
    await logs.finish('ended', COMPLETED);
    await logs.close();
    const capped = await openFileRunLogs({ ...options, cap: 3 * 1024 * 1024 });
    await capped.create('live');
    await capped.append('live', 0, numberedBytes(0, 500_000));
    await capped.skip('live', 500_000, 600_000);
    await capped.append('live', 600_000, numberedBytes(600_000, 6_000_001), 'where it is');
    await capped.note('live', 'it waits');
    await capped.close();
    await mkdir(join(folder, 'run-times'), { recursive: true });
    await writeFile(join(folder, 'run-times', 'ended'), `${AT} 10\n${AT + 9} 3000000\n`);
  }

  async function requireSameLogs(): Promise<void> {
    const embedded = await openFileRunLogs({
      ...{ folder: join(folder, 'runs'), clock: { now: Date.now }, tidies: false },
    });
    const { runLogs, runTimes, close } = openPostgresRunLogs({ url, clock: { now: Date.now } });
    try {
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
      const expected = (await embedded.list()).sort(byId);
      expect(expected).toHaveLength(3);
      expect((await runLogs.list()).sort(byId)).toEqual(expected);
      for (const { id } of expected) {
        const [there, here] = [await readAll(embedded, id, 1e6), await readAll(runLogs, id, 1e6)];
        expect(here.gaps).toEqual(there.gaps);
        expect(here.bytes.equals(there.bytes)).toBe(true);
      }
      expect((await runTimes.read((await runLogs.info('ended'))!)).at(11)).toBe(AT + 9);
      const { size } = (await runLogs.info('live'))!;
      await expect(runLogs.append('ended', 3_000_000, Buffer.from('x'))).rejects.toMatchObject({ size: 3e6 });
      await runLogs.append('live', size, numberedBytes(size, size + 10));
      expect((await runLogs.read('live', size, 10)).bytes).toHaveLength(10);
    } finally {
      await embedded.close();
      await close();
    }
  }

  it('moves logs of runs too, compares them, and does nothing a second time', async () => {
    await fill(3);
    await fillLogs();
    const first = await start(['--from', './data']).done;
    expect(first.said).toContain('3 logs of runs are in the database (9.0 MB), compared by size and digest.');
    expect(first.code).toBe(0);
    expect((await start(['--from', './data']).done).said).toContain('; 3 were there already.');
    await requireSameLogs();
    expect(
      await postgres().query(url, 'select from signalbox.run_logs where ended is not null and packed'),
    ).toHaveLength(1);
  });

  it('moves the logs alone of an instance that had its state in the database already, but none over another of its name', async () => {
    await fillLogs();
    await migrate({ url });
    const { runLogs, close } = openPostgresRunLogs({ url, clock: { now: Date.now } });
    await runLogs.create('ended');
    await runLogs.append('ended', 0, Buffer.from('another one'));
    const { code, said } = await start(['--from', './data']).done;
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('2 logs of runs are in the') });
    expect(said).toContain('so these stay in');
    expect(said).toContain(': ended.');
    expect(await runLogs.info('ended')).toMatchObject({ size: 11 });
    await runLogs.remove('ended');
    await close();
    expect((await start(['--from', './data']).done).code).toBe(0);
    await requireSameLogs();
  });

  it('goes on in the middle of a log after a kill -9; until it is whole nobody sees it', async () => {
    await fillLogs();
    await migrate({ url });
    await postgres().query(
      url,
      `create function signalbox.slow() returns trigger language plpgsql as $$ begin
         if new.at > 4500000 then perform pg_sleep(600); end if; return new;
       end $$;
       create trigger slow before insert on signalbox.run_log_pieces for each row execute function signalbox.slow()`,
    );
    const killed = start(['--from', './data']);
    await expect
      .poll(
        () =>
          postgres().query(
            url,
            `select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
          ),
        { timeout: 20_000 },
      )
      .toHaveLength(1);
    killed.child.kill('SIGKILL');
    expect((await killed.done).code).toBeNull();
    await postgres().query(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
    );
    const { runLogs, close } = openPostgresRunLogs({ url, clock: { now: Date.now } });
    expect(await runLogs.info('live')).toBeUndefined();
    expect((await runLogs.list()).map(({ id }) => id)).not.toContain('live');
    expect([...(await runLogs.stored()).keys()]).not.toContain('live');
    await close();
    const sent = `select size::float8 as size, run::text as run from signalbox.run_logs where id = 'live'`;
    const [before] = await postgres().query<{ size: number; run: string }>(url, sent);
    expect(before!.size).toBeGreaterThan(0);
    await postgres().query(url, 'drop trigger slow on signalbox.run_log_pieces');
    expect((await start(['--from', './data']).done).code).toBe(0);
    expect((await postgres().query<{ run: string }>(url, sent))[0]!.run).toBe(before!.run);
    await requireSameLogs();
  });

  it('says so when a log went on in the folder after it was moved', async () => {
    await fillLogs();
    expect((await start(['--from', './data']).done).code).toBe(0);
    const logs = await openFileRunLogs({ folder: join(folder, 'runs'), clock: { now: () => AT } });
    await logs.append('empty', 0, Buffer.from('more'));
    await logs.close();
    expect(await start(['--from', './data']).done).toMatchObject({
      code: 2,
      said: expect.stringContaining('The log of empty has changed in'),
    });
  });

  it('refuses what cannot be made one state: a database with records, another folder, a folder that went on', async () => {
    await fill(3);
    const other = await postgres().database();
    const { store } = await openPostgresStore({ url: other });
    await store.putTimer({ id: 't', kind: 'x', dueAt: 1 });
    await store.close();
    expect(await start(['--from', './data'], { DATABASE_URL: other }).done).toMatchObject({
      code: 2,
      said: expect.stringContaining('holds records already (timers)'),
    });

    expect((await start(['--from', './data']).done).code).toBe(0);
    const bot = await openLowdbStore(folder);
    await bot.putTimer({ id: 'later', kind: 'x', dueAt: 1 });
    await bot.close();
    expect(await start(['--from', './data']).done).toMatchObject({
      code: 2,
      said: expect.stringMatching(/has changed since it was moved \(.*\): timer 2 and 1\./),
    });
    folder = join(home, 'second');
    await fill(3);
    expect(await start(['--from', './second']).done).toMatchObject({
      code: 2,
      said: expect.stringContaining('another folder cannot be added to it'),
    });
  });

  it('refuses while a bot runs on either, and says what to stop', async () => {
    await fill(3);
    const bot = await openLowdbStore(folder);
    expect(await start(['--from', './data']).done).toMatchObject({
      code: 2,
      said: expect.stringContaining('is in use by another Signalbox'),
    });
    await bot.close();
    await postgres().query(url, 'drop schema signalbox cascade');
    const opened = await openPostgres({ url, clock: { now: () => Date.now() }, onError: () => {} });
    expect(await start(['--from', './data']).done).toMatchObject({
      code: 2,
      said: expect.stringContaining('Stop all instances, then move.'),
    });
    await opened.coordination.close();
    await opened.store.close();
  });

  it('alone makes the tables, says so when there is nothing to do, and what is missing', async () => {
    expect(await start([]).done).toMatchObject({
      code: 0,
      said: expect.stringContaining(`The tables are of version ${SCHEMA_VERSION} now.`),
    });
    expect(await start([]).done).toMatchObject({
      code: 0,
      said: expect.stringContaining(`of version ${SCHEMA_VERSION} already`),
    });
    expect(await start([], {}).done).toMatchObject({
      code: 2,
      said: expect.stringContaining('Set DATABASE_URL'),
    });
    expect(await start(['--from', './nowhere']).done).toMatchObject({
      code: 3,
      said: expect.stringContaining(`There is no embedded store in ${join(home, 'nowhere')}`),
    });
  });
});
