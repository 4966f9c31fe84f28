/**
 * Where a forward and a backward chain meet, both have read some events, and they must be the same ones. One chain has
 * the first events of the gap in the service's order, the other the last: with one in common they have all of them.
 * Where times alone are looked at, a service whose order is not that of time could bring the chains past each other.
 */
import type { EpochMs } from '../ground/time.ts';
import type { LogPage } from '../ports/log-source.ts';

/** Times and signatures of the newest events of a chain, in time order. */
export interface ChainIndex {
  times: Float64Array;
  signatures: Int32Array;
  /**
   * All that the chain's window has strictly between these two times is here; of the events at `low` itself the last
   * ones are, of those at `high` the first ones.
   */
  low: EpochMs;
  high: EpochMs;
}

/** Of the page before, so many events stay beside a new one: a meeting may lie just where the two pages join. */
const KEPT = 16;

/** A chain as far as its index needs it. */
interface Indexed {
  direction: 'forward' | 'backward';
  /** Its window, ms: `from` inclusive, `to` exclusive. */
  from: EpochMs;
  to: EpochMs;
  newest?: ChainIndex | undefined;
}

/** The index of a chain with its next page. */
export function indexOf(chain: Indexed, page: LogPage): ChainIndex {
  const forward = chain.direction === 'forward';
  const old = chain.newest;
  const oldCount = old?.times.length ?? 0;
  const first = page.times[0]!;
  const last = page.times[page.count - 1]!;
  // Equal times alone would say nothing about what lies beyond them: then all stay.
  const kept = Math.min(oldCount, first === last ? oldCount : KEPT);
  const keptFrom = forward ? oldCount - kept : 0;
  const nearestDropped = forward ? old?.times[keptFrom - 1] : old?.times[kept];
  const count = kept + page.count;

  // The memory of the index before is used again where it is large enough: one for each page would make the process
  // grow by what lies between them.
  const isRoomy = old !== undefined && old.times.buffer.byteLength >= count * 8;
  const times = isRoomy ? new Float64Array(old.times.buffer, 0, count) : new Float64Array(count);
  const signatures = isRoomy ? new Int32Array(old.signatures.buffer, 0, count) : new Int32Array(count);
  const keptAt = forward ? 0 : page.count;
  if (old) {
    times.set(old.times.subarray(keptFrom, keptFrom + kept), keptAt);
    signatures.set(old.signatures.subarray(keptFrom, keptFrom + kept), keptAt);
  }
  const pageAt = forward ? kept : 0;
  times.set(page.times.subarray(0, page.count), pageAt);
  const bytes = new DataView(page.text.buffer, page.text.byteOffset, page.text.byteLength);
  const lead = page.lead ?? 0;
  let start = 0;
  for (let i = 0; i < page.count; i++) {
    const end = page.ends[i]!;
    signatures[pageAt + i] = signature(bytes, start + lead, end);
    start = end;
  }
  return forward
    ? { times, signatures, low: nearestDropped ?? old?.low ?? chain.from - 1, high: last }
    : { times, signatures, low: first, high: nearestDropped ?? old?.high ?? chain.to };
}

/** The index of a forward chain that has read up to a time, and knows no event of that. */
export function unindexed(last: EpochMs): ChainIndex {
  return { times: new Float64Array(0), signatures: new Int32Array(0), low: last, high: last };
}

/**
 * Whether two chains saw the same events where both have read everything. In a service whose order is that of time,
 * two that met always have some in common; where none can be compared, they went past each other.
 */
export function compare(
  a: ChainIndex | undefined,
  b: ChainIndex | undefined,
): 'same' | 'different' | 'nothing in common' {
  if (!a || !b) return 'nothing in common';
  const low = Math.max(a.low, b.low);
  const high = Math.min(a.high, b.high);
  if (low > high) return 'nothing in common';
  const i = lowerBound(a.times, low + 1);
  const j = lowerBound(b.times, low + 1);
  const count = Math.max(0, lowerBound(a.times, high) - i);
  if (Math.max(0, lowerBound(b.times, high) - j) !== count || !sameEvents(a, i, b, j, count))
    return 'different';
  let common = count;
  for (const time of new Set([low, high])) {
    const inA = eventsAt(a, time);
    const inB = eventsAt(b, time);
    if ((inA.isAll && inA.count < inB.count) || (inB.isAll && inB.count < inA.count)) return 'different';
    const shared = Math.min(inA.count, inB.count);
    // The first ones of a time cannot be compared with its last ones.
    if (inA.hasLast && inB.hasLast) {
      if (!sameEvents(a, inA.end - shared, b, inB.end - shared, shared)) return 'different';
    } else if (inA.hasFirst && inB.hasFirst) {
      if (!sameEvents(a, inA.start, b, inB.start, shared)) return 'different';
    } else continue;
    common += shared;
  }
  return common > 0 ? 'same' : 'nothing in common';
}

/** Where the events of a time stand in an index, and which of them they are. */
function eventsAt(index: ChainIndex, time: EpochMs) {
  const start = lowerBound(index.times, time);
  const end = lowerBound(index.times, time + 1);
  const hasFirst = time > index.low;
  const hasLast = time < index.high;
  return { start, end, count: end - start, hasFirst, hasLast, isAll: hasFirst && hasLast };
}

function sameEvents(a: ChainIndex, i: number, b: ChainIndex, j: number, count: number): boolean {
  for (let k = 0; k < count; k++) {
    if (a.times[i + k] !== b.times[j + k] || a.signatures[i + k] !== b.signatures[j + k]) return false;
  }
  return true;
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
