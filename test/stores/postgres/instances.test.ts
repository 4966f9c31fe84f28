/** What instances that share a database do to each other: hung, cut off, with other clocks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { childEnvironment } from '../../../src/config.ts';
import type { WakeNote } from '../../../src/ports/coordination.ts';
import type { Store } from '../../../src/ports/store.ts';
import { openPostgres } from '../../../src/stores/postgres/index.ts';
import { eventRecord } from '../../contract/notifications.ts';
import { record } from '../../contract/store-records.ts';
import { endProcess } from '../../fixtures/end-process.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const root = join(import.meta.dirname, '../../..');

describe.skipIf(noPostgres)('instances on one PostgreSQL', () => {
  const postgres = postgresOfTests();
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function instance(url: string, ahead = 0) {
    const clock = { now: () => Date.now() + ahead, elapsed: () => performance.now() };
    const opened = await openPostgres({ url, clock, onError: () => {} });
    closing.push(
      () => opened.store.close(),
      () => opened.coordination.close(),
    );
    return opened;
  }

  function writer(
    url: string,
    ttl: number,
    ahead = 0,
  ): { child: ChildProcess; says(what: RegExp): Promise<string> } {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'test/fixtures/leased-writer.ts', url, String(ttl), String(ahead)],
      { cwd: root, env: childEnvironment({}), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    closing.push(() => endProcess(child));
    const lines: string[] = [];
    let heard = (): void => {};
    createInterface({ input: child.stdout! }).on('line', (line) => {
      lines.push(line);
      heard();
    });
    return {
      child,
      async says(what) {
        for (;;) {
          const at = lines.findIndex((line) => what.test(line));
          if (at >= 0) return lines.splice(0, at + 1).at(-1)!;
          await new Promise<void>((resolve) => {
            heard = resolve;
          });
        }
      },
    };
  }

  it('one that hangs while it writes under a lease is replaced, and writes nothing once it wakes', async () => {
    const url = await postgres().database();
    const hung = writer(url, 1_500);
    const first = Number((await hung.says(/^holds/)).split(' ')[1]);
    await hung.says(/^wrote 20$/);
    hung.child.kill('SIGSTOP');

    const { store, coordination } = await instance(url);
    const lease = await coordination.lease('watch', 60_000);
    expect(lease.fence).toBeGreaterThan(first);
    // Also where it hangs in the middle of a transaction: that ends by itself.
    const now = await store.under({ lease: lease.name, fence: lease.fence });
    const before = await store.listAudit({ limit: 100_000 });
    hung.child.kill('SIGCONT');
    await hung.says(/^refused conflict$/);
    await now.appendAudit(record());
    const after = await store.listAudit({ limit: 100_000 });
    expect(after.filter(({ action }) => action === String(first))).toHaveLength(before.length);
    expect(lease.lost.aborted).toBe(false);
  });

  it('one that is killed is replaced once its lease is over, and loses nothing that it wrote', async () => {
    const url = await postgres().database();
    const killed = writer(url, 1_500);
    await killed.says(/^wrote 50$/);
    await endProcess(killed.child);
    const { store, coordination } = await instance(url);
    await coordination.lease('watch', 60_000);
    expect((await store.listAudit({ limit: 1_000 })).length).toBeGreaterThanOrEqual(50);
  });

  it('clocks two minutes apart neither take a lease early nor keep it longer', async () => {
    const url = await postgres().database();
    const [behind, ahead] = [await instance(url, -120_000), await instance(url, 120_000)];
    const lease = await behind.coordination.lease('watch', 60_000);
    expect(await ahead.coordination.tryLease('watch', 60_000)).toBeUndefined();
    await lease.release();
    const next = await ahead.coordination.tryLease('watch', 60_000);
    expect(next!.fence).toBeGreaterThan(lease.fence);
    expect(await behind.coordination.tryLease('watch', 60_000)).toBeUndefined();
  });

  it('the same delivery to two of them in one millisecond is one event', async () => {
    const url = await postgres().database();
    const stores: Store[] = [(await instance(url)).store, (await instance(url)).store];
    for (let n = 0; n < 50; n += 1) {
      const keys = [`id:${n}`, `change:${n}`, `detail:${n}`];
      const added = await Promise.all(
        stores.map((store, at) =>
          // In another order each: they must not wait for each other for ever.
          store.addEvent(eventRecord(`${n}`, { keys: at === 0 ? keys : keys.toReversed() })),
        ),
      );
      expect(added.toSorted()).toEqual([false, true]);
      const other = await Promise.all(
        stores.map((store, at) => store.addEvent(eventRecord(`${n} at ${at}`, { keys: [`only:${n}`] }))),
      );
      expect(other.toSorted()).toEqual([false, true]);
    }
  });

  it('one that was cut off hears what was said meanwhile, and what is longer than a notification may be', async () => {
    const url = await postgres().database();
    const [one, other] = [await instance(url), await instance(url)];
    const heard: WakeNote[] = [];
    one.coordination.onWake('outbox', (note) => void heard.push(note));
    await other.coordination.wake('outbox', { n: 1 });
    await expect.poll(() => heard).toContainEqual({ n: 1 });
    for (let n = 2; n < 6; n += 1) {
      await postgres().query(
        url,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'signalbox listening' and datname = current_database()`,
      );
      await other.coordination.wake('outbox', { n, text: 'ü'.repeat(100_000) });
      await expect.poll(() => heard.map((note) => note.n)).toContain(n);
    }
    expect(heard.at(-1)).toEqual({ n: 5, text: 'ü'.repeat(100_000) });
  });

  it('a lease that is given back goes over although nobody could be told', async () => {
    const url = await postgres().database();
    const [one, other] = [await instance(url), await instance(url)];
    const lease = await one.coordination.lease('watch', 600_000);
    const waiting = other.coordination.lease('watch', 600_000);
    await expect.poll(async () => (await other.coordination.tryLease('watch', 1)) === undefined).toBe(true);
    await postgres().query(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'signalbox listening' and datname = current_database()`,
    );
    await lease.release();
    expect((await waiting).fence).toBeGreaterThan(lease.fence);
  });
});
