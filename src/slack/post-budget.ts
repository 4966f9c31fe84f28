/**
 * `chat.postMessage`: one message a second in each channel, and several hundred a minute in the whole workspace
 * (https://docs.slack.dev/apis/web-api/rate-limits). Notifications are posted by one instance at a time, answers and
 * progress by each, so they share a budget, in which people come first.
 */
import { pause } from '../ground/pause.ts';
import type { Budgets, Rate } from '../ports/budgets.ts';

/** The answer to somebody who waits, or a notification. */
export type PostPurpose = 'person' | 'notification';

export interface PostPaceOptions {
  /** Milliseconds between posts in a channel, and calls of a method, when many wait; left out: what Slack allows. */
  callInterval?: number | undefined;
  /** Times what Slack allows in a workspace, for a Slack that allows more; default 1. */
  quotaFactor?: number | undefined;
}

/** Messages at once in one channel: "short bursts >1 allowed", and post-pace.ts says of how many. */
const AT_ONCE = 4;
/** Milliseconds. */
const INTERVAL = 1_000;
/** Of the workspace: 530 a minute, less than anybody was refused. */
const WORKSPACE: Rate = { perSecond: 8, burst: 50 };
/** What notifications leave for people, in their channel and in the workspace. */
const LEFT = { channel: 1, workspace: 10 };

export class PostBudget {
  readonly #budgets: Budgets;
  readonly #channel: Rate;
  readonly #workspace: Rate;

  constructor(budgets: Budgets, { callInterval = INTERVAL, quotaFactor = 1 }: PostPaceOptions = {}) {
    this.#budgets = budgets;
    this.#channel = { perSecond: 1_000 / Math.max(callInterval, 0.001), burst: AT_ONCE };
    this.#workspace = {
      perSecond: WORKSPACE.perSecond * quotaFactor,
      burst: WORKSPACE.burst * quotaFactor,
    };
  }

  /**
   * @param channel or a user for a direct message
   * @returns 0: it may be posted, and is counted; otherwise milliseconds until asking again
   */
  async tryTake(channel: string, purpose: PostPurpose): Promise<number> {
    const isNotification = purpose === 'notification';
    try {
      const left = isNotification ? LEFT.channel : 0;
      const there = await this.#budgets.take(nameOf(channel), this.#channel, { left });
      if (there.taken === 0) return there.wait;
      const all = await this.#budgets.take('slack/chat.postMessage', this.#workspace, {
        left: isNotification ? LEFT.workspace : 0,
      });
      return all.taken === 0 ? all.wait : 0;
    } catch {
      // Slack itself refuses what is too much.
      return 0;
    }
  }

  /** Resolves when somebody may be answered, and counts it. Rejects with the signal's reason. */
  async take(channel: string, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const wait = await this.tryTake(channel, 'person');
      if (wait === 0) return;
      await pause(Math.ceil(wait), signal);
    }
  }

  /**
   * Slack has refused a post there, and nobody posts there for this long. It does not say which of its limits was
   * reached; were it the workspace's, whoever posts elsewhere is refused as well.
   */
  refused(channel: string, ms: number): void {
    this.#budgets.hold(nameOf(channel), ms).catch(() => undefined);
  }
}

const nameOf = (channel: string): string => `slack/chat.postMessage/${channel}`;
