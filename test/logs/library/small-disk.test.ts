import { statfs } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CountedService, type Lab, MINUTE, openLab, stream, textOf, whole } from './lab.ts';

vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>();
  return { ...original, statfs: vi.fn(original.statfs) };
});

const RESERVE = 64 * 1024 * 1024;

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  vi.mocked(statfs).mockReset();
  await lab.close();
});

const keptBytes = async (): Promise<number> => (await lab.kept()).reduce((sum, { bytes }) => sum + bytes, 0);

/** The library has this disk, which is `bytes` large besides the reserve, to itself. */
function diskOf(bytes: number): void {
  vi.mocked(statfs).mockImplementation((async () => ({
    bavail: RESERVE + bytes - (await keptBytes()),
    bsize: 1,
  })) as unknown as typeof statfs);
}

const logs = (): CountedService[] =>
  [300, 300, 20].map((events, seed) => new CountedService([stream('algo-1', events)], { seed }));

describe('a disk that is smaller than the library may be', () => {
  it('what is kept gives way to a download, the least recently used first', async () => {
    const [old, used, next] = logs();
    const engine = lab.engine();
    for (const log of [old, used]) {
      await textOf(engine.download(whole(log!)));
      lab.now += MINUTE;
    }
    await textOf(engine.download(whole(old!)));
    const two = await keptBytes();
    diskOf(two - 1);
    expect((await textOf(engine.download(whole(next!)))).split('\n')).toHaveLength(21);
    expect(await keptBytes()).toBeLessThan(two);
    for (const log of [old, used]) log!.pages = 0;
    vi.mocked(statfs).mockReset();
    lab.now += MINUTE;
    await textOf(engine.download(whole(old!)));
    await textOf(engine.download(whole(used!)));
    expect(old!.pages).toBe(0);
    expect(used!.pages).toBeGreaterThan(0);
    expect(lab.problems).toEqual([]);
  });

  it('nothing goes where that would not be enough', async () => {
    const [old, , next] = logs();
    const engine = lab.engine();
    await textOf(engine.download(whole(old!)));
    const kept = await lab.kept();
    diskOf(-1_000_000);
    await expect(engine.download(whole(next!))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The disk is too small for this log.',
    });
    expect(await lab.kept()).toEqual(kept);
  });
});
