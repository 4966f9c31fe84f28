/** The last events of each stream of a log, for looking at why something ended. */
import type { EpochMs, LogSource, LogStreamInfo } from '../ports.ts';

export interface LogEnd {
  /** The stream's short name. */
  stream: string;
  /** As printed, one event after the other. */
  text: string;
  /** Of the last event. */
  at: EpochMs;
}

/** Streams looked at: with hundreds of machines, those that spoke last. */
const STREAMS = 6;
const EVENTS = 200;
/** Characters kept of a stream. */
const TEXT = 64 * 1024;
/** Backward pages; some are empty in mid-stream. */
const PAGES = 12;

/** @returns the one that spoke last comes last; empty without any event. @throws AppError as the source */
export async function readLogEnds(
  source: LogSource,
  { now, signal }: { now: EpochMs; signal?: AbortSignal },
): Promise<LogEnd[]> {
  const streams = await source.listStreams(signal);
  const latest = [...streams]
    .sort((a, b) => (b.lastEventAt ?? b.firstEventAt ?? 0) - (a.lastEventAt ?? a.firstEventAt ?? 0))
    .slice(0, STREAMS);
  const ends = await Promise.all(latest.map((stream) => readEnd(source, stream, now, signal)));
  return ends.filter((end) => end !== undefined).sort((a, b) => a.at - b.at);
}

async function readEnd(
  source: LogSource,
  stream: LogStreamInfo,
  now: EpochMs,
  signal: AbortSignal | undefined,
): Promise<LogEnd | undefined> {
  const direction = source.forwardOnly ? 'forward' : 'backward';
  let parts: string[] = [];
  let at: EpochMs | undefined;
  let events = 0;
  let token: string | undefined;
  for (let pages = 0; direction === 'forward' || pages < PAGES; pages += 1) {
    signal?.throwIfAborted();
    await source.pace?.turn(signal);
    const page = await source.readPage(
      {
        stream: stream.name,
        // Exclusive, and the last event may be of this very millisecond, or of a clock that is ahead.
        to: now + 1 + (source.aheadMs ?? 0),
        direction,
        ...(token === undefined ? {} : { token }),
        ...(direction === 'backward' ? { limit: EVENTS } : {}),
      },
      signal,
    );
    const text = page.text.subarray(0, page.ends[page.count - 1] ?? 0);
    const messages = split(text, page.ends, page.count);
    if (page.count > 0)
      at = direction === 'forward' ? page.times[page.count - 1] : (at ?? page.times[page.count - 1]);
    parts = direction === 'forward' ? [...parts, ...messages] : [...messages, ...parts];
    events += page.count;
    page.release?.();
    parts = parts.slice(-EVENTS);
    if (page.nextToken === undefined || page.nextToken === token) break;
    if (direction === 'backward' && events >= EVENTS) break;
    token = page.nextToken;
  }
  if (at === undefined) return undefined;
  return { stream: stream.shortName, text: parts.join('').slice(-TEXT), at };
}

/** The messages as texts, each with the newline that the service leaves out. */
function split(text: Buffer, ends: Uint32Array, count: number): string[] {
  const messages: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const message = text.toString('utf8', at === 0 ? 0 : ends[at - 1], ends[at]);
    messages.push(message.endsWith('\n') ? message : `${message}\n`);
  }
  return messages;
}
