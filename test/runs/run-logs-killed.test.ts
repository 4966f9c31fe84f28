/** Writers that are killed -9, wherever they are. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { COMPLETED, readAll } from '../contract/run-log-store.ts';
import { numberedBytes } from '../fixtures/numbered-bytes.ts';

const LIMITS = { chunkBytes: 16_384, head: 16_384, cap: 200_000 };
const WRITER = join(import.meta.dirname, '../fixtures/run-log-writer.ts');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-killed-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (place = folder): Promise<RunLogStore> =>
  openFileRunLogs({ folder: place, clock: { now: Date.now }, ...LIMITS });

interface Writer extends ChildProcess {
  lines: AsyncIterableIterator<string>;
  /** Its output ends before it has, and until then it holds its lock. */
  gone: Promise<unknown>;
}

function start(id: string, mode: string, place = folder): Writer {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', WRITER, place, id, JSON.stringify(LIMITS), mode],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  return Object.assign(child, {
    lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator](),
    gone: once(child, 'exit'),
  });
}

const kill = async (child: Writer): Promise<void> => {
  child.kill('SIGKILL');
  await child.gone;
};

/** Every byte that is kept is the one that was printed there. */
async function expectNumbered(store: RunLogStore, id: string): Promise<void> {
  const { size } = (await store.info(id))!;
  for (let at = 0; at < size; ) {
    const { bytes, gap } = await store.read(id, at, size);
    if (gap) expect(gap.reason).toBe('cap');
    else expect(numberedBytes(at, at + bytes.length).equals(bytes)).toBe(true);
    at = gap ? gap.to : at + bytes.length;
  }
}

/** Three at once, since starting a process takes longest; those whose numbers are three apart come after each other. */
async function times(count: number, run: (n: number) => Promise<void>): Promise<void> {
  const lane = async (first: number): Promise<void> => {
    for (let n = first; n < count; n += 3) await run(n);
  };
  await Promise.all([0, 1, 2].map(lane));
}

describe('a process that is killed while it', () => {
  it('appends: all that was accepted is there, nothing that was not printed, and the next goes on', async () => {
    await times(36, async (n) => {
      // Three logs, each written by a dozen processes after each other.
      const id = `run-${n % 3}`;
      const child = start(id, 'append');
      let accepted = 0;
      let left = 1 + Math.floor(Math.random() * 60);
      for await (const line of child.lines) {
        accepted = Number(line);
        if (--left === 0) child.kill('SIGKILL');
      }
      await child.gone;
      const store = await open();
      const info = (await store.info(id))!;
      expect(info.size).toBeGreaterThanOrEqual(accepted);
      expect(info.cursor).toBe(`at ${info.size}`);
      await expectNumbered(store, id);
      const to = info.size + 1 + (n % 5_000);
      expect(await store.append(id, info.size, numberedBytes(info.size, to), `at ${to}`)).toMatchObject({
        size: to,
      });
      await expectNumbered(store, id);
      await store.close();
    });
    const store = await open();
    expect(await store.list()).toHaveLength(3);
    // Enough to have dropped and begun chunks on the way.
    for (const { size } of await store.list()) expect(size).toBeGreaterThan(LIMITS.cap);
    await store.close();
  });

  it('compresses: the log has ended, all of it is there, and the next to open finishes the work', async () => {
    await times(12, async (n) => {
      const id = `done-${n}`;
      // A folder each: who opens one finishes all that was left in it, and is then another writer to the others here.
      const place = join(folder, id);
      const store = await openFileRunLogs({
        folder: place,
        clock: { now: Date.now },
        ...LIMITS,
        tidies: false,
      });
      await store.create(id);
      // Repeated, so that chunks get smaller.
      const text = Buffer.from(`epoch ${n}: loss 0.5\n`.repeat(9_000));
      await store.append(id, 0, text);
      const before = await readAll(store, id);
      await store.close();
      const child = start(id, 'finish', place);
      for await (const _ of child.lines) {
        for (let turns = Math.floor(Math.random() * 400); turns > 0; turns--)
          await new Promise((resolve) => setImmediate(resolve));
        child.kill('SIGKILL');
      }
      await child.gone;
      const again = await open(place);
      if ((await again.info(id))!.end) expect(await readAll(again, id)).toEqual(before);
      expect(await again.finish(id, COMPLETED)).toMatchObject({
        size: text.length,
        end: { state: 'completed' },
      });
      expect(await readAll(again, id)).toEqual(before);
      await again.close();
      const names = await readdir(join(place, id));
      expect(names.filter((name) => name.endsWith('.log') || name.endsWith('.tmp'))).toEqual([]);
    });
  });
});

describe('two processes on one run', () => {
  it('refuses the second, whatever its offset, until the first is gone', async () => {
    const child = start('run', 'hold');
    await child.lines.next();
    const store = await open();
    await expect(store.append('run', 0, Buffer.from('x'))).rejects.toMatchObject({
      code: 'conflict',
      size: 10,
    });
    const message = new RegExp(`another process \\(${child.pid}\\)`);
    for (const call of [
      () => store.append('run', 10, Buffer.from('x')),
      () => store.skip('run', 10, 12),
      () => store.finish('run', COMPLETED),
      () => store.remove('run'),
    ]) {
      const refusal = await call().catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'conflict', message: expect.stringMatching(message) });
      // That would mean: try again from its size.
      expect(refusal).not.toHaveProperty('size');
    }
    expect((await readAll(store, 'run')).bytes.equals(numberedBytes(0, 10))).toBe(true);
    await kill(child);
    expect(await store.append('run', 10, Buffer.from('x'))).toMatchObject({ size: 11 });
    await store.close();
  });

  it('tells of what another process appends, and of its end', async () => {
    const store = await open();
    const sizes: number[] = [];
    const unwatch = store.watch('run', ({ size }) => sizes.push(size));
    const child = start('run', 'hold');
    await child.lines.next();
    await expect.poll(() => sizes.at(-1)).toBe(10);
    await kill(child);
    const other = await open();
    await other.append('run', 10, Buffer.from('more'));
    await expect.poll(() => sizes.at(-1)).toBe(14);
    await other.finish('run', COMPLETED);
    unwatch();
    await other.close();
    await store.close();
  });
});
