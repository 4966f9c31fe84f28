/** Budgets of the parts of one process, as the folder's lock keeps all others out. */
import { elapsed } from '../ground/elapsed.ts';
import type { Clock } from '../ground/time.ts';
import type { Budgets, Rate, Taken } from '../ports/budgets.ts';

interface Budget {
  /** What was taken and has not come back yet, as of `at`. */
  used: number;
  at: number;
  heldUntil: number;
}

/** What a rounding error may lack of a whole one. */
const ROUNDING = 1e-6;

export class InProcessBudgets implements Budgets {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, Budget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(
    name: string,
    { perSecond, burst }: Rate,
    { want = 1, left = 0 }: { want?: number; left?: number } = {},
  ): Promise<Taken> {
    const now = elapsed(this.#clock);
    const budget = this.#budget(name, now);
    budget.used = Math.max(0, budget.used - (perSecond * Math.max(0, now - budget.at)) / 1_000);
    budget.at = now;
    const held = Math.max(0, budget.heldUntil - now);
    const there = burst - budget.used - left;
    const taken = held > 0 ? 0 : Math.max(0, Math.min(want, Math.floor(there + ROUNDING)));
    budget.used += taken;
    if (taken >= want) return { taken, wait: 0 };
    return { taken, wait: Math.max(held, ((1 - (there - taken)) / perSecond) * 1_000) };
  }

  async hold(name: string, ms: number): Promise<void> {
    const now = elapsed(this.#clock);
    const budget = this.#budget(name, now);
    budget.heldUntil = Math.max(budget.heldUntil, now + ms);
  }

  #budget(name: string, now: number): Budget {
    const known = this.#budgets.get(name);
    if (known) return known;
    const budget = { used: 0, at: now, heldUntil: now };
    this.#budgets.set(name, budget);
    return budget;
  }
}
