import { expect, test } from 'vitest';
import { Pace } from '../../src/runs/pace.ts';

test('the first write goes at once', () => {
  expect(new Pace(1_000_000).wait()).toBeUndefined();
});

test('one right after another waits, until it is hurried', async () => {
  const pace = new Pace(1_000_000);
  pace.wrote();
  let over = false;
  const waiting = pace.wait()?.then(() => {
    over = true;
  });
  await Promise.resolve();
  expect(waiting).toBeDefined();
  expect(over).toBe(false);
  pace.hurry();
  await waiting;
  expect(over).toBe(true);
});

test('the wait ends by itself', async () => {
  const pace = new Pace(2);
  pace.wrote();
  await pace.wait();
});
