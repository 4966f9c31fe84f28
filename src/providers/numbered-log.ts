/**
 * A log that is one growing list of numbered lines, as a source for the log engine: for runs whose log is raw bytes,
 * which their keeper reads as lines.
 */
import type { EpochMs } from '../ground/time.ts';
import type { LogPage, LogPageRequest, LogSource, LogStreamInfo } from '../ports/log-source.ts';

/** Lines of one page: fewer may come where they are long. */
const PAGE = 5_000;
const STREAM = 'output';

export interface NumberedLines {
  lines: string[];
  /** When each was printed; empty where that is not known. They never fall. */
  times: EpochMs[];
  /** Number of the first, from 0. */
  offset: number;
  total: number;
  /** The last line has no end yet. */
  unfinished: boolean;
}

export interface NumberedLog {
  /** See LogSource. */
  id: string;
  aheadMs?: number;
  /** What is known of the whole log; undefined: nothing was printed yet. @throws AppError not_found */
  facts(
    signal?: AbortSignal,
  ): Promise<Pick<LogStreamInfo, 'bytes' | 'firstEventAt' | 'lastEventAt'> | undefined>;
  /** @throws AppError not_found */
  read(offset: number, limit: number, signal?: AbortSignal): Promise<NumberedLines>;
}

export function numberedLog({ id, aheadMs, facts, read }: NumberedLog): LogSource {
  /** The first line that was printed at a time or later. */
  const lineAt = async (time: EpochMs, signal?: AbortSignal): Promise<number> => {
    let low = 0;
    let { total: high } = await read(0, 1, signal);
    while (low < high) {
      const middle = (low + high) >> 1;
      const { times } = await read(middle, 1, signal);
      if ((times[0] ?? Number.POSITIVE_INFINITY) >= time) high = middle;
      else low = middle + 1;
    }
    return low;
  };

  return {
    id,
    ...(aheadMs === undefined ? {} : { aheadMs }),
    async listStreams(signal) {
      const known = await facts(signal);
      return known ? [{ name: STREAM, shortName: STREAM, ...known }] : [];
    },
    async readPage(request, signal) {
      const place = readToken(request.token);
      if (place.isEnd) return emptyPage(request.token!);
      return request.direction === 'forward'
        ? await forward(request, place.line, signal)
        : await backward(request, place.line, signal);
    },
  };

  async function forward(
    { from, to, limit = PAGE }: LogPageRequest,
    known: number | undefined,
    signal?: AbortSignal,
  ): Promise<LogPage> {
    const begin = known ?? (from === undefined ? 0 : await lineAt(from, signal));
    const got = await read(begin, Math.min(limit, PAGE), signal);
    const next = got.offset + got.lines.length;
    const page = within(got, from, to);
    // Times never fall: after the first that is too late, none is early enough.
    const isOver = page.length < got.lines.length && page.at(-1) !== got.lines.length - 1 && to !== undefined;
    const isLast = next >= got.total && (got.lines.length === 0 || got.unfinished);
    return pageOf(got, page, token(next, isOver || isLast));
  }

  async function backward(
    { from, to, limit = PAGE }: LogPageRequest,
    known: number | undefined,
    signal?: AbortSignal,
  ): Promise<LogPage> {
    const end = known ?? (to === undefined ? (await read(0, 1, signal)).total : await lineAt(to, signal));
    const begin = Math.max(0, end - Math.min(limit, PAGE));
    if (begin === end) return emptyPage(token(end, true));
    const got = await read(begin, end - begin, signal);
    const page = within(got, from, to);
    const isWhole = got.lines.length === end - begin;
    // Long lines: the runner gave the first of those asked for, but here the last ones come first.
    if (!isWhole)
      return await backward(
        { direction: 'backward', stream: STREAM, from, to, limit: Math.max(1, (end - begin) >> 1) },
        end,
        signal,
      );
    return pageOf(got, page, token(begin, begin === 0 || page[0] !== 0));
  }
}

/** Indexes of the lines within a range of time; all of them where no times are known. */
function within(
  { lines, times }: NumberedLines,
  from: EpochMs | undefined,
  to: EpochMs | undefined,
): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const time = times[index];
    if (time === undefined) indexes.push(index);
    else if ((from === undefined || time >= from) && (to === undefined || time < to)) indexes.push(index);
  }
  return indexes;
}

function pageOf({ lines, times }: NumberedLines, indexes: readonly number[], nextToken: string): LogPage {
  const texts = indexes.map((index) => Buffer.from(lines[index]!));
  let end = 0;
  return {
    count: texts.length,
    text: Buffer.concat(texts),
    ends: Uint32Array.from(texts, (text) => (end += text.length)),
    times: Float64Array.from(indexes, (index) => times[index] ?? 0),
    nextToken,
  };
}

const emptyPage = (nextToken: string): LogPage =>
  pageOf({ lines: [], times: [], offset: 0, total: 0, unfinished: false }, [], nextToken);

const token = (line: number, isEnd: boolean): string => `${isEnd ? 'end' : 'line'}:${line}`;

function readToken(text: string | undefined): { line?: number; isEnd: boolean } {
  if (text === undefined) return { isEnd: false };
  const [kind, line] = text.split(':');
  return { line: Number(line), isEnd: kind === 'end' };
}
