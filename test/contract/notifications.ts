/** What every store must do with events, messages, alerts, subscriptions and timers. */
import { describe, expect, it } from 'vitest';
import { type Alert, acknowledge, joinAlert, openAlert, resolve } from '../../src/domain/alerts.ts';
import type { AwsEvent, AwsEventKind } from '../../src/domain/aws-events.ts';
import type { EventRecord } from '../../src/ports/event-store.ts';
import type { OutboxRecord } from '../../src/ports/outbox-store.ts';
import type { Store } from '../../src/ports/store.ts';
import { eachTestHasStore, type StoreHarness } from './store-harness.ts';
import { AT } from './store-records.ts';

const BY = { team: 'T0LINE', user: 'U0ADA' };

export function eventRecord(id: string, changes: Partial<EventRecord> = {}): EventRecord {
  return { id, keys: [`id:${id}`], receivedAt: AT, via: 'sqs', state: 'pending', ...changes };
}

export const alarmEvent = (id: string): Extract<AwsEvent, { kind: 'alarm' }> => ({
  id,
  account: '123456789012',
  region: 'eu-west-1',
  at: AT,
  resource: `arn:aws:cloudwatch:eu-west-1:123456789012:alarm:${id}`,
  replayed: false,
  kind: 'alarm',
  alarm: id,
  state: 'ALARM',
});

export function post(key: string, changes: Partial<OutboxRecord> = {}): OutboxRecord {
  return {
    key,
    id: `id-${key}`,
    channel: 'C0LINE3',
    createdAt: AT,
    changedAt: AT,
    message: { text: key, blocks: [{ type: 'divider' }] },
    version: 1,
    shown: 0,
    ...changes,
  };
}

export function alert(id: string, changes: Partial<Alert> = {}): Alert {
  const facts = {
    id,
    useCase: 'line-3',
    group: `group-${id}`,
    kind: 'training' as const,
    title: id,
    cause: 'boom',
  };
  const subject = { id: `subject-${id}`, name: id, at: AT };
  return { ...openAlert({ ...facts, subject }, AT, { levels: 2, afterMs: 1000 }), ...changes };
}

export function notificationContract(name: string, harness: () => Promise<StoreHarness>): void {
  describe(`store contract, notifications: ${name}`, () => {
    let store: Store;
    const reopen = eachTestHasStore(harness, (opened) => {
      store = opened;
    });

    describe('[N2] events', () => {
      it('are unique by each of their keys, also when they come at the same time', async () => {
        const added = await Promise.all([
          store.addEvent(eventRecord('a', { keys: ['id:a', 'change:1'] })),
          store.addEvent(eventRecord('a')),
          store.addEvent(eventRecord('b', { keys: ['id:b', 'change:1'] })),
          store.addEvent(eventRecord('c', { keys: ['id:c', 'change:2'] })),
        ]);
        expect(added).toEqual([true, false, false, true]);
        await reopen();
        expect(await store.addEvent(eventRecord('d', { keys: ['change:2'] }))).toBe(false);
      });

      it('are pending until they are settled, oldest first, and known afterwards', async () => {
        await store.addEvent(eventRecord('late', { receivedAt: AT + 2 }));
        await store.addEvent(eventRecord('early', { receivedAt: AT + 1 }));
        const pending = async () =>
          (await store.listEvents({ state: 'pending', limit: 9 })).map(({ id }) => id);
        expect(await pending()).toEqual(['early', 'late']);
        await store.changeEvent('early', (known) => ({ ...known, state: 'handled', settledAt: AT }));
        await store.changeEvent('nobody', (known) => known);
        await reopen();
        expect(await pending()).toEqual(['late']);
        expect(await store.addEvent(eventRecord('early'))).toBe(false);
      });

      it('tell when the newest that was handled happened, of each thing that they are about', async () => {
        const handled = (known: EventRecord): EventRecord => ({ ...known, state: 'handled', settledAt: AT });
        const add = async (id: string, at: number, ...things: string[]) => {
          await store.addEvent(eventRecord(id, { about: { things, at } }));
          await store.changeEvent(id, handled);
        };
        await store.addEvent(eventRecord('waits', { about: { things: ['box'], at: AT + 9 } }));
        expect(await store.newestHandled('box')).toBeUndefined();
        await add('newer', AT + 5, 'box', 'belt');
        await add('older', AT + 2, 'box');
        await store.addEvent(eventRecord('of nothing', { state: 'handled' }));
        await reopen();
        expect(await store.newestHandled('box')).toBe(AT + 5);
        expect(await store.newestHandled('belt')).toBe(AT + 5);
        expect(await store.newestHandled('nobody')).toBeUndefined();
        await store.changeEvent('waits', handled);
        expect(await store.newestHandled('box')).toBe(AT + 9);
      });

      it('are counted, those set aside by their reason', async () => {
        const aside = (id: string, code: 'not-json' | 'incomplete') =>
          store.addEvent(eventRecord(id, { state: 'set-aside', reason: { code, message: 'x' } }));
        await store.addEvent(eventRecord('a'));
        await aside('b', 'not-json');
        await aside('c', 'not-json');
        await aside('d', 'incomplete');
        expect(await store.countEvents()).toEqual({
          pending: 1,
          handled: 0,
          setAside: { 'not-json': 2, incomplete: 1 },
        });
      });
    });

    describe('claims of events', () => {
      const about = (id: string, subject: string, changes: Partial<EventRecord> = {}): EventRecord =>
        eventRecord(id, { subject, event: alarmEvent(id), ...changes });
      const claim = async (by: string, limit = 9, kinds: AwsEventKind[] = ['alarm']): Promise<string[]> =>
        (await store.claimEvents({ by, kinds, limit })).map(({ id }) => id);
      const settle = (id: string): Promise<void> =>
        store.changeEvent(id, ({ event: _, ...known }) => ({ ...known, state: 'handled', settledAt: AT }));

      it('are of one instance each, oldest first, however many ask at the same time', async () => {
        for (let n = 0; n < 30; n += 1)
          await store.addEvent(about(`e${n}`, `s${n}`, { receivedAt: AT + 30 - n }));
        const all = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((by) => claim(by, 5)));
        expect(all.map((ids) => ids.length)).toEqual([5, 5, 5, 5, 5]);
        expect(new Set(all.flat()).size).toBe(25);
        expect(await claim('a', 99)).toEqual(['e4', 'e3', 'e2', 'e1', 'e0']);
        expect((await store.listClaimants()).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
      });

      it('leave out other kinds, and what is settled', async () => {
        await store.addEvent(about('handled', 's1', { state: 'handled' }));
        await store.addEvent(about('alarm', 's2'));
        const { account, region, at, resource } = alarmEvent('x');
        const model = { status: 'Completed', model: 'm', account, region, at, resource, replayed: false };
        await store.addEvent(
          about('model', 's3', { event: { ...model, id: 'model', kind: 'model-package' } as AwsEvent }),
        );
        expect(await claim('a')).toEqual(['alarm']);
        expect(await claim('a', 9, ['model-package', 'deployment'])).toEqual(['model']);
        expect(await claim('a', 0)).toEqual([]);
      });

      it('are of one instance for all of one subject, until it has settled them', async () => {
        await store.addEvent(about('first', 'box'));
        await store.addEvent(about('second', 'box', { receivedAt: AT + 1 }));
        expect(await claim('a', 1)).toEqual(['first']);
        expect(await claim('b')).toEqual([]);
        expect(await claim('a')).toEqual(['second']);
        await store.addEvent(about('third', 'box', { receivedAt: AT + 2 }));
        await settle('first');
        expect(await claim('b')).toEqual([]);
        await settle('second');
        expect(await store.listClaimants()).toEqual([]);
        expect(await claim('b')).toEqual(['third']);
      });

      it('are of one instance for all of one subject also when many ask at the same time', async () => {
        for (let n = 0; n < 40; n += 1)
          await store.addEvent(about(`e${n}`, `s${n % 4}`, { receivedAt: AT + n }));
        const instances = Array.from({ length: 8 }, (_, n) => `i${n}`);
        const all = await Promise.all(instances.map((by) => claim(by, 3)));
        const holders = new Map<number, Set<number>>();
        for (const [by, ids] of all.entries())
          for (const id of ids) {
            const subject = Number(id.slice(1)) % 4;
            holders.set(subject, (holders.get(subject) ?? new Set()).add(by));
          }
        for (const [, by] of holders) expect(by.size).toBe(1);
        // What each has of a subject is the oldest of it.
        for (const subject of holders.keys()) {
          const numbers = all.flat().flatMap((id) => {
            const n = Number(id.slice(1));
            return n % 4 === subject ? [n] : [];
          });
          expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => subject + 4 * index));
        }
      });

      it('end when they are given back, by whom they are or by who knows that it is gone', async () => {
        await store.addEvent(about('first', 's1'));
        await store.addEvent(about('second', 's2'));
        expect(await claim('a', 1)).toEqual(['first']);
        expect(await claim('b', 1)).toEqual(['second']);
        await store.giveBackEvents('a');
        await store.giveBackEvents('nobody');
        expect(await store.listClaimants()).toEqual(['b']);
        expect(await claim('c')).toEqual(['first']);
        expect(await store.getEvent('first')).toMatchObject({ state: 'pending', subject: 's1' });
      });
    });

    describe('[N7] messages', () => {
      it('are unsent in the order in which they came, until they are shown or given up', async () => {
        for (const [at, key] of ['c', 'a', 'b'].entries())
          await store.changePost(key, () => post(key, { createdAt: AT + at }));
        const unsent = async () => (await store.listUnsent()).map(({ key }) => key);
        expect(await unsent()).toEqual(['c', 'a', 'b']);
        await store.changePost('a', (known) => known && { ...known, message: undefined, shown: 1 });
        await store.changePost('c', (known) => known && { ...known, failed: { code: 'expired', at: AT } });
        await reopen();
        expect(await unsent()).toEqual(['b']);
        expect(await store.getPost('a')).toMatchObject({ shown: 1 });
        expect(await store.getPost('nobody')).toBeUndefined();
      });

      it('are changed atomically', async () => {
        await store.changePost('card', () => post('card'));
        await Promise.all(
          Array.from({ length: 20 }, () =>
            store.changePost('card', (known) => known && { ...known, version: known.version + 1 }),
          ),
        );
        expect(await store.getPost('card')).toMatchObject({ version: 21 });
      });

      it('know the channels that cannot be posted to, until they can', async () => {
        const dead = { channel: 'C0OLD', since: AT, code: 'is_archived', nextCheckAt: AT + 1, checks: 0 };
        await store.changeDeadChannel('C0OLD', (known) => known ?? dead);
        await reopen();
        expect(await store.listDeadChannels()).toEqual([dead]);
        await store.changeDeadChannel('C0OLD', () => undefined);
        await store.changeDeadChannel('C0OTHER', (known) => known);
        await reopen();
        expect(await store.listDeadChannels()).toEqual([]);
      });
    });

    describe('[N4] alerts', () => {
      it('are one for each group while it is unresolved, also when failures come at the same time', async () => {
        const fail = (n: number) => {
          const subject = { id: `attempt-${n}`, name: 'train', at: AT };
          return store.changeAlertOfGroup({ useCase: 'line-3', group: 'g', subject: subject.id }, (known) =>
            known ? joinAlert(known, subject, AT) : alert(`alert-${n}`, { group: 'g', subjects: [subject] }),
          );
        };
        await Promise.all(Array.from({ length: 40 }, (_, n) => fail(n)));
        const [one, ...others] = await store.listAlerts({ unresolved: true, limit: 99 });
        expect(others).toEqual([]);
        expect(one).toMatchObject({ count: 40 });

        await store.changeAlert(one!.id, (known) => resolve(known, 'closed', AT, BY));
        await reopen();
        // Told once, also after it was resolved; a new failure is a new alert.
        expect(await fail(7)).toMatchObject({ id: one!.id, count: 40 });
        expect(await fail(41)).toMatchObject({ id: 'alert-41', count: 1 });
        expect(await store.listAlerts({ useCase: 'line-3', unresolved: true, limit: 99 })).toHaveLength(1);
        expect(await store.listAlerts({ limit: 99 })).toHaveLength(2);
        expect((await store.findAlertOfSubject('line-3', 'attempt-3'))?.id).toBe(one!.id);
        expect(await store.findAlertOfSubject('harbor', 'attempt-3')).toBeUndefined();
      });

      it('keep what was done to them', async () => {
        const key = { useCase: 'line-3', group: 'group-a', subject: 'subject-a' };
        await store.changeAlertOfGroup(key, () => alert('a'));
        const after = await store.changeAlert('a', (known) => acknowledge(known, BY, AT + 5));
        await reopen();
        expect(await store.getAlert('a')).toEqual(after);
        await expect(store.changeAlert('nobody', (known) => known)).rejects.toMatchObject({
          code: 'not_found',
        });
        await expect(
          store.changeAlertOfGroup(
            { ...key, subject: 'new' },
            (known) => known && { ...known, group: 'other' },
          ),
        ).rejects.toMatchObject({ code: 'internal' });
      });

      it('can be muted, and heard again', async () => {
        const mute = { id: 'm', useCase: 'line-3', pattern: 'train-*', by: BY, at: AT };
        await store.putMute(mute);
        await store.putMute({ ...mute, id: 'other', useCase: 'harbor' });
        await reopen();
        expect(await store.listMutes('line-3')).toEqual([mute]);
        await store.removeMute('m');
        await store.removeMute('m');
        expect(await store.listMutes()).toHaveLength(1);
      });
    });

    it('[N5] subscriptions and settings of channels are kept, replaced and taken back', async () => {
      const one = {
        id: 's1',
        useCase: 'line-3',
        channel: 'C0LINE3',
        kinds: ['training' as const],
        failuresOnly: true,
        createdBy: BY,
        createdAt: AT,
      };
      await store.putSubscription({ ...one, id: 's2', useCase: 'harbor', createdAt: AT + 1 });
      await store.putSubscription(one);
      await store.putSubscription({ ...one, failuresOnly: false });
      const settings = { channel: 'C0LINE3', changedBy: BY, changedAt: AT };
      await store.changeChannelSettings('C0LINE3', (before) => {
        expect(before).toBeUndefined();
        return settings;
      });
      // Of two who saw the same, the second one's check sees what the first one wrote, and its refusal writes nothing.
      const once = (at: number) =>
        store.changeChannelSettings('C0OTHER', (before) => {
          if (before) throw new Error('changed meanwhile');
          return { channel: 'C0OTHER', changedBy: BY, changedAt: at };
        });
      const both = await Promise.allSettled([once(1), once(2)]);
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      await reopen();
      expect((await store.listSubscriptions()).map(({ id }) => id)).toEqual(['s1', 's2']);
      expect(await store.listSubscriptions({ useCase: 'line-3', channel: 'C0LINE3' })).toEqual([
        { ...one, failuresOnly: false },
      ]);
      expect(await store.listSubscriptions({ channel: 'C0OTHER' })).toEqual([]);
      expect(await store.listChannelSettings()).toEqual([
        settings,
        { ...settings, channel: 'C0OTHER', changedAt: 1 },
      ]);
      expect([await store.removeSubscription('s1'), await store.removeSubscription('s1')]).toEqual([
        true,
        false,
      ]);
    });

    it('[L4] unfinished work is kept until it is done, the oldest first', async () => {
      const one = {
        id: 'one',
        channel: 'C0LINE3',
        ts: '1.1',
        since: AT + 1,
        becomes: { text: 'interrupted' },
      };
      await store.putUnfinished(one);
      await store.putUnfinished({ ...one, id: 'two', since: AT });
      await store.putUnfinished({ ...one, id: 'done' });
      await store.putUnfinished({ id: 'two', channel: 'C0LINE3', ts: '1.1', since: AT });
      await store.removeUnfinished('done');
      await store.removeUnfinished('done');
      await reopen();
      expect(await store.listUnfinished()).toEqual([
        { id: 'two', channel: 'C0LINE3', ts: '1.1', since: AT },
        one,
      ]);
    });

    it('[W5] the viewer signs with the first secret that was offered, also after a restart', async () => {
      const [one, two] = await Promise.all([store.viewerSecret('first'), store.viewerSecret('second')]);
      expect([one, two]).toEqual(['first', 'first']);
      await reopen();
      expect(await store.viewerSecret('third')).toBe('first');
    });

    it('[W5] a link lets in once, whoever is faster, also after a restart', async () => {
      const until = Date.now() + 60_000;
      const used = await Promise.all(Array.from({ length: 5 }, () => store.useViewerLink('a', until)));
      expect(used.filter(Boolean)).toHaveLength(1);
      expect(await store.useViewerLink('b', until)).toBe(true);
      await reopen();
      expect(await store.useViewerLink('a', until)).toBe(false);
      expect(await store.useViewerLink('c', until)).toBe(true);
    });

    it('what is to be done once is taken by one, however many ask at once, also after a restart', async () => {
      const until = AT + 60_000;
      const taken = await Promise.all(Array.from({ length: 5 }, () => store.takeOnce('a', until)));
      expect(taken.filter((first) => first)).toHaveLength(1);
      await reopen();
      expect(await store.takeOnce('a', until)).toBe(false);
      expect(await store.takeOnce('b', until)).toBe(true);
      // A link of the viewer is something else, whatever it is called.
      expect(await store.useViewerLink('a', until)).toBe(true);
    });

    it('[N4] timers are kept, the next one first, and removed only as they were', async () => {
      await store.putTimer({ id: 'b', kind: 'x', dueAt: AT + 2, data: { alert: 'a' } });
      await store.putTimer({ id: 'a', kind: 'x', dueAt: AT + 1 });
      await store.putTimer({ id: 'a', kind: 'x', dueAt: AT + 3 });
      await reopen();
      expect((await store.listTimers()).map(({ id }) => id)).toEqual(['b', 'a']);
      await store.removeTimer('a', AT + 1);
      await store.removeTimer('b');
      expect(await store.listTimers()).toEqual([{ id: 'a', kind: 'x', dueAt: AT + 3 }]);
    });
  });
}
