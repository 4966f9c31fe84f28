/** Requests of a single event: whether one may read a log at all, and where a stream begins. */
import { backoff, jittered } from '../../ground/backoff.ts';
import { AppError } from '../../ground/errors.ts';
import type { EpochMs } from '../../ground/time.ts';
import type { LogPage, LogPageRequest, LogSource } from '../../ports/log-source.ts';
import type { Timing } from '../fetch.ts';
import { throwIfCancelled } from '../requests.ts';

/** Failures in a row. */
const FAILURE_LIMIT = 9;
/** Empty pages in a row, and events found one before the other: more than any sane service has. */
const PAGE_LIMIT = 3000;

/** Reads one page, so that a right that was withdrawn is noticed. @throws as the source */
export async function mayRead(
  timing: Timing,
  source: LogSource,
  stream: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const page = await readPage(timing, source, { stream, direction: 'forward', limit: 1 }, signal);
  page.release?.();
}

/** @returns the time of the earliest event of a stream before a time; undefined: there is none */
export async function earliestEvent(
  timing: Timing,
  source: LogSource,
  { stream, to }: { stream: string; to: EpochMs },
  signal: AbortSignal,
): Promise<EpochMs | undefined> {
  let earliest: EpochMs | undefined;
  let token: string | undefined;
  for (let pages = 0; pages < PAGE_LIMIT; pages++) {
    const page = await readPage(
      timing,
      source,
      {
        stream,
        to: earliest ?? to,
        direction: 'forward',
        limit: 1,
        ...(token === undefined ? {} : { token }),
      },
      signal,
    );
    const { count, times, nextToken } = page;
    const first = count > 0 ? times.subarray(0, count).reduce((a, b) => Math.min(a, b)) : undefined;
    page.release?.();
    if (first !== undefined) {
      // In a stream that is in order nothing is before it; one request more says whether this is one.
      earliest = first;
      token = undefined;
      continue;
    }
    if (nextToken === undefined || nextToken === token) return earliest;
    token = nextToken;
  }
  throw new AppError('timeout', `The log service gave ${PAGE_LIMIT} pages without an end.`, {
    hint: 'Try again later.',
  });
}

async function readPage(
  timing: Timing,
  source: LogSource,
  request: LogPageRequest,
  signal: AbortSignal | undefined,
): Promise<LogPage> {
  const never = new AbortController().signal;
  for (let failures = 1; ; failures++) {
    throwIfCancelled(signal);
    try {
      await source.pace?.turn(signal);
      return await source.readPage(request, signal);
    } catch (error) {
      throwIfCancelled(signal);
      const again =
        error instanceof AppError && ['rate_limited', 'unavailable', 'timeout'].includes(error.code);
      if (!again || failures > FAILURE_LIMIT) throw error;
      await timing.wait(jittered(backoff([200, 20_000], failures), timing.random), signal ?? never);
    }
  }
}
