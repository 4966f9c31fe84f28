/**
 * A log as it is written: what is there already comes through a download, what is new by asking again and again.
 * An event counts as new by its time and its place among those of the same time. For events that arrive late, after newer
 * ones of their stream, the last events are read once more now and then and compared with what was given out.
 */
import { createReadStream } from 'node:fs';
import { AppError, toAppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { LogPage, LogStreamInfo } from '../ports/log-source.ts';
import type { LogChunk, LogPosition } from '../ports/training-provider.ts';
import type { LogDownload, LogDownloadRequest, LogFollowRequest } from './contract.ts';
import { LineFormatter, streamColumns } from './format.ts';

interface FollowDeps {
  download(request: LogDownloadRequest, options: { signal: AbortSignal }): Promise<LogDownload>;
  now(): EpochMs;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Milliseconds for which an event may be on its way to the service; what is older comes by the download. */
const SETTLING = 120_000;
/** Rounds from one reading of the remembered events to the next. */
const OVERLAP_EVERY = 10;
/** Events of a stream that are remembered, so that late ones among them are noticed, however far the stream jumps. */
const REMEMBERED = 4_096;
/** Milliseconds between two rounds: the first after news, the second at most. */
const SOON = 1_000;
const LATER = 5_000;
/** Milliseconds between two lists of the streams. */
const LIST_EVERY = 10_000;
/** Bytes of news of one stream that are enough for a round. */
const ROUND_BYTES = 1024 * 1024;
/** After so many in a row it is for the caller to decide. */
const REFUSALS = 10;
const RETRYABLE: readonly string[] = ['rate_limited', 'unavailable', 'timeout'];
/** Milliseconds without news after the job's end until the log is whole: its last lines come after it. */
const QUIET_AFTER_END = 30_000;
/** Bytes of a chunk of what was there already. */
const CHUNK = 256 * 1024;

/** Where a stream was left; [time, hash] of the events that are remembered, all those from `since` on. */
interface StreamPlace {
  /** Newest event given out, and how many of that very time. */
  at: EpochMs;
  count: number;
  since: EpochMs;
  recent: [time: EpochMs, hash: number][];
}

interface Cursor {
  /** What happened before comes by the download. */
  settled: EpochMs;
  /** The download is given out as a whole. */
  isLive: boolean;
  /** By the stream's name. */
  streams: Record<string, StreamPlace>;
}

interface NewEvent {
  time: EpochMs;
  stream: string;
  message: Buffer;
}

/** See LogEngine.follow. */
export async function* followLog(
  deps: FollowDeps,
  request: LogFollowRequest,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  const cursor = readCursor(request.from) ?? { settled: deps.now() - SETTLING, isLive: false, streams: {} };
  let { offset } = request.from;
  if (!cursor.isLive) {
    let at = 0;
    for await (const bytes of history(deps, request, cursor.settled, signal)) {
      const fresh = bytes.subarray(Math.max(0, offset - at));
      at += bytes.length;
      if (fresh.length === 0) continue;
      yield { offset, bytes: fresh, cursor: JSON.stringify(cursor) };
      offset += fresh.length;
    }
    cursor.isLive = true;
  }
  const live = new LiveLog(deps, request, cursor, signal);
  for await (const bytes of live.rounds()) {
    yield { offset, bytes, cursor: JSON.stringify(cursor) };
    offset += bytes.length;
  }
}

/** Everything that happened before. */
async function* history(
  deps: FollowDeps,
  { source, form }: LogFollowRequest,
  to: EpochMs,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let download: LogDownload;
  try {
    download = await deps.download(
      { source, to, form, fileName: 'followed.log', gzipAbove: Number.POSITIVE_INFINITY },
      { signal },
    );
  } catch (error) {
    // No stream yet.
    if (toAppError(error).code === 'not_found') return;
    throw error;
  }
  try {
    for (const { path } of download.files) yield* createReadStream(path, { highWaterMark: CHUNK });
  } finally {
    await download.dispose();
  }
}

class LiveLog {
  readonly #deps: FollowDeps;
  readonly #request: LogFollowRequest;
  readonly #cursor: Cursor;
  readonly #signal: AbortSignal;
  #streams: readonly LogStreamInfo[] = [];
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: FollowDeps, request: LogFollowRequest, cursor: Cursor, signal: AbortSignal) {
    this.#deps = deps;
    this.#request = request;
    this.#cursor = cursor;
    this.#signal = signal;
  }

  /** What each round brings, until the job has ended and nothing more comes. */
  async *rounds(): AsyncGenerator<Buffer> {
    const { now, wait } = this.#deps;
    let pause = SOON;
    let quietSince: EpochMs | undefined;
    let refusals = 0;
    for (let round = 0; ; round += 1) {
      this.#signal.throwIfAborted();
      try {
        const hasEnded = await this.#request.hasEnded(this.#signal);
        const isWhole = quietSince !== undefined && now() - quietSince >= QUIET_AFTER_END;
        await this.#list(hasEnded);
        const events = await this.#read(isWhole || round % OVERLAP_EVERY === 0);
        refusals = 0;
        if (events.length > 0) yield this.#render(events);
        else if (isWhole) return;
        quietSince = hasEnded && events.length === 0 ? (quietSince ?? now()) : undefined;
        pause = events.length > 0 ? SOON : Math.min(LATER, pause * 1.5);
      } catch (error) {
        refusals += 1;
        if (!RETRYABLE.includes(toAppError(error).code) || refusals > REFUSALS) throw error;
        pause = LATER;
      }
      await wait(this.#request.source.pace?.slowed ? LATER : pause, this.#signal);
    }
  }

  async #list(now: boolean): Promise<void> {
    const at = this.#deps.now();
    if (!now && this.#streams.length > 0 && at - this.#listedAt < LIST_EVERY) return;
    this.#listedAt = at;
    this.#streams = await this.#request.source.listStreams(this.#signal);
  }

  /** New events of all streams, in the order of time. */
  async #read(withOverlap: boolean): Promise<NewEvent[]> {
    const found = await Promise.all(this.#streams.map(({ name }) => this.#readStream(name, withOverlap)));
    // Not before all are read: what a failing stream keeps back is read again with the rest.
    for (const [index, { name }] of this.#streams.entries()) remember(this.#placeOf(name), found[index]!);
    return found.flat().sort((a, b) => a.time - b.time);
  }

  #placeOf(stream: string): StreamPlace {
    const { settled, streams } = this.#cursor;
    streams[stream] ??= { at: settled, count: 0, since: settled, recent: [] };
    return streams[stream];
  }

  async #readStream(stream: string, withOverlap: boolean): Promise<NewEvent[]> {
    const { source } = this.#request;
    const place = this.#placeOf(stream);
    const from = withOverlap ? place.since : place.at;
    const known = new Known(place);
    const events: NewEvent[] = [];
    let bytes = 0;
    let token: string | undefined;
    for (;;) {
      this.#signal.throwIfAborted();
      await source.pace?.turn(this.#signal);
      const page = await source.readPage(
        {
          stream,
          from,
          // Exclusive. A stream that is written to has no end of its own.
          to: this.#deps.now() + 1 + (source.aheadMs ?? 0),
          direction: 'forward',
          ...(token === undefined ? {} : { token }),
        },
        this.#signal,
      );
      for (const { time, message } of eventsOf(page)) {
        if (known.has(time, message)) continue;
        events.push({ time, stream, message: Buffer.from(message) });
        bytes += message.length;
      }
      page.release?.();
      const isLast = page.nextToken === undefined || page.nextToken === token;
      if (isLast || bytes >= ROUND_BYTES) break;
      token = page.nextToken;
    }
    return events;
  }

  #render(events: readonly NewEvent[]): Buffer {
    const { form } = this.#request;
    const columns = streamColumns(this.#streams.map(({ shortName }) => shortName));
    const formatters = new Map(
      this.#streams.map(({ name }, index) => [
        name,
        new LineFormatter({ form, streamColumn: columns[index]! }),
      ]),
    );
    return Buffer.concat(
      events.map(({ time, stream, message }) => {
        const { text, ends } = formatters.get(stream)!.format(pageOf(time, message));
        return text.subarray(0, ends[0]);
      }),
    );
  }
}

/** Which events of a reading were given out before: those of the newest time by their number, older ones by their hash. */
class Known {
  readonly #place: StreamPlace;
  /** Of the newest time, met in this reading. */
  #met = 0;
  /** Of older times, how many of each are not met yet. Made when the first of them is: most rounds meet none. */
  #older: Map<string, number> | undefined;

  constructor(place: StreamPlace) {
    this.#place = place;
  }

  has(time: EpochMs, message: Buffer): boolean {
    const { at, count } = this.#place;
    if (time > at) return false;
    if (time === at) {
      this.#met += 1;
      return this.#met <= count;
    }
    this.#older ??= counted(this.#place.recent);
    const key = `${time} ${hashOf(message)}`;
    const left = this.#older.get(key) ?? 0;
    if (left > 0) this.#older.set(key, left - 1);
    return left > 0;
  }
}

function counted(recent: StreamPlace['recent']): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [time, hash] of recent) {
    const key = `${time} ${hash}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function remember(place: StreamPlace, events: readonly NewEvent[]): void {
  for (const { time, message } of events) {
    place.recent.push([time, hashOf(message)]);
    if (time === place.at) place.count += 1;
    if (time <= place.at) continue;
    place.at = time;
    place.count = 1;
  }
  if (events.length === 0) return;
  place.recent.sort(([a], [b]) => a - b);
  let drop = Math.max(0, place.recent.length - REMEMBERED);
  // Of one time all are remembered or none, so that each can be told from the others.
  const last = place.recent[drop - 1]?.[0];
  if (last === undefined) return;
  while (drop < place.recent.length && place.recent[drop]![0] === last) drop += 1;
  place.since = last + 1;
  place.recent.splice(0, drop);
}

function* eventsOf(page: LogPage): Generator<{ time: EpochMs; message: Buffer }> {
  let start = 0;
  for (let i = 0; i < page.count; i++) {
    const end = page.ends[i]!;
    yield { time: page.times[i]!, message: page.text.subarray(start, end) };
    start = end;
  }
}

function pageOf(time: EpochMs, message: Buffer): LogPage {
  return {
    count: 1,
    text: message,
    ends: Uint32Array.of(message.length),
    times: Float64Array.of(time),
    nextToken: undefined,
  };
}

/** FNV-1a, 32 bits: enough among the few events of one millisecond. */
function hashOf(message: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of message) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function readCursor({ offset, cursor }: LogPosition): Cursor | undefined {
  if (cursor !== undefined) return JSON.parse(cursor) as Cursor;
  if (offset === 0) return undefined;
  throw new AppError('invalid_input', 'A log in CloudWatch can only be followed on from a chunk of its own.');
}
