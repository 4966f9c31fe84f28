/** One request of a single event: whether one may read a log at all. */
import { backoff, jittered } from '../../ground/backoff.ts';
import { isPassing } from '../../ground/errors.ts';
import type { LogSource } from '../../ports/log-source.ts';
import type { Timing } from '../fetch.ts';
import { throwIfCancelled } from '../requests.ts';

/** Failures in a row. */
const FAILURE_LIMIT = 9;

/** Reads one page, so that a right that was withdrawn is noticed. @throws as the source */
export async function mayRead(
  timing: Timing,
  source: LogSource,
  stream: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const never = new AbortController().signal;
  for (let failures = 1; ; failures++) {
    throwIfCancelled(signal);
    try {
      await source.pace?.turn(signal);
      const page = await source.readPage({ stream, direction: 'forward', limit: 1 }, signal);
      page.release?.();
      return;
    } catch (error) {
      throwIfCancelled(signal);
      if (!isPassing(error) || failures > FAILURE_LIMIT) throw error;
      await timing.wait(jittered(backoff([200, 20_000], failures), timing.random), signal ?? never);
    }
  }
}
