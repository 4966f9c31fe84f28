/** Budgets of the parts of one process, as the folder's lock keeps all others out. */
import { elapsed } from '../ground/elapsed.ts';
import type { Clock } from '../ground/time.ts';
import type { Budgets, Rate, Taken, Window } from '../ports/budgets.ts';

interface Budget {
  /** What was taken and has not come back yet, as of `at`. */
  used: number;
  at: number;
  /** Of a window: when each was taken that has not come back yet, the earliest first. */
  takenAt: number[];
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
    rate: Rate | Window,
    { want = 1, left = 0 }: { want?: number; left?: number } = {},
  ): Promise<Taken> {
    const now = elapsed(this.#clock);
    const budget = this.#budget(name, now);
    const held = Math.max(0, budget.heldUntil - now);
    const all = 'most' in rate ? inWindow(budget, rate, now) : inBucket(budget, rate, now);
    const there = all - left;
    const taken = held > 0 ? 0 : Math.max(0, Math.min(want, Math.floor(there + ROUNDING)));
    if ('most' in rate) for (let one = 0; one < taken; one += 1) budget.takenAt.push(now);
    else budget.used += taken;
    if (taken >= want) return { taken, wait: 0 };
    return { taken, wait: Math.max(held, untilThere(budget, rate, 1 - (there - taken), now)) };
  }

  async hold(name: string, ms: number): Promise<void> {
    const now = elapsed(this.#clock);
    const budget = this.#budget(name, now);
    budget.heldUntil = Math.max(budget.heldUntil, now + ms);
  }

  #budget(name: string, now: number): Budget {
    const known = this.#budgets.get(name);
    if (known) return known;
    const budget: Budget = { used: 0, at: now, takenAt: [], heldUntil: now };
    this.#budgets.set(name, budget);
    return budget;
  }
}

/** @returns how many there are */
function inBucket(budget: Budget, { perSecond, burst }: Rate, now: number): number {
  budget.used = Math.max(0, budget.used - (perSecond * Math.max(0, now - budget.at)) / 1_000);
  budget.at = now;
  return burst - budget.used;
}

/** @returns how many there are */
function inWindow(budget: Budget, { most, within }: Window, now: number): number {
  budget.takenAt = budget.takenAt.filter((at) => at > now - within);
  return most - budget.takenAt.length;
}

/** @returns milliseconds until as many have come back */
function untilThere(budget: Budget, rate: Rate | Window, missing: number, now: number): number {
  if (missing <= 0) return 0;
  if (!('most' in rate)) return (missing / rate.perSecond) * 1_000;
  return (budget.takenAt[Math.ceil(missing - ROUNDING) - 1] ?? now) + rate.within - now;
}
