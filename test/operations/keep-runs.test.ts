/** Which logs of runs are removed, and that none is while it comes in or somebody reads it. */
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEnd } from '../../src/domain/runs.ts';
import { AppError } from '../../src/ground/errors.ts';
import { followLease } from '../../src/operations/follow-runs.ts';
import { PUSH_GIVEN_UP, RunRetention, type RunRetentionOptions } from '../../src/operations/keep-runs.ts';
import { RunsInUse } from '../../src/operations/runs-in-use.ts';
import type { RunLogInfo, RunLogStore } from '../../src/ports/run-log-store.ts';
import { diskUse } from '../../src/runs/disk-use.ts';
import { openFileRunLogs } from '../../src/runs/file-run-logs.ts';
import { PushedTimes } from '../../src/runs/pushed-times.ts';
import { InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { handTimers } from '../fixtures/hand-timers.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';

const DAY = 86_400_000;
const ENDED: RunEnd = { state: 'completed', exitCode: 0, signal: null, at: 0 };
const NOW = 100 * DAY;

/** One store, and the processes on it: a watch, and as many fronts as a test wants. */
class House {
  now = NOW;
  readonly clock = { now: () => this.now };
  readonly logs = new MemoryRunLogs({ clock: this.clock });
  readonly sizes = new Map<string, number>();
  readonly removed: string[] = [];
  readonly errors: unknown[] = [];
  readonly hub = new InProcessHub({
    clock: this.clock,
    onError: (error) => this.errors.push(error),
    after: () => () => {},
  });
  readonly timers = handTimers();

  /** @param age milliseconds since it changed */
  async run(id: string, age: number, size = 1, end: RunEnd | null = ENDED): Promise<void> {
    this.now = NOW - age;
    await this.logs.create(id);
    if (end) await this.logs.finish(id, end);
    this.sizes.set(id, size);
    this.now = NOW;
  }

  front(): RunsInUse {
    return new RunsInUse({
      coordination: this.hub.join(),
      onError: (error) => this.errors.push(error),
      after: (ms, run) => this.timers.after(ms, run),
    });
  }

  /** With the sizes that a test has given them. @param others of the store as it is under a lease */
  logsWith(others: Partial<RunLogStore> = {}): RunRetentionOptions['logs'] {
    return {
      list: () => this.logs.list(),
      stored: async () => this.sizes,
      under: async (fence) => ({ ...(await this.logs.under(fence)), ...others }),
    };
  }

  async clear(options: Partial<RunRetentionOptions> = {}): Promise<string[]> {
    const retention = new RunRetention({
      logs: this.logsWith(),
      coordination: this.hub.join(),
      clock: this.clock,
      keepFor: 30 * DAY,
      disk: 1_000,
      removed: async ({ id }) => void this.removed.push(id),
      onError: (error) => this.errors.push(error),
      ...options,
    });
    await retention.round();
    return (await this.logs.list()).map(({ id }) => id).sort();
  }
}

describe('logs of runs that are kept', () => {
  it('removes what has not changed for the time, and nothing younger', async () => {
    const house = new House();
    await house.run('line-3~local~old', 30 * DAY);
    await house.run('line-3~local~young', 30 * DAY - 1);
    expect(await house.clear()).toEqual(['line-3~local~young']);
    expect(house.removed).toEqual(['line-3~local~old']);
  });

  it('keeps for ever what is told to be kept for ever', async () => {
    const house = new House();
    await house.run('line-3~local~old', 99 * DAY);
    expect(await house.clear({ keepFor: undefined })).toEqual(['line-3~local~old']);
  });

  it('removes the oldest where there is no room, and no more than has to go', async () => {
    const house = new House();
    await house.run('line-3~local~1', 3 * DAY, 400);
    await house.run('line-3~local~2', 2 * DAY, 400);
    await house.run('line-3~local~3', 1 * DAY, 600);
    expect(await house.clear()).toEqual(['line-3~local~2', 'line-3~local~3']);
  });

  it('keeps what is read until ten minutes after it was, in whatever process', async () => {
    const house = new House();
    await house.run('line-3~local~read', 40 * DAY);
    const [one, other] = [house.front(), house.front()];
    const endsHere = one.use('line-3~local~read');
    const endsThere = other.use('line-3~local~read');
    expect(await house.clear()).toEqual(['line-3~local~read']);
    endsHere();
    endsHere();
    await house.timers.advance(10 * 60_000);
    expect(await house.clear()).toEqual(['line-3~local~read']);
    endsThere();
    await house.timers.advance(10 * 60_000 - 1);
    expect(await house.clear()).toEqual(['line-3~local~read']);
    // Read once more, and ten minutes begin anew.
    other.use('line-3~local~read')();
    await house.timers.advance(10 * 60_000 - 1);
    expect(await house.clear()).toEqual(['line-3~local~read']);
    await house.timers.advance(1);
    await Promise.all([one.close(), other.close()]);
    expect(await house.clear()).toEqual([]);
    expect(house.errors).toEqual([]);
  });

  it('keeps what is copied, and gives up a copy that nobody goes on with', async () => {
    const house = new House();
    await house.run('line-3~sagemaker~press', 40 * DAY, 1, null);
    const lease = await house.hub.join().lease(followLease('line-3~sagemaker~press'), 15_000);
    expect(await house.clear()).toEqual(['line-3~sagemaker~press']);
    await lease.release();
    expect(await house.clear()).toEqual([]);
  });

  it('keeps a pushed run that goes on, however old and large, until nothing was heard of it for a day', async () => {
    const house = new House();
    await house.run('line-3~push~bert', PUSH_GIVEN_UP - 1, 5_000, null);
    expect(await house.clear({ keepFor: 1 })).toEqual(['line-3~push~bert']);
    house.now += 1;
    expect(await house.clear({ keepFor: 1 })).toEqual([]);
  });

  it('lets a run be that has come back between the list and its turn', async () => {
    const house = new House();
    await house.run('line-3~push~bert', 40 * DAY, 1, null);
    const { logs } = house;
    const left = await house.clear({
      logs: house.logsWith({
        info: async (id) => {
          await logs.append(id, 0, Buffer.from('I am back'));
          return logs.info(id);
        },
      }),
    });
    expect(left).toEqual(['line-3~push~bert']);
  });

  it('that hangs while it removes one leaves it to who follows the run by then', async () => {
    const house = new House();
    await house.run('line-3~local~1', 60 * DAY);
    const { logs } = house;
    const left = await house.clear({
      logs: {
        ...house.logsWith(),
        under: async (fence) => {
          const own = await logs.under(fence);
          const info: RunLogStore['info'] = async (id) => {
            const found = await own.info(id);
            await logs.under({ lease: followLease(id), fence: fence.fence + 1 });
            return found;
          };
          return { ...own, info };
        },
      },
    });
    expect(left).toEqual(['line-3~local~1']);
    expect(house.errors).toMatchObject([{ code: 'conflict' }]);
  });

  it('goes on where one cannot be removed', async () => {
    const house = new House();
    await house.run('line-3~local~1', 60 * DAY);
    await house.run('line-3~local~2', 50 * DAY);
    const { logs } = house;
    const left = await house.clear({
      logs: house.logsWith({
        remove: async (id) => {
          if (id === 'line-3~local~1') throw new AppError('conflict', 'Another process writes it.');
          await logs.remove(id);
        },
      }),
    });
    expect(left).toEqual(['line-3~local~1']);
    expect(house.errors).toHaveLength(1);
  });

  it('removes nothing more once it is stopped', async () => {
    const house = new House();
    for (const n of [1, 2, 3]) await house.run(`line-3~local~${n}`, (50 - n) * DAY);
    const retention: RunRetention = new RunRetention({
      ...{ logs: house.logs, coordination: house.hub.join(), clock: house.clock, keepFor: DAY, disk: 1_000 },
      removed: async () => void retention.stop(),
      onError: (error) => house.errors.push(error),
    });
    await retention.round();
    await retention.round();
    expect((await house.logs.list()).map(({ id }) => id)).toEqual(['line-3~local~3', 'line-3~local~2']);
  });

  it('gives the disk back, with the times that were kept of a pushed run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-keep-'));
    try {
      const clock = { now: () => NOW };
      const logs = await openFileRunLogs({ folder: join(folder, 'runs'), clock });
      const times = new PushedTimes(join(folder, 'times'));
      for (const n of [1, 2]) {
        const id = `line-3~push~${n}`;
        await logs.create(id);
        times.note(await logs.append(id, 0, Buffer.alloc(200_000, `${n}`)), NOW);
        await logs.finish(id, ENDED);
        await times.end(id);
      }
      await mkdir(join(folder, 'runs', 'damaged'));
      await writeFile(join(folder, 'runs', 'damaged', 'state'), 'nothing');
      const retention = new RunRetention({
        ...{ logs, clock, keepFor: undefined },
        disk: (await logs.stored()).get('line-3~push~1')!,
        coordination: new InProcessHub({ clock, onError: () => undefined }).join(),
        removed: ({ id }) => times.remove(id),
        onError: (error) => {
          throw error;
        },
      });
      await retention.round();
      expect((await logs.list()).map(({ id }) => id)).toHaveLength(1);
      const [{ id }] = (await logs.list()) as [RunLogInfo];
      const gone = id.endsWith('1') ? 'line-3~push~2' : 'line-3~push~1';
      await expect(access(join(folder, 'times', gone))).rejects.toThrow('ENOENT');
      await access(join(folder, 'times', id));
      expect(await diskUse(join(folder, 'runs', gone))).toBe(0);
      await logs.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('keeps within the limits unless only live runs are left, never removes one of those, and always the oldest first', async () => {
    const one = fc.record({
      provider: fc.constantFrom('local', 'sagemaker', 'push'),
      age: fc.integer({ min: 0, max: 40 * DAY }),
      size: fc.integer({ min: 0, max: 600 }),
      hasEnded: fc.boolean(),
      isRead: fc.boolean(),
      isCopied: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(one, { maxLength: 12 }),
        fc.option(fc.integer({ min: 1, max: 40 * DAY }), { nil: undefined }),
        async (runs, keepFor) => {
          const house = new House();
          const [front, follower] = [house.front(), house.hub.join()];
          const all = runs.map((run, n) => ({ ...run, id: `line-3~${run.provider}~${n}` }));
          for (const { id, age, size, hasEnded, isRead, isCopied } of all) {
            await house.run(id, age, size, hasEnded ? ENDED : null);
            if (isRead) front.use(id);
            if (isCopied) await follower.lease(followLease(id), 15_000);
          }
          const left = new Set(await house.clear({ keepFor }));
          const isLive = ({ isRead, isCopied, hasEnded, provider, age }: (typeof all)[number]) =>
            isRead || isCopied || (provider === 'push' && !hasEnded && age < PUSH_GIVEN_UP);
          const kept = all.filter(({ id }) => left.has(id));
          const gone = all.filter(({ id }) => !left.has(id));
          expect(gone.filter(isLive)).toEqual([]);
          const idle = kept.filter((run) => !isLive(run));
          const used = kept.reduce((sum, { size }) => sum + size, 0);
          if (idle.length > 0) expect(used).toBeLessThanOrEqual(1_000);
          for (const { age } of idle) {
            if (keepFor !== undefined) expect(age).toBeLessThan(keepFor);
            for (const other of gone) expect(other.age).toBeGreaterThanOrEqual(age);
          }
          // No more than has to go: with the youngest of the removed, it would not fit.
          const [last] = gone.sort((a, b) => a.age - b.age);
          if (last && last.age < (keepFor ?? Number.POSITIVE_INFINITY))
            expect(used + last.size).toBeGreaterThan(1_000);
          expect(house.errors).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
