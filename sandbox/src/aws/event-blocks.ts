/**
 * Events rendered as they travel, many at a time, and kept in a cache of bounded size: a page is then
 * a few slices of bytes. Without this a page costs a JSON.stringify of a megabyte.
 */
import type { EventSeries } from './event-series.ts';

export interface EventBlock {
  /** Index of the first event. */
  first: number;
  count: number;
  /** `{"ingestionTime":…,"message":"…","timestamp":…},` for each event, comma included. */
  json: Buffer;
  /** Event k is `json[ends[k] .. ends[k + 1])`. */
  ends: Uint32Array;
  /** Counted size (message in UTF-8 plus 26) of the events before k. */
  sizes: Float64Array;
  times: Float64Array;
}

/** What each event counts on top of its message, bytes (PutLogEvents and page limits alike). */
export const EVENT_OVERHEAD = 26;

export class BlockCache {
  readonly #blocks = new Map<string, EventBlock>();
  readonly #limit: number;
  #bytes = 0;

  /** @param limit bytes of rendered events that are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The block that holds event `index`. `visible` events exist now; later ones may still change. */
  at(series: EventSeries, index: number, visible: number): EventBlock {
    const number = Math.floor(index / series.blockEvents);
    const first = number * series.blockEvents;
    const count = Math.min(series.blockEvents, visible - first);
    const key = `${series.cacheKey}:${number}`;
    const known = this.#blocks.get(key);
    if (known !== undefined && known.count >= count) {
      // Young blocks are at the end of the map; the oldest unused is the first to go.
      this.#blocks.delete(key);
      this.#blocks.set(key, known);
      return known;
    }
    const block = renderBlock(series, first, count);
    if (known !== undefined) this.#bytes -= footprint(known);
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    this.#bytes += footprint(block);
    this.#shrink();
    return block;
  }

  #shrink(): void {
    for (const [key, block] of this.#blocks) {
      if (this.#bytes <= this.#limit || this.#blocks.size === 1) return;
      this.#blocks.delete(key);
      this.#bytes -= footprint(block);
    }
  }
}

const footprint = (block: EventBlock) => block.json.length + block.count * 20 + 300;

/** Anything that JSON escapes or that takes more than a byte. */
const NOT_PLAIN = /[^\x20-\x7e]|["\\]/;
/** Digits, names and punctuation around a message; generous. */
const FRAME_BYTES = 120;

/** Blocks are put together here and copied out at their exact size. */
let scratch = Buffer.allocUnsafe(1 << 18);

function renderBlock(series: EventSeries, first: number, count: number): EventBlock {
  const ends = new Uint32Array(count + 1);
  const sizes = new Float64Array(count + 1);
  const times = new Float64Array(count);
  let length = 0;
  for (let k = 0; k < count; k++) {
    const { message, at, ingestedAt } = series.event(first + k);
    const plain = !NOT_PLAIN.test(message);
    const bytes = plain ? message.length : Buffer.byteLength(message);
    // An escape takes six bytes at most (`\u0000`).
    reserve(length, (plain ? bytes : bytes * 6) + FRAME_BYTES);
    const quoted = plain ? `"${message}"` : JSON.stringify(message);
    const part = `{"ingestionTime":${ingestedAt},"message":${quoted},"timestamp":${at}},`;
    length += scratch.write(part, length, plain ? 'latin1' : 'utf8');
    times[k] = at;
    sizes[k + 1] = sizes[k]! + bytes + EVENT_OVERHEAD;
    ends[k + 1] = length;
  }
  return { first, count, json: Buffer.from(scratch.subarray(0, length)), ends, sizes, times };
}

function reserve(length: number, more: number): void {
  if (length + more <= scratch.length) return;
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, length + more));
  scratch.copy(larger, 0, 0, length);
  scratch = larger;
}
