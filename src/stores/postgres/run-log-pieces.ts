/**
 * How a run's bytes lie in rows. What is appended becomes a row of its own and is never rewritten by the next append;
 * when there are many small ones they are merged, and once more when their chunk is full. So each byte is written three
 * times at most, and a log of 256 MiB is a thousand rows, however small its appends were.
 */
import { outsideGaps, type RunLogGap } from '../../domain/run-log-gaps.ts';
import type { Transaction } from './transaction.ts';

/** Of pieces that are not merged: a reader of the end reads all of them. */
const LOOSE = 256;

export interface PieceState {
  size: number;
  gaps: readonly RunLogGap[];
  chunkBytes: number;
  loose: number;
  looseFrom: number;
}

interface Range {
  from: number;
  to: number;
}

/** In this order. */
export interface PiecePlan {
  steps: readonly (Range & { what: 'insert' | 'merge' | 'drop' })[];
  loose: number;
  looseFrom: number;
}

/** @param to the log's size then @param gaps those then: what of the new bytes lies in one is not kept */
export function planAppend(before: PieceState, to: number, gaps: readonly RunLogGap[]): PiecePlan {
  const { size, chunkBytes } = before;
  const steps: PiecePlan['steps'][number][] = [...dropsOf(before.gaps, gaps)];
  let { loose, looseFrom } = before;
  let end = size;
  for (const part of outsideGaps(gaps, size, to)) {
    if (part.from !== end) [loose, looseFrom] = [0, part.from];
    end = part.to;
    for (let from = part.from; from < part.to; ) {
      const chunk = from - (from % chunkBytes);
      const piece = { from, to: Math.min(part.to, chunk + chunkBytes) };
      steps.push({ what: 'insert', ...piece });
      loose += 1;
      const isFull = piece.to === chunk + chunkBytes;
      const first = isFull ? beginningOf(chunk, from, gaps) : looseFrom;
      if (isFull || loose >= LOOSE) {
        if (first < from) steps.push({ what: 'merge', from: first, to: piece.to });
        [loose, looseFrom] = [0, piece.to];
      }
      from = piece.to;
    }
  }
  return { steps, loose, looseFrom };
}

/** What is before the gap is complete: it never grows again. */
export function planGap(before: PieceState, gaps: readonly RunLogGap[], to: number): PiecePlan {
  return { ...planEnd(before, dropsOf(before.gaps, gaps)), looseFrom: to };
}

export function planEnd(
  { size, gaps, chunkBytes, loose, looseFrom }: PieceState,
  drops: readonly PiecePlan['steps'][number][] = [],
): PiecePlan {
  const chunk = size - (size % chunkBytes);
  const first = beginningOf(chunk, size, gaps);
  const several = loose > 1 || (loose === 1 && looseFrom > first);
  return {
    steps: [...(several ? [{ what: 'merge' as const, from: first, to: size }] : []), ...drops],
    loose: 0,
    looseFrom: size,
  };
}

/** Of what there is without a gap up to an offset, in its chunk. */
function beginningOf(chunk: number, offset: number, gaps: readonly RunLogGap[]): number {
  return Math.max(chunk, gaps.findLast(({ to }) => to <= offset)?.to ?? 0);
}

/** What the gaps have and those before did not. */
function dropsOf(before: readonly RunLogGap[], after: readonly RunLogGap[]): PiecePlan['steps'][number][] {
  if (before === after) return [];
  return after.flatMap(({ from, to }) => {
    const grown = before.find((gap) => gap.from === from);
    const begin = grown ? Math.min(grown.to, to) : from;
    return begin < to ? [{ what: 'drop' as const, from: begin, to }] : [];
  });
}

const INSERT = 'insert into run_log_pieces (run, at, length, bytes) values ($1, $2, $3, $4)';
const MERGE = `with gone as (
    delete from run_log_pieces where run = $1 and at >= $2 and at < $3 returning at, length, bytes
  )
  insert into run_log_pieces (run, at, length, bytes)
  select $1, min(at), sum(length), string_agg(bytes, '' order by at) from gone having count(*) > 0`;
const DROP = 'delete from run_log_pieces where run = $1 and at >= $2 and at < $3';

/** Sends it with the transaction's commit. @param bytes what is appended @param offset of its first byte */
export function carryOut(
  transaction: Transaction,
  run: string,
  { steps }: PiecePlan,
  bytes: Uint8Array = new Uint8Array(0),
  offset = 0,
): void {
  for (const { what, from, to } of steps)
    if (what === 'insert')
      transaction.put(INSERT, [run, from, to - from, bytes.subarray(from - offset, to - offset)]);
    else transaction.put(what === 'merge' ? MERGE : DROP, [run, from, to]);
}
