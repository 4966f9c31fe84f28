import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { RateLimiter, type RateLimiterOptions } from '../../src/aws/rate-limit.ts';
import type { Budgets } from '../../src/ports/budgets.ts';
import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';

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

  limiter(rate: number, shared?: RateLimiterOptions['shared']): RateLimiter {
    return new RateLimiter({ rate, shared, now: () => this.now, schedule: this.schedule });
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

describe('[L5] requests a second of several instances', () => {
  /** Their way to the budget takes a moment. */
  function shared(world: World, latency: number): { budgets: Budgets; asked: () => number } {
    const budgets = new InProcessBudgets({ now: () => world.now });
    let asked = 0;
    const late = async <T>(work: () => Promise<T>): Promise<T> => {
      asked += 1;
      await new Promise<void>((resolve) => world.schedule(latency, resolve));
      return work();
    };
    return {
      budgets: {
        take: (...args) => late(() => budgets.take(...args)),
        hold: (...args) => late(() => budgets.hold(...args)),
      },
      asked: () => asked,
    };
  }

  it('[N2] are together as many as the quota allows, at least nine tenths of it, and none is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(5, 10, 25, 30, 100),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        async (quota, widths, latency, seed) => {
          const world = new World();
          const service = new Service(quota);
          const { budgets } = shared(world, latency);
          let state = seed;
          const chance = (): number => {
            state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
            return 0.5 + state / 2_147_483_648;
          };
          // One whose requests answer slowly may not reach the quota alone; together they wait for nothing else.
          for (const width of widths)
            load(world, world.limiter(quota, { budgets, name: 'read' }), service, width + quota, 40, chance);
          await world.runUntil(60_000);
          expect(service.refused).toBe(0);
          expect(service.accepted).toBeGreaterThanOrEqual(0.9 * quota * 60);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are asked for together where several wait, and not one by one', async () => {
    const world = new World();
    const { budgets, asked } = shared(world, 5);
    const flow = world.limiter(50, { budgets, name: 'read' }).flow();
    let given = 0;
    for (let n = 0; n < 40; n += 1)
      void flow.turn().then(() => {
        given += 1;
      });
    await world.runUntil(100);
    expect(given).toBe(40);
    expect(asked()).toBe(5);
  });

  it('are divided by what each needs: who is alone has all of them, and who joins has its part at once', async () => {
    const world = new World();
    const service = new Service(20);
    const { budgets } = shared(world, 3);
    const one = world.limiter(20, { budgets, name: 'read' });
    const other = world.limiter(20, { budgets, name: 'read' });
    load(world, one, service, 30, 40, () => 1);
    await world.runUntil(30_000);
    const alone = service.accepted;
    expect(alone).toBeGreaterThanOrEqual(0.9 * 20 * 30);
    const joined = new Service(1e6);
    load(world, other, joined, 30, 40, () => 1);
    await world.runUntil(60_000);
    expect(joined.accepted).toBeGreaterThan(0.3 * 20 * 30);
    expect(service.accepted - alone + joined.accepted).toBeGreaterThanOrEqual(0.9 * 20 * 30);
    expect(service.accepted - alone + joined.accepted).toBeLessThanOrEqual(20 * 30 + 20);
  });

  it('wait while nobody knows what the others do, and go on when that is known again', async () => {
    const world = new World();
    const service = new Service(10);
    const budgets = new InProcessBudgets({ now: () => world.now });
    let gone = false;
    const limiter = world.limiter(10, {
      name: 'read',
      budgets: {
        hold: async () => {},
        take: async (...args) => {
          if (gone) throw new Error('the database does not answer');
          return budgets.take(...args);
        },
      },
    });
    load(world, limiter, service, 20, 20, () => 1);
    await world.runUntil(10_000);
    gone = true;
    await world.runUntil(11_000);
    const before = service.accepted;
    await world.runUntil(20_000);
    expect(service.accepted).toBe(before);
    gone = false;
    await world.runUntil(30_000);
    expect(service.accepted - before).toBeGreaterThanOrEqual(85);
    expect(service.refused).toBe(0);
  });

  it('that were taken before an instance hung are not used when it wakes', async () => {
    const world = new World();
    const budgets = new InProcessBudgets({ now: () => world.now });
    let answer = (): void => {};
    const limiter = world.limiter(10, {
      name: 'read',
      budgets: {
        hold: async () => {},
        take: async (...args) => {
          const taken = await budgets.take(...args);
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
          return taken;
        },
      },
    });
    let given = 0;
    const flow = limiter.flow();
    const giveUp = new AbortController();
    void flow.turn(giveUp.signal).then(() => (given += 1));
    await world.runUntil(10);
    expect(given).toBe(0);
    giveUp.abort();
    await world.runUntil(20);
    flow.handBack();
    answer();
    await world.runUntil(5_000);
    const ask = vi.spyOn(budgets, 'take');
    void flow.turn();
    await world.runUntil(5_010);
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('that no quota limits ask nobody', async () => {
    const world = new World();
    const take = vi.fn();
    const limiter = world.limiter(10, { name: 'read', budgets: { take, hold: take } });
    limiter.lift();
    await limiter.flow().turn();
    await world
      .limiter(Number.POSITIVE_INFINITY, { name: 'read', budgets: { take, hold: take } })
      .flow()
      .turn();
    expect(take).not.toHaveBeenCalled();
  });
});
