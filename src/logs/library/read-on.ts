/** Reads what a volume does not have yet, and keeps what of it is final. */
import type { EpochMs } from '../../ground/time.ts';
import type { KeptLog, LogProgress } from '../../ports/log-engine.ts';
import type { LogSource, LogStreamInfo } from '../../ports/log-source.ts';
import { lowerBound } from '../chain-overlap.ts';
import type { Gathered } from '../download.ts';
import type { Engine } from '../engine.ts';
import { streamColumns } from '../format.ts';
import { finalOf, isSettled, isWholeLog, type Read } from './finality.ts';
import { type PackedPiece, Packer, type Piece } from './piece.ts';
import { PieceFiles } from './piece-files.ts';
import { PieceWriter } from './piece-writer.ts';
import { Derivation, type PlacedPieces } from './render.ts';
import type { Shelf } from './shelf.ts';
import { cutVolume, EMPTY, type Volume } from './volume.ts';

/** Readings after which what is kept is left alone: each finds that something has come before it. */
const ATTEMPTS = 4;

export interface ReadOn {
  /** Of the volume. */
  name: string;
  source: LogSource;
  keep: KeptLog;
  /** All of the log, in natural order. */
  streams: readonly LogStreamInfo[];
  /** What is kept; undefined: nothing that may be used. */
  volume: Volume | undefined;
  to: EpochMs;
  /** Nothing that was read before may be used, not even of an interrupted download. */
  fresh: boolean;
}

/** A log up to some time, of which some is kept and some may be in a folder of its own. */
export interface ReadLog {
  /** Names, by number. */
  streams: readonly string[];
  pieces: readonly { dir: string; piece: Piece }[];
  notes: readonly string[];
  resumed: boolean;
  /** Removes what is not kept. */
  remove: () => Promise<void>;
}

export interface ReadOnDeps {
  engine: Engine;
  shelf: Shelf;
  /** Bytes of text after which a piece is full. */
  pieceBytes: number;
  /** It was read and could not be kept. */
  onProblem: (error: unknown, context: { volume: string }) => void;
}

/**
 * @param how.onProgress of all that is in the log now, not only of what is read
 * @throws as a download; DamagedPiece
 */
export async function readOn(
  deps: ReadOnDeps,
  asked: ReadOn,
  how: { signal: AbortSignal; onProgress: (progress: LogProgress) => void },
): Promise<ReadLog> {
  let known = asked.volume ?? EMPTY;
  for (let attempt = 1; ; attempt++) {
    const read = await readFrom(deps, { ...asked, known }, how);
    const first = read.gathered.first ?? Number.POSITIVE_INFINITY;
    if (first >= known.completeTo) {
      await keepOf(deps, asked, read);
      return read.log;
    }
    // A stream that had been silent, or had not been there, has events in what counted as complete.
    await read.log.remove();
    known = attempt < ATTEMPTS ? cutVolume(known, first) : EMPTY;
  }
}

/** What was read behind a volume. */
interface ReadPart {
  log: ReadLog;
  gathered: Gathered;
  /** Pieces of the volume that stay as they are, and those that were written behind them, in a folder of their own. */
  base: readonly Piece[];
  written: readonly Piece[];
  dir: string;
  /** What was read. */
  span: Omit<Read, 'newest'>;
}

async function readFrom(
  { engine, shelf, pieceBytes }: ReadOnDeps,
  { name, source, keep, streams, to: wanted, fresh, known }: ReadOn & { known: Volume },
  how: { signal: AbortSignal; onProgress: (progress: LogProgress) => void },
): Promise<ReadPart> {
  const readAt = engine.timing.now();
  const { base, carried } = openLast(known, pieceBytes / 2);
  const from = known.completeTo;
  const to = Math.max(from, wanted);
  const table = [...known.streams];
  for (const stream of streams) if (!table.includes(stream.name)) table.push(stream.name);
  const columns = streamColumns(streams.map(({ shortName }) => shortName));
  const numbers = streams.map((stream) => table.indexOf(stream.name));
  const froms = numbers.map((number) => Math.min(from, known.certainTo[number] ?? 0));
  const keptDir = shelf.dirOf(name);
  let dir = '';
  const { gathered, result, remove } = await engine.read(
    {
      ...{ source, columns, froms, to },
      // Their sizes are those of the whole log.
      streams: from > 0 ? streams.map((stream) => ({ ...stream, bytes: undefined })) : streams,
      identity: ['library', keep.edition, fresh],
      mayResume: !fresh,
      newestFirst: !isSettled(readAt, keep.endedAt),
      // What has come since is mostly little, and asked for again and again.
      saving: from > 0,
    },
    (spoolDir) => {
      dir = spoolDir;
      return new PieceWriter({
        ...{ dir, pieceBytes, lead: leadOf(columns), streams: numbers },
        before: (writer) => rewrite(carried, { dir: keptDir, columns, numbers, table, to: from }, writer),
      });
    },
    { signal: how.signal, onProgress: withKept(known, Math.min(to, readAt), how.onProgress) },
  );
  return {
    ...{ gathered, base, written: result, dir },
    log: {
      streams: table,
      pieces: [...base.map((piece) => ({ dir: keptDir, piece })), ...result.map((piece) => ({ dir, piece }))],
      notes: gathered.notes,
      resumed: gathered.resumed,
      remove,
    },
    span: { from, to, froms, readAt, endedAt: keep.endedAt },
  };
}

/** Progress of the whole log, of which some is kept. */
function withKept(
  { pieces, completeTo }: Volume,
  to: EpochMs,
  onProgress: (progress: LogProgress) => void,
): (progress: LogProgress) => void {
  const textBytes = pieces.reduce((sum, piece) => sum + piece.textBytes, 0);
  const events = pieces.reduce((sum, piece) => sum + eventsOf(piece), 0);
  const first = pieces[0]?.first ?? completeTo;
  const share = Math.max(0, Math.min(1, (completeTo - first) / Math.max(1, to - first)));
  return (progress) =>
    onProgress({
      ...progress,
      events: progress.events + events,
      textBytes: progress.textBytes + textBytes,
      fraction: share + (1 - share) * progress.fraction,
    });
}

/** Keeps what of it is final; never fails. */
async function keepOf(
  { shelf, onProblem }: ReadOnDeps,
  { name, source, streams }: ReadOn,
  { log, gathered, base, written, dir, span }: ReadPart,
): Promise<void> {
  // A stream that is not in order of time says nothing about what may still come.
  if (gathered.disordered) return;
  const files = new PieceFiles(dir);
  try {
    const { completeTo, certainTo } = finalOf({ ...span, newest: gathered.newest });
    const places = log.streams.map((stream) => streams.findIndex((one) => one.name === stream));
    await shelf.save(
      name,
      {
        streams: log.streams,
        certainTo: places.map((place) => certainTo[place]!),
        pieces: base,
        completeTo,
        isWhole: isWholeLog(span, source.aheadMs ?? 0),
        readAt: span.readAt,
      },
      { files, ...(await upTo(completeTo, written, files)) },
    );
  } catch (error) {
    onProblem(error, { volume: name });
  } finally {
    await files.close();
  }
}

/**
 * Takes out the last pieces that have to be written anew: those that were cut, and one that has room.
 * @param small bytes of text; below that it has
 */
function openLast({ pieces, completeTo }: Volume, small: number): { base: Piece[]; carried: Piece[] } {
  const base = [...pieces];
  const carried: Piece[] = [];
  for (let last = base.at(-1); last; last = base.at(-1)) {
    if (last.last < completeTo && last.textBytes >= small) break;
    carried.unshift(last);
    base.pop();
  }
  return { base, carried };
}

/** Writes the events of kept pieces before some time, laid out as the lines are now. */
async function rewrite(
  pieces: readonly Piece[],
  how: {
    dir: string;
    columns: readonly string[];
    numbers: readonly number[];
    table: readonly string[];
    to: EpochMs;
  },
  writer: PieceWriter,
): Promise<void> {
  if (pieces.length === 0) return;
  const files = new PieceFiles(how.dir);
  const derivation = new Derivation({
    ...{ from: 0, to: how.to, columns: how.columns, form: 'lines', filter: undefined, tail: undefined },
    places: how.table.map((_, number) => how.numbers.indexOf(number)),
  });
  try {
    for (const piece of pieces) {
      const { count, text, ends, times, places } = derivation.lines(await files.content(piece));
      if (count === 0) continue;
      const entries = {
        ...{ count, times: times.subarray(0, count), ends: ends.subarray(0, count) },
        streams: places.subarray(0, count).map((place) => how.numbers[place]!),
      };
      await writer.add(text.subarray(0, ends[count - 1]!), entries);
    }
  } finally {
    await files.close();
  }
}

/** The pieces whose events are all before a time, and of the one that it falls into the part before it. */
async function upTo(
  time: EpochMs,
  pieces: readonly Piece[],
  files: PieceFiles,
): Promise<{ pieces: Piece[]; last: PackedPiece | undefined }> {
  const whole = pieces.filter((piece) => piece.last < time);
  // By time, so it is one at most.
  const divided = pieces.find((piece) => piece.first < time && piece.last >= time);
  if (!divided) return { pieces: whole, last: undefined };
  const { text, entries, lead } = await files.content(divided);
  const count = lowerBound(entries.times, time);
  const part = {
    ...{ count, times: entries.times.subarray(0, count), ends: entries.ends.subarray(0, count) },
    streams: entries.streams.subarray(0, count),
  };
  const end = part.ends[count - 1]!;
  const packer = new Packer();
  try {
    return { pieces: whole, last: await packer.pack({ text: text.subarray(0, end), entries: part, lead }) };
  } finally {
    packer.close();
  }
}

/** Bytes before each message, if `isUniform`. */
function leadOf(columns: readonly string[]): number {
  const [first = ''] = columns;
  return 25 + (first === '' ? 0 : Buffer.byteLength(first) + 1);
}

/** Whether lines of all streams have as many bytes before the message, so that a piece can say how many. */
export function isUniform(columns: readonly string[]): boolean {
  return new Set(columns.map((column) => Buffer.byteLength(column))).size <= 1;
}

function eventsOf(piece: Piece): number {
  let events = 0;
  for (let i = 1; i < piece.events.length; i += 2) events += piece.events[i]!;
  return events;
}

/** With files to read them from, one for each folder. @returns also what closes them */
export function placed(log: Pick<ReadLog, 'pieces'>): { pieces: PlacedPieces; close: () => Promise<void> } {
  const files = new Map<string, PieceFiles>();
  const pieces = log.pieces.map(({ dir, piece }) => {
    let of = files.get(dir);
    if (!of) {
      of = new PieceFiles(dir);
      files.set(dir, of);
    }
    return { files: of, piece };
  });
  return {
    pieces,
    close: async () => {
      for (const of of files.values()) await of.close();
    },
  };
}
