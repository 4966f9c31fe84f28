/**
 * Requests of one user in three windows at once, and the headers that tell of them: `RateLimit` and `RateLimit-Policy`
 * (IETF draft), on every answer to an authenticated request (docs.runpod.io/api-reference-v2/rate-limits).
 */
import type { EpochMs } from '../time.ts';
import { Problem } from './problem.ts';
import type { RunpodSettings } from './settings.ts';

const WINDOWS = [
  ['minute', 60],
  ['hour', 3_600],
  ['day', 86_400],
] as const;

export class RateLimit {
  readonly #used = new Map<string, { from: EpochMs; count: number }>();
  readonly #settings: Pick<RunpodSettings, 'quotas'>;

  /** @param settings read at each request, so that they may change while the sandbox runs */
  constructor(settings: Pick<RunpodSettings, 'quotas'>) {
    this.#settings = settings;
  }

  /** Counts a request. @returns the headers of its answer. @throws Problem 429 that names the window */
  take(user: string, now: EpochMs): Record<string, string> {
    const { quotas } = this.#settings;
    // "Omitted for rate-limit-exempt callers."
    if (quotas === 'off') return {};
    const states = WINDOWS.map(([name, seconds]) => {
      const key = `${user}/${name}`;
      let used = this.#used.get(key);
      if (used === undefined || now >= used.from + seconds * 1000) {
        used = { from: now - (now % (seconds * 1000)), count: 0 };
        this.#used.set(key, used);
      }
      const resetsIn = Math.max(1, Math.ceil((used.from + seconds * 1000 - now) / 1000));
      return { name, seconds, quota: quotas[name], used, resetsIn };
    });
    const exceeded = states.find(({ quota, used }) => used.count >= quota);
    if (exceeded === undefined) for (const { used } of states) used.count += 1;
    const headers = {
      RateLimit: states
        .map(
          ({ name, quota, used, resetsIn }) => `"${name}";r=${Math.max(0, quota - used.count)};t=${resetsIn}`,
        )
        .join(', '),
      'RateLimit-Policy': states
        .map(({ name, quota, seconds }) => `"${name}";q=${quota};w=${seconds}`)
        .join(', '),
    };
    if (exceeded === undefined) return headers;
    throw tooMany(exceeded.name, exceeded.resetsIn, headers);
  }

  /** Full windows again. */
  refill(): void {
    this.#used.clear();
  }
}

/** As a fault has it too. */
export const tooMany = (
  window: string,
  seconds: number,
  headers: Readonly<Record<string, string>> = {},
): Problem =>
  new Problem(429, `rate limit exceeded for the ${window} window`, {
    headers: { ...headers, 'Retry-After': String(Math.ceil(seconds)) },
  });
