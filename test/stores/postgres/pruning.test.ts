import { describe, expect, it } from 'vitest';
import { resolve } from '../../../src/domain/alerts.ts';
import { prune } from '../../../src/stores/postgres/pruning.ts';
import { openPostgresStore } from '../../../src/stores/postgres/store.ts';
import { alert, eventRecord, post } from '../../contract/notifications.ts';
import { AT, record } from '../../contract/store-records.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const DAY = 86_400_000;

describe.skipIf(noPostgres)('what grows old in PostgreSQL', () => {
  const postgres = postgresOfTests();

  it('is let go of: events after 15 days, shown messages after 90, resolved alerts after 180; audit records never', async () => {
    const { store, database } = await openPostgresStore({ url: await postgres().database() });
    await store.appendAudit(record({ at: AT - 1_000 * DAY }));
    await store.addEvent(eventRecord('pending'));
    await store.addEvent(
      eventRecord('handled', { state: 'handled', settledAt: AT, about: { things: ['box'], at: AT } }),
    );
    await store.changePost('shown', () => post('shown', { message: undefined, shown: 1 }));
    await store.changePost('unsent', () => post('unsent'));
    for (const id of ['open', 'resolved'])
      await store.changeAlertOfGroup(
        { useCase: 'line-3', group: `group-${id}`, subject: `subject-${id}` },
        () => (id === 'open' ? alert(id) : resolve(alert(id), 'closed', AT)),
      );
    await store.useViewerLink('link', AT);
    const kept = async (days: number) => {
      await prune(database, AT + days * DAY);
      return {
        events: [
          ...(await store.listEvents({ state: 'pending', limit: 9 })),
          ...(await store.listEvents({ state: 'handled', limit: 9 })),
        ].map(({ id }) => id),
        things: (await store.newestHandled('box')) !== undefined,
        shown: (await store.getPost('shown')) !== undefined,
        unsent: (await store.listUnsent()).length,
        alerts: (await store.listAlerts({ limit: 9 })).map(({ id }) => id).toSorted(),
        audit: (await store.listAudit({ limit: 9 })).length,
      };
    };
    const all = {
      ...{ events: ['pending', 'handled'], things: true, shown: true, unsent: 1 },
      ...{ alerts: ['open', 'resolved'], audit: 1 },
    };
    expect(await kept(14)).toEqual(all);
    expect(await store.useViewerLink('link', AT)).toBe(true);
    const later = { ...all, events: ['pending'], things: false };
    expect(await kept(16)).toEqual(later);
    expect(await store.addEvent(eventRecord('handled'))).toBe(true);
    await prune(database, AT);
    expect(await kept(91)).toMatchObject({ shown: false, unsent: 1 });
    expect(await kept(181)).toMatchObject({ alerts: ['open'], audit: 1 });
    expect(await store.findAlertOfSubject('line-3', 'subject-resolved')).toBeUndefined();
    await store.close();
  });

  it('is let go of: the names of a flood, and rubbish beyond the newest 5,000', async () => {
    const url = await postgres().database();
    const { store, database } = await openPostgresStore({ url });
    const subjects = Array.from({ length: 3_000 }, (_, n) => ({ id: `s${n}`, name: `box-${n}`, at: AT }));
    await store.changeAlertOfGroup({ useCase: 'line-3', group: 'group-over', subject: 's0' }, () =>
      resolve({ ...alert('over'), subjects, count: 3_000 }, 'closed', AT),
    );
    await postgres().query(
      url,
      `insert into signalbox.events (key, state, reason, received_at, settled_at, subject, record)
       select 'e' || n, 'set-aside', 'not-json', n, ${AT}, 'x', json_build_object('id', 'e' || n, 'state', 'set-aside')
       from generate_series(1, 6100) n`,
    );
    await prune(database, AT + 15 * DAY - 1);
    expect((await store.getAlert('over'))?.subjects).toHaveLength(3_000);
    const aside = await store.listEvents({ state: 'set-aside', limit: 9_999 });
    expect([aside.length, aside[0]?.id, aside.at(-1)?.id]).toEqual([5_000, 'e6100', 'e1101']);
    await prune(database, AT + 17 * DAY);
    expect(await store.getAlert('over')).toMatchObject({ count: 3_000 });
    expect((await store.getAlert('over'))?.subjects).toHaveLength(200);
    expect(await store.findAlertOfSubject('line-3', 's2999')).toBeUndefined();
    expect((await store.findAlertOfSubject('line-3', 's199'))?.id).toBe('over');
    await store.close();
  });
});
