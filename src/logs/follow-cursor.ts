/**
 * Where following a log stopped, as a text that is kept with the bytes. A store of run logs takes some 14 kB of
 * it, so it is packed, and of the events that are remembered it holds the newest of all streams that there is room for:
 * the others count as given out after a restart, and one that arrives late among them is in a download alone.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';

/** Where a stream was left. */
export interface StreamPlace {
  /** Newest event given out, and how many of that very time. */
  at: EpochMs;
  count: number;
  /** All events from here on that were given out are remembered. */
  since: EpochMs;
  /** By time. */
  recent: [time: EpochMs, hash: number][];
}

export interface FollowCursor {
  form: 'raw' | 'lines';
  /** What happened before comes by the download. */
  settled: EpochMs;
  /** The download is given out as a whole. */
  isLive: boolean;
  /** By `streamKey`. */
  streams: Map<string, StreamPlace>;
}

/** More than so many would not fit even with nothing remembered. */
export const MOST_STREAMS = 300;
/** Of the packed cursor: a third more as text. */
const BYTES = 10_400;
const VERSION = '1';
const KEY_BYTES = 6;
/** Of a remembered event: its hash, and a time that is seconds from the next one. */
const USUAL_EVENT = 6;

/** What a stream is called in a cursor: names are longer than there is room for. */
export function streamKey(name: string): string {
  return createHash('sha256').update(name).digest().toString('base64url', 0, KEY_BYTES);
}

export function encodeCursor(cursor: FollowCursor): string {
  const { form, settled, isLive, streams } = cursor;
  const head = `${VERSION}${form === 'raw' ? 'r' : 'l'}${isLive ? 'l' : 'h'}`;
  let most = Math.floor(BYTES / USUAL_EVENT);
  for (;;) {
    const packed = pack(settled, streams, cutFor(streams, most));
    if (packed.length <= BYTES || most === 0) return head + packed.toString('base64url');
    most = Math.floor(most * Math.min(0.9, BYTES / packed.length));
  }
}

/** @throws AppError invalid_input: it is none of these */
export function decodeCursor(text: string): FollowCursor {
  const [version, form, phase] = text;
  const known = version === VERSION && 'rl'.includes(form ?? ' ') && 'hl'.includes(phase ?? ' ');
  if (!known)
    throw new AppError('invalid_input', 'The place where the log was left was not written by this version.', {
      hint: 'Remove the log of the run from the store: it is then followed from its beginning.',
    });
  const reader = new Reader(Buffer.from(text.slice(3), 'base64url'));
  const settled = reader.number();
  const streams = new Map<string, StreamPlace>();
  for (let left = reader.number(); left > 0; left -= 1) {
    const key = reader.bytes(KEY_BYTES).toString('base64url');
    const at = settled + reader.signed();
    const count = reader.number();
    const since = at + reader.signed();
    const recent: StreamPlace['recent'] = [];
    let time = at;
    for (let events = reader.number(); events > 0; events -= 1) {
      time -= reader.number();
      recent.push([time, reader.bytes(4).readUInt32BE()]);
    }
    streams.set(key, { at, count, since, recent: recent.reverse() });
  }
  return { form: form === 'r' ? 'raw' : 'lines', settled, isLive: phase === 'l', streams };
}

/** The earliest time from which on no more than `most` events are remembered, over all streams. */
function cutFor(streams: ReadonlyMap<string, StreamPlace>, most: number): EpochMs {
  const places = [...streams.values()];
  const total = places.reduce((sum, { recent }) => sum + recent.length, 0);
  if (total <= most) return Number.NEGATIVE_INFINITY;
  const oldest = Math.min(...places.map(({ recent }) => recent[0]?.[0] ?? Number.POSITIVE_INFINITY));
  const newest = Math.max(...places.map(({ at }) => at)) + 1;
  const remembered = (time: EpochMs): number =>
    places.reduce((sum, { recent }) => sum + recent.length - firstFrom(recent, time), 0);
  return halve(oldest, newest, (time) => remembered(time) <= most);
}

/** Index of the first event of that time or later. */
function firstFrom(recent: StreamPlace['recent'], time: EpochMs): number {
  return halve(0, recent.length, (index) => recent[index]![0] >= time);
}

/** @returns the first whole number from `from` on for which it holds; `to` where it holds for none before */
function halve(from: number, to: number, holds: (value: number) => boolean): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function pack(settled: EpochMs, streams: ReadonlyMap<string, StreamPlace>, cut: EpochMs): Buffer {
  const writer = new Writer();
  writer.number(settled);
  writer.number(streams.size);
  for (const [key, { at, count, since, recent }] of streams) {
    writer.bytes(Buffer.from(key, 'base64url'));
    writer.signed(at - settled);
    writer.number(count);
    writer.signed(Math.max(since, cut) - at);
    const from = firstFrom(recent, cut);
    writer.number(recent.length - from);
    let later = at;
    for (let index = recent.length - 1; index >= from; index -= 1) {
      const [time, hash] = recent[index]!;
      writer.number(later - time);
      writer.hash(hash);
      later = time;
    }
  }
  return writer.whole();
}

class Writer {
  readonly #parts: number[] = [];

  /** 7 bits a byte, the lowest first. Times are beyond 32 bits. */
  number(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#parts.push((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#parts.push(rest);
  }

  signed(value: number): void {
    this.number(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  hash(value: number): void {
    this.#parts.push(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  }

  bytes(bytes: Uint8Array): void {
    this.#parts.push(...bytes);
  }

  whole(): Buffer {
    return Buffer.from(this.#parts);
  }
}

class Reader {
  readonly #whole: Buffer;
  #at = 0;

  constructor(whole: Buffer) {
    this.#whole = whole;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#whole[this.#at++];
      if (byte === undefined) throw new AppError('internal', 'The place where the log was left was cut off.');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(count: number): Buffer {
    this.#at += count;
    return this.#whole.subarray(this.#at - count, this.#at);
  }
}
