/** What every store must do, whatever it keeps its state in. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord, Store } from '../../src/ports.ts';

export interface StoreHarness {
  /** Opens the same state again after a close. */
  open(): Promise<Store>;
  dispose(): Promise<void>;
}

export function record(changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    at: 1_763_715_000_000,
    actor: { team: 'T0LINE', user: 'U0ADA' },
    action: 'logs.downloaded',
    useCase: 'line-3',
    subject: 'train-resnet',
    sessionName: 'logs-U0ADA.T0LINE-mi8x0aaa',
    detail: { events: 12, gzipped: false, by: 'command' },
    ...changes,
  };
}

export function storeContract(name: string, harness: () => Promise<StoreHarness>): void {
  describe(`store contract: ${name}`, () => {
    let state: StoreHarness;
    let store: Store;

    beforeEach(async () => {
      state = await harness();
      store = await state.open();
    });
    afterEach(async () => {
      await store.close();
      await state.dispose();
    });

    const subjects = async (query: Parameters<Store['listAudit']>[0]) =>
      (await store.listAudit(query)).map(({ subject }) => subject);

    it('[S4] gives back an audit record as it was, session name included', async () => {
      await store.appendAudit(record());
      expect(await store.listAudit({ limit: 10 })).toEqual([record()]);
    });

    it('gives back the newest first, and no more than asked for', async () => {
      for (const [at, subject] of [
        [3, 'c'],
        [1, 'a'],
        [2, 'b'],
      ] as const)
        await store.appendAudit(record({ at, subject }));
      expect(await subjects({ limit: 2 })).toEqual(['c', 'b']);
      expect(await subjects({ limit: 0 })).toEqual([]);
    });

    it('puts the later of two records of one millisecond first', async () => {
      await store.appendAudit(record({ at: 5, subject: 'first' }));
      await store.appendAudit(record({ at: 5, subject: 'second' }));
      expect(await subjects({ limit: 10 })).toEqual(['second', 'first']);
    });

    it('finds by person and by subject', async () => {
      await store.appendAudit(record({ subject: 'x' }));
      await store.appendAudit(record({ subject: 'y', actor: { team: 'T0LINE', user: 'U0BEN' } }));
      await store.appendAudit(record({ subject: 'x', actor: { team: 'T0LINE', user: 'U0BEN' }, at: 9e12 }));
      expect(await subjects({ user: 'U0BEN', limit: 10 })).toEqual(['x', 'y']);
      expect(await store.listAudit({ user: 'U0ADA', subject: 'x', limit: 10 })).toHaveLength(1);
      expect(await store.listAudit({ user: 'U0EVE', limit: 10 })).toEqual([]);
    });

    it('keeps what it acknowledged through a close and a new start', async () => {
      await Promise.all(Array.from({ length: 50 }, (_, at) => store.appendAudit(record({ at }))));
      await store.close();
      store = await state.open();
      const times = (await store.listAudit({ limit: 100 })).map(({ at }) => at);
      expect(times).toEqual(Array.from({ length: 50 }, (_, index) => 49 - index));
    });

    it('keeps its own copy: what the caller changes afterwards is not its matter', async () => {
      const mine = record();
      await store.appendAudit(mine);
      mine.detail!.events = 99;
      expect((await store.listAudit({ limit: 1 }))[0]?.detail?.events).toBe(12);
    });

    it('keeps odd characters', async () => {
      const subject = '<!channel> `\u0000\u001b[31m "\\ \u2028 😀';
      await store.appendAudit(record({ subject }));
      await store.close();
      store = await state.open();
      expect(await subjects({ subject, limit: 1 })).toEqual([subject]);
    });

    it('closes twice without complaint and takes nothing after that', async () => {
      await store.close();
      await store.close();
      await expect(store.appendAudit(record())).rejects.toThrow(/closed/);
    });
  });
}
