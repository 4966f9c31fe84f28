/**
 * What a processing or transform job that is started here does: it prepares for some seconds, then takes one part of
 * its input after the other and completes. Its environment steers it: `PARTS` (default 10; two seconds each),
 * `FAIL_AT_PART`.
 */
import type { EpochMs } from '../../time.ts';
import { writtenSeries } from '../event-series.ts';
import type { LogStreamSeed } from '../log-store.ts';
import { wholeNumber } from './request.ts';
import type { WorkTransition } from './work.ts';

const PREPARE_MS = 5_000;
const PART_MS = 2_000;
const FINISH_MS = 2_000;

export interface Run {
  transitions: WorkTransition[];
  failed: boolean;
  parts: number;
  /** When the first part is taken, and when the last was. */
  startAt: EpochMs;
  endAt: EpochMs;
  /** The parts that are taken, with the time when each is done; the last one fails if the run does. */
  taken: { part: number; at: EpochMs; fails: boolean }[];
}

/** @param limitSeconds its runtime limit, if its kind has one */
export function planRun(
  environment: Readonly<Record<string, string>>,
  now: EpochMs,
  limitSeconds = 1e9,
): Run {
  const parts = wholeNumber(environment.PARTS, 10);
  const failAt = wholeNumber(environment.FAIL_AT_PART, 0);
  const startAt = now + PREPARE_MS;
  const failed = failAt > 0 && failAt <= parts;
  const done = startAt + (failed ? failAt : parts) * PART_MS;
  const limit = startAt + limitSeconds * 1000;
  const endAt = Math.min(done, limit);
  const ended = done > limit ? 'Stopped' : failed ? 'Failed' : 'Completed';
  return {
    transitions: [
      { at: now, status: 'InProgress', secondary: 'Starting' },
      { at: startAt, status: 'InProgress', secondary: 'Running' },
      ...(ended === 'Stopped' ? [{ at: endAt, status: 'Stopping', secondary: 'Stopping' }] : []),
      { at: endAt + FINISH_MS, status: ended, secondary: ended },
    ],
    failed: ended === 'Failed',
    parts,
    startAt,
    endAt,
    taken: Array.from({ length: failed ? failAt : parts }, (_, index) => ({
      part: index + 1,
      at: startAt + (index + 1) * PART_MS - 100,
      fails: index + 1 === failAt,
    })).filter(({ at }) => at < endAt),
  };
}

/** @param write says what the stream has, oldest first */
export function runStream(
  name: string,
  createdAt: EpochMs,
  write: (say: (at: EpochMs, message: string) => void) => void,
): LogStreamSeed {
  return {
    name,
    createdAt,
    series: writtenSeries(() => {
      const events: { at: EpochMs; message: string }[] = [];
      write((at, message) => events.push({ at, message }));
      return events;
    }),
  };
}
