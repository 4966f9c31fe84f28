/** Slack's rate limits: so many calls a minute for each method, and one message a second for each channel. */
import type { Clock } from '../time.ts';

const WINDOW_MS = 60_000;
/**
 * `chat.postMessage`: one a second, "short bursts >1 allowed" (https://docs.slack.dev/apis/web-api/rate-limits). Slack
 * does not say how short; people have measured 25 and more. Five are fewer than any of them: what passes here passes there.
 */
const BURST = 5;

export class RateLimits {
  readonly #clock: Clock;
  readonly #scale: number;
  readonly #windows = new Map<string, number[]>();
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #refused = new Map<string, number>();

  /** @param scale multiplies every limit; 0 turns them off */
  constructor(clock: Clock, scale: number) {
    this.#clock = clock;
    this.#scale = scale;
  }

  /** How many calls were told to wait, by method. */
  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  /** @returns seconds to wait, or 0 when the call may pass (and is counted) */
  perMinute(method: string, limit: number): number {
    if (this.#scale === 0) return 0;
    const allowed = Math.max(1, Math.floor(limit * this.#scale));
    const now = this.#clock.now();
    const recent = (this.#windows.get(method) ?? []).filter((at) => at > now - WINDOW_MS);
    this.#windows.set(method, recent);
    if (recent.length >= allowed) {
      this.#count(method);
      return Math.max(1, Math.ceil(((recent[recent.length - allowed] ?? now) + WINDOW_MS - now) / 1000));
    }
    recent.push(now);
    return 0;
  }

  /** As `perMinute`, for one message in a channel. */
  message(channel: string): number {
    if (this.#scale === 0) return 0;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(channel) ?? { tokens: BURST, at: now };
    const refilled = ((now - bucket.at) / 1000) * this.#scale;
    bucket.tokens = Math.min(BURST, bucket.tokens + refilled);
    bucket.at = now;
    this.#buckets.set(channel, bucket);
    if (bucket.tokens < 1) {
      this.#count('chat.postMessage');
      return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#scale));
    }
    bucket.tokens -= 1;
    return 0;
  }

  #count(method: string): void {
    this.#refused.set(method, (this.#refused.get(method) ?? 0) + 1);
  }
}
