/** When what of runs arrived, noted by several instances and read by any. */
import { describe, expect, it } from 'vitest';
import { openPostgresRunLogs } from '../../../src/stores/postgres/index.ts';
import { migrate } from '../../../src/stores/postgres/schema.ts';
import { AT, COMPLETED } from '../../contract/run-log-store.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('times of runs on PostgreSQL', () => {
  const postgres = postgresOfTests();

  it('are those that all instances have noted, in one row once the run has ended, and gone with its log', async () => {
    const url = await postgres().database();
    await migrate({ url });
    const now = { at: AT };
    const [one, other] = [1, 2].map(() => openPostgresRunLogs({ url, clock: { now: () => now.at } }));
    const print = async (by: typeof one, bytes: number): Promise<void> => {
      const { size } = await one!.runLogs.create('run');
      by!.runTimes.note(await by!.runLogs.append('run', size, Buffer.alloc(bytes)), now.at);
    };
    for (let second = 0; second < 20; second += 1) {
      now.at = AT + second * 10_000;
      // A sender's requests reach either of them for a while each.
      await print(second < 7 ? one : other, 100);
    }
    const rows = () => postgres().query(url, 'select from signalbox.run_times');
    await expect.poll(async () => (await rows()).length).toBeGreaterThan(0);
    await one!.runTimes.end('run');
    now.at += 5_000;
    const ended = await other!.runLogs.finish('run', COMPLETED);
    await other!.runTimes.end('run');
    expect(await rows()).toHaveLength(1);
    const table = await one!.runTimes.read(ended);
    for (let second = 0; second < 20; second += 1)
      expect(table.at(100 * second + 50)).toBe(AT + second * 10_000);
    // Of what nobody has noted: when the log changed last.
    expect(table.at(2_001)).toBe(now.at);
    await other!.runLogs.remove('run');
    expect(await rows()).toEqual([]);
    // There is no log of it any more: nothing to note, and nobody is told of a failure.
    one!.runTimes.note({ id: 'run', createdAt: AT, size: 1 }, AT);
    await one!.runTimes.close();
    await other!.runTimes.end('nobody');
    await other!.runTimes.close();
    expect(await rows()).toEqual([]);
    for (const { close } of [one!, other!]) await close();
  });
});
