/** The disk of the data folder is full: nothing is acknowledged, nothing is half there, and it heals by itself. */
import { type FileHandle, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { eventRecord } from '../contract/notifications.ts';
import { AT } from '../contract/store-records.ts';
import { fill, tinyDisk } from '../fixtures/tiny-disk.ts';

let folder: string;
let store: Store;
const start = async (journalBytes?: number): Promise<void> => {
  store = await openLowdbStore(folder, {
    now: () => AT,
    retryEvery: 5,
    ...(journalBytes === undefined ? {} : { journalBytes }),
  });
};
const known = async (): Promise<number> => (await store.countEvents()).pending;
const large = (id: string) => eventRecord(id, { excerpt: 'x'.repeat(20_000) });

async function fills(makeFull: () => Promise<void>, makeRoom: () => Promise<void>): Promise<void> {
  await store.addEvent(eventRecord('before'));
  expect(store.problem()).toBeUndefined();
  await makeFull();
  const refused = await Promise.allSettled([store.addEvent(large('a')), store.addEvent(large('b'))]);
  for (const one of refused)
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
  expect(store.problem()).toMatch(/disk of the data folder .* is full/);
  expect(await known()).toBe(1);
  await makeRoom();
  // Without anybody storing anything.
  await expect.poll(() => store.problem()).toBeUndefined();
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect([await store.addEvent(large('a')), await store.addEvent(eventRecord('before'))]).toEqual([
    true,
    false,
  ]);
  await store.close();
  await start();
  expect(await known()).toBe(2);
  await store.close();
}

describe.each([
  ['while lines are added to the journal', undefined],
  ['while the state is written whole', 1],
])('[N2] a disk that fills up %s', (_when, journalBytes) => {
  describe('by an error of the system', () => {
    let handle: FileHandle;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'signalbox-full-'));
      handle = await open(join(folder, 'any'), 'w');
      await start(journalBytes);
    });
    afterEach(async () => {
      vi.restoreAllMocks();
      await handle.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('refuses, says so, and heals', async () => {
      const files = Object.getPrototypeOf(handle) as FileHandle;
      const full = async (): Promise<never> => {
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      };
      await fills(
        async () => {
          vi.spyOn(files, 'write').mockImplementation(full);
          vi.spyOn(files, 'writeFile').mockImplementation(full);
        },
        async () => void vi.restoreAllMocks(),
      );
    });
  });

  describe.skipIf(!tinyDisk.possible)('in fact', () => {
    beforeEach(async () => {
      folder = await tinyDisk.mount(512);
      await start(journalBytes);
    });
    afterEach(() => tinyDisk.unmount(folder));

    it('refuses, says so, and heals', async () => {
      await fills(
        () => fill(folder),
        () => rm(join(folder, 'filler')),
      );
    });
  });
});
