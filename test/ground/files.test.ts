import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeAllWhole, writeWhole } from '../../src/ground/files.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-files-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A file whose system takes so many bytes at a time at most, and in all. */
function sparing(file: FileHandle, atOnce: number, inAll: number): FileHandle {
  let left = inAll;
  const write = async (bytes: Uint8Array, at: number, length: number, position: number | null) => {
    const taken = Math.min(length, atOnce, left);
    left -= taken;
    return await file.write(bytes, at, taken, position);
  };
  const writev = async (parts: readonly Uint8Array[], position: number) => {
    const bytes = Buffer.concat(parts);
    return await write(bytes, 0, bytes.length, position);
  };
  return { write, writev } as unknown as FileHandle;
}

const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });

test('Whatever the system takes at a time, all of it is written in its place', async () => {
  await fc.assert(
    fc.asyncProperty(
      parts,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 9 }),
      async (all, atOnce, position) => {
        const path = join(dir, 'sparing');
        const file = await open(path, 'w+');
        try {
          await writeAllWhole(sparing(file, atOnce, Number.POSITIVE_INFINITY), all, position);
          const whole = Buffer.concat(all);
          const written = await readFile(path);
          expect(written.subarray(position).equals(whole)).toBe(true);
          expect(written.length).toBe(whole.length === 0 ? 0 : position + whole.length);
        } finally {
          await file.close();
        }
      },
    ),
  );
});

test('A system that takes nothing more without a reason is a full disk, not an endless attempt', async () => {
  const file = await open(join(dir, 'full'), 'w+');
  try {
    const full = { code: 'ENOSPC', message: 'Nothing was written' };
    await expect(writeWhole(sparing(file, 4, 10), Buffer.alloc(20), 0)).rejects.toMatchObject(full);
    await expect(writeAllWhole(sparing(file, 4, 0), [Buffer.alloc(2)], 0)).rejects.toMatchObject(full);
  } finally {
    await file.close();
  }
});
