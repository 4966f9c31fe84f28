import { lutimes, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WriterLock } from '../../src/runs/writer-lock.ts';

let folder: string;
/** As the log's state has it. */
let written: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-lock-'));
  written = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const take = async (): Promise<WriterLock> => {
  const lock = await WriterLock.take(folder, async () => written);
  written = lock.number;
  await lock.clearOlder();
  return lock;
};

describe('the lock of a log', () => {
  it('goes to exactly one of many who find its holder dead, round after round', async () => {
    for (let round = 0; round < 20; round++) {
      const takers = await Promise.allSettled(Array.from({ length: 12 }, take));
      const locks = takers.flatMap((taker) => (taker.status === 'fulfilled' ? [taker.value] : []));
      expect(locks).toHaveLength(1);
      for (const taker of takers)
        if (taker.status === 'rejected') expect(taker.reason).toMatchObject({ code: 'conflict' });
      expect(await readdir(folder)).toEqual([`writer-${written}`]);
      await locks[0]!.release();
    }
    expect(written).toBe(20);
  });

  it('is believed of another machine for ten seconds after its last sign', async () => {
    const path = join(folder, 'writer-3');
    await symlink('1:1:another-machine:abcd', path);
    written = 3;
    await expect(take()).rejects.toMatchObject({ code: 'conflict' });
    const then = new Date(Date.now() - 60_000);
    await lutimes(path, then, then);
    expect((await take()).number).toBe(4);
  });

  it('is taken where a copy of the folder has lost it, above all that was before', async () => {
    written = 7;
    expect((await take()).number).toBe(8);
  });

  it('is not released by who lost it', async () => {
    const first = await take();
    await rm(join(folder, 'writer-1'));
    await symlink('1:1:another-machine:abcd', join(folder, 'writer-1'));
    await first.release();
    await expect(take()).rejects.toMatchObject({ code: 'conflict' });
  });
});
