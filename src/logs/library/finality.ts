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
  /** Of each stream, where reading began: everything of it before that was certain. */
  froms: readonly EpochMs[];
  /** When reading began. */
  readAt: EpochMs;
  /** When the job ended; undefined while it runs. */
  endedAt: EpochMs | undefined;
  /** Of each stream: an event that was there before any page but its own was read; undefined: there was none. */
  newest: readonly (EpochMs | undefined)[];
}

export interface Final {
  /** Between `from` and `to`. */
  completeTo: EpochMs;
  /** Of each stream: up to when nothing more will come of it. Of one that is silent it may be before `completeTo`. */
  certainTo: readonly EpochMs[];
}

/**
 * Streams that have been silent for longer than anything can be under way do not hold the others back: they are asked
 * again from where nothing is certain of them, and whatever comes then before `completeTo` takes the kept text back.
 */
export function finalOf({ from, to, froms, readAt, endedAt, newest }: Read): Final {
  if (isSettled(readAt, endedAt)) return { completeTo: to, certainTo: newest.map(() => to) };
  const settled = readAt - SETTLING_MS;
  const certainTo = newest.map((at, i) => Math.max(froms[i]!, settled, (at ?? settled) - JITTER_MS));
  const speaking = certainTo.filter((_, i) => newest[i] !== undefined && newest[i] >= settled);
  const completeTo = Math.max(from, Math.min(to, ...(speaking.length > 0 ? speaking : [settled])));
  return { completeTo, certainTo: certainTo.map((at) => Math.min(at, to)) };
}

/** Whether the job ended long enough ago for all of its log to be there. */
export function isSettled(now: EpochMs, endedAt: EpochMs | undefined): boolean {
  return endedAt !== undefined && now >= endedAt + SETTLING_MS;
}

/** Whether what was read is the whole log, now and for ever. @param aheadMs how far ahead of its time an event may be */
export function isWholeLog(
  { to, readAt, endedAt }: Pick<Read, 'to' | 'readAt' | 'endedAt'>,
  aheadMs: number,
): boolean {
  return isSettled(readAt, endedAt) && to >= endedAt! + SETTLING_MS + aheadMs;
}
