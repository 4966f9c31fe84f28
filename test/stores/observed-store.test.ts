import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { observe } from '../../src/ground/observed.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { observedStore } from '../../src/stores/observed-store.ts';
import { jobRecord, record } from '../contract/store-records.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-observed-'));
  store = await openLowdbStore(folder);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** What is seen while `work` is done. */
async function seen(work: (watched: Store) => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const stop = observe({
    begin: ({ kind, name }) => {
      names.push(`${kind} ${name}`);
      return undefined;
    },
  });
  try {
    await work(observedStore(store));
  } finally {
    stop();
  }
  return names;
}

/** Every method of a store, its parents' too. */
function methodsOf(of: object): string[] {
  const names: string[] = [];
  for (let at = Object.getPrototypeOf(of); at !== Object.prototype; at = Object.getPrototypeOf(at))
    names.push(...Object.getOwnPropertyNames(at).filter((name) => name !== 'constructor'));
  return [...new Set(names)];
}

describe('an observed store', () => {
  it('is the store itself where nobody watches', () => {
    expect(observedStore(store)).toBe(store);
  });

  it('tells of each kind of work, and does it as before', async () => {
    const names = await seen(async (watched) => {
      await watched.appendAudit(record());
      await watched.changeJob('line-3', 'train-a', () => jobRecord('train-a'));
      expect((await watched.getJob('line-3', 'train-a'))?.job.name).toBe('train-a');
      expect(watched.problem()).toBeUndefined();
    });
    expect(names).toEqual(['store append', 'store change', 'store get']);
  });

  it('watches what is done under a lease too', async () => {
    const names = await seen(async (watched) => {
      const under = await watched.under({ lease: 'watch', fence: 1 });
      await under.listJobs({ limit: 1 });
    });
    expect(names).toEqual(['store list']);
  });

  it('knows the kind of every method, which are few', async () => {
    const apart = ['under', 'problem', 'close'];
    const methods = methodsOf(store).filter((name) => !apart.includes(name));
    expect(methods.length).toBeGreaterThan(40);
    const unknown: string[] = [];
    const kinds = new Set<string>();
    for (const method of methods) {
      const [name] = await seen(async (watched) => {
        const call = (watched as unknown as Record<string, (...given: unknown[]) => unknown>)[method]!;
        // What it makes of nothing is of no matter.
        await Promise.resolve()
          .then(() => call({}))
          .catch(() => undefined);
      });
      if (name === undefined) unknown.push(method);
      else kinds.add(name);
    }
    expect(unknown).toEqual([]);
    // Each is a value of a metric's label, of which there must be few: far fewer than methods.
    expect(kinds.size).toBeLessThan(methods.length / 3);
  });
});
