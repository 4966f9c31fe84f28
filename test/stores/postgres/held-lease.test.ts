import { expect, it } from 'vitest';
import { HeldLease } from '../../../src/stores/postgres/held-lease.ts';
import { handTimers } from '../../fixtures/hand-timers.ts';

const TTL = 12_000;

function lease() {
  const time = handTimers();
  const held = new HeldLease({
    ...{ name: 'watch', fence: 1, ttl: TTL, holder: 'me', asked: time.clock.now() },
    now: () => time.clock.now(),
    after: time.after,
    run: async () => [{ fence: '1' }],
    ended: () => {},
  });
  return { time, held };
}

it('is held for as long as it is renewed, and not once it is released', async () => {
  const { time, held } = lease();
  expect(held.isHeld()).toBe(true);
  await time.advance(10 * TTL);
  expect(held.isHeld()).toBe(true);
  await held.release();
  expect(held.isHeld()).toBe(false);
});

it('is not held by a process that has hung for too long, though none of its timers has gone off yet', async () => {
  const { time, held } = lease();
  time.sleep(TTL / 2);
  expect(held.isHeld()).toBe(true);
  time.sleep(TTL / 2);
  expect(held.lost.aborted).toBe(false);
  expect(held.isHeld()).toBe(false);
  expect(held.lost.aborted).toBe(true);
});
