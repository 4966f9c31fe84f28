import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoff, jittered } from '../../src/ground/backoff.ts';
import { CancelledError } from '../../src/ground/errors.ts';
import { inTime, pause } from '../../src/ground/pause.ts';

const never = new Promise<never>(() => undefined);

describe('backoff', () => {
  it('doubles from the first wait to the longest, whatever the number of failures', () => {
    expect([1, 2, 3, 4, 5].map((failures) => backoff([100, 1000], failures))).toEqual([
      100, 200, 400, 800, 1000,
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (failures) => {
        const wait = backoff([10, 60_000], failures);
        expect(wait).toBeGreaterThanOrEqual(10);
        expect(wait).toBeLessThanOrEqual(60_000);
        expect(backoff([10, 60_000], failures + 1)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });

  it('is spread between a half and one and a half', () => {
    expect([0, 0.5, 1].map((random) => jittered(100, () => random))).toEqual([50, 100, 150]);
  });
});

describe('a pause', () => {
  it('rejects with the reason of the signal, at once when it is aborted already', async () => {
    const stop = new AbortController();
    const waiting = pause(1e6, stop.signal);
    const reason = new Error('stopping');
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(pause(1e6, stop.signal)).rejects.toBe(reason);
  });

  it('rejects as cancelled where nobody gave a reason', async () => {
    await expect(pause(1e6, AbortSignal.abort())).rejects.toBeInstanceOf(CancelledError);
    await expect(pause(1e6, AbortSignal.abort('by text'))).rejects.toBeInstanceOf(CancelledError);
  });

  it('ends by itself', async () => {
    await pause(1);
  });
});

describe('work in time', () => {
  it('is its result, its failure, or nothing', async () => {
    expect(await inTime(1e6, Promise.resolve('done'))).toBe('done');
    await expect(inTime(1e6, Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await inTime(1, never)).toBeUndefined();
  });

  it('is not heard any more when it fails later', async () => {
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<void>((_, reject) => {
      fail = reject;
    });
    expect(await inTime(1, late)).toBeUndefined();
    // An unhandled rejection would fail this test file.
    fail(new Error('too late'));
    await pause(1);
  });
});
