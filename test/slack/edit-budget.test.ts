import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cooldown, TokenBucket } from '../../src/ground/token-bucket.ts';
import { EditBudget, type EditPurpose } from '../../src/slack/edit-budget.ts';

const MINUTE = 60_000;

/** A budget whose clock only this test moves. */
function budget(start = 1_000_000_000_000) {
  const clock = { at: start, now: () => clock.at };
  const edits = new EditBudget({
    clock,
    sleep: async (ms) => {
      clock.at += ms;
    },
  });
  return { clock, edits };
}

/** Everybody asks every `step` milliseconds for so long. @returns how many edits each purpose had */
function rush(purposes: readonly EditPurpose[], ms: number, step = 10): Record<EditPurpose, number> {
  const { clock, edits } = budget();
  const had = { person: 0, progress: 0, notification: 0, refresh: 0 };
  for (const until = clock.at + ms; clock.at < until; clock.at += step)
    for (const purpose of purposes) if (edits.tryTake(purpose) === 0) had[purpose] += 1;
  return had;
}

describe('[N7] the budget of edits', () => {
  it('gives notifications nine tenths of what Slack allows while nobody else wants any', () => {
    expect(rush(['notification'], 10 * MINUTE).notification).toBeGreaterThanOrEqual(450);
    expect(rush(['refresh'], 10 * MINUTE).refresh).toBeGreaterThanOrEqual(450);
  });

  it('lets a person edit at once in the middle of a storm of notifications', () => {
    const { clock, edits } = budget();
    for (let turn = 0; turn < 5_000; turn += 1) {
      if (edits.tryTake('notification') === 0 && turn > 100) {
        // Twice, at the worst moment there is.
        expect([edits.tryTake('person'), edits.tryTake('person')]).toEqual([0, 0]);
        clock.at += 10_000;
      }
      clock.at += 10;
    }
  });

  it('gives progress what people leave, and notifications what progress leaves, but not nothing', () => {
    const had = rush(['refresh', 'notification', 'progress'], 10 * MINUTE);
    expect(had.progress).toBeGreaterThan(330);
    expect(had.notification + had.refresh).toBeGreaterThanOrEqual(110);
    const crowded = rush(['notification', 'progress', 'person'], 10 * MINUTE);
    expect(crowded.person).toBeGreaterThan(455);
  });

  it('has everybody wait as long as Slack asks', async () => {
    const { clock, edits } = budget();
    const begun = clock.at;
    edits.refused(30_000);
    edits.refused(1_000);
    expect(edits.tryTake('person')).toBe(30_000);
    await edits.take('person');
    expect(clock.at - begun).toBe(30_000);
  });

  it('takes nothing for who has given up', async () => {
    const { edits } = budget();
    await expect(edits.take('person', AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
    expect([0, 1, 2, 3].map(() => edits.tryTake('person'))).toEqual([0, 0, 0, 0]);
  });

  it('never allows more than 50 in any minute, whoever asks when', () => {
    const purpose = fc.constantFrom<EditPurpose>('person', 'progress', 'notification', 'refresh');
    const ask = fc.record({ purpose, times: fc.integer({ min: 1, max: 60 }), after: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 80 }), (asks) => {
        const { clock, edits } = budget();
        const taken: { at: number; purpose: EditPurpose }[] = [];
        for (const { purpose, times, after } of asks) {
          clock.at += after;
          for (let time = 0; time < times; time += 1) {
            const wait = edits.tryTake(purpose);
            if (wait === 0) taken.push({ at: clock.at, purpose });
            // The time that is named is the time that it takes, when nobody is faster.
            else {
              clock.at += wait;
              expect(edits.tryTake(purpose)).toBeLessThan(1e-3);
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
