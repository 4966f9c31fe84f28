/** A new version starts while instances of the old one work: nothing is lost, and the two go on side by side or not at all. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { MIGRATIONS, type Migration, migrate, SCHEMA_VERSION } from '../../../src/stores/postgres/schema.ts';
import { openPostgresStore } from '../../../src/stores/postgres/store.ts';
import { eventRecord, post } from '../../contract/notifications.ts';
import { attempt, seen } from '../../contract/store-records.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();
const NEXT = SCHEMA_VERSION + 1;

/** A step that takes tables for itself for a while, as one that fills a new column does. */
const step = (compatibleFrom: number): Migration[] => [
  ...MIGRATIONS,
  {
    version: NEXT,
    compatibleFrom,
    sql: `
      alter table attempts add more text not null default '';
      alter table posts add more text not null default '';
      update attempts set more = job;
      update posts set more = key;
      create index attempts_more on attempts (more);
      select pg_sleep(0.3);
    `,
  },
];

describe.skipIf(noPostgres)('an upgrade while the older version works', () => {
  const postgres = postgresOfTests();
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function open(url: string, migrations?: readonly Migration[]): Promise<Store> {
    const { store } = await openPostgresStore({ url, poolSize: 4, migrations });
    closing.push(() => store.close());
    return store;
  }

  /** Of one instance: attempts with their claims, events, and a card that all edit. Ends at the first refusal. */
  function work(store: Store, name: string) {
    const [attempts, events]: [string[], string[]] = [[], []];
    const done = { edits: 0 };
    let enough = false;
    const worker = async (of: number): Promise<unknown> => {
      try {
        for (let n = 0; !enough; n += 1) {
          const one = attempt({ id: `${name}-${of}-${n}`, job: `${name}-${of}-${n}` });
          await store.addAttempt(one);
          attempts.push(one.id);
          await store.changeAttempt(one.id, seen('COMPLETED'));
          // Both versions take in the same ones.
          const id = `${of}-${n}`;
          if (await store.addEvent(eventRecord(`${name} ${id}`, { keys: [`delivery:${id}`] })))
            events.push(id);
          await store.changePost('card', (known) => ({
            ...(known ?? post('card')),
            version: (known?.version ?? 0) + 1,
          }));
          done.edits += 1;
        }
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const workers = Promise.all(Array.from({ length: 6 }, (_, of) => worker(of)));
    return {
      attempts,
      events,
      done,
      more: (than = done.edits) => expect.poll(() => done.edits).toBeGreaterThan(than + 30),
      /** @returns what each was refused with; undefined: it was not */
      end: () => {
        enough = true;
        return workers;
      },
      ended: workers,
    };
  }

  async function expectWhole(store: Store, all: readonly ReturnType<typeof work>[]): Promise<void> {
    const ids = all.flatMap(({ attempts }) => attempts);
    const stored = await Promise.all(ids.map((id) => store.listAttempts({ useCase: 'line-3', job: id })));
    expect(stored.flat().map(({ id }) => id)).toEqual(ids);
    const events = all.flatMap((one) => one.events);
    expect(new Set(events).size).toBe(events.length);
    expect(await store.listEvents({ state: 'pending', limit: 1e6 })).toHaveLength(events.length);
    expect((await store.getPost('card'))?.version).toBe(all.reduce((sum, { done }) => sum + done.edits, 0));
  }

  it('[O1] that it may go on beside: both write, what both are handed counts once, nothing is lost', async () => {
    const url = await postgres().database();
    const old = await open(url);
    const before = work(old, 'old');
    await before.more();
    expect(await migrate({ url }, step(SCHEMA_VERSION))).toEqual({ from: SCHEMA_VERSION, to: NEXT });
    const after = work(await open(url, step(SCHEMA_VERSION)), 'new');
    await before.more();
    await after.more();
    expect(new Set([...(await before.end()), ...(await after.end())])).toEqual(new Set([undefined]));
    await expectWhole(old, [before, after]);
  });

  it('[O1] that it may not go on beside: it writes nothing more and says why, the newer one has all that was acknowledged', async () => {
    const url = await postgres().database();
    const old = await open(url);
    const before = work(old, 'old');
    await before.more();
    await migrate({ url }, step(NEXT));
    for (const refusal of await before.ended)
      expect(refusal).toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('is of a newer Signalbox'),
      });
    const fresh = await open(url, step(NEXT));
    const after = work(fresh, 'new');
    await after.more();
    expect(new Set(await after.end())).toEqual(new Set([undefined]));
    await expectWhole(fresh, [before, after]);
  });
});
