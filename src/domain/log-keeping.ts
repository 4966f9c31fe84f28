/** What the place where a log is kept does to it: removes its beginning, or masks values in it. */
import type { EpochMs } from '../ground/time.ts';

/** What a place says of how it keeps logs. */
export interface LogKeeping {
  /** As its owner calls it: `the log group /aws/sagemaker/TrainingJobs`. */
  place: string;
  /** How many days events are kept, by their time; left out: for ever. */
  days?: number | undefined;
  /**
   * A policy turns values that it takes for sensitive into asterisks. `before`: there is none any more, but what was
   * written while there was one may still be masked.
   */
  masks?: 'now' | 'before' | undefined;
  /** Events cannot be read because of it, whatever rights one has: `INFREQUENT_ACCESS`. */
  unreadableClass?: string | undefined;
  /** ARN of the key that everything is encrypted with, if its owner chose one. */
  key?: string | undefined;
}

/** What is missing in a log, or may be. */
export interface LogLoss {
  place: string;
  /** Everything since then is there; what is older may be removed. */
  removed?: { completeSince: EpochMs; days: number; whole: boolean } | undefined;
  masks?: LogKeeping['masks'];
}

const DAY_MS = 86_400_000;

/**
 * @param run.begunAt nothing in the log is older
 * @param run.endedAt left out: it is still running
 * @returns undefined if nothing is missing, as far as is known; `removed.whole` if all of it is older than what is kept
 */
export function lossOf(
  { place, days, masks }: LogKeeping,
  run: { begunAt: EpochMs; endedAt?: EpochMs | undefined; now: EpochMs },
): LogLoss | undefined {
  const completeSince = run.now - (days ?? Number.POSITIVE_INFINITY) * DAY_MS;
  const removed =
    days === undefined || run.begunAt >= completeSince
      ? undefined
      : { completeSince, days, whole: run.endedAt !== undefined && run.endedAt < completeSince };
  return removed || masks ? { place, removed, masks } : undefined;
}

/** What of it concerns who wants only the end of the log, or only what is newer than `since`. */
export function lossWithin(
  loss: LogLoss | undefined,
  { since, tail }: { since?: EpochMs | undefined; tail?: number | undefined },
): LogLoss | undefined {
  if (!loss?.removed) return loss;
  if (tail === undefined && (since === undefined || since < loss.removed.completeSince)) return loss;
  return loss.masks ? { ...loss, removed: undefined } : undefined;
}

/** What follows after "complete"; undefined if nothing is removed. */
export function completeWords(loss: LogLoss | undefined, time: (at: EpochMs) => string): string | undefined {
  if (!loss?.removed) return undefined;
  const { completeSince, days } = loss.removed;
  return `from ${time(completeSince)} on: ${loss.place} keeps ${daysWords(days)}, and what is older may be removed`;
}

/** What follows after "masked"; undefined if nothing is. */
export function maskedWords(loss: LogLoss | undefined): string | undefined {
  if (!loss?.masks) return undefined;
  return loss.masks === 'now'
    ? `by a data-protection policy on ${loss.place}: AWS gives out asterisks for values that it takes for sensitive`
    : `in part, perhaps: ${loss.place} has had a data-protection policy, and values may be asterisks`;
}

/** Why there is no log at all, as a sentence; undefined if that is not the reason. */
export function goneWords(loss: LogLoss | undefined): string | undefined {
  if (!loss?.removed?.whole) return undefined;
  const place = `${loss.place.charAt(0).toUpperCase()}${loss.place.slice(1)}`;
  return `${place} keeps ${daysWords(loss.removed.days)}, and the job ended before that: whatever it printed is removed.`;
}

export const daysWords = (days: number): string => `${days} day${days === 1 ? '' : 's'}`;
