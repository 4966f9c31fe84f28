/**
 * A log whose place is known only once somebody has asked: in another group, under another name, in several. It takes its
 * turns itself, and is not kept, since where it is may change while the job runs.
 */
import { AppError } from '../ground/errors.ts';
import type { LogPage, LogPageRequest, LogSource, LogStreamInfo } from '../ports/log-source.ts';

export interface LogPlace {
  source: LogSource;
  /** Before the names of its streams, where there are several places: a step's name. */
  label?: string | undefined;
}

export interface LateLogOptions {
  /** See LogSource. */
  id: string;
  /** @throws AppError not_found: there is no such job */
  parts(signal?: AbortSignal): Promise<readonly LogPlace[]>;
}

/** Between the label and the stream's own name; no stream's name has it. */
const BETWEEN = ': ';
/** How far an event may be ahead of our clock, ms; as in CloudWatch. */
const AHEAD_MS = 2 * 3_600_000;

export function lateLog({ id, parts }: LateLogOptions, inBackground = false): LogSource {
  /** By label; the same source for each, as long as it is read. */
  const known = new Map<string, LogSource>();
  const sourceOf = (place: LogPlace): LogSource => {
    const label = place.label ?? '';
    const before = known.get(label);
    if (before && before.id === place.source.id) return before;
    const source = inBackground ? (place.source.inBackground?.() ?? place.source) : place.source;
    known.set(label, source);
    return source;
  };

  async function listStreams(signal?: AbortSignal): Promise<LogStreamInfo[]> {
    let places: readonly LogPlace[];
    try {
      places = await parts(signal);
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return [];
      throw error;
    }
    const lists = await Promise.all(
      places.map(async (place) => {
        const streams = await sourceOf(place).listStreams(signal);
        const { label } = place;
        if (label === undefined) return streams;
        return streams.map((stream) => ({
          ...stream,
          name: `${label}${BETWEEN}${stream.name}`,
          shortName: `${label}/${stream.shortName}`,
        }));
      }),
    );
    return lists.flat();
  }

  async function placeOf(stream: string, signal?: AbortSignal): Promise<{ source: LogSource; name: string }> {
    const at = stream.indexOf(BETWEEN);
    const label = at < 0 ? '' : stream.slice(0, at);
    // Whoever reads on from an earlier listing has not listed with this object.
    if (!known.has(label)) await listStreams(signal);
    const source = known.get(label);
    if (!source)
      throw new AppError('not_found', 'This log is not there any more.', { hint: 'Ask for it again.' });
    return { source, name: at < 0 ? stream : stream.slice(at + BETWEEN.length) };
  }

  return {
    id,
    aheadMs: AHEAD_MS,
    listStreams,
    async readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> {
      const { source, name } = await placeOf(request.stream, signal);
      await source.pace?.turn(signal);
      return source.readPage({ ...request, stream: name }, signal);
    },
    inBackground: () => lateLog({ id, parts }, true),
    async keeping() {
      const [first] = await parts();
      return first?.source.keeping?.();
    },
  };
}
