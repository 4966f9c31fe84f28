import { expect, it } from 'vitest';
import { StreamPlan } from '../../src/logs/plan.ts';

const page = (...times: number[]) => ({
  count: times.length,
  text: Buffer.alloc(times.length, 'x'),
  ends: Uint32Array.from(times, (_, i) => i + 1),
  times: Float64Array.from(times),
  nextToken: `after ${times.length}`,
});

const planOf = (newestFirst: boolean): StreamPlan => {
  let id = 0;
  return new StreamPlan({
    stream: 0,
    from: 0,
    to: 1000,
    mode: 'both-ends',
    nextChainId: () => id++,
    newestFirst,
  });
};

it('asks for nothing else of a stream before its newest event is known, where that says what is final', () => {
  const plan = planOf(true);
  expect(plan.open('second')).toBeUndefined();
  const end = plan.open('main')!;
  expect(end.direction).toBe('backward');
  expect([plan.open('main'), plan.open('second')]).toEqual([undefined, undefined]);
  // Empty in mid-stream: it is still not known.
  plan.accept(end, page(), true);
  expect([plan.open('main'), plan.newest]).toEqual([undefined, undefined]);
  plan.accept(end, page(700, 900), true);
  expect(plan.newest).toBe(900);
  expect(plan.open('main')!.direction).toBe('forward');
});

it('is done with a stream that has nothing at its end', () => {
  const plan = planOf(true);
  plan.accept(plan.open('main')!, { ...page(), nextToken: undefined }, true);
  expect([plan.done, plan.newest]).toEqual([true, undefined]);
});

it('begins at both ends at once elsewhere', () => {
  const plan = planOf(false);
  expect([plan.open('main')!.direction, plan.open('main')!.direction]).toEqual(['forward', 'backward']);
});
