/**
 * FilterLogEvents by the real service's rules: all streams interleaved by time, the end of the range
 * inclusive, short and empty pages with a token where the log was silent or the pattern rejects much.
 */
import type { EpochMs } from '../../ports.ts';
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
  /** `"logStreamName":"…",` */
  nameField: Buffer;
  idDigits: string;
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
      const block = rules.cache.at(first.series, first.index, first.visible);
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
  let digits = 0;
  for (const byte of Buffer.from(name)) digits = (digits * 31 + byte) % 1e10;
  return {
    name,
    series,
    index,
    high,
    visible,
    nameField: Buffer.from(`"logStreamName":${JSON.stringify(name)},`),
    idDigits: String(digits).padStart(10, '0'),
  };
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
    // Upper bound: 70 for the id and its quotes.
    this.#reserve(70 + cursor.nameField.length + fields.length);
    const id = `{"eventId":"${String(time).padStart(20, '0')}${cursor.idDigits}${String(cursor.series.id(cursor.index)).padStart(26, '0')}",`;
    this.#length += this.#bytes.write(id, this.#length, 'latin1');
    this.#length += cursor.nameField.copy(this.#bytes, this.#length);
    this.#length += fields.copy(this.#bytes, this.#length);
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
