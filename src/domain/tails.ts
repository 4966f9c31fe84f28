/** Runs watched in Slack: for each run and place one message, which shows the end of the run's log while it goes on. */
import type { EpochMs } from '../ground/time.ts';
import { readJobKey } from './job-keys.ts';
import { runId } from './runs.ts';

export interface Tail {
  /** The key of its message in the outbox. The same run in the same place is the same tail. */
  id: string;
  useCase: string;
  /** The job's key. */
  job: string;
  /** A channel; for a direct message, the person. */
  channel: string;
  /** The outbox's key of the message in whose thread it is. */
  thread?: string | undefined;
  /** Who asked for it, oldest first; it goes on as long as one of them may read the log. */
  watchers: readonly Watcher[];
  since: EpochMs;
  /** Goes up each time that somebody asks for it. */
  turn: number;
  /** When it stops by itself. */
  until: EpochMs;
  ended?: TailEnd | undefined;
  /** Its message says how it ended. */
  told?: boolean | undefined;
}

export interface Watcher {
  user: string;
  /** Chosen by the person; missing if Slack sent only an id. */
  name?: string | undefined;
}

export interface TailEnd {
  at: EpochMs;
  /**
   * `run`: the run has ended · `time`: it was watched for long enough · `stopped`: somebody stopped it · `rights`:
   * nobody who asked for it may read the log any more, or the channel is not the use case's any more · `gone`: its
   * message or channel is not there any more.
   */
  why: 'run' | 'time' | 'stopped' | 'rights' | 'gone';
  /** Who stopped it. */
  by?: Watcher | undefined;
}

/** Milliseconds for which a run is watched, from when somebody last asked for it. */
export const WATCH_FOR = 2 * 3_600_000;
/** Watched at the same time, in all channels: all share one budget of edits. */
export const MOST_TAILS = 40;
/** People remembered of a tail. */
const MOST_WATCHERS = 20;

export type TailPlace = Pick<Tail, 'useCase' | 'job' | 'channel' | 'thread'>;

/** @param nth 2 and more: the messages before it were deleted */
export function tailId({ useCase, job, channel, thread }: TailPlace, nth: number): string {
  const place = thread === undefined ? channel : `${channel}/${thread}`;
  return `tail/${useCase}/${job}@${place}${nth === 1 ? '' : `#${nth}`}`;
}

/** The id of the run that it shows. */
export function runOfTail({ useCase, job }: Pick<Tail, 'useCase' | 'job'>): string {
  const { provider, name } = readJobKey(job);
  return runId({ useCase, provider, job: name });
}

/** For a person alone, not for a channel. */
export const isDirectTail = ({ channel }: Pick<Tail, 'channel'>): boolean => /^[UW]/.test(channel);

export const isLiveTail = ({ ended }: Pick<Tail, 'ended'>): boolean => ended === undefined;

/** Somebody asks for it: it begins, goes on after it had ended, or goes on for longer. */
export function watchedBy(
  known: Tail | undefined,
  id: string,
  place: TailPlace,
  by: Watcher,
  now: EpochMs,
): Tail {
  const going = known && isLiveTail(known);
  // Whoever asked for it before it ended need not want it now.
  const others = going ? known.watchers.filter(({ user }) => user !== by.user) : [];
  return {
    id,
    ...place,
    watchers: [...others, by].slice(-MOST_WATCHERS),
    since: going ? known.since : now,
    turn: (known?.turn ?? 0) + 1,
    until: now + WATCH_FOR,
  };
}

/** What ended first stays: it is told of once. */
export const endedTail = (tail: Tail, ended: TailEnd): Tail => (isLiveTail(tail) ? { ...tail, ended } : tail);
