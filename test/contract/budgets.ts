/** What every adapter of shared budgets must do. Its clock is the test's. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Budgets, Window } from '../../src/ports/budgets.ts';

export interface BudgetsHarness {
  /** Another instance on the same budgets. */
  join(): Budgets;
  advance(ms: number): Promise<void>;
  dispose?(): Promise<void>;
}

const RATE = { perSecond: 10, burst: 5 };
const WINDOW: Window = { most: 5, within: 1_000 };

/** @param runs of the property; fewer where each take is a journey */
export function budgetsContract(
  name: string,
  harness: () => Promise<BudgetsHarness>,
  { runs = 100 }: { runs?: number } = {},
): void {
  describe(`budgets contract: ${name}`, () => {
    let house: BudgetsHarness;
    let first: Budgets;
    let second: Budgets;
    beforeEach(async () => {
      house = await harness();
      first = house.join();
      second = house.join();
      return () => house.dispose?.();
    });

    it('are one for all instances: what one has taken, no other has', async () => {
      expect(await first.take('a', RATE, { want: 3 })).toEqual({ taken: 3, wait: 0 });
      expect(await second.take('a', RATE, { want: 3 })).toMatchObject({ taken: 2 });
      expect(await first.take('a', RATE)).toMatchObject({ taken: 0 });
      expect(await first.take('another', RATE)).toEqual({ taken: 1, wait: 0 });
    });

    it('come back with time, one after the other, and no more than a burst of them', async () => {
      await first.take('a', RATE, { want: 5 });
      const { taken, wait } = await second.take('a', RATE, { want: 2 });
      expect(taken).toBe(0);
      expect(wait).toBeCloseTo(100, 3);
      await house.advance(100);
      expect((await second.take('a', RATE, { want: 2 })).taken).toBe(1);
      await house.advance(3_600_000);
      expect((await first.take('a', RATE, { want: 100 })).taken).toBe(5);
    });

    it('leave what is asked to be left, and say when there will be more than that', async () => {
      expect((await first.take('a', RATE, { want: 9, left: 2 })).taken).toBe(3);
      const { taken, wait } = await first.take('a', RATE, { left: 2.5 });
      expect(taken).toBe(0);
      expect(wait).toBeCloseTo(150, 3);
      expect((await second.take('a', RATE, { want: 9 })).taken).toBe(2);
    });

    it('are held for everybody after a refusal, for the longest time that was asked for', async () => {
      await second.hold('a', 30_000);
      await first.hold('a', 1_000);
      const { taken, wait } = await first.take('a', RATE);
      expect(taken).toBe(0);
      expect(wait).toBeCloseTo(30_000, 3);
      expect((await first.take('another', RATE)).taken).toBe(1);
      await house.advance(30_000);
      expect((await first.take('a', RATE)).taken).toBe(1);
    });

    it('of a window may all be taken at once, and each comes back by itself', async () => {
      expect(await first.take('w', WINDOW, { want: 2 })).toEqual({ taken: 2, wait: 0 });
      await house.advance(400);
      const { taken, wait } = await second.take('w', WINDOW, { want: 9 });
      expect(taken).toBe(3);
      expect(wait).toBeCloseTo(600, 3);
      await house.advance(600);
      expect((await first.take('w', WINDOW, { want: 9 })).taken).toBe(2);
      const later = await second.take('w', WINDOW);
      expect(later.taken).toBe(0);
      expect(later.wait).toBeCloseTo(400, 3);
      await house.advance(3_600_000);
      expect((await second.take('w', WINDOW, { want: 9 })).taken).toBe(5);
    });

    it('of a window leave what is asked to be left, and say when there will be more than that', async () => {
      expect((await first.take('w', WINDOW, { want: 9, left: 3 })).taken).toBe(2);
      await house.advance(250);
      expect((await first.take('w', WINDOW, { want: 1 })).taken).toBe(1);
      const { taken, wait } = await second.take('w', WINDOW, { left: 3 });
      expect(taken).toBe(0);
      // Two of the three have to come back: the first two were taken together.
      expect(wait).toBeCloseTo(750, 3);
      expect((await second.take('w', WINDOW, { want: 9 })).taken).toBe(2);
      expect((await second.take('w', WINDOW, { left: 7 })).wait).toBeGreaterThan(0);
    });

    it('of a window are held for everybody after a refusal, for that time', async () => {
      await first.hold('short', 300);
      expect((await second.take('short', WINDOW)).wait).toBeCloseTo(300, 3);
      await first.hold('w', 30_000);
      const { taken, wait } = await second.take('w', WINDOW);
      expect(taken).toBe(0);
      expect(wait).toBeCloseTo(30_000, 3);
      await house.advance(30_000);
      expect((await second.take('w', WINDOW, { want: 9 })).taken).toBe(5);
    });

    it.each([
      ['rate', RATE, (seconds: number) => RATE.burst + seconds * RATE.perSecond],
      // As many as fit into the windows that begin within that time.
      [
        'window',
        WINDOW,
        (seconds: number) => WINDOW.most * (1 + Math.floor((seconds * 1_000) / WINDOW.within)),
      ],
    ] as const)(
      'are never more than the %s allows in any time, whoever asks for how many and when',
      async (kind, rate, most) => {
        const ask = fc.record({
          by: fc.integer({ min: 0, max: 2 }),
          pause: fc.integer({ min: 0, max: 400 }),
          want: fc.integer({ min: 1, max: 9 }),
        });
        let n = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(ask, { minLength: 1, maxLength: 30 }), async (asks) => {
            n += 1;
            const instances = [first, second, house.join()];
            const had: { at: number; taken: number }[] = [];
            let now = 0;
            for (const { by, pause, want } of asks) {
              await house.advance(pause);
              now += pause;
              const { taken, wait } = await instances[by]!.take(`any ${kind} ${n}`, rate, { want });
              expect(taken).toBeLessThanOrEqual(want);
              expect(wait > 0).toBe(taken < want);
              had.push({ at: now, taken });
            }
            for (const [from, { at: begin }] of had.entries())
              for (let to = from, sum = 0; to < had.length; to += 1) {
                sum += had[to]!.taken;
                expect(sum).toBeLessThanOrEqual(most((had[to]!.at - begin) / 1_000) + 1e-3);
              }
          }),
          { numRuns: runs },
        );
      },
    );
  });
}
