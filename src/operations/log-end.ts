/** The last events of each stream of a log, for finding out why something ended. */
import { inLines } from '../domain/stream-generations.ts';
import { backoff, jittered } from '../ground/backoff.ts';
import { AppError } from '../ground/errors.ts';
import { pause } from '../ground/pause.ts';
import type { EpochMs } from '../ground/time.ts';
import type { LogPage, LogPageRequest, LogSource, LogStreamInfo } from '../ports/log-source.ts';

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
/** Times that a page is asked for again. */
const REFUSALS = 6;

type Listing = readonly LogStreamInfo[];

export interface LogEndRange {
  now: EpochMs;
  /** Inclusive; left out: from the beginning. */
  from?: EpochMs | undefined;
  /** Exclusive; left out: all there is now. */
  to?: EpochMs | undefined;
  /** It ended with a failure, so the streams that fell silent first are read too. */
  failed?: boolean | undefined;
  /** Events to ask for of each stream, and how many of them will do; left out: as many as explain a failure. */
  events?: { most: number; enough: number } | undefined;
  /** Those to choose from, where they have been asked for already. */
  streams?: Listing | Promise<Listing> | undefined;
  signal?: AbortSignal | undefined;
}

/** @returns the stream that wrote last comes last; empty if there are no events. @throws AppError as the source */
export async function readLogEnds(source: LogSource, range: LogEndRange): Promise<LogEnd[]> {
  const listed = await (range.streams ?? source.listStreams(range.signal));
  const streams = chosen(inLines(listed), range.failed ?? false);
  const ends = await Promise.all(streams.map((stream) => readEnd(source, stream, range)));
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
  { now, from, to, events: wanted = { most: EVENTS, enough: EVENTS }, signal }: LogEndRange,
): Promise<LogEnd | undefined> {
  const direction = source.forwardOnly ? 'forward' : 'backward';
  let kept: Kept[] = [];
  let events = 0;
  let token: string | undefined;
  for (let pages = 0; direction === 'forward' || pages < PAGES; pages += 1) {
    const page = await readPage(
      source,
      {
        stream: stream.name,
        ...(from === undefined ? {} : { from }),
        // Exclusive, and the last event may be from this very millisecond, or from a clock that is ahead.
        to: to ?? now + 1 + (source.aheadMs ?? 0),
        direction,
        ...(token === undefined ? {} : { token }),
        ...(direction === 'backward' ? { limit: wanted.most } : {}),
      },
      signal,
    );
    const read = lastOf(page);
    events += page.count;
    page.release?.();
    kept = newest(direction === 'forward' ? [...kept, ...read] : [...read, ...kept]);
    if (page.nextToken === undefined || page.nextToken === token) break;
    // Anything older would not be kept.
    if (direction === 'backward' && (events >= wanted.enough || characters(kept) >= TEXT)) break;
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

/** Asked again while the service refuses for want of quota: whoever reads a whole log beside this may use it all. */
async function readPage(
  source: LogSource,
  request: LogPageRequest,
  signal: AbortSignal | undefined,
): Promise<LogPage> {
  for (let refused = 0; ; refused += 1) {
    signal?.throwIfAborted();
    await source.pace?.turn(signal);
    try {
      return await source.readPage(request, signal);
    } catch (error) {
      const again = error instanceof AppError && error.code === 'rate_limited' && refused < REFUSALS;
      if (!again) throw error;
    }
    await pause(jittered(backoff([50, 400], refused + 1)), signal);
  }
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
