/**
 * Calls to Slack wait here for their turn out of one budget for all instances, instead of being refused there
 * (method-quotas.ts); a refusal counts for all of them. Those of downloads, which wait for longer and tell people that
 * they do, have call-budgets.ts for that.
 */
import { elapsed } from '../ground/elapsed.ts';
import { KeyQueue } from '../ground/key-queue.ts';
import { pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import type { Budgets } from '../ports/budgets.ts';
import { methodOf } from './answers.ts';
import { isTurnTaken } from './call-budgets.ts';
import { budgetOf, type CountedMethod, isCounted, windowOf } from './method-quotas.ts';

/** Of a method's calls, what the background leaves for people. */
const FOR_PEOPLE = 0.2;

export interface MethodBudgetOptions {
  budgets: Budgets;
  clock: Clock;
  /** Left out: somebody waits. */
  inBackground?: boolean | undefined;
  /** Times what Slack allows, for a Slack that allows more; default 1. */
  quotaFactor?: number | undefined;
  sleep?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

type Fetch = typeof fetch;

export class MethodBudgets {
  readonly #options: MethodBudgetOptions;
  /** Whoever came first is the first to go. */
  readonly #queue = new KeyQueue<CountedMethod>();

  constructor(options: MethodBudgetOptions) {
    this.#options = options;
  }

  /**
   * @param next asks Slack; its 429s name a whole number of seconds
   * @param patience milliseconds that a request waits here for its turn, or for what Slack asks to wait. One that would
   *   wait longer is answered as Slack would: 429, and when to come again
   */
  paced(next: Fetch, patience: number): Fetch {
    return async (address, init) => {
      const method = methodOf(address);
      if (!isCounted(method) || isTurnTaken(method)) return next(address, init);
      const until = this.#now() + patience;
      const signal = init?.signal ?? undefined;
      for (;;) {
        const wait = await this.#queue.run(method, () => this.#turn(method, until, signal));
        if (wait > 0) return comeAgainIn(wait);
        const response = await next(address, init);
        if (response.status !== 429) return response;
        const asked = Number(response.headers.get('retry-after')) * 1_000;
        // Otherwise the others are refused as well, which tells them.
        await this.#options.budgets.hold(budgetOf(method), asked).catch(() => undefined);
        if (this.#now() + asked > until) return response;
        await response.body?.cancel();
        await this.#sleep(asked, signal);
      }
    };
  }

  /** @returns 0: it may be called, and is counted; otherwise the milliseconds that it would have to wait */
  async #turn(method: CountedMethod, until: number, signal?: AbortSignal): Promise<number> {
    const { budgets, inBackground, quotaFactor } = this.#options;
    const window = windowOf(method, quotaFactor);
    const left = inBackground ? Math.floor(window.most * FOR_PEOPLE) : 0;
    for (;;) {
      signal?.throwIfAborted();
      // A budget that cannot be asked keeps nobody waiting: Slack itself refuses what is too much.
      const { taken, wait } = await budgets
        .take(budgetOf(method), window, { left })
        .catch(() => ({ taken: 1, wait: 0 }));
      if (taken > 0) return 0;
      if (this.#now() + wait > until) return wait;
      await this.#sleep(wait, signal);
    }
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await (this.#options.sleep ?? pause)(Math.ceil(ms), signal);
  }

  #now(): number {
    return elapsed(this.#options.clock);
  }
}

function comeAgainIn(ms: number): Response {
  const headers = { 'content-type': 'application/json', 'retry-after': String(Math.ceil(ms / 1_000)) };
  return new Response('{"ok":false,"error":"ratelimited"}', { status: 429, headers });
}
