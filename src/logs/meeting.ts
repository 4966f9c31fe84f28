/**
 * Where a forward and a backward chain meet, both have read some events. They must be the same ones: a service whose
 * order is not the order of time could otherwise bring the chains past each other.
 */
import type { EpochMs, LogPage } from '../ports.ts';
import type { Chain } from './plan.ts';

/** Times and signatures of the events of a chain's last page, or of its last pages when one has a single time only. */
export interface ChainIndex {
  times: Float64Array;
  signatures: Int32Array;
  /** Events that the arrays' memory holds. */
  room: number;
  /**
   * The edge before these events: all of the chain's window between there and its edge is in this index, save that
   * events at the two edges themselves may be in part elsewhere.
   */
  since: EpochMs;
}

/** The index of a chain with its next page; `chain.edge` is still the one before it. */
export function indexOf(chain: Chain, page: LogPage): ChainIndex {
  const isSingleTime = page.times[0] === page.times[page.count - 1];
  // The memory of the index before is used again where it is not needed any more: one for each page would make
  // the process grow by what lies between them.
  const memory = isSingleTime ? undefined : chain.newest;
  const room = memory && memory.room >= page.count ? memory.room : page.count;
  const allocated = memory && room === memory.room;
  const signatures = allocated
    ? new Int32Array(memory.signatures.buffer, 0, page.count)
    : new Int32Array(room);
  const times = allocated ? new Float64Array(memory.times.buffer, 0, page.count) : new Float64Array(room);
  times.set(page.times.subarray(0, page.count));
  const bytes = new DataView(page.text.buffer, page.text.byteOffset, page.text.byteLength);
  const lead = page.lead ?? 0;
  let start = 0;
  for (let i = 0; i < page.count; i++) {
    const end = page.ends[i]!;
    signatures[i] = signature(bytes, start + lead, end);
    start = end;
  }
  const forward = chain.direction === 'forward';
  const old = chain.newest;
  // Equal times alone would say nothing about what lies beyond them.
  if (old && isSingleTime) {
    const [a, b] = forward ? [old, { times, signatures }] : [{ times, signatures }, old];
    const allTimes = new Float64Array(a.times.length + b.times.length);
    allTimes.set(a.times);
    allTimes.set(b.times, a.times.length);
    const allSignatures = new Int32Array(allTimes.length);
    allSignatures.set(a.signatures);
    allSignatures.set(b.signatures, a.times.length);
    return { times: allTimes, signatures: allSignatures, room: allTimes.length, since: old.since };
  }
  return { times, signatures, room, since: chain.edge ?? (forward ? chain.from - 1 : chain.to) };
}

/**
 * Whether two chains that met saw the same events where both have read everything. A service whose order is not
 * the order of time could bring them past each other without this; so could an event that arrived in between.
 */
export function agree(f: ChainIndex | undefined, b: ChainIndex | undefined): boolean {
  if (!f || !b) return true;
  const fFirst = f.times[0]!;
  const fLast = f.times[f.times.length - 1]!;
  const bFirst = b.times[0]!;
  const bLast = b.times[b.times.length - 1]!;
  // Strictly inside both indexes everything must be the same.
  const start = Math.max(f.since, bFirst) + 1;
  const end = Math.min(fLast, b.since);
  if (end > start) {
    const i = lowerBound(f.times, start);
    const j = lowerBound(b.times, start);
    const count = lowerBound(f.times, end) - i;
    if (lowerBound(b.times, end) - j !== count || !sameEvents(f, i, b, j, count)) return false;
  }
  // At its edges a side may hold only some of the events of that time; the other, where that is inside, has them all:
  // a backward side's are the last of them, a forward side's the first.
  for (const time of [bFirst, bLast]) {
    if (time <= f.since || time >= fLast) continue;
    const count = countAt(b.times, time);
    const more = countAt(f.times, time) - count;
    const skip = time === bFirst ? more : 0;
    if (more < 0) return false;
    if (!sameEvents(f, lowerBound(f.times, time) + skip, b, lowerBound(b.times, time), count)) return false;
  }
  for (const time of [fFirst, fLast]) {
    if (time <= bFirst || time >= b.since) continue;
    const count = countAt(f.times, time);
    const more = countAt(b.times, time) - count;
    const skip = time === fLast ? 0 : more;
    if (more < 0) return false;
    if (!sameEvents(f, lowerBound(f.times, time), b, lowerBound(b.times, time) + skip, count)) return false;
  }
  return true;
}

function sameEvents(f: ChainIndex, i: number, b: ChainIndex, j: number, count: number): boolean {
  for (let k = 0; k < count; k++) {
    if (f.times[i + k] !== b.times[j + k] || f.signatures[i + k] !== b.signatures[j + k]) return false;
  }
  return true;
}

function countAt(times: Float64Array, time: EpochMs): number {
  return lowerBound(times, time + 1) - lowerBound(times, time);
}

/** Length and some of the bytes of a message: enough to tell neighbours in a log apart, cheap enough for every event. */
function signature(bytes: DataView, from: number, to: number): number {
  const length = to - from;
  let hash = length;
  if (length < 24) {
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes.getUint8(i), 0x01000193);
    return hash;
  }
  for (let i = from; i < from + 16; i += 4) hash = Math.imul(hash ^ bytes.getInt32(i, true), 0x01000193);
  hash = Math.imul(hash ^ bytes.getInt32(from + (length >> 1), true), 0x01000193);
  return Math.imul(hash ^ bytes.getInt32(to - 8, true), 0x01000193);
}

/** First index whose time is not before `time`. */
export function lowerBound(times: Float64Array, time: EpochMs, length = times.length): number {
  let lo = 0;
  let hi = length;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if (times[middle]! < time) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}
