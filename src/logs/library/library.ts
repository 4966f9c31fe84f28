/**
 * The engine with a log library: what a download has read of a log is kept, and the next one reads what is not there yet.
 * Whoever asks while it is read shares the reading. Everything is given out of kept pieces, in whatever form.
 */
import { inLines } from '../../domain/stream-generations.ts';
import { CancelledError, isPassing } from '../../ground/errors.ts';
import { unlessAborted } from '../../ground/pause.ts';
import type { EpochMs } from '../../ground/time.ts';
import type {
  KeptLog,
  LogDownload,
  LogDownloadRequest,
  LogEngine,
  LogFollowRequest,
} from '../../ports/log-engine.ts';
import type { LogChunk, LogSource, LogStreamInfo } from '../../ports/log-source.ts';
import type { Engine } from '../engine.ts';
import { type MessageFilter, messageFilter } from '../filter.ts';
import { streamColumns } from '../format.ts';
import { checkRequest, chosenStreams, throwIfCancelled } from '../requests.ts';
import { downloadOf, factsOf, outputOf } from '../results.ts';
import { spoolKey } from '../spool-folder.ts';
import { Flights } from './flights.ts';
import { keptSource } from './kept-source.ts';
import { mayRead } from './may-read.ts';
import { cutOffFrom, DamagedPiece } from './piece-files.ts';
import { isUniform, placed, type ReadLog, type ReadOnDeps, readOn } from './read-on.ts';
import { render } from './render.ts';
import type { Shelf } from './shelf.ts';
import { certainEnd, cutVolume, type Volume, volumeName } from './volume.ts';

type DownloadOptions = Parameters<LogEngine['download']>[1] & object;

/** After so many attempts (pieces that are damaged, readings that fail for others) it goes without the library. */
const ATTEMPTS = 6;
/** So many damaged places make what is kept worth nothing: all is read, and replaces it. */
const DAMAGES = 3;

/** A request whose log can be kept, and what has been found out about it. */
interface Asked {
  name: string;
  request: LogDownloadRequest;
  keep: KeptLog;
  options: DownloadOptions;
  /** All of the log, in natural order; and what is asked for. */
  streams: readonly LogStreamInfo[];
  chosen: readonly LogStreamInfo[];
  filter: MessageFilter | undefined;
  askedAt: EpochMs;
  /** That reading is allowed: asked for already, or known. */
  allowed: Promise<void> | undefined;
}

/** What was read, as those who share it need to know it. */
interface Shared extends ReadLog {
  to: EpochMs;
  fresh: boolean;
}

/** Those who ask for a volume now. */
interface Waiting {
  /** Up to when. */
  wants: Set<{ to: EpochMs }>;
  /** Readings that have ended since the first of them came. */
  ended: number;
}

export class Library implements LogEngine {
  readonly #engine: Engine;
  readonly #shelf: Shelf;
  readonly #deps: ReadOnDeps;
  readonly #flights = new Flights<Shared>();
  /** By volume. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(deps: ReadOnDeps) {
    this.#deps = deps;
    this.#engine = deps.engine;
    this.#shelf = deps.shelf;
  }

  async download(request: LogDownloadRequest, options: DownloadOptions = {}): Promise<LogDownload> {
    const { source, keep } = request;
    // Where there is no quota, there is nothing to save; where order is unknown, nothing is final.
    if (!keep || source.pace === undefined || source.forwardOnly) {
      return this.#engine.download(request, options);
    }
    checkRequest(request);
    const { signal } = options;
    const filter = await messageFilter(request.match);
    throwIfCancelled(signal);
    const name = volumeName(source.id, keep.edition);
    const early = request.fresh ? undefined : await this.#checkEarly(name, request, signal);
    options.onProgress?.({ phase: 'listing', events: 0, textBytes: 0, fraction: 0, throttled: false });
    const listing = await (request.listing ?? source.listStreams(signal));
    throwIfCancelled(signal);
    const streams = inLines(listing);
    const passOn = (): Promise<LogDownload> =>
      this.#engine.download({ ...request, listing: Promise.resolve(listing) }, options);
    if (streams.length === 0 || !isUniform(streamColumns(streams.map(({ shortName }) => shortName)))) {
      return passOn();
    }
    const asked: Asked = {
      ...{ name, request, keep, options, streams, filter },
      chosen: chosenStreams(streams, request.streams),
      askedAt: this.#engine.timing.now(),
      allowed: early?.answer,
    };
    return (await this.#fromLibrary(asked)) ?? passOn();
  }

  follow(request: LogFollowRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    return this.#engine.followBy((what, options) => this.download(what, options), request, signal);
  }

  kept(source: LogSource, edition: string): LogSource {
    // As with a download: without a quota there is nothing to save.
    if (source.pace === undefined || source.forwardOnly) return source;
    const name = volumeName(source.id, edition);
    return keptSource(source, {
      timing: this.#engine.timing,
      load: async () => {
        const volume = await this.#shelf.load(name, 'silently');
        return volume && { volume, dir: this.#shelf.dirOf(name) };
      },
      onProblem: (error) => this.#deps.onProblem(error, { volume: name }),
    });
  }

  async sweep(): Promise<void> {
    await this.#engine.sweep();
    await this.#shelf.sweep();
  }

  /** @returns undefined: it is better had without the library */
  async #fromLibrary(asked: Asked): Promise<LogDownload | undefined> {
    const { name, request, options } = asked;
    const { to } = request;
    const want = { to };
    const waiting = this.#waiting.get(name) ?? { wants: new Set(), ended: 0 };
    this.#waiting.set(name, waiting);
    waiting.wants.add(want);
    let damagedAt = Number.POSITIVE_INFINITY;
    let damages = 0;
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        throwIfCancelled(options.signal);
        const { ended } = waiting;
        const isOfUse = !request.fresh && damages < DAMAGES;
        const volume = isOfUse ? await this.#volume(asked, damagedAt) : undefined;
        // What was kept meanwhile, by a fresh reading perhaps, must not be replaced by what was there before.
        if (waiting.ended !== ended) continue;
        try {
          if (volume && isCovered(volume, asked))
            return await this.#give(asked, kept(volume, this.#shelf.dirOf(name)));
          if (!isWorthReading(volume, request)) return undefined;
          const download = await this.#shared(asked, volume);
          if (download) return download;
          damagedAt = Number.POSITIVE_INFINITY;
        } catch (error) {
          if (!(error instanceof DamagedPiece)) throw error;
          this.#deps.onProblem(error, { volume: name });
          damages += 1;
          // A file that ends too early has lost all pieces behind, and one of them is met after the other.
          const lost = await cutOffFrom(this.#shelf.dirOf(name), volume?.pieces ?? []);
          damagedAt = Math.min(damagedAt, error.piece.first, lost);
        }
      }
      return undefined;
    } finally {
      waiting.wants.delete(want);
      if (waiting.wants.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name);
    }
  }

  /** What is kept and can be used. @param damagedAt from there on it was found damaged */
  async #volume(asked: Asked, damagedAt: EpochMs): Promise<Volume | undefined> {
    const volume = await this.#shelf.load(asked.name);
    if (!volume) return undefined;
    if (!hasAll(asked, volume)) {
      // Somebody may have seen a stream begin after this request had its list.
      const { source, streams } = asked.request;
      const listing = await source.listStreams(asked.options.signal);
      asked.streams = inLines(listing);
      asked.chosen = chosenStreams(inLines(listing), streams);
      // It was deleted: what is kept is of a log that is not there any more.
      if (!hasAll(asked, volume)) {
        asked.allowed = undefined;
        return undefined;
      }
    }
    return cutVolume(volume, damagedAt);
  }

  /** Reads on, or waits for who does. @returns undefined: what came of it is not enough, look again */
  async #shared(asked: Asked, volume: Volume | undefined): Promise<LogDownload | undefined> {
    const { name, request, options } = asked;
    const { signal } = options;
    const running = this.#flights.of(name);
    if (running && request.fresh && running.startedAt < asked.askedAt) {
      // It may have read before the request what was not there yet.
      await unlessAborted(signal, running.done.then(nothing, nothing)).catch(() => throwIfCancelled(signal));
      return undefined;
    }
    const flight = running ?? this.#start(asked, volume);
    const leave = flight.join(options.onProgress);
    try {
      const allowed = running ? this.#checkAllowed(asked) : undefined;
      const settled = flight.done.then(
        (shared) => ({ shared }),
        (error: unknown) => ({ error }),
      );
      const [outcome] = await unlessAborted(signal, Promise.all([settled, allowed])).catch(
        (error: unknown) => {
          throwIfCancelled(signal);
          throw error;
        },
      );
      if ('error' in outcome) {
        const { error } = outcome;
        // A passing failure of the service is everybody's. Of another, the rights of who has read may be the reason: then
        // it is this one's turn.
        const isTheirs = running && !isPassing(error);
        if (!isTheirs || error instanceof DamagedPiece) throw error;
        return undefined;
      }
      const { shared } = outcome;
      // Who has read was allowed to.
      asked.allowed ??= Promise.resolve();
      const isEnough =
        shared.to >= request.to &&
        (!request.fresh || shared.fresh) &&
        asked.streams.every((stream) => shared.streams.includes(stream.name));
      return isEnough ? await this.#give(asked, shared) : undefined;
    } finally {
      await leave(signal?.reason);
    }
  }

  #start(asked: Asked, volume: Volume | undefined): ReturnType<Flights<Shared>['start']> {
    const { name, request, keep, streams } = asked;
    const fresh = request.fresh ?? false;
    const waiting = this.#waiting.get(name);
    const to = Math.max(request.to, ...[...(waiting?.wants ?? [])].map((want) => want.to));
    return this.#flights.start(name, this.#engine.timing.now(), async (how) => {
      try {
        const log = await readOn(
          this.#deps,
          { name, source: request.source, keep, streams, volume, to, fresh },
          how,
        );
        return { ...log, to, fresh };
      } finally {
        if (waiting) waiting.ended += 1;
      }
    });
  }

  /** Everybody's right is their own, whoever has read. */
  #checkAllowed(asked: Asked): Promise<void> {
    const { request, options, chosen } = asked;
    asked.allowed ??= mayRead(this.#engine.timing, request.source, chosen[0]!.name, options.signal);
    return asked.allowed;
  }

  /** Where nothing will have to be read, that one may is asked for beside the list of streams. */
  async #checkEarly(
    name: string,
    { source, to }: LogDownloadRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ answer: Promise<void> } | undefined> {
    const volume = await this.#shelf.load(name, 'silently');
    const [stream] = volume?.streams ?? [];
    if (!volume || stream === undefined || !(volume.isWhole || certainEnd(volume) >= to)) return undefined;
    const answer = mayRead(this.#engine.timing, source, stream, signal);
    // If the stream turns out to have been deleted, nobody asks for the answer.
    answer.catch(() => undefined);
    return { answer };
  }

  /** Writes the file. */
  async #give(asked: Asked, log: ReadLog): Promise<LogDownload> {
    const { request, options, streams, chosen, filter } = asked;
    await this.#checkAllowed(asked);
    const { from, to, tail, form } = request;
    const isAll = from === undefined && tail === undefined && !filter && form === 'lines';
    // Known beforehand only where nothing has to be left out.
    const inside =
      isAll && chosen.length === streams.length ? log.pieces.filter(({ piece }) => piece.last < to) : [];
    const expected = inside.reduce((sum, { piece }) => sum + piece.textBytes, 0);
    const stored = inside.reduce((sum, { piece }) => sum + piece.memberBytes, 0);
    const spool = await this.#engine.folder.open(spoolKey(['given', asked.name]), false);
    const output = outputOf(request, { dir: spool.dir, streams: chosen, expectedBytes: () => expected });
    const { pieces, close } = placed(log);
    try {
      await spool.dropPages();
      await this.#engine.folder.checkSpace(expected > (request.gzipAbove ?? Infinity) ? stored : expected);
      await output.start();
      const totals = await render(
        pieces,
        {
          ...{ from: from ?? 0, to, tail, form, filter },
          places: log.streams.map((stream) => chosen.findIndex(({ name }) => name === stream)),
          columns: streamColumns(chosen.map(({ shortName }) => shortName)),
        },
        output,
        options.signal,
      );
      const facts = factsOf(totals, chosen, output.textBytes);
      const files = await output.finish(facts);
      const { events, textBytes } = facts;
      options.onProgress?.({ phase: 'writing', events, textBytes, fraction: 1, throttled: false });
      if (request.out !== undefined) await spool.remove();
      return downloadOf(facts, files, {
        resumed: log.resumed,
        notes: log.notes,
        remove: request.out === undefined ? () => spool.remove() : undefined,
      });
    } catch (error) {
      await output.discard();
      await spool.remove();
      throw options.signal?.aborted && !(error instanceof CancelledError)
        ? new CancelledError('Cancelled', { cause: error })
        : error;
    } finally {
      await close();
    }
  }
}

/** Whether a request knows of all streams of a volume. */
function hasAll({ streams }: Asked, volume: Volume): boolean {
  const there = new Set(streams.map(({ name }) => name));
  return volume.streams.every((stream) => there.has(stream));
}

const nothing = (): undefined => undefined;

/** Whether everything that is asked for is kept. */
function isCovered(volume: Volume, { request, streams }: Asked): boolean {
  return (
    (volume.isWhole || certainEnd(volume) >= request.to) &&
    streams.every((stream) => volume.streams.includes(stream.name))
  );
}

/**
 * Whether all that is missing up to the end of the request should be read: not where much less would do, and not where
 * nothing that is kept would be of use.
 */
function isWorthReading(volume: Volume | undefined, request: LogDownloadRequest): boolean {
  const { from, tail, streams = [] } = request;
  if (tail !== undefined || streams.length > 0) return false;
  if (from === undefined) return true;
  return !request.fresh && volume !== undefined && volume.completeTo > from;
}

function kept(volume: Volume, dir: string): ReadLog {
  return {
    streams: volume.streams,
    pieces: volume.pieces.map((piece) => ({ dir, piece })),
    notes: [],
    resumed: false,
    remove: async () => undefined,
  };
}
