import { expect, it } from 'vitest';
import { type InProcessCoordination, InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { type CoordinationHarness, coordinationContract } from '../contract/coordination.ts';
import { handTimers } from '../fixtures/hand-timers.ts';

const errors: unknown[] = [];

function inProcess(): CoordinationHarness {
  const time = handTimers();
  const hub = new InProcessHub({
    clock: time.clock,
    after: time.after,
    onError: (error) => void errors.push(error),
  });
  return {
    join: () => hub.join(),
    advance: time.advance,
    cutOff: (instance) => (instance as InProcessCoordination).cutOff(),
  };
}

coordinationContract('in one process', async () => inProcess());

it('keeps a lease through a sleep of the whole machine, as nobody else can have taken it', async () => {
  const time = handTimers();
  const hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  const lease = await hub.join().lease('watch', 30_000);
  time.sleep(8 * 3_600_000);
  await time.advance(10_000);
  expect(lease.lost.aborted).toBe(false);
  expect(await hub.join().tryLease('watch', 30_000)).toBeUndefined();
});
