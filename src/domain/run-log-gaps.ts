/** Where bytes of a run's log are missing: the arithmetic of its gaps, and the marker that is shown there. */
import { grouped } from '../ground/numbers.ts';

export interface RunLogGap {
  /** Offset of the first byte that is missing. */
  from: number;
  /** Offset of the first byte that is there again. */
  to: number;
  /** `cap`: the middle of a log over its size cap · `lost`: could not be written or never arrived. */
  reason: 'cap' | 'lost';
}

export interface CapLimits {
  /** Bytes that are kept at most. */
  cap: number;
  /** Bytes at the beginning that are kept whatever comes after: whole chunks. */
  head: number;
  chunkBytes: number;
}

/** More than so many would not fit beside the rest of the state. */
const MAX_GAPS = 256;

/** The gap in which a byte lies, and where the next one begins. */
export function gapsAround(
  gaps: readonly RunLogGap[],
  offset: number,
): { here: RunLogGap | undefined; next: RunLogGap | undefined } {
  const at = gaps.findIndex(({ to }) => to > offset);
  const gap = gaps[at];
  return gap && gap.from <= offset ? { here: gap, next: gaps[at + 1] } : { here: undefined, next: gap };
}

/**
 * Gaps stay in order and apart: those that the new one touches become one with it, `cap` if any of them is.
 * If there are too many, the two with the fewest bytes between them are merged, and those bytes are dropped.
 */
export function withGap(gaps: readonly RunLogGap[], added: RunLogGap): RunLogGap[] {
  let { from, to, reason } = added;
  const apart: RunLogGap[] = [];
  for (const gap of gaps)
    if (gap.to < from || gap.from > to) apart.push(gap);
    else {
      from = Math.min(from, gap.from);
      to = Math.max(to, gap.to);
      if (gap.reason === 'cap') reason = 'cap';
    }
  const all = [...apart, { from, to, reason }].sort((a, b) => a.from - b.from);
  return all.length > MAX_GAPS ? withoutNarrowest(all) : all;
}

function withoutNarrowest(gaps: readonly RunLogGap[]): RunLogGap[] {
  let at = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n + 1 < gaps.length; n++) {
    const between = gaps[n + 1]!.from - gaps[n]!.to;
    if (between < least) [at, least] = [n, between];
  }
  return withGap(gaps, { from: gaps[at]!.from, to: gaps[at + 1]!.to, reason: 'lost' });
}

export function keptBytes(size: number, gaps: readonly RunLogGap[]): number {
  return gaps.reduce((kept, { from, to }) => kept - (to - from), size);
}

/** What has to go so that no more than the cap is kept: the oldest whole chunks after the head. */
export function capped(size: number, gaps: readonly RunLogGap[], limits: CapLimits): readonly RunLogGap[] {
  const { cap, head, chunkBytes } = limits;
  let left = gaps;
  while (keptBytes(size, left) > cap) {
    const dropped = left.find(({ reason }) => reason === 'cap')?.to ?? head;
    const to = (Math.floor(dropped / chunkBytes) + 1) * chunkBytes;
    left = withGap(left, { from: head, to, reason: 'cap' });
  }
  return left;
}

/** Where the chunk of the last byte begins. */
export function lastChunk(size: number, chunkBytes: number): number {
  const last = Math.max(size - 1, 0);
  return last - (last % chunkBytes);
}

/** The parts of a range that are in no gap, in order. */
export function* outsideGaps(
  gaps: readonly RunLogGap[],
  from: number,
  to: number,
): Generator<{ from: number; to: number }> {
  let at = from;
  for (const gap of gaps) {
    if (gap.to <= at) continue;
    if (gap.from >= to) break;
    if (gap.from > at) yield { from: at, to: gap.from };
    at = gap.to;
  }
  if (at < to) yield { from: at, to };
}

const REASONS = {
  cap: 'the log is over its size limit, and only its beginning and its newest part are kept',
  lost: 'they could not be stored',
} as const;

/**
 * A line of its own for a terminal, whatever stands before it.
 * @param from offset of the first byte that is missing
 * @param to offset of the first byte after the gap
 */
export function gapMarker({ from, to, reason }: RunLogGap): string {
  const bytes = grouped(to - from);
  return `\u001b[0m\r\n[… ${bytes} ${to - from === 1 ? 'byte is' : 'bytes are'} missing here: ${REASONS[reason]} …]\r\n`;
}
