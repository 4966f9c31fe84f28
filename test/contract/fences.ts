/** What every store must do with writes under a lease. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { eachTestHasStore, type StoreHarness } from './store-harness.ts';
import { attempt, component, jobRecord, record, seen } from './store-records.ts';

/** Every kind of write that work under a lease makes. */
const WRITES: readonly [what: string, write: (store: Store) => Promise<unknown>][] = [
  ['an audit record', (store) => store.appendAudit(record())],
  ['a job', (store) => store.changeJob('line-3', 'new', () => jobRecord('new'))],
  ['a new attempt', (store) => store.addAttempt(attempt({ target: 'x86_64-cpu' }))],
  ['a change of an attempt', (store) => store.changeAttempt(KNOWN.id, seen('INPROGRESS'))],
  ['a component', (store) => store.addComponent(component('1.0.0'))],
  [
    'an event',
    (store) => store.addEvent({ id: 'e', keys: ['e'], receivedAt: 1, via: 'sqs', state: 'pending' }),
  ],
  ['a claim of events', (store) => store.claimEvents({ by: 'me', kinds: ['alarm'], limit: 1 })],
  ['that claims are given back', (store) => store.giveBackEvents('me')],
  [
    'a message',
    (store) =>
      store.changePost('card/1', () => ({
        key: 'card/1',
        id: 'i',
        channel: 'C0LINE3',
        createdAt: 1,
        changedAt: 1,
        version: 1,
        shown: 0,
        message: { text: 'mine' },
      })),
  ],
  [
    'a dead channel',
    (store) =>
      store.changeDeadChannel('C0DEAD', () => ({
        channel: 'C0DEAD',
        since: 1,
        code: 'is_archived',
        nextCheckAt: 2,
        checks: 0,
      })),
  ],
  ['a timer', (store) => store.putTimer({ id: 'digest/C0LINE3', kind: 'digest', dueAt: 9 })],
  ['that a timer is gone', (store) => store.removeTimer('known')],
];
const KNOWN = attempt();

export function fencesContract(name: string, harness: () => Promise<StoreHarness>): void {
  describe(`fences contract: ${name}`, () => {
    let store: Store;
    const reopen = eachTestHasStore(harness, (opened) => {
      store = opened;
    });
    beforeEach(async () => {
      await store.addAttempt(KNOWN);
      await store.putTimer({ id: 'known', kind: 'digest', dueAt: 1 });
    });

    it.each(WRITES)(
      'takes %s under the newest fence, and refuses it under an older one',
      async (_, write) => {
        const old = await store.under({ lease: 'watch', fence: 3 });
        const now = await store.under({ lease: 'watch', fence: 4 });
        await expect(write(old)).rejects.toMatchObject({ code: 'conflict' });
        await expect(write(now)).resolves.not.toThrow();
      },
    );

    it('writes nothing of what it refuses', async () => {
      const old = await store.under({ lease: 'watch', fence: 1 });
      await store.under({ lease: 'watch', fence: 2 });
      for (const [, write] of WRITES) await write(old).catch(() => undefined);
      expect(await store.getJob('line-3', 'new')).toBeUndefined();
      expect(await store.listAttempts({})).toEqual([KNOWN]);
      expect(await store.listUnsent()).toEqual([]);
      expect(await store.listDeadChannels()).toEqual([]);
      expect(await store.listAudit({ limit: 9 })).toEqual([]);
      expect((await store.listTimers()).map(({ id }) => id)).toEqual(['known']);
    });

    it('refuses a fence that is older than the newest, from its beginning', async () => {
      await store.under({ lease: 'watch', fence: 8 });
      await expect(store.under({ lease: 'watch', fence: 7 })).rejects.toMatchObject({ code: 'conflict' });
      await store.under({ lease: 'another', fence: 1 });
    });

    it('lets an older holder read, and everybody write who does so under no lease or another', async () => {
      const old = await store.under({ lease: 'watch', fence: 1 });
      const other = await store.under({ lease: 'another', fence: 1 });
      await store.under({ lease: 'watch', fence: 2 });
      await store.changeJob('line-3', 'free', () => jobRecord('free'));
      await other.changeJob('line-3', 'leased', () => jobRecord('leased'));
      expect(await old.listJobs({ limit: 9 })).toHaveLength(2);
    });

    it('is one state, whoever closes a view of it', async () => {
      const view = await store.under({ lease: 'watch', fence: 1 });
      await view.changeJob('line-3', 'a', () => jobRecord('a'));
      await view.close();
      await store.changeJob('line-3', 'b', () => jobRecord('b'));
      expect(await view.listJobs({ limit: 9 })).toHaveLength(2);
      await reopen();
      expect(await store.listJobs({ limit: 9 })).toHaveLength(2);
      // A new process counts its holders anew.
      const again = await store.under({ lease: 'watch', fence: 1 });
      await again.changeJob('line-3', 'c', () => jobRecord('c'));
    });
  });
}
