/**
 * A log as it is written: what is there already comes through a download, what is new by asking again and again.
 * An event counts as new by its time and its place among those of the same time. For events that arrive late, after newer
 * ones of their stream, the last events are read once more now and then and compared with what was given out.
 */

import { createReadStream } from 'node:fs';
import { inLines } from '../domain/stream-generations.ts';
import { AppError, isPassing, toAppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { LogDownload, LogDownloadRequest, LogFollowRequest, LogProgress } from '../ports/log-engine.ts';
import type { LogChunk, LogPage, LogPosition, LogStreamInfo } from '../ports/log-source.ts';
import {
  decodeCursor,
  encodeCursor,
  type FollowCursor,
  MOST_STREAMS,
  type StreamPlace,
  streamKey,
} from './follow-cursor.ts';
import { LineFormatter, streamColumns } from './format.ts';

interface FollowDeps {
  download(
    request: LogDownloadRequest,
    options: { signal: AbortSignal; onProgress: (progress: LogProgress) => void },
  ): Promise<LogDownload>;
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
/** Bytes of news of one stream that are enough for a round, and of all. */
const STREAM_BYTES = 1024 * 1024;
const ROUND_BYTES = 8 * STREAM_BYTES;
/** Streams that are read at a time: each may hold a page of a megabyte. */
const AT_ONCE = 8;
/** After so many in a row it is for the caller to decide. */
const REFUSALS = 10;
/** Milliseconds without news after the job's end until the log is whole: its last lines come after it. */
const QUIET_AFTER_END = 30_000;
/** Bytes of a chunk of what was there already. */
const CHUNK = 256 * 1024;

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
  const cursor = readCursor(request.from) ?? {
    form: request.form,
    settled: Math.trunc(deps.now()) - SETTLING,
    isLive: false,
    streams: new Map(),
  };
  const asked = {
    ...request,
    form: cursor.form,
    source: request.source.inBackground?.() ?? request.source,
  };
  let { offset } = request.from;
  if (!cursor.isLive) {
    let at = 0;
    for await (const bytes of history(deps, asked, cursor.settled, signal)) {
      const fresh = bytes.subarray(Math.max(0, offset - at));
      at += bytes.length;
      if (fresh.length === 0) continue;
      yield { offset, bytes: fresh, cursor: encodeCursor(cursor) };
      offset += fresh.length;
    }
    cursor.isLive = true;
  }
  const live = new LiveLog(deps, asked, cursor, signal);
  for await (const bytes of live.rounds()) {
    yield { offset, bytes, cursor: encodeCursor(cursor) };
    offset += bytes.length;
  }
}

/** Everything that happened before. */
async function* history(
  deps: FollowDeps,
  { source, keep, form, onWait }: LogFollowRequest,
  to: EpochMs,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let download: LogDownload;
  try {
    download = await deps.download(
      { source, keep, to, form, fileName: 'followed.log', gzipAbove: Number.POSITIVE_INFINITY },
      {
        signal,
        onProgress: ({ fraction, throttled }) => onWait?.({ kind: 'history', fraction, throttled }),
      },
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
  readonly #cursor: FollowCursor;
  readonly #signal: AbortSignal;
  #streams: readonly LogStreamInfo[] = [];
  #listedAt = Number.NEGATIVE_INFINITY;
  /** There was more than a round takes. */
  #isBehind = false;
  /** Of the streams, the one that the next round begins with. */
  #first = 0;

  constructor(deps: FollowDeps, request: LogFollowRequest, cursor: FollowCursor, signal: AbortSignal) {
    this.#deps = deps;
    this.#request = request;
    this.#cursor = cursor;
    this.#signal = signal;
  }

  /** What each round brings, until the job has ended and nothing more comes. */
  async *rounds(): AsyncGenerator<Buffer> {
    const { now, wait } = this.#deps;
    const { endedAt, onWait, source } = this.#request;
    let pause = SOON;
    let newsAt = Number.NEGATIVE_INFINITY;
    let refusals = 0;
    for (let round = 0; ; round += 1) {
      this.#signal.throwIfAborted();
      try {
        const ended = await endedAt(this.#signal);
        const isWhole = ended !== undefined && now() - Math.max(ended, newsAt) >= QUIET_AFTER_END;
        await this.#list(ended !== undefined);
        const events = await this.#read(isWhole || round % OVERLAP_EVERY === 0);
        refusals = 0;
        onWait?.(undefined);
        if (events.length > 0) {
          newsAt = now();
          yield this.#render(events);
        } else if (isWhole) return;
        pause = events.length > 0 ? SOON : Math.min(LATER, pause * 1.5);
      } catch (error) {
        refusals += 1;
        const problem = toAppError(error);
        if (!isPassing(problem) || refusals > REFUSALS) throw error;
        onWait?.({ kind: 'refused', error: problem });
        pause = LATER;
        this.#isBehind = false;
      }
      if (!this.#isBehind) await wait(source.pace?.slowed ? LATER : pause, this.#signal);
    }
  }

  async #list(now: boolean): Promise<void> {
    const at = this.#deps.now();
    if (!now && this.#streams.length > 0 && at - this.#listedAt < LIST_EVERY) return;
    this.#listedAt = at;
    const streams = await this.#request.source.listStreams(this.#signal);
    if (streams.length > MOST_STREAMS)
      throw new AppError(
        'invalid_input',
        `This job writes ${streams.length} log streams; at most ${MOST_STREAMS} can be followed live.`,
        { hint: 'Download its log instead.' },
      );
    this.#streams = inLines(streams);
  }

  /** New events of all streams, in the order of time; where there is very much, of the next few streams. */
  async #read(withOverlap: boolean): Promise<NewEvent[]> {
    const names = this.#streams.map(({ name }) => name);
    const inTurn = [...names.slice(this.#first), ...names.slice(0, this.#first)];
    const found: { name: string; events: NewEvent[] }[] = [];
    let bytes = 0;
    this.#isBehind = false;
    while (found.length < inTurn.length && bytes < ROUND_BYTES) {
      const some = inTurn.slice(found.length, found.length + AT_ONCE);
      for (const one of await Promise.all(some.map((name) => this.#readStream(name, withOverlap)))) {
        found.push(one);
        bytes += one.bytes;
      }
    }
    if (found.length < inTurn.length) this.#isBehind = true;
    this.#first = names.length === 0 ? 0 : (this.#first + found.length) % names.length;
    // Not before all are read: what a failing stream keeps back is read again with the rest.
    for (const { name, events } of found) remember(this.#placeOf(name), events);
    return found.flatMap(({ events }) => events).sort((a, b) => a.time - b.time);
  }

  #placeOf(stream: string): StreamPlace {
    const { settled, streams } = this.#cursor;
    const key = streamKey(stream);
    const known = streams.get(key);
    if (known) return known;
    const place = { at: settled, count: 0, since: settled, recent: [] };
    streams.set(key, place);
    return place;
  }

  async #readStream(
    stream: string,
    withOverlap: boolean,
  ): Promise<{ name: string; events: NewEvent[]; bytes: number }> {
    const { source } = this.#request;
    const place = this.#placeOf(stream);
    const from = withOverlap ? Math.min(place.since, place.at) : place.at;
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
      if (isLast) break;
      if (bytes >= STREAM_BYTES) {
        this.#isBehind = true;
        break;
      }
      token = page.nextToken;
    }
    return { name: stream, events, bytes };
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

function readCursor({ offset, cursor }: LogPosition): FollowCursor | undefined {
  if (cursor !== undefined) return decodeCursor(cursor);
  if (offset === 0) return undefined;
  throw new AppError('invalid_input', 'A log in CloudWatch can only be followed on from a chunk of its own.');
}
