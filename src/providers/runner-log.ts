/** The log of one run on a runner: as lines in pages (`GET /api/training/logs/{id}`), or as bytes while it is written. */
import { z } from 'zod';
import type { LineRange } from '../domain/line-range.ts';
import { isRunnerName } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import { inTime } from '../ground/pause.ts';
import { serverEvents } from '../ground/server-events.ts';
import type { LogChunk, LogSource } from '../ports/log-source.ts';
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

/** @param offset left out: the last `limit` lines */
export async function readLines(
  client: RunnerClient,
  name: string,
  { limit, offset }: LineRange,
  signal?: AbortSignal,
): Promise<NumberedLines> {
  if (!isRunnerName(name)) throw noLog();
  const from = offset === undefined ? '' : `&offset=${offset}`;
  const path = `/api/training/logs/${encodeURIComponent(name)}?limit=${limit}${from}`;
  const got = await client.get(path, answer, signal);
  if (!got) throw noLog();
  return {
    ...got,
    lines: got.logs,
    offset: got.offset ?? offset ?? Math.max(0, got.total - got.logs.length),
    times: got.times ?? [],
    unfinished: got.unfinished ?? false,
  };
}

export function runnerLog(
  client: RunnerClient,
  { id, name, find }: { id: string; name: string; find(signal?: AbortSignal): Promise<RunFacts | undefined> },
): LogSource {
  return numberedLog({
    id,
    aheadMs: AHEAD_MS,
    read: (offset, limit, signal) => readLines(client, name, { offset, limit }, signal),
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

/**
 * Milliseconds without an event after which the runner counts as gone: while a run prints nothing it sends one every 15 s.
 * Otherwise a machine that was switched off, or a network that was cut, would be noticed after minutes.
 */
const SILENCE = 45_000;

/** From any byte on until the run has ended, or the signal is aborted. See `TrainingProvider.readLog`. */
export async function* followRun(
  client: RunnerClient,
  name: string,
  from: number,
  signal: AbortSignal,
  silence = SILENCE,
): AsyncGenerator<LogChunk> {
  if (!isRunnerName(name)) throw noLog();
  let offset = from;
  const connection = new AbortController();
  try {
    const path = `${runPath(name)}/logs/stream?offset=${from}`;
    const all = AbortSignal.any([signal, connection.signal]);
    const body = await inTime(silence, client.stream(path, all));
    if (!body) throw silent(name, silence);
    const events = serverEvents(body);
    for (;;) {
      const came = await inTime(silence, events.next());
      if (!came) throw silent(name, silence);
      if (came.done) break;
      const { event, data, id } = came.value;
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
    throw error instanceof AppError ? error : cutOff(name, error);
  } finally {
    connection.abort();
  }
  if (!signal.aborted) throw cutOff(name, undefined);
}

function silent(name: string, silence: number): AppError {
  return new AppError(
    'unavailable',
    `The local runner has sent nothing for ${Math.round(silence / 1_000)} seconds while ${name} was followed.`,
    { hint: 'It is tried again.' },
  );
}

function cutOff(name: string, cause: unknown): AppError {
  return new AppError('unavailable', `The local runner has broken off while ${name} was followed.`, {
    hint: 'It is tried again.',
    cause,
  });
}
