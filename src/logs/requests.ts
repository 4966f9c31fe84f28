/** What a request asks for, checked; which streams it means. */

import { isAskedFor } from '../domain/log-order.ts';
import { AppError, CancelledError } from '../ground/errors.ts';
import type { LogDownloadRequest } from '../ports/log-engine.ts';
import type { LogStreamInfo } from '../ports/log-source.ts';

/** @throws AppError invalid_input */
export function checkRequest(request: LogDownloadRequest): void {
  const { from, to, tail } = request;
  if (from !== undefined && from > to) {
    throw new AppError('invalid_input', `The time range ends (${iso(to)}) before it begins (${iso(from)}).`, {
      hint: '--since must be earlier than --until.',
    });
  }
  if (!Number.isFinite(to)) throw new AppError('invalid_input', 'The time range has no end.');
  if (tail !== undefined && (!Number.isInteger(tail) || tail < 1)) {
    throw new AppError('invalid_input', `--tail takes a whole number from 1 on; it was ${tail}.`);
  }
}

function iso(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}

/**
 * @param all one or more
 * @param wanted see LogDownloadRequest.streams
 * @throws AppError invalid_input
 */
export function chosenStreams(all: LogStreamInfo[], wanted: readonly string[] | undefined): LogStreamInfo[] {
  if (!wanted || wanted.length === 0) return all;
  const chosen = all.filter((stream) => isAskedFor(stream, wanted));
  if (chosen.length > 0) return chosen;
  const known = all.slice(0, 20).map((stream) => stream.shortName);
  throw new AppError('invalid_input', `No stream of this job is called ${wanted.join(' or ')}.`, {
    hint: `Its streams: ${known.join(', ')}${all.length > known.length ? `, … ${all.length - known.length} more` : ''}.`,
  });
}

export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new CancelledError('Cancelled', { cause: signal.reason });
}
