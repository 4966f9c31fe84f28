/** The pieces that a window on a log is made of. */
import { joinBytes } from './join-bytes.ts';
import { keepsToItsLines } from './line-moves.ts';
import type { Gap } from './run-api.ts';

/** A piece of what is shown; a gap's marker stands for bytes that are missing. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
  /** In its bytes. */
  readonly newlines: number;
  readonly isGap: boolean;
}

const NEWLINE = 10;

/** Lines of a piece at most. */
const LINES = 1_000;

/**
 * Cut after lines, where there are any.
 * @param most bytes of a piece: positions on the screen are known for each piece
 */
export function piecesOf(bytes: Uint8Array, from: number, most: number): Piece[] {
  const pieces: Piece[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(bytes.length, start + most, afterNewlines(bytes, start, LINES));
    if (end < bytes.length) {
      const newline = bytes.lastIndexOf(NEWLINE, end - 1);
      if (newline >= start) end = newline + 1;
    }
    pieces.push(piece(bytes.subarray(start, end), from + start));
    start = end;
  }
  return pieces;
}

export function piece(bytes: Uint8Array, from: number): Piece {
  return { from, to: from + bytes.length, bytes, newlines: countNewlines(bytes), isGap: false };
}

export function gapPiece(gap: Gap, marker = gapMarker(gap)): Piece {
  return { from: gap.from, to: gap.to, bytes: marker, newlines: 2, isGap: true };
}

/** With one that begins at an offset, if the offset is in one of them that moves between its lines. */
export function splitAt(pieces: readonly Piece[], offset: number): Piece[] {
  return pieces.flatMap((one) => {
    const { from, to, bytes, isGap } = one;
    if (isGap || offset <= from || offset >= to || isExactly(one, offset)) return [one];
    return [piece(bytes.subarray(0, offset - from), from), piece(bytes.subarray(offset - from), offset)];
  });
}

/** @returns whether the line of an offset can be counted from the piece's beginning */
export function isExactly({ from, bytes, isGap }: Piece, offset: number): boolean {
  if (isGap) return true;
  const before = bytes.subarray(0, offset - from);
  return keepsToItsLines(before);
}

/** @returns what they have of the line that begins at an offset */
export function lineFrom(pieces: readonly Piece[], offset: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { bytes, from, to, isGap } of pieces) {
    if (to <= offset) continue;
    if (isGap) break;
    const part = bytes.subarray(Math.max(0, offset - from));
    const newline = part.indexOf(NEWLINE);
    parts.push(newline < 0 ? part : part.subarray(0, newline));
    if (newline >= 0) break;
  }
  return joinBytes(parts);
}

/** Joins two consecutive ones, unless the result is too long. */
export function joined(first: Piece, second: Piece, most: number): Piece | undefined {
  if (
    first.isGap ||
    second.isGap ||
    first.bytes.length + second.bytes.length > most ||
    first.newlines + second.newlines > LINES
  )
    return undefined;
  const bytes = joinBytes([first.bytes, second.bytes]);
  return { ...first, to: second.to, bytes, newlines: first.newlines + second.newlines };
}

/** @returns the place after so many newlines, counted from another place */
function afterNewlines(bytes: Uint8Array, start: number, count: number): number {
  let at = start;
  for (let n = 0; n < count; n++) {
    const newline = bytes.indexOf(NEWLINE, at);
    if (newline < 0) return bytes.length;
    at = newline + 1;
  }
  return at;
}

/**
 * Without what stands before the first whole line: half a line, half a character or half an escape sequence would spoil
 * the picture. A log without lines stays as it is.
 */
export function fromALineOn(pieces: readonly Piece[]): Piece[] {
  for (const [index, { bytes, from, isGap }] of pieces.entries()) {
    // Its marker is a line of its own.
    if (isGap) return pieces.slice(index);
    const newline = bytes.indexOf(NEWLINE);
    if (newline < 0) continue;
    const rest = bytes.subarray(newline + 1);
    return rest.length === 0
      ? pieces.slice(index + 1)
      : [piece(rest, from + newline + 1), ...pieces.slice(index + 1)];
  }
  return [...pieces];
}

/** Rows that they take at most, in all but the oddest logs. */
export function rowsOf(pieces: readonly Piece[], columns: number): number {
  let rows = 0;
  for (const { bytes, newlines } of pieces) rows += newlines + bytes.length / columns;
  return rows;
}

export const bytesOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);

export function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

function gapMarker({ from, to, reason }: Gap): Uint8Array {
  const count = to - from;
  const why = reason === 'cap' ? 'the log is over its size limit' : 'they could not be stored';
  return new TextEncoder().encode(
    `\x1b[0m\r\n\x1b[7m … ${count.toLocaleString('en')} ${count === 1 ? 'byte is' : 'bytes are'} missing here: ${why} … \x1b[0m\r\n`,
  );
}

export const endsLine = ({ bytes }: Piece): boolean => bytes.at(-1) === NEWLINE;
