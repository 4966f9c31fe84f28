/** Which chain gets the next request: one that waits for its turn, else one that can be opened, else one more by a split. */
import type { Chain, LaneName, Split } from './gap.ts';
import type { HeldPages } from './held-pages.ts';
import type { StreamPlan } from './plan.ts';

/** Requests more that could be on their way: where it is so many, the quota goes unused for want of chains. */
const MUCH_ROOM = 5;

export interface NextChain {
  plan: StreamPlan;
  chain: Chain;
}

export interface NextChainsOptions {
  plans: readonly StreamPlan[];
  held: HeldPages;
  now: () => number;
  isNear: () => boolean;
  /** Requests are scarcer than time, whatever there is room for: see SplitMood. */
  saving: boolean;
}

export class NextChains {
  readonly #options: NextChainsOptions;

  constructor(options: NextChainsOptions) {
    this.#options = options;
  }

  /** One page after the other, forward, without the disk. */
  inSequence(plan: StreamPlan): boolean {
    const { held, isNear } = this.#options;
    return held.isAllowed && plan.isUndivided && isNear();
  }

  /** A chain of the lane that waits for its next page. */
  idle(lane: LaneName): NextChain | undefined {
    const { plans, held } = this.#options;
    const now = this.#options.now();
    for (const plan of plans) {
      if (this.inSequence(plan) && held.isAhead(plan.stream)) continue;
      const chain = plan.idle(lane, now, this.inSequence(plan));
      if (chain) return { plan, chain };
    }
    return undefined;
  }

  /**
   * @param mayBegin whether the lane may do more than go on with what it has begun
   * @param room requests that the lane could have on their way besides
   */
  pick(lane: LaneName, mayBegin: boolean, room: number): NextChain | undefined {
    const { plans } = this.#options;
    if (plans.some(({ mode }) => mode === 'tail')) return this.#latest(lane);
    const idle = this.idle(lane);
    if (idle || !mayBegin) return idle;
    for (const plan of plans) {
      const chain = plan.open(lane, this.inSequence(plan));
      if (chain) return { plan, chain };
    }
    // All chains are busy: another one is worth its overlap only while the lane has room.
    return room > 0 ? this.#bySplit(lane, room) : undefined;
  }

  #bySplit(lane: LaneName, room: number): NextChain | undefined {
    const { plans, saving } = this.#options;
    const mood = saving ? 'saving' : room >= MUCH_ROOM ? 'eager' : 'sparing';
    let best: { plan: StreamPlan; split: Split } | undefined;
    for (const plan of plans) {
      const split = this.inSequence(plan) ? undefined : plan.splittable(mood);
      if (split && split.pages > (best?.split.pages ?? 0)) best = { plan, split };
    }
    if (!best) return undefined;
    best.plan.split(best.split);
    const chain = best.plan.open(lane);
    return chain ? { plan: best.plan, chain } : undefined;
  }

  /** For `--tail`: of the stream that is read least far back, since from there on all of them count. */
  #latest(lane: LaneName): NextChain | undefined {
    const now = this.#options.now();
    for (const plan of [...this.#options.plans].sort((a, b) => b.completeFrom - a.completeFrom)) {
      const chain = plan.idle(lane, now) ?? plan.open(lane);
      if (chain) return { plan, chain };
    }
    return undefined;
  }
}
