/** The disk that logs are kept on is full. */
import { type FileHandle, mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { COMPLETED, readAll } from '../contract/run-log-store.ts';
import { numberedBytes } from '../fixtures/numbered-bytes.ts';
import { fill, tinyDisk } from '../fixtures/tiny-disk.ts';

let folder: string;
let store: RunLogStore;
const open = async (): Promise<void> => {
  store = await openFileRunLogs({
    folder,
    clock: { now: Date.now },
    chunkBytes: 65_536,
    head: 65_536,
    cap: 4_000_000,
  });
};
/** Appends until there is no room. @returns the size then */
async function appendUntilFull(): Promise<number> {
  for (let size = (await store.info('run'))!.size; ; size += 10_000)
    try {
      await store.append('run', size, numberedBytes(size, size + 10_000), `at ${size + 10_000}`);
    } catch (error) {
      expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/disk is full/) });
      return size;
    }
}

describe.skipIf(!tinyDisk.possible)('a full disk', () => {
  beforeEach(async () => {
    folder = await tinyDisk.mount(512);
    await open();
    await store.create('run');
  });
  afterEach(async () => {
    await store.close();
    await tinyDisk.unmount(folder);
  });

  it('keeps nothing of an append that does not fit, marks the gap, and goes on once there is room', async () => {
    await fill(folder);
    await rm(join(folder, 'filler'));
    await store.append('run', 0, numberedBytes(0, 100_000));
    await fill(folder);
    const size = await appendUntilFull();
    expect(await store.info('run')).toMatchObject({ size, gaps: [] });
    expect((await readAll(store, 'run')).bytes.equals(numberedBytes(0, size))).toBe(true);
    const gap = { from: size, to: size + 10_000, reason: 'lost' };
    expect(await store.skip('run', gap.from, gap.to)).toMatchObject({ size: gap.to, gaps: [gap] });
    await rm(join(folder, 'filler'));
    await store.append('run', gap.to, numberedBytes(gap.to, gap.to + 5_000));
    await store.finish('run', COMPLETED);
    const { bytes, gaps } = await readAll(store, 'run');
    expect(gaps).toEqual([gap]);
    expect(bytes.equals(Buffer.concat([numberedBytes(0, size), numberedBytes(gap.to, gap.to + 5_000)]))).toBe(
      true,
    );
  });

  it('marks the gap and the end also for who opens the log while the disk is full', async () => {
    const size = await appendUntilFull();
    await store.close();
    await fill(folder);
    await open();
    const gap = { from: size, to: size + 9, reason: 'lost' };
    expect(await store.skip('run', size, size + 9)).toMatchObject({ size: size + 9, gaps: [gap] });
    expect(await store.finish('run', COMPLETED)).toMatchObject({ end: COMPLETED });
    const { bytes, gaps } = await readAll(store, 'run');
    expect(gaps).toEqual([gap]);
    expect(bytes.equals(numberedBytes(0, size))).toBe(true);
  });

  it('refuses a new log without leaving half of it, and lets an old one be removed', async () => {
    await appendUntilFull();
    await fill(folder);
    await expect(store.create('another')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await store.info('another')).toBeUndefined();
    await store.remove('run');
    expect(await store.create('another')).toMatchObject({ size: 0 });
    expect(await store.list()).toHaveLength(1);
  });
});

describe('a disk that fails for a moment', () => {
  let handle: FileHandle;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-full-'));
    handle = await openFile(join(folder, '.any'), 'w');
    await open();
    await store.create('run');
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await store.close();
    await handle.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['ENOSPC', /disk is full/],
    ['EIO', /cannot be written \(EIO\)/],
  ])('keeps nothing of what it interrupts: %s', async (code, message) => {
    await store.append('run', 0, numberedBytes(0, 1_000), 'c1');
    const files = Object.getPrototypeOf(handle) as FileHandle;
    const write = files.write as (...args: unknown[]) => Promise<unknown>;
    // The first, the second … write of an append fails: of the old chunk, the new ones and the state.
    for (let fails = 0; fails < 4; fails++) {
      let calls = 0;
      vi.spyOn(files, 'write').mockImplementation(function (this: FileHandle, ...args: unknown[]) {
        if (calls++ < fails) return write.apply(this, args) as never;
        throw Object.assign(new Error(`${code}: write`), { code });
      } as never);
      await expect(store.append('run', 1_000, numberedBytes(0, 150_000), 'c2')).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(message),
      });
      vi.restoreAllMocks();
      expect(await store.info('run')).toMatchObject({ size: 1_000, cursor: 'c1' });
      await store.close();
      await open();
      expect(await store.info('run')).toMatchObject({ size: 1_000, cursor: 'c1' });
    }
    await store.append('run', 1_000, numberedBytes(1_000, 150_000));
    expect((await readAll(store, 'run')).bytes.equals(numberedBytes(0, 150_000))).toBe(true);
  });
});
