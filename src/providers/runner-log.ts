/** The log of one run on a runner: as lines in pages (`GET /api/training/logs/{id}`), or as bytes while it is written. */
import { z } from 'zod';
import { isRunnerName } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { LogChunk } from '../ports/training-provider.ts';
import { type NumberedLines, numberedLog } from './numbered-log.ts';
import type { RunnerClient } from './runner-client.ts';
import { type RunFacts, runPath } from './runner-facts.ts';

/** The runner may be on another machine, whose clock is ahead. */
const AHEAD_MS = 300_000;

const answer = z.object({
  logs: z.array(z.string()),
  total: z.number().int().nonnegative(),
  /** What the interface leaves open, and this runner adds. */
  offset: z.number().int().nonnegative().optional(),
  times: z.array(z.number()).optional(),
  unfinished: z.boolean().optional(),
});

export function runnerLog(
  client: RunnerClient,
  { id, name, find }: { id: string; name: string; find(signal?: AbortSignal): Promise<RunFacts | undefined> },
): LogSource {
  const read = async (offset: number, limit: number, signal?: AbortSignal): Promise<NumberedLines> => {
    if (!isRunnerName(name)) throw noLog();
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
  return numberedLog({
    id,
    aheadMs: AHEAD_MS,
    read,
    async facts(signal) {
      const run = await find(signal);
      if (!run) throw noLog();
      const { startedAt, createdAt, updatedAt, size } = run;
      return size === 0
        ? undefined
        : { bytes: size, firstEventAt: startedAt ?? createdAt, lastEventAt: updatedAt };
    },
  });
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
  if (!isRunnerName(name)) throw noLog();
  let offset = from;
  const body = await client.stream(`${runPath(name)}/logs/stream?offset=${from}`, signal);
  try {
    for await (const { event, data, id } of serverEvents(body)) {
      if (event === 'done') return;
      if (event !== 'log') continue;
      const { chunk, gap } = chunkEvent.parse(JSON.parse(data));
      const next = Number(id);
      if (!Number.isSafeInteger(next) || next < offset) throw new TypeError(`an event at byte ${id}`);
      // This is the marker for a gap; the jump in offsets already shows it.
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
