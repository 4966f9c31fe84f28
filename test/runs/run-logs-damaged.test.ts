/** Logs whose files something other than Signalbox has changed, or a power cut has. */
import {
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { COMPLETED, readAll } from '../contract/run-log-store.ts';
import { numberedBytes } from '../fixtures/numbered-bytes.ts';

let folder: string;
let store: RunLogStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-damaged-'));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const LIMITS = { chunkBytes: 1_000, head: 1_000, cap: 100_000 };
const open = async (options: object = {}): Promise<void> => {
  store = await openFileRunLogs({ folder, clock: { now: Date.now }, ...LIMITS, ...options });
};
const path = (id: string, name: string): string => join(folder, id, name);
const chunk = (offset: number, ending = '.log'): string => `${String(offset).padStart(16, '0')}${ending}`;

/** What is read at an offset is what was printed there, or a gap. */
async function expectNumberedOrGap(id: string, size: number): Promise<number> {
  let missing = 0;
  for (let at = 0; at < size; ) {
    const { bytes, gap } = await store.read(id, at, 700);
    if (gap) missing += gap.to - at;
    else expect(numberedBytes(at, at + bytes.length).equals(bytes)).toBe(true);
    at = gap ? gap.to : at + bytes.length;
  }
  return missing;
}

/** A slot of the state file is overwritten: 0 or 1. */
async function garble(id: string, slot: number): Promise<void> {
  const file = await openFile(path(id, 'state'), 'r+');
  await file.write('?'.repeat(40), slot * 32_768 + 100);
  await file.close();
}

describe('a damaged log', () => {
  it('goes on where its state says, with a gap for what is missing at the end', async () => {
    let n = 0;
    await open();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 12 }),
        fc.nat(1_200),
        fc.boolean(),
        async (lengths, cut, zeroed) => {
          const id = `run-${n++}`;
          await store.create(id);
          let size = 0;
          for (const length of lengths) {
            await store.append(id, size, numberedBytes(size, size + length), `at ${size + length}`);
            size += length;
          }
          await store.close();
          // As a power cut leaves it: the last chunk is shorter, or its end was never written.
          const last = Math.floor((size - 1) / 1_000) * 1_000;
          const length = Math.max(0, size - last - cut);
          await truncate(path(id, chunk(last)), length);
          if (zeroed) await truncate(path(id, chunk(last)), size - last);
          await open();
          await store.append(id, size, numberedBytes(size, size + 50));
          const info = (await store.info(id))!;
          expect(info).toMatchObject({ size: size + 50, cursor: `at ${size}` });
          const missing = await expectNumberedOrGap(id, size + 50);
          // A file that is made longer has zeros there: they are no loss where zeros were printed.
          const lost = numberedBytes(last + length, size);
          if (lost.some((byte) => byte !== 0)) expect(missing).toBeGreaterThanOrEqual(lost.length);
          else if (lost.length === 0) expect(missing).toBe(0);
          expect(info.gaps.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(missing);
        },
      ),
      { numRuns: 120 },
    );
  });

  it('loses the last append at most when one half of its state was cut off or garbled', async () => {
    await open();
    for (const slot of [0, 1]) {
      const id = `slot-${slot}`;
      await store.create(id);
      for (const at of [0, 100, 200, 300]) await store.append(id, at, numberedBytes(at, at + 100));
    }
    await store.close();
    await garble('slot-0', 0);
    await garble('slot-1', 1);
    await open();
    for (const id of ['slot-0', 'slot-1']) {
      const { size } = (await store.info(id))!;
      expect([300, 400]).toContain(size);
      await store.append(id, size, numberedBytes(size, 500));
      expect((await readAll(store, id)).bytes.equals(numberedBytes(0, 500))).toBe(true);
    }
  });

  it('says which file it is when the state cannot be read at all, and hides no other log', async () => {
    await open();
    for (const id of ['bad', 'good']) await store.create(id);
    await store.append('bad', 0, numberedBytes(0, 10));
    await store.close();
    await writeFile(path('bad', 'state'), 'half');
    await open();
    for (const call of [
      () => store.info('bad'),
      () => store.create('bad'),
      () => store.read('bad', 0, 1),
      () => store.append('bad', 10, numberedBytes(10, 11)),
    ])
      await expect(call()).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining(path('bad', 'state')),
      });
    expect((await store.list()).map(({ id }) => id)).toEqual(['good']);
    await store.remove('bad');
    expect(await store.create('bad')).toMatchObject({ size: 0 });
  });

  it('gives what is missing in the middle as a gap, compressed or not', async () => {
    await open();
    for (const id of ['live', 'done']) {
      await store.create(id);
      // Compressible, since a chunk that gets no smaller stays as it is.
      await store.append(id, 0, Buffer.alloc(10_000, 'epoch 1 loss 0.5\n'));
    }
    await store.finish('done', COMPLETED);
    await rm(path('live', chunk(3_000)));
    await rm(path('done', chunk(3_000, '.log.gz')));
    await writeFile(path('done', chunk(5_000, '.log.gz')), 'not gzip');
    expect((await readAll(store, 'live')).gaps).toEqual([{ from: 3_000, to: 4_000, reason: 'lost' }]);
    const { gaps, bytes } = await readAll(store, 'done');
    expect(gaps).toEqual([
      { from: 3_000, to: 4_000, reason: 'lost' },
      { from: 5_000, to: 6_000, reason: 'lost' },
    ]);
    expect(bytes).toHaveLength(8_000);
  });

  it('takes away what was being made or removed an hour ago, and nothing younger', async () => {
    await open();
    await store.close();
    const names = ['.new-0123', '.removed-0123', '.new-4567'];
    for (const name of names) await writeFile(join(folder, name), 'x');
    for (const name of names.slice(0, 2)) await utimes(join(folder, name), 1, 1);
    await open();
    await expect.poll(() => readdir(folder)).toEqual(['.new-4567']);
  });

  it('frees a lock that is held elsewhere once nothing was heard of its holder for a while', async () => {
    await open();
    await store.create('run');
    await symlink('4242:1:another-machine:abcd', path('run', 'writer-1'));
    await expect(store.append('run', 0, numberedBytes(0, 1))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('another process (4242)'),
    });
    await rm(path('run', 'writer-1'));
    await symlink('free', path('run', 'writer-7'));
    expect(await store.append('run', 0, numberedBytes(0, 1))).toMatchObject({ size: 1 });
    expect((await readdir(join(folder, 'run'))).filter((name) => name.startsWith('writer'))).toEqual([
      'writer-8',
    ]);
  });
});

describe('the size cap', () => {
  it('holds on disk within a chunk, and leaves the head and the newest', async () => {
    await open({ chunkBytes: 65_536, head: 65_536, cap: 1_000_000 });
    await store.create('run');
    let size = 0;
    const onDisk = async (): Promise<number> => {
      let bytes = 0;
      for (const name of await readdir(join(folder, 'run')))
        if (name.endsWith('.log')) bytes += (await stat(path('run', name))).size;
      return bytes;
    };
    for (const length of [...Array<number>(60).fill(50_000), 3_000_000, 1, 700_000]) {
      await store.append('run', size, numberedBytes(size, size + length));
      size += length;
      expect(await onDisk()).toBeLessThanOrEqual(1_000_000 + 65_536);
    }
    const [gap, ...others] = (await store.info('run'))!.gaps;
    expect(others).toEqual([]);
    expect(gap).toMatchObject({ from: 65_536, reason: 'cap' });
    expect(size - gap!.to).toBeGreaterThan(1_000_000 - 2 * 65_536);
    const { bytes } = await readAll(store, 'run', 1e6);
    expect(bytes.equals(Buffer.concat([numberedBytes(0, 65_536), numberedBytes(gap!.to, size)]))).toBe(true);
    await expect(open({ cap: 2_000, head: 1_000, chunkBytes: 1_000 })).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  it('takes more although an old chunk cannot be deleted, and deletes the others', async () => {
    await open({ cap: 5_000 });
    await store.create('run');
    await store.append('run', 0, numberedBytes(0, 5_000));
    await rm(path('run', chunk(1_000)));
    await mkdir(path('run', chunk(1_000)));
    await store.append('run', 5_000, numberedBytes(5_000, 9_000));
    expect(await store.info('run')).toMatchObject({ gaps: [{ from: 1_000, to: 5_000, reason: 'cap' }] });
    const left = (await readdir(join(folder, 'run'))).filter((name) => name.endsWith('.log'));
    expect(left).toEqual([0, 1_000, 5_000, 6_000, 7_000, 8_000].map((at) => chunk(at)));
  });

  it('is not slowed down by a gap of a petabyte', async () => {
    await open({ cap: 5_000 });
    await store.create('run');
    await store.append('run', 0, numberedBytes(0, 2_500));
    const far = 2 ** 50;
    await store.skip('run', 2_500, far);
    await store.append('run', far, numberedBytes(0, 4_000));
    const gap = { from: 1_000, to: far, reason: 'cap' };
    expect(await store.info('run')).toMatchObject({ size: far + 4_000, gaps: [gap] });
    await store.close();
    await open({ cap: 5_000 });
    await store.append('run', far + 4_000, numberedBytes(4_000, 4_500));
    await store.finish('run', COMPLETED);
    const { bytes, gaps } = await readAll(store, 'run');
    expect(bytes.subarray(-1_000).equals(numberedBytes(3_500, 4_500))).toBe(true);
    expect(gaps).toMatchObject([{ from: 1_000, reason: 'cap' }]);
  });

  it('keeps its gaps apart, and gives up what lies between two when there are too many', async () => {
    await open();
    await store.create('run');
    let size = 0;
    for (let n = 0; n < 400; n++) {
      await store.append('run', size, numberedBytes(size, size + 1 + (n % 50)));
      size += 1 + (n % 50);
      await store.skip('run', size, size + 10);
      size += 10;
    }
    await store.close();
    await open();
    await store.append('run', size, numberedBytes(size, size + 9));
    const info = (await store.info('run'))!;
    expect(info).toMatchObject({ size: size + 9 });
    expect(info.gaps.length).toBeLessThanOrEqual(256);
    expect(await expectNumberedOrGap('run', size + 9)).toBe(
      info.gaps.reduce((sum, { from, to }) => sum + to - from, 0),
    );
  });
});

describe('a finished log', () => {
  it('is smaller on disk, and gunzips to what was printed', async () => {
    await open({ chunkBytes: 65_536, head: 65_536, cap: 1_000_000 });
    await store.create('run');
    const text = Buffer.alloc(300_000, 'epoch 1 loss 0.5\n');
    await store.append('run', 0, text);
    await store.finish('run', COMPLETED);
    const names = (await readdir(join(folder, 'run'))).filter((name) => name.includes('.log'));
    expect(names).toEqual([0, 1, 2, 3, 4].map((n) => chunk(n * 65_536, '.log.gz')));
    let bytes = 0;
    for (const name of [...names, 'state']) bytes += (await readFile(path('run', name))).length;
    expect(bytes).toBeLessThan(10_000);
  });
});

describe('watching a run', () => {
  it('costs one watcher of the system for all who watch, and none afterwards', async () => {
    await open();
    await store.create('run');
    const watchers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'FSEventWrap').length;
    const before = watchers();
    const seen: number[] = [];
    const unwatch = Array.from({ length: 20 }, () => store.watch('run', ({ size }) => seen.push(size)));
    await expect.poll(() => seen.length).toBe(20);
    expect(watchers()).toBe(before + 1);
    for (const end of unwatch) end();
    await expect.poll(watchers).toBe(before);
    // A second time it changes nothing.
    for (const end of unwatch) end();
  });
});
