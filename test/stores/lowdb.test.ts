import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppError } from '../../src/errors.ts';
import { appendCommandLineAudit } from '../../src/stores/audit-files.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { record, storeContract } from '../contract/store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

storeContract('lowdb', async () => {
  const own = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
  return { open: () => openLowdbStore(own), dispose: () => rm(own, { recursive: true, force: true }) };
});

storeContract('lowdb that archives soon', async () => {
  const own = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
  return {
    open: () => openLowdbStore(own, { auditKept: 3 }),
    dispose: () => rm(own, { recursive: true, force: true }),
  };
});

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
    await import('node:fs/promises').then(({ mkdir }) => mkdir(folder));
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

function startWriter(path: string, from: number): ChildProcess {
  const script = join(import.meta.dirname, '../fixtures/store-writer.ts');
  return spawn(process.execPath, ['--import', 'tsx', script, path, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
