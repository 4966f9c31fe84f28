/**
 * Up to when what was read of a log can be kept: nothing before that time will come any more. The rule, and what it takes
 * for granted, is in docs/log-engine.md.
 */
import type { EpochMs } from '../../ground/time.ts';

/** An event is at the service within so many ms, however slow its agent is. */
const SETTLING_MS = 600_000;
/** The events of one stream arrive in order, give or take so many ms. */
const JITTER_MS = 5_000;

export interface Read {
  /** What was read: inclusive, exclusive. */
  from: EpochMs;
  to: EpochMs;
  /** When reading began. */
  readAt: EpochMs;
  /** When the job ended; undefined while it runs. */
  endedAt: EpochMs | undefined;
  /** Of each stream: an event that was there before any page but its own was read; undefined: there was none. */
  newest: readonly (EpochMs | undefined)[];
}

/** @returns between `from` and `to` */
export function finalUntil({ from, to, readAt, endedAt, newest }: Read): EpochMs {
  if (isSettled(readAt, endedAt)) return to;
  const certain = readAt - SETTLING_MS;
  const frontier = newest.map((at) => Math.max(certain, (at ?? certain) - JITTER_MS));
  return Math.max(from, Math.min(to, ...frontier));
}

/** Whether the job ended long enough ago for all of its log to be there. */
export function isSettled(now: EpochMs, endedAt: EpochMs | undefined): boolean {
  return endedAt !== undefined && now >= endedAt + SETTLING_MS;
}

/** Whether what was read is the whole log, now and for ever. @param aheadMs how far ahead of its time an event may be */
export function isWholeLog({ to, readAt, endedAt }: Read, aheadMs: number): boolean {
  return isSettled(readAt, endedAt) && to >= endedAt! + SETTLING_MS + aheadMs;
}
