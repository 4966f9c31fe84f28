/** What every coordination must do, whatever it is made of. Its clock is the test's. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Coordination, Lease, WakeNote } from '../../src/ports/coordination.ts';

export interface CoordinationHarness {
  /** Another instance on the same state. */
  join(): Coordination | Promise<Coordination>;
  /** Time passes: what is renewed is renewed meanwhile. */
  advance(ms: number): Promise<void>;
  /** The instance lives on and reaches nothing any more. */
  cutOff(instance: Coordination): void;
  dispose?(): Promise<void>;
}

const TTL = 30_000;

export function coordinationContract(name: string, harness: () => Promise<CoordinationHarness>): void {
  describe(`coordination contract: ${name}`, () => {
    let house: CoordinationHarness;
    let first: Coordination;
    let second: Coordination;

    beforeEach(async () => {
      house = await harness();
      first = await house.join();
      second = await house.join();
      return () => house.dispose?.();
    });
    const settle = (): Promise<void> => house.advance(0);

    describe('a lease', () => {
      it('is held by exactly one of many at once', async () => {
        const instances = await Promise.all(Array.from({ length: 20 }, () => house.join()));
        const tries = await Promise.all(instances.map((one) => one.tryLease('watch', TTL)));
        expect(tries.filter((lease) => lease !== undefined)).toHaveLength(1);
        expect(await second.tryLease('another', TTL)).toBeDefined();
      });

      it('is not had twice by one instance either', async () => {
        await first.lease('watch', TTL);
        expect(await first.tryLease('watch', TTL)).toBeUndefined();
      });

      it('goes to who waits as soon as it is released, one after the other, with fences that grow', async () => {
        const instances = await Promise.all(Array.from({ length: 5 }, () => house.join()));
        let holders = 0;
        const fences: number[] = [];
        const hold = async (one: Coordination): Promise<void> => {
          const lease = await one.lease('watch', TTL);
          holders += 1;
          expect(holders).toBe(1);
          fences.push(lease.fence);
          await settle();
          holders -= 1;
          await lease.release();
        };
        await Promise.all(instances.map(hold));
        expect(fences).toHaveLength(5);
        expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
      });

      it('stays with who renews it, for whatever time', async () => {
        const lease = await first.lease('watch', TTL);
        await house.advance(10 * TTL);
        expect(lease.lost.aborted).toBe(false);
        expect(await second.tryLease('watch', TTL)).toBeUndefined();
      });

      it('is lost to who cannot renew it before anybody else can have it', async () => {
        const lease = await first.lease('watch', TTL);
        const taken = second.lease('watch', TTL);
        const order: string[] = [];
        lease.lost.addEventListener('abort', () => order.push('lost'));
        let next: Lease | undefined;
        void taken.then((one) => {
          order.push('taken');
          next = one;
        });
        house.cutOff(first);
        await house.advance(TTL / 3);
        expect(order).toEqual([]);
        await house.advance(TTL / 2);
        expect(order).toEqual(['lost']);
        await house.advance(TTL / 2);
        expect(order).toEqual(['lost', 'taken']);
        expect(next!.fence).toBeGreaterThan(lease.fence);
        expect(next!.lost.aborted).toBe(false);
      });

      it('that is over takes nothing from who has it now', async () => {
        const lease = await first.lease('watch', TTL);
        house.cutOff(first);
        await house.advance(2 * TTL);
        const next = await second.lease('watch', TTL);
        await lease.release();
        expect(await (await house.join()).tryLease('watch', TTL)).toBeUndefined();
        expect(next.lost.aborted).toBe(false);
      });

      it('tells by its signal that it was released; twice is once', async () => {
        const lease = await first.lease('watch', TTL);
        expect(lease.isHeld()).toBe(true);
        await lease.release();
        await lease.release();
        expect(lease.lost.aborted).toBe(true);
        expect(lease.isHeld()).toBe(false);
        expect((await second.tryLease('watch', TTL))!.fence).toBeGreaterThan(lease.fence);
      });

      it('is waited for no longer than until the signal, which leaves the line', async () => {
        const lease = await first.lease('watch', TTL);
        const enough = new AbortController();
        const waiting = second.lease('watch', TTL, enough.signal);
        await settle();
        enough.abort(new Error('enough'));
        await expect(waiting).rejects.toThrow('enough');
        await lease.release();
        await settle();
        expect(await first.tryLease('watch', TTL)).toBeDefined();
        await expect(second.lease('other', TTL, enough.signal)).rejects.toThrow('enough');
      });

      it('is given back by an instance that closes, which then has none', async () => {
        const lease = await first.lease('watch', TTL);
        const waiting = first.lease('other', TTL);
        await waiting;
        const inLine = second.lease('watch', TTL);
        await settle();
        await first.close();
        expect(lease.lost.aborted).toBe(true);
        expect((await inLine).fence).toBeGreaterThan(lease.fence);
        await expect(first.lease('watch', TTL)).rejects.toMatchObject({ code: 'unavailable' });
      });

      it('that is waited for by an instance that closes is not waited for any more', async () => {
        await first.lease('watch', TTL);
        const waiting = second.lease('watch', TTL);
        const ended = expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
        await settle();
        await second.close();
        await ended;
      });
    });

    describe('a wake-up', () => {
      function listen(instance: Coordination, topic: string): { heard: WakeNote[]; end: () => void } {
        const heard: WakeNote[] = [];
        return { heard, end: instance.onWake(topic, (note) => void heard.push(note)) };
      }

      it('reaches every listener of its topic, the own ones too, and nobody else', async () => {
        const listeners = [listen(first, 'outbox'), listen(first, 'outbox'), listen(second, 'outbox')];
        const other = listen(second, 'events');
        await first.wake('outbox', { key: 'card/1' });
        await settle();
        for (const { heard } of listeners) expect(heard).toContainEqual({ key: 'card/1' });
        expect(other.heard).toEqual([]);
      });

      it('comes in the order of its sender', async () => {
        const { heard } = listen(second, 'outbox');
        for (let n = 0; n < 50; n += 1) await first.wake('outbox', { n });
        await settle();
        const seen = [...new Set(heard.map(({ n }) => n as number))];
        expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
      });

      it('is a copy for each: what one does to it, no other sees', async () => {
        const { heard } = listen(second, 'outbox');
        first.onWake('outbox', (note) => void Object.assign(note, { key: 'mine' }));
        const mine = { key: 'yours', nested: { list: [1, '\u2028 😀'] } };
        await first.wake('outbox', mine);
        mine.key = 'changed later';
        await settle();
        expect(heard).toContainEqual({ key: 'yours', nested: { list: [1, '\u2028 😀'] } });
      });

      it('is no more heard by who has ended listening, or has closed', async () => {
        const ended = listen(second, 'outbox');
        const closed = listen(second, 'outbox');
        ended.end();
        await first.wake('outbox', { n: 1 });
        await settle();
        await second.close();
        await first.wake('outbox', { n: 2 });
        await settle();
        expect(ended.heard).toEqual([]);
        expect(closed.heard).toEqual([{ n: 1 }]);
      });

      it('reaches the others when a listener fails', async () => {
        first.onWake('outbox', () => {
          throw new Error('at once');
        });
        first.onWake('outbox', async () => {
          throw new Error('later');
        });
        const { heard } = listen(second, 'outbox');
        await first.wake('outbox', { n: 1 });
        await settle();
        expect(heard).toContainEqual({ n: 1 });
      });
    });
  });
}
