import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolve } from '../../src/domain/alerts.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { alert, eventRecord, notificationContract, post } from '../contract/notifications.ts';
import { AT } from '../contract/store-records.ts';
import { lowdbHarness } from './lowdb-harness.ts';

const DAY = 86_400_000;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const now = () => AT;
notificationContract('lowdb', lowdbHarness({ now }));
notificationContract('lowdb that writes its state each time', lowdbHarness({ now, journalBytes: 1 }));

describe('what grows old', () => {
  it('is let go of: events after 15 days, shown messages after 90, resolved alerts after 180', async () => {
    let now = AT;
    const open = () => openLowdbStore(folder, { now: () => now, journalBytes: 1 });
    let store = await open();
    await store.addEvent(eventRecord('pending'));
    await store.addEvent(eventRecord('handled', { state: 'handled', settledAt: AT }));
    await store.changePost('shown', () => post('shown', { message: undefined, shown: 1 }));
    await store.changePost('unsent', () => post('unsent'));
    for (const id of ['open', 'resolved'])
      await store.changeAlertOfGroup(
        { useCase: 'line-3', group: `group-${id}`, subject: `subject-${id}` },
        () => (id === 'open' ? alert(id) : resolve(alert(id), 'closed', AT)),
      );
    const kept = async () => {
      await store.close();
      store = await open();
      await store.close();
      store = await open();
      return {
        events: [
          ...(await store.listEvents({ state: 'pending', limit: 9 })),
          ...(await store.listEvents({ state: 'handled', limit: 9 })),
        ].map(({ id }) => id),
        shown: (await store.getPost('shown')) !== undefined,
        unsent: (await store.listUnsent()).length,
        alerts: (await store.listAlerts({ limit: 9 })).map(({ id }) => id).toSorted(),
      };
    };
    // A change each time, so that the state is written.
    const touch = () => store.putTimer({ id: 't', kind: 'x', dueAt: now });
    const all = { events: ['pending', 'handled'], shown: true, unsent: 1, alerts: ['open', 'resolved'] };
    now = AT + 14 * DAY;
    await touch();
    expect(await kept()).toEqual(all);
    now = AT + 16 * DAY;
    await touch();
    expect(await kept()).toEqual({ ...all, events: ['pending'] });
    now = AT + 91 * DAY;
    await touch();
    expect(await kept()).toEqual({ ...all, events: ['pending'], shown: false });
    now = AT + 181 * DAY;
    await touch();
    expect(await kept()).toEqual({ events: ['pending'], shown: false, unsent: 1, alerts: ['open'] });
    await store.close();
  });

  it('is let go of: the names of a flood, once no event about them can come any more', async () => {
    let now = AT;
    const open = () => openLowdbStore(folder, { now: () => now, journalBytes: 1 });
    let store = await open();
    const subjects = Array.from({ length: 3_000 }, (_, n) => ({ id: `s${n}`, name: `box-${n}`, at: AT }));
    for (const id of ['open', 'over'])
      await store.changeAlertOfGroup({ useCase: 'line-3', group: `group-${id}`, subject: `${id} s0` }, () => {
        const flood = {
          ...alert(id),
          subjects: subjects.map((one) => ({ ...one, id: `${id} ${one.id}` })),
          count: 3_000,
        };
        return id === 'open' ? flood : resolve(flood, 'closed', AT);
      });
    const kept = async () => {
      await store.putTimer({ id: 't', kind: 'x', dueAt: now });
      await store.close();
      store = await open();
      const alerts = await store.listAlerts({ limit: 9 });
      return Object.fromEntries(alerts.map(({ id, subjects: left, count }) => [id, [left.length, count]]));
    };
    now = AT + 15 * DAY;
    await kept();
    expect(await kept()).toEqual({ open: [3_000, 3_000], over: [3_000, 3_000] });
    now = AT + 17 * DAY;
    await kept();
    expect(await kept()).toEqual({ open: [3_000, 3_000], over: [200, 3_000] });
    expect(await store.findAlertOfSubject('line-3', 'over s2999')).toBeUndefined();
    await store.close();
  });

  it('a state that was written before there were any is taken over', async () => {
    let store = await openLowdbStore(folder);
    await store.putTimer({ id: 't', kind: 'x', dueAt: AT });
    await store.close();
    const { notifications: _, ...older } = JSON.parse(
      await readFile(join(folder, 'state.json'), 'utf8'),
    ) as Record<string, unknown>;
    await writeFile(join(folder, 'state.json'), JSON.stringify(older));
    store = await openLowdbStore(folder);
    expect(await store.listTimers()).toEqual([]);
    await store.close();
  });
});

it('takes back what could not be written, its uniqueness included', async () => {
  const store = await openLowdbStore(folder, { now: () => AT });
  await store.addEvent(eventRecord('first'));
  await rm(folder, { recursive: true });
  const lost = await Promise.allSettled([
    store.addEvent(eventRecord('lost')),
    store.changePost('p', () => post('p')),
    store.changeAlertOfGroup({ useCase: 'line-3', group: 'group-a', subject: 'subject-a' }, () => alert('a')),
  ]);
  expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await store.listUnsent()).toEqual([]);
  expect(await store.listAlerts({ limit: 9 })).toEqual([]);
  expect(await store.findAlertOfSubject('line-3', 'subject-a')).toBeUndefined();
  const { mkdir } = await import('node:fs/promises');
  await mkdir(folder);
  expect(await store.addEvent(eventRecord('lost'))).toBe(true);
  expect(await store.addEvent(eventRecord('first'))).toBe(false);
  await store.close().catch(() => undefined); // The lock went with the folder.
});
