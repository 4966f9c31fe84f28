/** A data folder that an earlier version has left, with this one. */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { backUp } from '../../src/stores/backup/backup.ts';
import { restore } from '../../src/stores/backup/restore.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { AT, attempt, record } from '../contract/store-records.ts';

const earlier = join(import.meta.dirname, '../fixtures/data-folders');
const versions = (await readdir(earlier)).filter((name) => /^\d{4}-/.test(name));
const JOBS = Array.from({ length: 6 }, (_, n) => `train-${n}`);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-upgrade-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (path: string): Promise<Store> => openLowdbStore(path, { now: () => AT });

async function checkEverything(store: Store): Promise<void> {
  const jobs = await store.listJobs({ limit: 100 });
  expect(jobs.map(({ job }) => job.name).sort()).toEqual([...JOBS, 'train-last']);
  // Whatever words it was stored in.
  expect(new Set(jobs.map(({ job }) => job.state))).toEqual(new Set(['completed']));
  expect(new Set(jobs.map(({ job }) => job.provider))).toEqual(new Set(['sagemaker']));
  for (const job of JOBS) {
    const history = await store.listAttempts({ useCase: 'line-3', job });
    expect(history.map(({ statuses }) => statuses.at(-1)?.status)).toEqual(['FAILED', 'COMPLETED']);
    await expect(store.addAttempt(attempt({ job, askedAt: AT + 99 }))).rejects.toMatchObject({
      code: 'conflict',
    });
  }
  expect(await store.listComponents({})).toHaveLength(1);
  const trail = (await store.listAudit({ limit: 100 })).map(({ subject }) => subject);
  expect([...trail].sort()).toEqual(JOBS.flatMap((job) => [job, `${job} again`]).sort());
}

describe.each(versions)('a data folder of %s', (version) => {
  beforeEach(() => cp(join(earlier, version), folder, { recursive: true }));

  it('[O5] is read without loss, and goes on', async () => {
    const store = await open(folder);
    await checkEverything(store);
    await store.appendAudit(record({ at: AT + 1_000, subject: 'after the upgrade' }));
    await store.close();
    const again = await open(folder);
    expect((await again.listAudit({ limit: 1 }))[0]?.subject).toBe('after the upgrade');
    await again.close();
  });

  it('is backed up as it is, before the new version has started, and restored', async () => {
    const file = join(folder, 'backup.tar.gz');
    await backUp(folder, file);
    await restore(file, join(folder, 'restored'));
    expect(await readFile(join(folder, 'restored', 'state.json'))).toEqual(
      await readFile(join(earlier, version, 'state.json')),
    );
    const store = await open(join(folder, 'restored'));
    await checkEverything(store);
    await store.close();
  });
});

describe('a data folder of 2026-11-29', () => {
  it('[O5] still has what waits: an event to be handled, a message to be sent, an alert', async () => {
    await cp(join(earlier, '2026-11-29'), folder, { recursive: true });
    const store = await open(folder);
    expect((await store.listEvents({ state: 'pending', limit: 10 })).map(({ id }) => id)).toEqual([
      'event-1',
    ]);
    expect((await store.listUnsent()).map(({ key }) => key)).toEqual(['post-1']);
    expect(await store.listAlerts({ limit: 10 })).toHaveLength(1);
    await store.close();
  });
});
