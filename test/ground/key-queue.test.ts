import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyQueue, SingleFlight } from '../../src/ground/key-queue.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a queue by key', () => {
  it('does the work of each key in order, one at a time, failures included, and keeps nothing', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.nat(3), turns: fc.nat(3), fails: fc.boolean() }), { maxLength: 30 }),
        async (works) => {
          const queue = new KeyQueue<number>();
          const begun: Record<number, number[]> = {};
          const open = new Set<number>();
          const results = works.map(({ key, turns, fails }, index) =>
            queue.run(key, async () => {
              expect(open.has(key)).toBe(false);
              open.add(key);
              begun[key] = [...(begun[key] ?? []), index];
              for (let left = turns; left > 0; left--) await turn();
              open.delete(key);
              if (fails) throw new Error(String(index));
              return index;
            }),
          );
          const settled = Promise.allSettled(results);
          await queue.idle();
          for (const [index, result] of (await settled).entries())
            expect(result.status).toBe(works[index]!.fails ? 'rejected' : 'fulfilled');
          for (const key of [0, 1, 2, 3]) {
            const mine = works.flatMap((work, index) => (work.key === key ? [index] : []));
            expect(begun[key] ?? []).toEqual(mine);
            expect(queue.has(key)).toBe(false);
          }
        },
      ),
    ));
});

describe('a single flight', () => {
  it('is shared by who asks meanwhile, and begins anew afterwards', async () => {
    const flight = new SingleFlight<string, number>();
    let calls = 0;
    const ask = () =>
      flight.run('a', async () => {
        await turn();
        return ++calls;
      });
    expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
    expect(flight.has('a')).toBe(false);
    expect(await ask()).toBe(2);
    const failed = flight.run('b', () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    await flight.idle();
  });
});
