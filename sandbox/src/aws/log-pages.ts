/**
 * GetLogEvents by the real service's rules: at most 10,000 events or 1 MiB counted size, empty pages in
 * mid-stream where the log was silent for long, the same token again at the end.
 */
import type { EpochMs } from '../time.ts';
import type { BlockCache } from './event-blocks.ts';
import type { EventSeries } from './event-series.ts';
import { invalidToken, openToken, sealToken } from './page-tokens.ts';

export const PAGE_EVENTS = 10_000;
export const PAGE_BYTES = 1_048_576;

export interface PageRules {
  cache: BlockCache;
  /** A silence of at least this makes a page end early and empty pages follow. */
  silenceMs: number;
  /** How many empty pages follow. */
  emptyPages: number;
}

export interface LogPageChunks {
  chunks: Buffer[];
  events: number;
}

export interface GetPageRequest {
  stream: string;
  series: EventSeries;
  startTime?: number | undefined;
  endTime?: number | undefined;
  limit?: number | undefined;
  nextToken?: string | undefined;
  startFromHead?: boolean | undefined;
}

/** One answer of GetLogEvents, ready to send. @throws AwsError InvalidParameterException (token) */
export function getPage(rules: PageRules, request: GetPageRequest, now: EpochMs): LogPageChunks {
  const { series, stream, nextToken } = request;
  const visible = series.visible(now);
  const high =
    request.endTime === undefined ? visible : Math.min(visible, series.lowerBound(request.endTime));
  const low = Math.min(high, request.startTime === undefined ? 0 : series.lowerBound(request.startTime));
  const limit = Math.min(request.limit ?? PAGE_EVENTS, PAGE_EVENTS);
  const given = nextToken === undefined ? undefined : readToken(nextToken, now);
  const found = given?.stream === stream ? series.find(given.mark) : undefined;
  if (given !== undefined && found === undefined) throw invalidToken();
  const direction = given?.direction ?? (request.startFromHead ? 'f' : 'b');
  const place = Math.max(low, Math.min(high, found ?? (direction === 'f' ? low : high)));
  const token = (way: 'f' | 'b', index: number, empties = 0) =>
    `${way}/${sealToken([stream, series.mark(index), empties], now)}`;
  const empties = given?.empties ?? 0;
  const silent = (index: number, from: EpochMs | undefined) =>
    from !== undefined && series.time(index) - from >= rules.silenceMs;
  const answer = (from: number, to: number, forward: string, backward: string) =>
    page(rules, series, from, to, visible, forward, backward);

  if (direction === 'f') {
    if (place >= high) return answer(place, place, nextToken ?? token('f', place), token('b', place));
    const before = place > low ? series.time(place - 1) : request.startTime;
    if (empties < rules.emptyPages && silent(place, before)) {
      return answer(place, place, token('f', place, empties + 1), token('b', place));
    }
    const end = walkForward(rules, series, place, Math.min(high, place + limit), visible);
    return answer(place, end, token('f', end), token('b', place));
  }
  if (place <= low) return answer(place, place, token('f', place), nextToken ?? token('b', place));
  if (empties < rules.emptyPages && place < high && silent(place, series.time(place - 1))) {
    return answer(place, place, token('f', place), token('b', place, empties + 1));
  }
  const begin = walkBackward(rules, series, Math.max(low, place - limit), place, visible);
  return answer(begin, place, token('f', place), token('b', begin));
}

function readToken(token: string, now: EpochMs) {
  const direction = token[0] === 'f' || token[0] === 'b' ? token[0] : undefined;
  const [stream, mark, empties] = token[1] === '/' ? openToken(token.slice(2), now) : [];
  if (direction === undefined || typeof stream !== 'string' || typeof mark !== 'string') throw invalidToken();
  return { direction, stream, mark, empties: Number(empties) };
}

/** How far a page that starts at `from` reaches: to `to`, a full megabyte, or a long silence. */
function walkForward(
  rules: PageRules,
  series: EventSeries,
  from: number,
  to: number,
  visible: number,
): number {
  let bytes = 0;
  let index = from;
  let last = series.time(from);
  while (index < to) {
    const block = rules.cache.at(series, index, visible);
    const end = Math.min(to, block.first + block.count);
    for (; index < end; index++) {
      const k = index - block.first;
      bytes += block.sizes[k + 1]! - block.sizes[k]!;
      const at = block.times[k]!;
      if (index > from && (bytes > PAGE_BYTES || at - last >= rules.silenceMs)) return index;
      last = at;
    }
  }
  return index;
}

function walkBackward(
  rules: PageRules,
  series: EventSeries,
  from: number,
  to: number,
  visible: number,
): number {
  let bytes = 0;
  let index = to;
  let last = series.time(to - 1);
  while (index > from) {
    const block = rules.cache.at(series, index - 1, visible);
    const begin = Math.max(from, block.first);
    for (; index > begin; index--) {
      const k = index - 1 - block.first;
      bytes += block.sizes[k + 1]! - block.sizes[k]!;
      const at = block.times[k]!;
      if (index < to && (bytes > PAGE_BYTES || last - at >= rules.silenceMs)) return index;
      last = at;
    }
  }
  return index;
}

function page(
  rules: PageRules,
  series: EventSeries,
  from: number,
  to: number,
  visible: number,
  forward: string,
  backward: string,
): LogPageChunks {
  const chunks: Buffer[] = [Buffer.from('{"events":[')];
  for (let index = from; index < to; ) {
    const block = rules.cache.at(series, index, visible);
    const end = Math.min(to, block.first + block.count);
    const comma = end === to ? 1 : 0;
    chunks.push(
      block.json.subarray(block.ends[index - block.first]!, block.ends[end - block.first]! - comma),
    );
    index = end;
  }
  chunks.push(Buffer.from(`],"nextBackwardToken":"${backward}","nextForwardToken":"${forward}"}`));
  return { chunks, events: to - from };
}
