import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentStatus, isLive, isSuccessful } from '../../src/domain/compilations.ts';
import type { AppError } from '../../src/ground/errors.ts';
import type { Store } from '../../src/ports/store.ts';
import { appendCommandLineAudit } from '../../src/stores/audit-files.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { storeContract } from '../contract/store.ts';
import { AT, attempt, component, jobRecord, record, seen } from '../contract/store-records.ts';
import { lowdbHarness } from './lowdb-harness.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

storeContract('lowdb', lowdbHarness());
storeContract('lowdb that archives soon', lowdbHarness({ auditKept: 3, attemptsKept: 2, journalBytes: 1 }));

describe('audit over the years', () => {
  it('moves old records to an archive and still finds them', async () => {
    const store = await openLowdbStore(folder, { auditKept: 10 });
    for (let at = 1; at <= 47; at++) await store.appendAudit(record({ at, subject: `job-${at}` }));
    const state = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as { audit: unknown[] };
    expect(state.audit.length).toBeLessThanOrEqual(10);
    expect((await store.listAudit({ limit: 100 })).map(({ at }) => at)).toEqual(
      Array.from({ length: 47 }, (_, index) => 47 - index),
    );
    expect(await store.listAudit({ subject: 'job-2', limit: 1 })).toEqual([
      record({ at: 2, subject: 'job-2' }),
    ]);
    await store.close();
  });

  it('shows a record once that a kill left both in the archive and in the state, and survives a cut line', async () => {
    let store = await openLowdbStore(folder, { auditKept: 4 });
    for (let at = 1; at <= 3; at++) await store.appendAudit(record({ at }));
    await store.close();
    const { audit } = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as { audit: object[] };
    const lines = audit.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    await writeFile(join(folder, 'audit-archive.jsonl'), `${lines}{"at":4,"actor":{"te`);

    store = await openLowdbStore(folder, { auditKept: 4 });
    for (let at = 5; at <= 9; at++) await store.appendAudit(record({ at }));
    expect((await store.listAudit({ limit: 100 })).map(({ at }) => at)).toEqual([9, 8, 7, 6, 5, 3, 2, 1]);
    await store.close();
  });

  it('lists what the command line recorded beside it, without needing the lock', async () => {
    const store = await openLowdbStore(folder);
    await store.appendAudit(record({ at: 1 }));
    await Promise.all(
      [2, 3].map((at) => appendCommandLineAudit(folder, record({ at, actor: { team: 'cli', user: 'ada' } }))),
    );
    await store.appendAudit(record({ at: 4 }));
    expect((await store.listAudit({ limit: 10 })).map(({ at }) => at)).toEqual([4, 3, 2, 1]);
    expect(await store.listAudit({ user: 'ada', limit: 10 })).toHaveLength(2);
    await store.close();
  });
});

describe('[O1] one process per data folder', () => {
  it('refuses a second one and names who has it', async () => {
    const store = await openLowdbStore(folder);
    const refused = await openLowdbStore(folder).catch((error: AppError) => error);
    expect(refused).toMatchObject({ code: 'conflict' });
    expect((refused as AppError).message).toContain(`process ${process.pid} on ${hostname()}`);
    expect((refused as AppError).hint).toMatch(/Stop that one first/);
    await store.close();
  });

  it('lets exactly one of many simultaneous starters in', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => openLowdbStore(folder)));
    const opened = results.filter((result) => result.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    for (const { value } of opened) await value.close();
  });

  it('lets the next one in after a close, and leaves no lock behind', async () => {
    await (await openLowdbStore(folder)).close();
    await (await openLowdbStore(folder)).close();
    expect(await readdir(folder)).toEqual([]);
  });

  it('does not take a process with the same id for the one that died', async () => {
    const store = await openLowdbStore(folder);
    await store.close();
    const { lock } = await import('proper-lockfile');
    const release = await lock(folder, { lockfilePath: join(folder, 'in-use.lock'), realpath: false });
    await writeFile(
      join(folder, 'in-use.json'),
      JSON.stringify({ pid: process.pid, host: hostname(), since: 'then', started: '1' }),
    );
    await (await openLowdbStore(folder)).close();
    await release().catch(() => undefined); // Its lock was taken over.
  });

  it('does not take a living process for dead when a clock that was set forward makes its lock look old', async () => {
    const store = await openLowdbStore(folder);
    const hoursAgo = new Date(Date.now() - 5 * 3_600_000);
    await utimes(join(folder, 'in-use.lock'), hoursAgo, hoursAgo);
    await expect(openLowdbStore(folder)).rejects.toMatchObject({ code: 'conflict' });
    await store.close().catch(() => undefined); // The lock's time is not its own any more.
  });

  it('takes nobody on another machine for dead because no process here has its id', async () => {
    const { lock } = await import('proper-lockfile');
    const release = await lock(folder, { lockfilePath: join(folder, 'in-use.lock'), realpath: false });
    await writeFile(
      join(folder, 'in-use.json'),
      JSON.stringify({ pid: 999_999_999, host: 'elsewhere', since: '2026-01-01T00:00:00Z' }),
    );
    await expect(openLowdbStore(folder)).rejects.toThrow(/process 999999999 on elsewhere/);
    await release();
  });
});

describe('[O1] kill -9', () => {
  it('leaves a whole file with everything that was acknowledged, and the next start gets in at once', async () => {
    let acknowledged = 0;
    for (let round = 0; round < 4; round++) {
      const writer = startWriter(folder, acknowledged);
      // Killed in the middle of writes, at a moment that only chance chooses.
      const enough = acknowledged + 20 + Math.floor(Math.random() * 60);
      for await (const line of createInterface({ input: writer.stdout! })) {
        acknowledged = Math.max(acknowledged, Number(line));
        if (acknowledged >= enough) writer.kill('SIGKILL');
      }
      await ended(writer);
      const store = await openLowdbStore(folder);
      const numbers = (await store.listAudit({ limit: 100_000 })).map(({ at }) => at);
      const expected = Array.from({ length: acknowledged }, (_, index) => index + 1);
      expect(expected.filter((number) => !numbers.includes(number))).toEqual([]);
      expect(new Set(numbers).size).toBe(numbers.length);
      acknowledged = Math.max(acknowledged, ...numbers);
      await store.close();
    }
  });
});

describe('[C5] kill -9 in the middle of claims', () => {
  it('loses no acknowledged attempt or status, and leaves no pair with two claims', async () => {
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < 4; round++) {
      const writer = startWriter(folder, round, 'claims-writer.ts');
      const enough = acknowledged.size + 40 + Math.floor(Math.random() * 80);
      for await (const line of createInterface({ input: writer.stdout! })) {
        const [id, status] = line.split(' ');
        acknowledged.set(id!, status!);
        if (acknowledged.size >= enough) writer.kill('SIGKILL');
      }
      await ended(writer);
      const store = await openLowdbStore(folder, { attemptsKept: 30, journalBytes: 20_000 });
      const jobs = new Set([...acknowledged.keys()].map((id) => id.split('/')[1]!));
      const found = new Map<string, string>();
      for (const job of jobs) {
        const attempts = await store.listAttempts({ useCase: 'line-3', job });
        for (const one of attempts) {
          expect(found.has(one.id)).toBe(false);
          found.set(one.id, currentStatus(one));
        }
        for (const target of ['a', 'b']) {
          const ofPair = attempts.filter((one) => one.target === target);
          expect(ofPair.filter((one) => isLive(one) || isSuccessful(one)).length).toBeLessThanOrEqual(1);
        }
      }
      // What came after the last acknowledgement may be there too, but nothing from before it.
      for (const [id, status] of acknowledged)
        expect({ id, status: ORDER.indexOf(found.get(id) ?? '') >= ORDER.indexOf(status) }).toEqual({
          id,
          status: true,
        });
      await store.close();
    }
  });

  const ORDER = ['REQUESTED', 'INPROGRESS', 'FAILED', 'COMPLETED'];
});

describe('history over the years', () => {
  /** So many jobs, each with a failed and a successful attempt. */
  async function compileJobs(store: Store, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const job = `train-${n}`;
      for (const end of ['FAILED', 'COMPLETED']) {
        const one = attempt({ job, askedAt: AT + n });
        await store.addAttempt(one);
        await store.changeAttempt(one.id, seen(end, AT + n));
      }
    }
  }
  const stateFile = async () =>
    JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as {
      attempts: { job: string }[];
      archivedJobs: object[];
    };

  it('[C9] moves attempts of old jobs to an archive; their history and their claims stay', async () => {
    let store = await openLowdbStore(folder, { attemptsKept: 20 });
    const old = attempt({ job: 'train-live', target: 'x86_64-cpu', askedAt: 1 });
    await store.addAttempt(old);
    await compileJobs(store, 40);
    await store.close();
    const kept = await stateFile();
    expect(kept.attempts.length).toBeLessThanOrEqual(21);
    expect(kept.attempts.map(({ job }) => job)).toContain('train-live');

    store = await openLowdbStore(folder, { attemptsKept: 20 });
    for (let n = 0; n < 40; n++) {
      const history = await store.listAttempts({ useCase: 'line-3', job: `train-${n}` });
      expect(history.map((one) => one.statuses.at(-1)?.status)).toEqual(['FAILED', 'COMPLETED']);
      await expect(store.addAttempt(attempt({ job: `train-${n}` }))).rejects.toMatchObject({
        message: `train-${n} is already compiled for jetson-xavier.`,
      });
    }
    expect(await store.listAttempts({ useCase: 'line-3', job: 'train-0', live: true })).toEqual([]);
    expect((await store.listAttempts({ live: true })).map(({ id }) => id)).toEqual([old.id]);
    await store.close();
  });

  it('[C9] adds to the history of an archived job, and changes an archived attempt', async () => {
    const store = await openLowdbStore(folder, { attemptsKept: 4, journalBytes: 1 });
    await compileJobs(store, 10);
    const again = attempt({ job: 'train-0', target: 'arm64-cpu' });
    await store.addAttempt(again);
    const [first, second] = await store.listAttempts({ useCase: 'line-3', job: 'train-0' });
    const late = await store.changeAttempt(first!.id, (before) => ({ ...before, lastCheckedAt: AT * 2 }));
    expect(await store.listAttempts({ useCase: 'line-3', job: 'train-0' })).toEqual([late, second, again]);
    await expect(store.changeAttempt('nobody', (before) => before)).rejects.toMatchObject({
      code: 'not_found',
    });
    await store.close();
  });

  it('shows an attempt once that a kill left both in the archive and in the state', async () => {
    let store = await openLowdbStore(folder, { attemptsKept: 4 });
    await compileJobs(store, 4);
    await store.close();
    const state = await readFile(join(folder, 'state.json'));
    store = await openLowdbStore(folder, { attemptsKept: 2 });
    await compileJobs(store, 0);
    await store.addAttempt(attempt({ job: 'other' }));
    await store.close();
    // The archive was written, the state was not.
    for (const name of ['state.json', 'state.backup.json']) await writeFile(join(folder, name), state);
    store = await openLowdbStore(folder, { attemptsKept: 2 });
    await store.addAttempt(attempt({ job: 'another' }));
    for (let n = 0; n < 4; n++)
      expect(await store.listAttempts({ useCase: 'line-3', job: `train-${n}` })).toHaveLength(2);
    await store.close();
  });

  it('says that a history cannot be read when its archive was taken away', async () => {
    const store = await openLowdbStore(folder, { attemptsKept: 2, journalBytes: 1 });
    await compileJobs(store, 5);
    await rm(join(folder, 'attempts-archive.jsonl'));
    await expect(store.listAttempts({ useCase: 'line-3', job: 'train-0' })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('The history of train-0 cannot be read'),
    });
    await store.close();
  });
});

describe('the state on disk', () => {
  it('takes over the audit records of version 1', async () => {
    await writeFile(
      join(folder, 'state.json'),
      JSON.stringify({ version: 1, nextSeq: 3, audit: [{ ...record({ at: 1 }), seq: 2 }] }),
    );
    let store = await openLowdbStore(folder);
    await store.appendAudit(record({ at: 2 }));
    await store.close();
    store = await openLowdbStore(folder);
    expect((await store.listAudit({ limit: 9 })).map(({ at }) => at)).toEqual([2, 1]);
    await store.close();
  });

  it('is left alone when a later version wrote it', async () => {
    await writeFile(join(folder, 'state.json'), '{"version":3}');
    await expect(openLowdbStore(folder)).rejects.toThrow(/is of version 3/);
    expect(await readFile(join(folder, 'state.json'), 'utf8')).toBe('{"version":3}');
  });

  it('is one whole file after a close, and a journal before', async () => {
    const store = await openLowdbStore(folder);
    await store.changeJob('line-3', 'a', () => jobRecord('a'));
    await store.addComponent(component('1.0.0'));
    expect((await readdir(folder)).filter((name) => !name.startsWith('in-use'))).toEqual([
      'journal-end',
      'journal.jsonl',
    ]);
    await store.close();
    expect(await readdir(folder)).toEqual(['state.backup.json', 'state.json']);
    expect(await readFile(join(folder, 'state.backup.json'))).toEqual(
      await readFile(join(folder, 'state.json')),
    );
  });

  it('counts no entry of the journal twice that the state holds already', async () => {
    let store = await openLowdbStore(folder);
    for (let at = 1; at <= 3; at++) await store.appendAudit(record({ at }));
    const journal = await readFile(join(folder, 'journal.jsonl'));
    await store.close();
    // A kill between writing the state and clearing the journal.
    await writeFile(join(folder, 'journal.jsonl'), journal);
    store = await openLowdbStore(folder);
    await store.appendAudit(record({ at: 4 }));
    expect((await store.listAudit({ limit: 9 })).map(({ at }) => at)).toEqual([4, 3, 2, 1]);
    await store.close();
  });

  it('lets go of a last line that a kill cut off, and refuses damage in the middle', async () => {
    let store = await openLowdbStore(folder);
    await store.appendAudit(record({ at: 1 }));
    const line = await readFile(join(folder, 'journal.jsonl'), 'utf8');
    await store.close();
    // A kill before any state was written.
    for (const name of ['state.json', 'state.backup.json']) await rm(join(folder, name));
    await writeFile(join(folder, 'journal.jsonl'), `${line}{"n":2,"kind":"aud`);
    store = await openLowdbStore(folder);
    await store.appendAudit(record({ at: 2 }));
    await store.close();
    store = await openLowdbStore(folder);
    expect((await store.listAudit({ limit: 9 })).map(({ at }) => at)).toEqual([2, 1]);
    await store.close();

    await writeFile(join(folder, 'journal.jsonl'), `{"n":9,"ki\n${line}`);
    await expect(openLowdbStore(folder)).rejects.toThrow(/Line 1 of the journal/);
  });

  it('is written whole when something else touched the journal', async () => {
    let store = await openLowdbStore(folder);
    await store.appendAudit(record({ at: 1 }));
    await rm(join(folder, 'journal.jsonl'));
    await store.appendAudit(record({ at: 2 }));
    expect(await readdir(folder)).toContain('state.json');
    await store.close();
    store = await openLowdbStore(folder);
    expect((await store.listAudit({ limit: 9 })).map(({ at }) => at)).toEqual([2, 1]);
    await store.close();
  });

  it('takes back a claim that could not be written', async () => {
    const store = await openLowdbStore(folder);
    const first = attempt();
    await store.addAttempt(first);
    await rm(folder, { recursive: true });
    const lost = await Promise.allSettled([
      store.addAttempt(attempt({ target: 'x86_64-cpu' })),
      store.changeAttempt(first.id, seen('FAILED')),
    ]);
    expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await mkdir(folder);
    await store.addAttempt(attempt({ target: 'x86_64-cpu' }));
    await expect(store.addAttempt(attempt())).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.listAttempts({})).toHaveLength(2);
    await store.close().catch(() => undefined); // The lock went with the folder.
  });

  it('gives out records that nobody can change', async () => {
    const store = await openLowdbStore(folder);
    const mine = attempt();
    await store.addAttempt(mine);
    const [given] = await store.listAttempts({});
    expect(() => Object.assign(given!, { job: 'other' })).toThrow(TypeError);
    expect(() => (given!.statuses as object[]).push({})).toThrow(TypeError);
    await store.close();
  });
});

describe('what can go wrong with the folder', () => {
  it('says that the folder is not writable', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    await expect(openLowdbStore(join(file, 'data'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('cannot be written'),
    });
  });

  it('does not overwrite a state file that it cannot read', async () => {
    await writeFile(join(folder, 'state.json'), '{"version":1,"aud');
    await expect(openLowdbStore(folder)).rejects.toThrow(/not valid JSON/);
    expect(await readFile(join(folder, 'state.json'), 'utf8')).toBe('{"version":1,"aud');
    await rm(join(folder, 'state.json'));
    await (await openLowdbStore(folder)).close();
  });

  it('goes on after a write that failed', async () => {
    const store = await openLowdbStore(folder);
    await store.appendAudit(record({ at: 1 }));
    await rm(folder, { recursive: true });
    await expect(store.appendAudit(record({ at: 2 }))).rejects.toMatchObject({ code: 'unavailable' });
    await mkdir(folder);
    await store.appendAudit(record({ at: 3 }));
    expect((await store.listAudit({ limit: 10 })).map(({ at }) => at)).toContain(3);
    await store.close().catch(() => undefined); // The lock went with the folder.
  });

  it('keeps the files to its own user', async () => {
    await chmod(folder, 0o755);
    const store = await openLowdbStore(folder);
    await store.appendAudit(record());
    const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(0);
    for (const { name } of files) expect((await stat(join(folder, name))).mode & 0o077, name).toBe(0);
    await store.close();
  });
});

/** Its output may end a moment before the process does. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function startWriter(path: string, from: number, name = 'store-writer.ts'): ChildProcess {
  const script = join(import.meta.dirname, '../fixtures', name);
  return spawn(process.execPath, ['--import', 'tsx', script, path, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
