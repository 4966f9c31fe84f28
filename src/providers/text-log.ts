/** Logs that a service keeps as events, as text: the log engine reads them, and knows nothing of the job. */
import { createReadStream } from 'node:fs';
import { isFinished, keptAs, type TrainingJob } from '../domain/jobs.ts';
import { checkLineRange } from '../domain/line-range.ts';
import { providerWord } from '../domain/providers.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { LogDownload, LogEngine } from '../ports/log-engine.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { LogLines, TrainingProvider } from '../ports/training-provider.ts';

/** Milliseconds between two looks at a job whose log is followed. */
const LOOK_EVERY = 10_000;

export function textLog(
  engine: LogEngine,
  { name: provider, getStatus, log }: Pick<TrainingProvider, 'name' | 'getStatus' | 'log'>,
  clock: Clock = { now: () => Date.now() },
): Pick<TrainingProvider, 'getLogs' | 'readLog'> {
  const noJob = (job: string): AppError =>
    new AppError('not_found', `${providerWord(provider)} has no job ${job}.`, {
      hint: 'It was deleted, or never started.',
    });

  return {
    async getLogs(name, range, signal) {
      checkLineRange(range);
      const { limit, offset } = range;
      const source = log(name);
      const job = await getStatus(name, signal);
      if (!job) throw noJob(name);
      let download: LogDownload;
      try {
        download = await engine.download(
          {
            ...{
              source,
              form: await formOf(source, job, signal),
              to: clock.now() + 1 + (source.aheadMs ?? 0),
            },
            // For lines by number all of it has to be counted: what is read is kept for the next ones.
            ...(offset === undefined ? { tail: limit } : {}),
            keep: keptAs(job),
            ...{ fileName: 'lines.log', gzipAbove: Number.POSITIVE_INFINITY },
          },
          signal ? { signal } : {},
        );
      } catch (error) {
        // No stream yet.
        if (toAppError(error).code === 'not_found') return { lines: [], offset: 0, total: 0 };
        throw error;
      }
      try {
        return offset === undefined
          ? { lines: await lastLines(download, limit) }
          : await someLines(download, limit, offset);
      } finally {
        await download.dispose();
      }
    },

    async *readLog(name, from, signal, { onWait, endedAt } = {}) {
      const source = log(name);
      let job = await getStatus(name, signal);
      let lookedAt = clock.now();
      if (!job && from.offset === 0 && (await source.listStreams(signal)).length === 0) throw noJob(name);
      const ownLook = async (aborted: AbortSignal): Promise<EpochMs | undefined> => {
        if (job && !isFinished(job) && clock.now() - lookedAt >= LOOK_EVERY) {
          const at = clock.now();
          job = await getStatus(name, aborted);
          lookedAt = at;
        }
        // One that is gone prints nothing any more.
        return !job || isFinished(job) ? (job?.endedAt ?? lookedAt) : undefined;
      };
      const form = await formOf(source, job, signal);
      // Only a chunk's cursor says which events come next: without it, what comes before is read again.
      const begin = from.cursor === undefined ? { offset: 0 } : from;
      const keep = job && keptAs(job);
      const request = { source, keep, form, from: begin, endedAt: endedAt ?? ownLook, onWait };
      try {
        for await (const chunk of engine.follow(request, signal)) {
          const known = Math.max(0, from.offset - chunk.offset);
          if (known >= chunk.bytes.length && known > 0) continue;
          yield { ...chunk, offset: chunk.offset + known, bytes: chunk.bytes.subarray(known) };
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}

/** Of several machines, each line says which one printed it. */
async function formOf(
  source: LogSource,
  job: TrainingJob | undefined,
  signal: AbortSignal | undefined,
): Promise<'raw' | 'lines'> {
  const hosts =
    job?.instanceCount ?? new Set((await source.listStreams(signal)).map(({ shortName }) => shortName)).size;
  return hosts > 1 ? 'lines' : 'raw';
}

/** At `\n` alone: a bar that redraws itself with `\r` is one line, as on a runner. */
async function* linesOf({ files }: LogDownload): AsyncGenerator<string> {
  let rest = '';
  for (const { path } of files)
    for await (const text of createReadStream(path, 'utf8') as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
  if (rest !== '') yield rest;
}

/** An event may have printed several lines. */
async function lastLines(download: LogDownload, limit: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(download)) {
    lines.push(line);
    if (lines.length >= 2 * limit) lines.splice(0, lines.length - limit);
  }
  return lines.slice(-limit);
}

async function someLines(download: LogDownload, limit: number, offset: number): Promise<LogLines> {
  const lines: string[] = [];
  let total = 0;
  for await (const line of linesOf(download)) {
    if (total >= offset && lines.length < limit) lines.push(line);
    total += 1;
  }
  return { lines, offset: Math.min(offset, total), total };
}
