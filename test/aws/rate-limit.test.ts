import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/aws/rate-limit.ts';

/** Time that moves only from timer to timer. */
class World {
  now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  schedule = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  async runUntil(end: number): Promise<void> {
    for (;;) {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      this.#timers.sort((a, b) => a.at - b.at);
      const next = this.#timers[0];
      if (!next || next.at > end) break;
      this.#timers.shift();
      this.now = Math.max(this.now, next.at);
      next.callback();
    }
    this.now = end;
  }

  limiter(rate: number): RateLimiter {
    return new RateLimiter({ rate, now: () => this.now, schedule: this.schedule });
  }
}

/** The service's side: a bucket that holds one second's worth. */
class Service {
  accepted = 0;
  refused = 0;
  #tokens: number;
  #at = 0;
  rate: number;

  constructor(rate: number) {
    this.rate = rate;
    this.#tokens = rate;
  }

  ask(now: number): boolean {
    this.#tokens = Math.min(this.rate, this.#tokens + ((now - this.#at) * this.rate) / 1000);
    this.#at = now;
    if (this.#tokens < 1) {
      this.refused++;
      return false;
    }
    this.#tokens -= 1;
    this.accepted++;
    return true;
  }
}

/** Asks for turns without end, `width` at a time, each request `latency` ms long. */
function load(
  world: World,
  limiter: RateLimiter,
  service: Service,
  width: number,
  latency: number,
  chance: () => number,
): void {
  const flow = limiter.flow();
  const one = async (): Promise<void> => {
    for (;;) {
      await flow.turn();
      const sentAt = world.now;
      await new Promise<void>((resolve) => world.schedule(latency * chance(), resolve));
      const ok = service.ask(world.now);
      await new Promise<void>((resolve) => world.schedule(latency * chance(), resolve));
      if (ok) limiter.accepted();
      else limiter.refused(sentAt);
    }
  };
  for (let i = 0; i < width; i++) void one();
}

describe('[L5] requests a second', () => {
  it('are as many as the quota allows, and none is refused, when it is known', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(5, 10, 25, 30),
        fc.integer({ min: 0, max: 100 }),
        fc.infiniteStream(fc.double({ min: 0.5, max: 1, noNaN: true })),
        async (rate, latency, chances) => {
          const world = new World();
          const service = new Service(rate);
          load(world, world.limiter(rate), service, 24, latency, () => chances.next().value as number);
          await world.runUntil(60_000);
          expect(service.refused).toBe(0);
          expect(service.accepted).toBeGreaterThanOrEqual(rate * 60 * 0.98);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('settle near the true quota when it is far lower than told, with few refusals', async () => {
    const world = new World();
    const service = new Service(10);
    load(world, world.limiter(25), service, 6, 75, () => 1);
    await world.runUntil(60_000);
    expect(service.refused / (service.accepted + service.refused)).toBeLessThanOrEqual(0.04);
    expect(service.accepted).toBeGreaterThan(10 * 60 * 0.85);
  });

  it('come back to the quota after others have stopped using it', async () => {
    const world = new World();
    const service = new Service(8);
    const limiter = world.limiter(25);
    load(world, limiter, service, 6, 75, () => 1);
    await world.runUntil(20_000);
    expect(limiter.slowed).toBe(true);
    service.rate = 25;
    await world.runUntil(120_000);
    expect(limiter.slowed).toBe(false);
  });

  it('are shared fairly by two downloads, however many requests each would like to send', async () => {
    const world = new World();
    const limiter = world.limiter(20);
    const counts = [0, 0];
    const start = (which: number, width: number): void => {
      const flow = limiter.flow();
      const one = async (): Promise<void> => {
        for (;;) {
          await flow.turn();
          counts[which]!++;
          await new Promise<void>((resolve) => world.schedule(100, resolve));
        }
      };
      for (let i = 0; i < width; i++) void one();
    };
    start(0, 20);
    start(1, 4);
    await world.runUntil(30_000);
    expect(counts[1]! / (counts[0]! + counts[1]!)).toBeGreaterThan(0.4);
  });

  it('go to what people wait for, three of four, while something in the background asks too; all, while nobody else does', async () => {
    const world = new World();
    const limiter = world.limiter(10);
    const counts = [0, 0];
    const start = (index: number, inBackground: boolean, width: number, until: number): void => {
      const one = async (): Promise<void> => {
        const flow = limiter.flow({ inBackground });
        while (world.now < until) {
          await flow.turn();
          counts[index]! += 1;
          await new Promise<void>((resolve) => world.schedule(50, resolve));
        }
      };
      for (let i = 0; i < width; i++) void one();
    };
    // Many logs that are followed, and one download.
    start(0, true, 40, 60_000);
    start(1, false, 4, 30_000);
    await world.runUntil(30_000);
    expect(counts[1]! / (counts[0]! + counts[1]!)).toBeCloseTo(0.75, 1);
    const before = counts[0]!;
    await world.runUntil(60_000);
    expect(counts[0]! - before).toBeGreaterThan(30 * 10 * 0.95);
  });

  it('are without limit where there is no quota, until the service refuses one', async () => {
    const world = new World();
    const limiter = world.limiter(25);
    limiter.lift();
    expect(limiter.rate).toBe(Number.POSITIVE_INFINITY);
    const service = new Service(40);
    load(world, limiter, service, 12, 5, () => 1);
    await world.runUntil(30_000);
    expect(limiter.rate).toBeLessThan(60);
    expect(service.accepted).toBeGreaterThan(40 * 30 * 0.8);
  });

  it('give a turn back when it was not needed, and end waiting when told to', async () => {
    const world = new World();
    const limiter = world.limiter(4);
    const flow = limiter.flow();
    await flow.turn();
    flow.handBack();
    await flow.turn();
    const controller = new AbortController();
    let ended = false;
    void flow.turn(controller.signal).then(() => {
      ended = true;
    });
    await Promise.resolve();
    expect(ended).toBe(false);
    controller.abort();
    await Promise.resolve();
    await Promise.resolve();
    expect(ended).toBe(true);
  });
});
