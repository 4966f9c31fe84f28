/** The last events of each stream of a log, for finding out why something ended. */
import type { EpochMs } from '../ground/time.ts';
import type { LogPage, LogSource, LogStreamInfo } from '../ports/log-source.ts';

export interface LogEnd {
  /** The stream's short name. */
  stream: string;
  /** As printed, one event after the other; very long events are cut in the middle. */
  text: string;
  /** When each line of the text was written. */
  times: readonly EpochMs[];
  /** Of the last event. */
  at: EpochMs;
}

/** How many of the streams that wrote last are read. */
const STREAMS = 6;
/** How many that fell silent first are read: what failed first is often not among those that wrote last. */
const STREAMS_OF_FAILURE = 16;
/** Events of a stream: enough for a traceback of each of eight processes, and their launcher's words. */
const EVENTS = 1_000;
/** Characters kept of a stream, and of one event. */
const TEXT = 128 * 1024;
const EVENT_TEXT = 8 * 1024;
/** Backward pages; some are empty in mid-stream. */
const PAGES = 12;

/**
 * @param options.failed it ended with a failure, so read the streams that fell silent first too
 * @returns the stream that wrote last comes last; empty if there are no events. @throws AppError as the source
 */
export async function readLogEnds(
  source: LogSource,
  { now, failed = false, signal }: { now: EpochMs; failed?: boolean; signal?: AbortSignal },
): Promise<LogEnd[]> {
  const streams = chosen(await source.listStreams(signal), failed);
  const ends = await Promise.all(streams.map((stream) => readEnd(source, stream, now, signal)));
  return ends.filter((end) => end !== undefined).sort((a, b) => a.at - b.at);
}

function chosen(streams: readonly LogStreamInfo[], failed: boolean): readonly LogStreamInfo[] {
  const spoke = (stream: LogStreamInfo): EpochMs => stream.lastEventAt ?? stream.firstEventAt ?? 0;
  const latest = [...streams].sort((a, b) => spoke(b) - spoke(a));
  if (!failed) return latest.slice(0, STREAMS);
  if (latest.length <= STREAMS_OF_FAILURE) return latest;
  const half = STREAMS_OF_FAILURE / 2;
  return [...latest.slice(0, half), ...latest.slice(-half)];
}

/** One event as it is kept. */
interface Kept {
  text: string;
  at: EpochMs;
}

async function readEnd(
  source: LogSource,
  stream: LogStreamInfo,
  now: EpochMs,
  signal: AbortSignal | undefined,
): Promise<LogEnd | undefined> {
  const direction = source.forwardOnly ? 'forward' : 'backward';
  let kept: Kept[] = [];
  let events = 0;
  let token: string | undefined;
  for (let pages = 0; direction === 'forward' || pages < PAGES; pages += 1) {
    signal?.throwIfAborted();
    await source.pace?.turn(signal);
    const page = await source.readPage(
      {
        stream: stream.name,
        // Exclusive, and the last event may be from this very millisecond, or from a clock that is ahead.
        to: now + 1 + (source.aheadMs ?? 0),
        direction,
        ...(token === undefined ? {} : { token }),
        ...(direction === 'backward' ? { limit: EVENTS } : {}),
      },
      signal,
    );
    const read = lastOf(page);
    events += page.count;
    page.release?.();
    kept = newest(direction === 'forward' ? [...kept, ...read] : [...read, ...kept]);
    if (page.nextToken === undefined || page.nextToken === token) break;
    // Anything older would not be kept.
    if (direction === 'backward' && (events >= EVENTS || characters(kept) >= TEXT)) break;
    token = page.nextToken;
  }
  const last = kept.at(-1);
  if (!last) return undefined;
  const times = kept.flatMap(({ text, at }) => Array<EpochMs>(text.split('\n').length - 1).fill(at));
  // The text ends with a newline, after which an empty line follows.
  return {
    stream: stream.shortName,
    text: kept.map(({ text }) => text).join(''),
    times: [...times, last.at],
    at: last.at,
  };
}

/** The last events of a page, each with the newline that the service leaves out; at most what is kept of a stream. */
function lastOf(page: LogPage): Kept[] {
  const events: Kept[] = [];
  let room = TEXT;
  for (let index = page.count - 1; index >= 0 && room > 0 && events.length < EVENTS; index -= 1) {
    const from = index === 0 ? 0 : page.ends[index - 1]!;
    const text = eventText(page.text.subarray(from, page.ends[index]));
    events.push({ text, at: page.times[index]! });
    room -= text.length;
  }
  return events.reverse();
}

function eventText(message: Buffer): string {
  const text =
    message.length <= EVENT_TEXT
      ? message.toString('utf8')
      : `${message.toString('utf8', 0, EVENT_TEXT / 2)} … ${message.toString('utf8', message.length - EVENT_TEXT / 2)}`;
  return text.endsWith('\n') ? text : `${text}\n`;
}

function newest(events: readonly Kept[]): Kept[] {
  let room = TEXT;
  let from = events.length;
  while (from > 0 && events.length - from < EVENTS && room > 0) {
    from -= 1;
    room -= events[from]!.text.length;
  }
  return events.slice(from);
}

const characters = (events: readonly Kept[]): number =>
  events.reduce((sum, { text }) => sum + text.length, 0);
