/** The log of one run on a runner: as lines in pages (`GET /api/training/logs/{id}`), or as bytes while it is written. */
import { z } from 'zod';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import type { LogPage, LogPageRequest, LogSource } from '../ports/log-source.ts';
import type { LogChunk } from '../ports/training-provider.ts';
import type { RunnerClient } from './runner-client.ts';
import { isRunName, type RunFacts, runPath } from './runner-facts.ts';

/** Lines of one page: the runner gives fewer where they are long. */
const PAGE = 5_000;
/** The runner may be on another machine, whose clock is ahead. */
const AHEAD_MS = 300_000;
const STREAM = 'output';

const answer = z.object({
  logs: z.array(z.string()),
  total: z.number().int().nonnegative(),
  /** What the interface leaves open, and this runner adds. */
  offset: z.number().int().nonnegative().optional(),
  times: z.array(z.number()).optional(),
  unfinished: z.boolean().optional(),
});

interface Lines {
  lines: string[];
  times: EpochMs[];
  offset: number;
  total: number;
  unfinished: boolean;
}

export function runnerLog(
  client: RunnerClient,
  { id, name, find }: { id: string; name: string; find(signal?: AbortSignal): Promise<RunFacts | undefined> },
): LogSource {
  const read = async (offset: number, limit: number, signal?: AbortSignal): Promise<Lines> => {
    if (!isRunName(name)) throw noLog();
    const path = `/api/training/logs/${encodeURIComponent(name)}?limit=${limit}&offset=${offset}`;
    const got = await client.get(path, answer, signal);
    if (!got) throw noLog();
    return {
      ...got,
      lines: got.logs,
      offset: got.offset ?? offset,
      times: got.times ?? [],
      unfinished: got.unfinished ?? false,
    };
  };
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
    aheadMs: AHEAD_MS,
    async listStreams(signal) {
      const run = await find(signal);
      if (!run) throw noLog();
      if (run.size === 0) return [];
      const { startedAt, createdAt, updatedAt, size } = run;
      return [
        {
          ...{ name: STREAM, shortName: STREAM, bytes: size },
          ...{ firstEventAt: startedAt ?? createdAt, lastEventAt: updatedAt },
        },
      ];
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
    // Times never fall: behind the first that is too late nothing is early enough.
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
    // Long lines: the runner gave the first of those asked for, but the last come first here.
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
function within({ lines, times }: Lines, from: EpochMs | undefined, to: EpochMs | undefined): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const time = times[index];
    if (time === undefined) indexes.push(index);
    else if ((from === undefined || time >= from) && (to === undefined || time < to)) indexes.push(index);
  }
  return indexes;
}

function pageOf({ lines, times }: Lines, indexes: readonly number[], nextToken: string): LogPage {
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

const noLog = (): AppError => new AppError('not_found', 'The local runner has no such run.');

const chunkEvent = z.object({
  chunk: z.base64(),
  gap: z.object({ from: z.number(), to: z.number() }).optional(),
});

/** From any byte on until the run has ended, or the signal is aborted. See `TrainingProvider.follow`. */
export async function* followRun(
  client: RunnerClient,
  name: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  if (!isRunName(name)) throw noLog();
  let offset = from;
  const body = await client.stream(`${runPath(name)}/logs/stream?offset=${from}`, signal);
  try {
    for await (const { event, data, id } of serverEvents(body)) {
      if (event === 'done') return;
      if (event !== 'log') continue;
      const { chunk, gap } = chunkEvent.parse(JSON.parse(data));
      const next = Number(id);
      if (!Number.isSafeInteger(next) || next < offset) throw new TypeError(`an event at byte ${id}`);
      // A marker stands for the gap: here the jump itself says it.
      if (gap) yield { offset: gap.to, bytes: new Uint8Array(0) };
      else {
        const bytes = Buffer.from(chunk, 'base64');
        yield { offset: next - bytes.length, bytes };
      }
      offset = next;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw cutOff(name, error);
  }
  if (!signal.aborted) throw cutOff(name, undefined);
}

function cutOff(name: string, cause: unknown): AppError {
  return new AppError('unavailable', `The local runner has broken off while ${name} was followed.`, {
    hint: 'It is tried again.',
    cause,
  });
}

interface ServerEvent {
  event: string;
  data: string;
  id: string;
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as a runner uses it. */
async function* serverEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let current: ServerEvent = { event: 'message', data: '', id: '' };
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    // A line end that came in two parts is looked at with the second.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if (current.data !== '') yield current;
        current = { event: 'message', data: '', id: current.id };
        continue;
      }
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === 'data') current.data += current.data === '' ? value : `\n${value}`;
      else if (field === 'event' || field === 'id') current[field] = value;
    }
  }
}
