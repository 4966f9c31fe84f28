/** What is known of log groups in this process. */
import type { LogKeeping } from '../domain/log-keeping.ts';
import { elapsed } from '../ground/elapsed.ts';
import { AppError } from '../ground/errors.ts';
import { keepRecent } from '../ground/recent.ts';
import type { Clock } from '../ground/time.ts';

type Answer = Promise<LogKeeping | undefined>;

/** Milliseconds; groups change rarely, and nobody waits long for it. */
const ASKED_EVERY = 10 * 60_000;
const GIVE_UP_AFTER = 5_000;
/** Groups with their roles. */
const KNOWN = 1_000;

/** Asks once for each group and ten minutes, whoever wants to know; a refusal is an answer too. */
export class LogGroups {
  readonly #clock: Clock;
  readonly #known = new Map<string, { answer: Answer; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param key of everybody who gets the same answer: account, region, group and role */
  of(key: string, ask: (signal: AbortSignal) => Answer): Answer {
    const now = elapsed(this.#clock);
    const known = this.#known.get(key);
    if (known && now - known.at < ASKED_EVERY) return known.answer;
    const signal = AbortSignal.timeout(GIVE_UP_AFTER);
    const answer = ask(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      throw new AppError('timeout', `AWS did not describe the log group within ${GIVE_UP_AFTER / 1000} s.`);
    });
    // Nobody need be waiting for it.
    answer.catch(() => undefined);
    keepRecent(this.#known, key, { answer, at: now }, KNOWN);
    return answer;
  }
}
