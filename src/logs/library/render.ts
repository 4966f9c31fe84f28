/** From kept pieces to the lines that somebody asked for: copied as they are where that is enough, else event by event. */
import type { EpochMs } from '../../ground/time.ts';
import type { LogForm } from '../../ports/log-engine.ts';
import type { MessageFilter } from '../filter.ts';
import { LineBuffer, LineFormatter } from '../format.ts';
import type { MergeTotals } from '../merge.ts';
import type { Output } from '../write.ts';
import type { Piece, PieceContent } from './piece.ts';
import type { PieceFiles } from './piece-files.ts';

/** Which events, and how they are written. */
export interface Selection {
  /** Inclusive. */
  from: EpochMs;
  /** Exclusive. */
  to: EpochMs;
  /** Of each stream of the volume: its place among those that are asked for, or -1. */
  places: readonly number[];
  /** What the lines of each stream that is asked for begin with. */
  columns: readonly string[];
  form: LogForm;
  filter: MessageFilter | undefined;
  /** Only the last so many. */
  tail: number | undefined;
}

/** Pieces that are put into a file together. */
const AT_ONCE = 16;

/** Pieces in the order of time, and where they are. */
export type PlacedPieces = readonly { files: PieceFiles; piece: Piece }[];

/**
 * Writes what is asked for.
 * @returns what was written, by the streams that were asked for
 * @throws DamagedPiece; the signal's reason
 */
export async function render(
  pieces: PlacedPieces,
  selection: Selection,
  output: Output,
  signal: AbortSignal | undefined,
): Promise<MergeTotals> {
  const { from, to, tail, columns } = selection;
  const chosen = pieces.filter(({ piece }) => piece.last >= from && piece.first < to);
  const derive = new Derivation(selection);
  const totals: MergeTotals = {
    events: 0,
    perStream: columns.map(() => 0),
    first: undefined,
    last: undefined,
  };
  let begin = 0;
  let skip = 0;
  if (tail !== undefined) {
    // Counted from the end first, so that no more is held than one piece, however long the tail.
    let total = 0;
    begin = chosen.length;
    while (begin > 0 && total < tail) {
      signal?.throwIfAborted();
      const { files, piece } = chosen[--begin]!;
      total += derive.lines(await files.content(piece)).count;
    }
    skip = Math.max(0, total - tail);
  }
  const isWhole = ({ piece }: PlacedPieces[number]): boolean =>
    tail === undefined && derive.isAsAsked(piece) && output.takesMember(piece.memberBytes);
  for (let at = begin; at < chosen.length; at++) {
    signal?.throwIfAborted();
    const { files, piece } = chosen[at]!;
    if (isWhole(chosen[at]!)) {
      const ready = [piece];
      for (let next = chosen[at + 1]; next?.files === files && ready.length < AT_ONCE && isWhole(next); ) {
        ready.push(next.piece);
        next = chosen[at + ready.length];
      }
      const members = await files.members(ready);
      const given = ready.slice(0, members.length);
      await output.putMembers(
        members,
        given.reduce((sum, { textBytes }) => sum + textBytes, 0),
      );
      for (const one of given) derive.count(one, totals);
      at += given.length - 1;
      continue;
    }
    if (tail === undefined && derive.isAsAsked(piece)) {
      await output.write((await files.content(piece)).text);
      derive.count(piece, totals);
      continue;
    }
    const lines = derive.lines(await files.content(piece));
    const left = Math.min(skip, lines.count);
    skip -= left;
    if (left === lines.count) continue;
    const start = left === 0 ? 0 : lines.ends[left - 1]!;
    await output.write(lines.text.subarray(start, lines.ends[lines.count - 1]!));
    totals.events += lines.count - left;
    totals.first ??= lines.times[left]!;
    totals.last = lines.times[lines.count - 1]!;
    for (let i = left; i < lines.count; i++) totals.perStream[lines.places[i]!]!++;
  }
  return totals;
}

/** Some events as lines. */
interface Lines {
  count: number;
  text: Buffer;
  ends: Uint32Array;
  times: Float64Array;
  /** Of each one's stream among those that are asked for. */
  places: Uint32Array;
}

/** Makes the lines of a selection out of pieces. */
export class Derivation {
  readonly #selection: Selection;
  readonly #formatters: readonly LineFormatter[];

  constructor(selection: Selection) {
    this.#selection = selection;
    const { form, filter, columns } = selection;
    this.#formatters = columns.map((streamColumn) => new LineFormatter({ form, streamColumn, filter }));
  }

  /** Whether all of a piece is asked for, just as it is. */
  isAsAsked(piece: Piece): boolean {
    const { from, to, form, filter, places } = this.#selection;
    if (form !== 'lines' || filter || piece.first < from || piece.last >= to) return false;
    for (let i = 0; i < piece.events.length; i += 2) {
      const formatter = this.#formatters[places[piece.events[i]!] ?? -1];
      if (formatter?.lead !== piece.lead) return false;
    }
    return true;
  }

  /** Adds all events of a piece. */
  count(piece: Piece, totals: MergeTotals): void {
    for (let i = 0; i < piece.events.length; i += 2) {
      const events = piece.events[i + 1]!;
      totals.perStream[this.#selection.places[piece.events[i]!]!]! += events;
      totals.events += events;
    }
    totals.first ??= piece.first;
    totals.last = piece.last;
  }

  /** @param content of a piece whose lines begin with `lead` bytes before the message */
  lines({ text, entries, lead }: PieceContent): Lines {
    const { from, to, places } = this.#selection;
    const { count, times, ends, streams } = entries;
    const lines = new LineBuffer(text.length, count);
    const taken = new Uint32Array(count);
    let n = 0;
    for (let i = 0, start = 0; i < count; i++) {
      const begin = start + lead;
      const end = ends[i]!;
      start = end;
      const time = times[i]!;
      if (time < from || time >= to) continue;
      const place = places[streams[i]!] ?? -1;
      if (place < 0) continue;
      if (this.#formatters[place]!.add(lines, time, text.subarray(begin, end))) taken[n++] = place;
    }
    return { ...lines.content(), places: taken };
  }
}
