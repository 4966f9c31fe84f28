/**
 * A log as a source whose last events come out of the library, where all of a log that has ended is kept. For whoever
 * looks at the end of a log and does not download it.
 */
import { AppError } from '../../ground/errors.ts';
import type { LogPage, LogPageRequest, LogSource } from '../../ports/log-source.ts';
import type { Timing } from '../fetch.ts';
import { mayRead } from './may-read.ts';
import { PieceFiles } from './piece-files.ts';
import type { Volume } from './volume.ts';

export interface KeptSourceDeps {
  timing: Timing;
  /** What is kept of the log now, and where. */
  load(): Promise<{ volume: Volume; dir: string } | undefined>;
  onProblem(error: unknown): void;
}

/** Begins the tokens that are not the service's. */
const OURS = 'kept:';

/**
 * Each page holds the last events of the request's window, as many as it asks for; the token says how many were given. A
 * newline that an event was written without may stand at its end.
 */
export function keptSource(source: LogSource, deps: KeptSourceDeps): LogSource {
  let opened: ReturnType<KeptSourceDeps['load']> | undefined;
  let allowed: Promise<void> | undefined;
  const { secondLane, forwardOnly, pace, aheadMs } = source;

  const page = async (request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> => {
    const given = request.token?.startsWith(OURS) ? Number(request.token.slice(OURS.length)) : undefined;
    if (request.direction !== 'backward' || (given === undefined && request.token !== undefined))
      return source.readPage(request, signal);
    opened ??= deps.load();
    const kept = await opened;
    const stream = kept?.volume.isWhole ? kept.volume.streams.indexOf(request.stream) : -1;
    if (!kept || stream < 0) return source.readPage(request, signal);
    allowed ??= mayRead(deps.timing, source, request.stream, signal);
    await allowed;
    try {
      const events = await lastEvents(kept, stream, request, given ?? 0, signal);
      // The turn that the reader took for a request is not needed.
      pace?.handBack();
      return events;
    } catch (error) {
      signal?.throwIfAborted();
      deps.onProblem(error);
      opened = Promise.resolve(undefined);
      if (given === undefined) return source.readPage(request, signal);
      throw new AppError('unavailable', 'What was kept of the log can no longer be read.', {
        hint: 'Try again: it is then read from the service.',
        cause: error,
      });
    }
  };

  return {
    id: source.id,
    listStreams: (signal) => source.listStreams(signal),
    readPage: page,
    ...{ secondLane, forwardOnly, pace, aheadMs },
    ...(source.inBackground ? { inBackground: () => keptSource(source.inBackground!(), deps) } : {}),
    ...(source.keeping ? { keeping: () => source.keeping!() } : {}),
  };
}

/** @param given events of the window that earlier pages held. @throws DamagedPiece; the signal's reason */
async function lastEvents(
  { volume, dir }: { volume: Volume; dir: string },
  stream: number,
  { from = 0, to = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY }: LogPageRequest,
  given: number,
  signal: AbortSignal | undefined,
): Promise<LogPage> {
  const files = new PieceFiles(dir);
  /** The newest first. */
  const found: { time: number; message: Buffer }[] = [];
  let skip = given;
  try {
    for (const piece of [...volume.pieces].reverse()) {
      signal?.throwIfAborted();
      if (found.length >= limit || piece.last < from) break;
      if (piece.first >= to || !hasStream(piece.events, stream)) continue;
      const { text, entries, lead } = await files.content(piece);
      for (let i = entries.count - 1; i >= 0 && found.length < limit; i--) {
        const time = entries.times[i]!;
        if (entries.streams[i] !== stream || time < from || time >= to) continue;
        if (skip > 0) skip -= 1;
        else {
          const start = i === 0 ? 0 : entries.ends[i - 1]!;
          found.push({ time, message: text.subarray(start + lead, entries.ends[i]) });
        }
      }
    }
  } finally {
    await files.close();
  }
  found.reverse();
  const ends = new Uint32Array(found.length);
  let end = 0;
  for (const [i, { message }] of found.entries()) ends[i] = end += message.length;
  return {
    count: found.length,
    text: Buffer.concat(found.map(({ message }) => message)),
    ends,
    times: Float64Array.from(found, ({ time }) => time),
    nextToken: found.length < limit ? undefined : `${OURS}${given + found.length}`,
  };
}

/** @param events numbers of streams and their events in turn */
function hasStream(events: readonly number[], stream: number): boolean {
  for (let i = 0; i < events.length; i += 2) if (events[i] === stream) return true;
  return false;
}
