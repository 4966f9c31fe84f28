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

function renderBlock(series: EventSeries, first: number, count: number): EventBlock {
  const parts = new Array<string>(count);
  const ends = new Uint32Array(count + 1);
  const sizes = new Float64Array(count + 1);
  const times = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const message = series.message(first + k);
    const at = series.time(first + k);
    const quoted = JSON.stringify(message);
    const part = `{"ingestionTime":${series.ingestedAt(first + k)},"message":${quoted},"timestamp":${at}},`;
    // Escaping only adds ASCII, so both lengths differ from their characters by the same amount.
    const bytes = Buffer.byteLength(message);
    parts[k] = part;
    times[k] = at;
    sizes[k + 1] = sizes[k]! + bytes + EVENT_OVERHEAD;
    ends[k + 1] = ends[k]! + part.length + (bytes - message.length);
  }
  return { first, count, json: Buffer.from(parts.join('')), ends, sizes, times };
}
