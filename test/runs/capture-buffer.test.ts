import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { CaptureBuffer } from '../../src/runs/capture-buffer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A store that takes at once; the lengths of its appends, and all of its bytes. */
function recording(): { logs: Pick<RunLogStore, 'append' | 'skip' | 'info'>; lengths: number[] } {
  const lengths: number[] = [];
  const refuse = (): never => {
    throw new Error('not expected here');
  };
  return {
    lengths,
    logs: {
      append: async (_id, offset, bytes) => {
        expect(offset).toBe(lengths.reduce((sum, length) => sum + length, 0));
        lengths.push(bytes.length);
        return { size: offset + bytes.length } as Awaited<ReturnType<RunLogStore['append']>>;
      },
      skip: refuse,
      info: refuse,
    },
  };
}

test('a word is stored at once, what follows it closely in one append', async () => {
  const { logs, lengths } = recording();
  const buffer = new CaptureBuffer({ logs, id: 'a', offset: 0 });
  buffer.write(Buffer.from('word'));
  await vi.advanceTimersByTimeAsync(0);
  expect(lengths).toEqual([4]);
  for (let n = 0; n < 50; n++) {
    await Promise.resolve();
    buffer.write(Buffer.from('.'));
  }
  expect(lengths).toEqual([4]);
  await vi.advanceTimersByTimeAsync(5);
  expect(lengths).toEqual([4, 50]);
});

test('the end of a run does not wait for more to come, nor does much', async () => {
  const { logs, lengths } = recording();
  const buffer = new CaptureBuffer({ logs, id: 'a', offset: 0 });
  buffer.write(Buffer.from('word'));
  await Promise.resolve();
  buffer.write(Buffer.from('another'));
  expect(await buffer.flush(1_000_000)).toBe(true);
  buffer.write(Buffer.alloc(5));
  await Promise.resolve();
  buffer.write(Buffer.alloc(600_000));
  await vi.advanceTimersByTimeAsync(0);
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(600_016);
});
