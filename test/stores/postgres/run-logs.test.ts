/** Logs of runs in a database that several instances share. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { childEnvironment } from '../../../src/config.ts';
import type { RunLogStore } from '../../../src/ports/run-log-store.ts';
import { openPostgres, openPostgresRunLogs } from '../../../src/stores/postgres/index.ts';
import { AT, COMPLETED, LIMITS, readAll, runLogStoreContract } from '../../contract/run-log-store.ts';
import { cuttingProxy } from '../../fixtures/cutting-proxy.ts';
import { endProcess } from '../../fixtures/end-process.ts';
import { numberedBytes } from '../../fixtures/numbered-bytes.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const root = join(import.meta.dirname, '../../..');

describe.skipIf(noPostgres)('logs of runs on PostgreSQL', () => {
  const postgres = postgresOfTests();
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** As an instance of the bot has them: it hears of what others do. */
  async function open(
    url: string,
    { now = Date.now, waitFor, ...runLogs }: { now?: () => number; waitFor?: number; cap?: number } = {},
  ): Promise<RunLogStore> {
    const clock = { now, elapsed: () => performance.now() };
    const options = { url, clock, onError: () => {}, poolSize: 4, runLogs };
    const opened = await openPostgres({ ...options, ...(waitFor === undefined ? {} : { waitFor }) });
    const close = opened.runLogs.close.bind(opened.runLogs);
    return Object.assign(opened.runLogs, {
      async close() {
        await opened.coordination.close();
        await close();
        await opened.store.close();
      },
    });
  }
  async function instance(url: string, options: Parameters<typeof open>[1] = {}): Promise<RunLogStore> {
    const logs = await open(url, options);
    closing.push(() => logs.close());
    return logs;
  }
  /** As a subcommand has them: it looks. */
  function beside(url: string, options: { waitFor?: number } = {}): RunLogStore {
    const { runLogs, close } = openPostgresRunLogs({ url, clock: { now: Date.now }, ...options });
    closing.push(close);
    return runLogs;
  }
  const count = async (url: string, table: string): Promise<number> => {
    const rows = await postgres().query<{ n: number }>(
      url,
      `select count(*)::int as n from signalbox.${table}`,
    );
    return rows[0]!.n;
  };
  const text = async (logs: RunLogStore, id: string): Promise<string> =>
    (await readAll(logs, id)).bytes.toString();

  runLogStoreContract('PostgreSQL', async () => {
    const url = await postgres().database();
    const now = { at: AT };
    return { open: () => open(url, { now: () => now.at, ...LIMITS }), now, dispose: async () => {} };
  });

  it('are a row for each chunk, however small the appends were, and nothing is left of one that is removed', async () => {
    const url = await postgres().database();
    const logs = await instance(url);
    await logs.create('run');
    let size = 0;
    const append = async (bytes: number): Promise<void> => {
      ({ size } = await logs.append('run', size, numberedBytes(size, size + bytes)));
    };
    for (let n = 0; n < 600; n += 1) await append(7);
    expect(await count(url, 'run_log_pieces')).toBeLessThanOrEqual(2 + (600 % 256));
    await append(256 * 1024 - size);
    expect(await count(url, 'run_log_pieces')).toBe(1);
    await append(600_000);
    await append(3);
    expect(await count(url, 'run_log_pieces')).toBe(5);
    expect((await readAll(logs, 'run', 100_000)).bytes.equals(numberedBytes(0, size))).toBe(true);
    const raw = (await logs.stored()).get('run')!;
    await logs.finish('run', COMPLETED);
    expect(await count(url, 'run_log_pieces')).toBe(4);
    expect((await logs.stored()).get('run')).toBeLessThan(raw);
    expect((await readAll(logs, 'run', 100_000)).bytes.equals(numberedBytes(0, size))).toBe(true);
    const under = await logs.under({ lease: 'follow run', fence: 1 });
    await under.remove('run');
    for (const table of ['run_logs', 'run_log_pieces', 'fences']) expect(await count(url, table)).toBe(0);
  });

  it('are appended to by whichever instance, and of two at the same place one is refused', async () => {
    const url = await postgres().database();
    const [one, other] = [await instance(url), await instance(url)];
    await one.create('run');
    await one.append('run', 0, Buffer.from('one '));
    await other.append('run', 4, Buffer.from('two '));
    await one.append('run', 8, Buffer.from('three '));
    const outcomes = await Promise.allSettled([
      one.append('run', 14, Buffer.from('four')),
      other.append('run', 14, Buffer.from('FOUR')),
    ]);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'conflict', size: 18 } }]);
    const said = await text(other, 'run');
    expect(said).toBe(`one two three ${outcomes[0]!.status === 'fulfilled' ? 'four' : 'FOUR'}`);
    expect(await text(one, 'run')).toBe(said);
    // A cursor that both have read is replaced by one of them.
    const read = (await one.info('run'))!;
    const both = await Promise.allSettled(
      [one, other].map((logs, n) => logs.append('run', 18, new Uint8Array(0), `mine ${n}`, read)),
    );
    expect(both.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'conflict', cursorChanged: true } },
    ]);
  });

  it('are watched by an instance while another one writes them, to their end', async () => {
    const url = await postgres().database();
    const [writer, watcher] = [await instance(url), await instance(url)];
    const seen: number[] = [];
    const notes: unknown[] = [];
    const ends: unknown[] = [];
    watcher.watch('run', ({ size, end, note }) => {
      seen.push(size);
      notes.push(note);
      if (end) ends.push(end);
    });
    await writer.create('run');
    for (let n = 1; n <= 5; n += 1) {
      await writer.append('run', 10 * (n - 1), numberedBytes(10 * (n - 1), 10 * n));
      await expect.poll(() => seen.at(-1), { interval: 2 }).toBe(10 * n);
      expect((await watcher.read('run', 10 * (n - 1), 10)).bytes).toHaveLength(10);
    }
    await writer.note('run', 'it waits');
    await expect.poll(() => notes.at(-1)).toBe('it waits');
    await writer.finish('run', COMPLETED);
    await expect.poll(() => ends.at(-1)).toEqual(COMPLETED);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    // Another one of its name is another log.
    await writer.remove('run');
    await writer.create('run');
    await expect.poll(() => seen.at(-1)).toBe(0);
  });

  it('are watched on where notifications are missed, and where none can be heard', async () => {
    const url = await postgres().database();
    const [writer, watcher] = [await instance(url), await instance(url)];
    const sizes: number[] = [];
    const looked: number[] = [];
    await writer.create('run');
    watcher.watch('run', ({ size }) => sizes.push(size));
    beside(url).watch('run', ({ size }) => looked.push(size));
    await expect.poll(() => [sizes.at(-1), looked.at(-1)]).toEqual([0, 0]);
    // Every connection that listens is cut while it is changed.
    await postgres().query(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'signalbox listening' and datname = current_database()`,
    );
    await writer.append('run', 0, Buffer.from('unheard'));
    await expect.poll(() => [sizes.at(-1), looked.at(-1)]).toEqual([7, 7]);
    // Nobody says anything of this one.
    await postgres().query(url, 'update signalbox.run_logs set size = 9, revision = revision + 1');
    await expect.poll(() => [sizes.at(-1), looked.at(-1)], { timeout: 5_000 }).toEqual([9, 9]);
  });

  describe('whose writer is killed -9', () => {
    const SMALL = { chunkBytes: 16_384, head: 16_384, cap: 200_000 };
    function writer(url: string, id: string, mode: string): ChildProcess & { lines: AsyncIterable<string> } {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', 'test/fixtures/run-log-writer.ts', url, id, JSON.stringify(SMALL), mode],
        { cwd: root, env: childEnvironment({}), stdio: ['ignore', 'pipe', 'inherit'] },
      );
      closing.push(() => endProcess(child));
      return Object.assign(child, { lines: createInterface({ input: child.stdout! }) });
    }
    const nobodyWrites = (url: string) =>
      expect
        .poll(() =>
          postgres().query(
            url,
            `select from pg_stat_activity where application_name = 'signalbox' and datname = current_database()
             and state <> 'idle'`,
          ),
        )
        .toEqual([]);

    it('while it appends: all that was accepted is there, nothing twice, and another one goes on at once', async () => {
      const url = await postgres().database();
      const next = await instance(url, SMALL);
      for (let n = 0; n < 8; n += 1) {
        const child = writer(url, 'run', 'append');
        const gone = once(child, 'exit');
        let accepted = 0;
        let left = 3 + 11 * n;
        for await (const line of child.lines) {
          accepted = Number(line);
          if (--left === 0) child.kill('SIGKILL');
        }
        await gone;
        // What the server was just doing for it may still be done.
        await nobodyWrites(url);
        const { size, cursor } = (await next.info('run'))!;
        expect(size).toBeGreaterThanOrEqual(accepted);
        expect(cursor).toBe(`at ${size}`);
        const to = size + 1 + 700 * n;
        expect(await next.append('run', size, numberedBytes(size, to), `at ${to}`)).toMatchObject({
          size: to,
        });
        for (let at = 0; at < to; ) {
          const { bytes, gap } = await next.read('run', at, to);
          if (gap) expect(gap.reason).toBe('cap');
          else expect(numberedBytes(at, at + bytes.length).equals(bytes)).toBe(true);
          at = gap ? gap.to : at + bytes.length;
        }
      }
      expect((await next.info('run'))!.size).toBeGreaterThan(SMALL.cap);
    });

    it('while it compresses: the log has ended, all of it is there, and the next to start finishes the work', async () => {
      const url = await postgres().database();
      const before = await instance(url, SMALL);
      const printed = Buffer.from('epoch 1: loss 0.5\n'.repeat(9_000));
      await before.create('run');
      await before.append('run', 0, printed);
      const child = writer(url, 'run', 'finish');
      const gone = once(child, 'exit');
      const packed = async (): Promise<number> =>
        (
          await postgres().query<{ n: number }>(
            url,
            'select count(*)::int as n from signalbox.run_log_pieces where packed',
          )
        )[0]!.n;
      await expect.poll(packed, { interval: 1 }).toBeGreaterThan(0);
      child.kill('SIGKILL');
      await gone;
      expect((await readAll(before, 'run')).bytes.equals(printed)).toBe(true);
      await instance(url, SMALL);
      await expect.poll(packed).toBe(await count(url, 'run_log_pieces'));
      expect((await readAll(before, 'run')).bytes.equals(printed)).toBe(true);
      expect(await before.info('run')).toMatchObject({ size: printed.length, end: { state: 'completed' } });
    });
  });

  it('take an append once whose answer was lost, and answer as if nothing had happened', async () => {
    const url = await postgres().database();
    const proxy = await cuttingProxy(postgres().port);
    closing.push(() => proxy.close());
    const logs = await instance(url.replace(`:${postgres().port}/`, `:${proxy.port}/`));
    await logs.create('run');
    for (const [n, cuts] of [1, 1, 2].entries()) {
      const before = proxy.cuts;
      proxy.cutAt('COMMIT', cuts);
      expect(await logs.append('run', 4 * n, Buffer.from('once'), `c${n}`)).toMatchObject({
        size: 4 * (n + 1),
      });
      expect(proxy.cuts).toBeGreaterThan(before);
    }
    proxy.cutAt('COMMIT', 0);
    expect(await text(logs, 'run')).toBe('once'.repeat(3));
    expect(await logs.info('run')).toMatchObject({ size: 12, cursor: 'c2' });
  });

  it('refuse in time while the database is away, and an append that was refused goes on where the log is', async () => {
    const url = await postgres().database();
    const logs = await instance(url, { waitFor: 50 });
    await logs.create('run');
    await logs.append('run', 0, Buffer.from('one'));
    await postgres().stop('crash');
    for (const call of [() => logs.append('run', 3, Buffer.from('two')), () => logs.read('run', 0, 3)])
      await expect(call()).rejects.toMatchObject({ code: 'unavailable' });
    await postgres().start();
    const retried = async (): Promise<unknown> =>
      logs.append('run', 3, Buffer.from('two')).then(
        ({ size }) => size,
        (error: { size?: number }) => error.size,
      );
    await expect.poll(retried).toBe(6);
    expect(await retried()).toBe(6);
    expect(await text(logs, 'run')).toBe('onetwo');
  });

  it('keep nothing of an append for which there is no room', async () => {
    const url = await postgres().database();
    const logs = await instance(url);
    await logs.create('run');
    await logs.append('run', 0, Buffer.from('one'));
    await postgres().query(
      url,
      `create function signalbox.full_disk() returns trigger language plpgsql as $$
         begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
       create trigger full_disk before insert on signalbox.run_log_pieces execute function signalbox.full_disk()`,
    );
    await expect(logs.append('run', 3, Buffer.from('two'), 'c')).rejects.toMatchObject({
      code: 'unavailable',
      adminHint: expect.stringMatching(/^The disk of the database .* is full\. Make room there\./),
    });
    expect(await logs.info('run')).toMatchObject({ size: 3 });
    expect((await logs.info('run'))!.cursor).toBeUndefined();
    await postgres().query(url, 'drop trigger full_disk on signalbox.run_log_pieces');
    await logs.append('run', 3, Buffer.from('two'));
    expect(await text(logs, 'run')).toBe('onetwo');
  });
});
