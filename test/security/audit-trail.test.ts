/** What is on record stays as it was written, whoever would like it otherwise. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../src/ports/audit-trail.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { openPostgresStore } from '../../src/stores/postgres/store.ts';
import { record } from '../contract/store-records.ts';
import { whyNoPostgres } from '../fixtures/postgres.ts';
import { postgresOfTests } from '../stores/postgres/harness.ts';

const src = resolve(import.meta.dirname, '../../src');

/** What somebody who holds a record could try with it. */
async function tamper(store: Store): Promise<void> {
  const given: AuditRecord = { ...record({ at: 1, subject: 'train-a' }), detail: { events: 3 } };
  const before = structuredClone(given);
  await store.appendAudit(given);
  const attempt = (change: () => void): void => {
    try {
      change();
    } catch {
      // What is given out may be frozen.
    }
  };
  attempt(() => Object.assign(given, { action: 'nothing.happened' }));
  attempt(() => Object.assign(given.detail!, { events: 0 }));
  for (const found of await store.listAudit({ limit: 10 })) {
    attempt(() => Object.assign(found, { action: 'nothing.happened' }));
    attempt(() => Object.assign(found.detail ?? {}, { events: 0 }));
    attempt(() => Object.assign(found.actor, { user: 'UOTHER' }));
  }
  expect(await store.listAudit({ limit: 10 })).toEqual([before]);
  // The same act again is one more record, and takes no other's place.
  await store.appendAudit(before);
  expect(await store.listAudit({ limit: 10 })).toEqual([before, before]);
}

describe('a record of the audit trail', () => {
  it('can be added and read, and there is no way to change or remove one', async () => {
    const port = await readFile(join(src, 'ports/audit-trail.ts'), 'utf8');
    const [body = ''] = /interface AuditTrail \{[^}]*\{[^}]*\}[^}]*\}/.exec(port) ?? [];
    expect([...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name)).toEqual([
      'appendAudit',
      'listAudit',
    ]);
  });

  it('stays as it was written in the data folder, whatever becomes of what was given and given out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-audit-'));
    const store = await openLowdbStore(folder);
    await tamper(store);
    await store.close();
    const again = await openLowdbStore(folder);
    expect(await again.listAudit({ limit: 10 })).toHaveLength(2);
    await again.close();
    await rm(folder, { recursive: true });
  });
});

const why = await whyNoPostgres();
describe.skipIf(why !== undefined)(`in PostgreSQL${why === undefined ? '' : `: ${why}`}`, () => {
  const postgres = postgresOfTests();

  it('a record of the audit trail stays as it was written, whatever becomes of what was given out', async () => {
    const { store } = await openPostgresStore({ url: await postgres().database() });
    await tamper(store);
    await store.close();
  });

  it('the database refuses to change, remove or empty the audit trail, to the bot’s own user too', async () => {
    const url = await postgres().database();
    const { store } = await openPostgresStore({ url });
    await store.appendAudit(record({ at: 1 }));
    for (const sql of ['update audit set at = 2', 'delete from audit', 'truncate audit'])
      await expect(postgres().query(url, sql)).rejects.toThrow('only added to');
    expect(await store.listAudit({ limit: 10 })).toHaveLength(1);
    await store.close();
  });
});
