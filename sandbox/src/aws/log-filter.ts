/**
 * FilterLogEvents by the real service's rules: all streams interleaved by time, the end of the range
 * inclusive, short and empty pages with a token where the log was silent or the pattern rejects much.
 */
import type { EpochMs } from '../time.ts';
import type { EventBlock } from './event-blocks.ts';
import type { EventSeries } from './event-series.ts';
import type { EventFilter } from './filter-pattern.ts';
import { type LogPageChunks, PAGE_BYTES, PAGE_EVENTS, type PageRules } from './log-pages.ts';
import { invalidToken, openToken, sealToken } from './page-tokens.ts';

export interface FilterPageRequest {
  streams: readonly { name: string; series: EventSeries }[];
  startTime?: number | undefined;
  /** Inclusive, unlike GetLogEvents. */
  endTime?: number | undefined;
  limit?: number | undefined;
  nextToken?: string | undefined;
  filter?: EventFilter | undefined;
}

/** Events one call looks at; a pattern that rejects more than these gets a short page and a token. */
const SCAN_EVENTS = 50_000;

/** Everything before (time, stream, mark) in the interleaved order was given or rejected. */
interface Place {
  time: EpochMs;
  stream: string;
  mark: string;
  /** Time of the event before, to know whether the log was silent here. */
  last: EpochMs | undefined;
  empties: number;
}

interface Cursor {
  name: string;
  series: EventSeries;
  index: number;
  /** Index after the last event in the range. */
  high: number;
  visible: number;
  /** Holds the event at `index` most of the time. */
  block: EventBlock | undefined;
  /** What stands before an event's rendered fields: its id, whose digits change, and its stream. */
  head: Buffer;
}

/** @throws AwsError InvalidParameterException for a bad token */
export function filterPage(rules: PageRules, request: FilterPageRequest, now: EpochMs): LogPageChunks {
  const place = request.nextToken === undefined ? undefined : readPlace(request.nextToken, now);
  const limit = Math.min(request.limit ?? PAGE_EVENTS, PAGE_EVENTS);
  const cursors = [...request.streams]
    // The name decides between equal times.
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((stream) => openCursor(stream, request, place, now))
    .filter((cursor) => cursor.index < cursor.high);
  const writer = new PageWriter();
  let bytes = 0;
  let scanned = 0;
  let last = place === undefined ? request.startTime : place.last;
  const finish = (next: Cursor | undefined, empties = 0): LogPageChunks => {
    const token =
      next === undefined
        ? ''
        : `,"nextToken":"${sealToken(
            [next.series.time(next.index), next.name, next.series.mark(next.index), last ?? null, empties],
            now,
          )}"`;
    return { chunks: [writer.close(`],"searchedLogStreams":[]${token}}`)], events: writer.events };
  };

  for (;;) {
    const { first, second } = earliest(cursors);
    if (first === undefined) return finish(undefined);
    if (scanned === 0 && last !== undefined && first.series.time(first.index) - last >= rules.silenceMs) {
      const given = place?.empties ?? 0;
      if (given < rules.emptyPages) return finish(first, given + 1);
    }
    const turn = second === undefined ? Number.POSITIVE_INFINITY : second.series.time(second.index);
    const winsTies = second === undefined || cursors.indexOf(first) < cursors.indexOf(second);
    while (first.index < first.high) {
      let block = first.block;
      if (block === undefined || first.index >= block.first + block.count || first.index < block.first) {
        block = rules.cache.at(first.series, first.index, first.visible);
        first.block = block;
      }
      const k = first.index - block.first;
      const time = block.times[k]!;
      if (time > turn || (time === turn && !winsTies)) break;
      const silent = scanned > 0 && last !== undefined && time - last >= rules.silenceMs;
      if (silent || writer.events >= limit || scanned >= SCAN_EVENTS) return finish(first);
      if (request.filter === undefined || request.filter(first.series.message(first.index))) {
        bytes += block.sizes[k + 1]! - block.sizes[k]!;
        if (writer.events > 0 && bytes > PAGE_BYTES) return finish(first);
        writer.add(first, time, block.json.subarray(block.ends[k]! + 1, block.ends[k + 1]!));
      }
      scanned++;
      last = time;
      first.index++;
    }
  }
}

function openCursor(
  { name, series }: { name: string; series: EventSeries },
  request: FilterPageRequest,
  place: Place | undefined,
  now: EpochMs,
): Cursor {
  const visible = series.visible(now);
  const high =
    request.endTime === undefined ? visible : Math.min(visible, series.lowerBound(request.endTime + 1));
  let index = request.startTime === undefined ? 0 : series.lowerBound(request.startTime);
  if (place !== undefined) {
    const resumed =
      name === place.stream
        ? series.find(place.mark)
        : series.lowerBound(name < place.stream ? place.time + 1 : place.time);
    if (resumed === undefined) throw invalidToken();
    index = Math.max(index, resumed);
  }
  return { name, series, index, high, visible, block: undefined, head: eventHead(name) };
}

const ID_AT = '{"eventId":"'.length;
/** Of an event id: time, stream, number in the stream. 56 digits in all, as the service's. */
const TIME_DIGITS = 20;
const STREAM_DIGITS = 10;
const NUMBER_DIGITS = 26;

function eventHead(stream: string): Buffer {
  let digits = 0;
  for (const byte of Buffer.from(stream)) digits = (digits * 31 + byte) % 1e10;
  const id = `${'0'.repeat(TIME_DIGITS)}${String(digits).padStart(STREAM_DIGITS, '0')}${'0'.repeat(NUMBER_DIGITS)}`;
  return Buffer.from(`{"eventId":"${id}","logStreamName":${JSON.stringify(stream)},`);
}

/** Writes a number so that it ends before `end`, with zeros before it. */
function writeDigits(target: Buffer, value: number, end: number, digits: number): void {
  let rest = value;
  // Beyond what numbers here have, the zeros of the template stay.
  for (let at = end - 1; at >= end - Math.min(digits, 16); at--) {
    const next = Math.floor(rest / 10);
    target[at] = 48 + (rest - next * 10);
    rest = next;
  }
}

function earliest(cursors: readonly Cursor[]): { first: Cursor | undefined; second: Cursor | undefined } {
  let first: Cursor | undefined;
  let second: Cursor | undefined;
  let firstTime = Number.POSITIVE_INFINITY;
  let secondTime = Number.POSITIVE_INFINITY;
  for (const cursor of cursors) {
    if (cursor.index >= cursor.high) continue;
    const time = cursor.series.time(cursor.index);
    if (time < firstTime) {
      second = first;
      secondTime = firstTime;
      first = cursor;
      firstTime = time;
    } else if (time < secondTime) {
      second = cursor;
      secondTime = time;
    }
  }
  return { first, second };
}

function readPlace(token: string, now: EpochMs): Place {
  const [time, stream, mark, last, empties] = openToken(token, now);
  if (typeof time !== 'number' || typeof stream !== 'string' || typeof mark !== 'string')
    throw invalidToken();
  return { time, stream, mark, last: typeof last === 'number' ? last : undefined, empties: Number(empties) };
}

/** Puts what only this API gives (event id, stream) before each event's rendered fields. */
class PageWriter {
  #bytes = Buffer.allocUnsafe(1 << 20);
  #length = this.#bytes.write('{"events":[', 'latin1');
  events = 0;

  add(cursor: Cursor, time: EpochMs, fields: Buffer): void {
    const { head } = cursor;
    this.#reserve(head.length + fields.length);
    writeDigits(head, time, ID_AT + TIME_DIGITS, TIME_DIGITS);
    const end = ID_AT + TIME_DIGITS + STREAM_DIGITS + NUMBER_DIGITS;
    writeDigits(head, cursor.series.id(cursor.index), end, NUMBER_DIGITS);
    this.#bytes.set(head, this.#length);
    this.#bytes.set(fields, this.#length + head.length);
    this.#length += head.length + fields.length;
    this.events++;
  }

  close(end: string): Buffer {
    // The last event's comma.
    if (this.events > 0) this.#length--;
    this.#reserve(Buffer.byteLength(end));
    this.#length += this.#bytes.write(end, this.#length);
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
