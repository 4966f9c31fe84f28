import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cooldown, TokenBucket } from '../../src/ground/token-bucket.ts';
import type { EditPurpose } from '../../src/slack/edit-budget.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';
import { editBudget } from '../fixtures/edit-budget.ts';

const MINUTE = 60_000;

/** A budget whose clock only this test moves. */
function budget(start = 1_000_000_000_000) {
  const clock = { at: start, now: () => clock.at };
  const edits = editBudget({
    clock,
    sleep: async (ms) => {
      clock.at += ms;
    },
  });
  return { clock, edits };
}

/** Everybody asks every `step` milliseconds for so long. @returns how many edits each purpose had */
async function rush(
  purposes: readonly EditPurpose[],
  ms: number,
  step = 10,
): Promise<Record<EditPurpose, number>> {
  const { clock, edits } = budget();
  const had = { person: 0, progress: 0, notification: 0, refresh: 0 };
  for (const until = clock.at + ms; clock.at < until; clock.at += step)
    for (const purpose of purposes) if ((await edits.tryTake(purpose)) === 0) had[purpose] += 1;
  return had;
}

describe('[N7] the budget of edits', () => {
  it('gives notifications nine tenths of what Slack allows while nobody else wants any', async () => {
    expect((await rush(['notification'], 10 * MINUTE)).notification).toBeGreaterThanOrEqual(450);
    expect((await rush(['refresh'], 10 * MINUTE)).refresh).toBeGreaterThanOrEqual(450);
  });

  it('lets a person edit at once in the middle of a storm of notifications', async () => {
    const { clock, edits } = budget();
    for (let turn = 0; turn < 5_000; turn += 1) {
      if ((await edits.tryTake('notification')) === 0 && turn > 100) {
        // Twice, at the worst moment there is.
        expect([await edits.tryTake('person'), await edits.tryTake('person')]).toEqual([0, 0]);
        clock.at += 10_000;
      }
      clock.at += 10;
    }
  });

  it('gives progress what people leave, and notifications what progress leaves, but not nothing', async () => {
    const had = await rush(['refresh', 'notification', 'progress'], 10 * MINUTE);
    expect(had.progress).toBeGreaterThan(330);
    expect(had.notification + had.refresh).toBeGreaterThanOrEqual(110);
    const crowded = await rush(['notification', 'progress', 'person'], 10 * MINUTE);
    expect(crowded.person).toBeGreaterThan(455);
  });

  it('has everybody wait as long as Slack asks', async () => {
    const { clock, edits } = budget();
    const begun = clock.at;
    edits.refused(30_000);
    edits.refused(1_000);
    expect(await edits.tryTake('person')).toBe(30_000);
    await edits.take('person');
    expect(clock.at - begun).toBe(30_000);
  });

  it('takes nothing for who has given up', async () => {
    const { edits } = budget();
    await expect(edits.take('person', AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
    expect(await Promise.all([0, 1, 2, 3].map(() => edits.tryTake('person')))).toEqual([0, 0, 0, 0]);
  });

  it('never allows more than 50 in any minute, whoever asks when', async () => {
    const purpose = fc.constantFrom<EditPurpose>('person', 'progress', 'notification', 'refresh');
    const ask = fc.record({ purpose, times: fc.integer({ min: 1, max: 60 }), after: fc.nat(20_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { maxLength: 80 }), async (asks) => {
        const { clock, edits } = budget();
        const taken: { at: number; purpose: EditPurpose }[] = [];
        for (const { purpose, times, after } of asks) {
          clock.at += after;
          for (let time = 0; time < times; time += 1) {
            const wait = await edits.tryTake(purpose);
            if (wait === 0) taken.push({ at: clock.at, purpose });
            // The time that is named is the time that it takes, when nobody is faster.
            else {
              clock.at += wait;
              expect(await edits.tryTake(purpose)).toBeLessThan(1e-3);
              taken.push({ at: clock.at, purpose });
            }
          }
        }
        for (const [index, { at }] of taken.entries())
          expect(
            taken.filter((one, other) => other >= index && one.at <= at + MINUTE).length,
          ).toBeLessThanOrEqual(50);
      }),
      { numRuns: 200 },
    );
  });
});

describe('[N7] the budget of edits of several instances', () => {
  function instances(count: number) {
    const clock = { at: 1_000_000_000_000, now: () => clock.at };
    const budgets = new InProcessBudgets(clock);
    return { clock, budgets, all: Array.from({ length: count }, () => editBudget({ clock, budgets })) };
  }

  it('is one: three together make no more than 50 in any minute, and nine tenths of that', async () => {
    const { clock, all } = instances(3);
    const taken: number[] = [];
    for (const until = clock.at + 20 * MINUTE; clock.at < until; clock.at += 25)
      for (const one of all)
        for (const purpose of ['notification', 'progress', 'person'] as const)
          if ((await one.tryTake(purpose)) === 0) taken.push(clock.at);
    for (const [index, at] of taken.entries()) {
      const last = taken[index + 50];
      if (last !== undefined) expect(last - at).toBeGreaterThan(MINUTE);
    }
    expect(taken.length).toBeGreaterThanOrEqual(20 * 45);
  });

  it('is refused to all once Slack has refused one', async () => {
    const { clock, all } = instances(3);
    all[0]!.refused(30_000);
    expect(await Promise.all(all.map((one) => one.tryTake('person')))).toEqual([30_000, 30_000, 30_000]);
    clock.at += 30_000;
    expect(await all[2]!.tryTake('person')).toBe(0);
  });

  it('keeps nobody from answering people while it cannot be asked', async () => {
    const clock = { now: () => 1 };
    const gone = async () => {
      throw new Error('the database does not answer');
    };
    const edits = editBudget({ clock, budgets: { take: gone, hold: gone } });
    expect(await edits.tryTake('person')).toBe(0);
    expect(await edits.tryTake('progress')).toBeGreaterThan(0);
    edits.refused(10_000);
    expect(await edits.tryTake('person')).toBe(10_000);
  });
});

describe('a clock that jumps', () => {
  it('back makes nobody wait longer than an empty bucket does', () => {
    const bucket = new TokenBucket(3, 1000);
    for (let taken = 0; taken < 3; taken += 1) bucket.take(1_000_000);
    expect(bucket.wait(1_000_000)).toBe(1000);
    expect(bucket.wait(1_000_000 - 3_600_000)).toBe(1000);
    expect(bucket.wait(1_000_000 - 3_600_000 + 1000)).toBe(0);
  });

  it('back ends a pause', () => {
    const pause = new Cooldown();
    pause.begin(1_000_000, 30_000);
    expect(pause.left(1_010_000)).toBe(20_000);
    expect(pause.left(999_999)).toBe(0);
  });
});
