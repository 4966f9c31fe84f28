import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  completeWords,
  goneWords,
  type LogKeeping,
  lossOf,
  lossWithin,
  maskedWords,
} from '../../src/domain/log-keeping.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12);
const PLACE = 'the log group /aws/sagemaker/TrainingJobs';
const keeping = (more: Partial<LogKeeping> = {}): LogKeeping => ({ place: PLACE, ...more });
const day = (at: number) => `${(NOW - at) / DAY} days ago`;

describe('[L13] what retention has removed', () => {
  it('is nothing where logs are kept for ever, or where the job began later', () => {
    expect(lossOf(keeping(), { begunAt: 1, now: NOW })).toBeUndefined();
    expect(lossOf(keeping({ days: 7 }), { begunAt: NOW - 7 * DAY, now: NOW })).toBeUndefined();
  });

  it('is the beginning of a job that began before, with the time from which on everything is there', () => {
    const loss = lossOf(keeping({ days: 7 }), { begunAt: NOW - 8 * DAY, now: NOW });
    expect(loss?.removed).toEqual({ completeSince: NOW - 7 * DAY, days: 7, whole: false });
    expect(completeWords(loss, day)).toBe(
      `from 7 days ago on: ${PLACE} keeps 7 days, and what is older may be removed`,
    );
    expect(goneWords(loss)).toBeUndefined();
  });

  it('is all of it where the job ended before too', () => {
    const ended = (endedAt: number) =>
      lossOf(keeping({ days: 1 }), { begunAt: NOW - 8 * DAY, endedAt, now: NOW });
    expect(goneWords(ended(NOW - 2 * DAY))).toBe(
      'The log group /aws/sagemaker/TrainingJobs keeps 1 day, and the job ended before that: whatever it printed is removed.',
    );
    expect(goneWords(ended(NOW - DAY))).toBeUndefined();
  });

  it('never leaves out of account an event that may be gone, nor casts doubt on one that is kept', () => {
    const times = fc.integer({ min: 1, max: NOW });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3653 }), times, times, times, (days, begunAt, event, since) => {
        fc.pre(event >= begunAt);
        const kept = event >= NOW - days * DAY;
        const loss = lossOf(keeping({ days }), { begunAt, now: NOW });
        const doubted = loss?.removed !== undefined && event < loss.removed.completeSince;
        expect(doubted).toBe(!kept);
        // Of what was asked for.
        const within = lossWithin(loss, { since });
        if (event >= since)
          expect(within?.removed !== undefined && event < within.removed.completeSince).toBe(!kept);
        if (since >= NOW - days * DAY) expect(within).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('does not concern the last lines, nor what is newer', () => {
    const loss = lossOf(keeping({ days: 7, masks: 'now' }), { begunAt: 1, now: NOW });
    for (const asked of [{ tail: 5 }, { since: NOW - 7 * DAY }])
      expect(lossWithin(loss, asked)).toEqual({ place: PLACE, removed: undefined, masks: 'now' });
    expect(lossWithin(loss, { since: NOW - 7 * DAY - 1 })).toBe(loss);
    expect(lossWithin(undefined, {})).toBeUndefined();
  });
});

describe('[L13] what a data-protection policy masks', () => {
  it('is said, of a policy there is and of one that there was', () => {
    const words = (masks: LogKeeping['masks']) =>
      maskedWords(lossOf(keeping({ masks }), { begunAt: 1, now: NOW }));
    expect(words('now')).toContain(`by a data-protection policy on ${PLACE}: AWS gives out asterisks`);
    expect(words('before')).toContain('in part, perhaps');
    expect(words(undefined)).toBeUndefined();
  });
});
