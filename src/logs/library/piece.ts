/**
 * A piece of a kept log: about 1 MB of its lines as one gzip member, which can be put into a file as it is, and beside it a
 * small index of its events (times, ends, streams), by which everything else can be made of it. Each of the two has a
 * checksum.
 */
import { promisify } from 'node:util';
import { crc32, gunzip, inflateRaw } from 'node:zlib';
import { z } from 'zod';
import { Compressor } from '../compression.ts';
import type { Entries } from '../entries.ts';

const gunzipAsync = promisify(gunzip);
const inflateRawAsync = promisify(inflateRaw);

/** Bytes of text after which a piece is full. */
export const PIECE_BYTES = 1024 * 1024;

const number = z.number().int().nonnegative();

/** Where a piece is, and what is in it. */
export const pieceShape = z.object({
  /** Name of the file; the gzip member begins at `at`, the index follows it. */
  file: z.string().regex(/^[\w-]+$/),
  at: number,
  memberBytes: number,
  memberCrc: number,
  indexBytes: number,
  indexCrc: number,
  textBytes: number,
  /** Bytes before each message: time and stream column. */
  lead: number,
  /** Times of the first and the last event. */
  first: z.number(),
  last: z.number(),
  /** Events by stream: number of the stream in its volume, events, … */
  events: z.array(number),
});

export type Piece = z.output<typeof pieceShape>;

/** What it takes in its file, member and index. */
export function storedBytes({ memberBytes, indexBytes }: Pick<Piece, 'memberBytes' | 'indexBytes'>): number {
  return memberBytes + indexBytes;
}

/** Text and index of a piece. */
export interface PieceContent {
  text: Buffer;
  /** One or more, by time; `streams` are numbers of the volume. */
  entries: Entries;
  /** Bytes before each message. */
  lead: number;
}

/** A piece that is not in a file yet. */
export interface PackedPiece {
  /** Gzip member and index, which follow each other. */
  bytes: readonly [Buffer, Buffer];
  /** All but its place. */
  about: Omit<Piece, 'file' | 'at'>;
}

/** Packs one piece after the other, with the same memory. */
export class Packer {
  readonly #index = new Compressor('raw');
  readonly #text = new Compressor('gzip');
  readonly #columns = new Varints();

  /** One at a time. @returns memory that the next one is packed into */
  async pack({ text, entries, lead }: PieceContent): Promise<PackedPiece> {
    const { count, times } = entries;
    const member = await this.#text.run(text);
    const index = await this.#index.run(encodeIndex(entries, this.#columns));
    return {
      bytes: [member, index],
      about: {
        memberBytes: member.length,
        memberCrc: crc32(member),
        indexBytes: index.length,
        indexCrc: crc32(index),
        textBytes: text.length,
        lead,
        first: times[0]!,
        last: times[count - 1]!,
        events: countsOf(entries),
      },
    };
  }

  close(): void {
    this.#index.close();
    this.#text.close();
  }
}

/** @throws Error where the bytes are not those of the piece */
export async function unpackPiece(piece: Piece, member: Buffer, index: Buffer): Promise<PieceContent> {
  checkCrc(member, piece.memberCrc);
  checkCrc(index, piece.indexCrc);
  const [text, columns] = await Promise.all([gunzipAsync(member), inflateRawAsync(index)]);
  const entries = decodeIndex(columns);
  if (text.length !== piece.textBytes || (entries.ends[entries.count - 1] ?? 0) !== text.length)
    throw new Error('text and index do not fit together');
  return { text, entries, lead: piece.lead };
}

/** @throws Error */
export function checkCrc(bytes: Buffer, crc: number): void {
  if (crc32(bytes) !== crc) throw new Error('the checksum is wrong');
}

function countsOf({ count, streams }: Entries): number[] {
  const counts = new Map<number, number>();
  for (let i = 0; i < count; i++) counts.set(streams[i]!, (counts.get(streams[i]!) ?? 0) + 1);
  return [...counts].flat();
}

/** Times as differences where they are whole numbers and do not fall, else as they are. */
const DIFFERENCES = 0;
const AS_THEY_ARE = 1;

/** Number of events, then one column after the other: lengths, streams, times. A column of one kind packs best. */
function encodeIndex({ count, times, ends, streams }: Entries, columns: Varints): Buffer {
  columns.begin(count * 12 + 32);
  columns.add(count);
  for (let i = 0, start = 0; i < count; i++) {
    columns.add(ends[i]! - start);
    start = ends[i]!;
  }
  for (let i = 0; i < count; i++) columns.add(streams[i]!);
  let isPlain = Number.isSafeInteger(times[0]!) && times[0]! >= 0;
  for (let i = 1; i < count && isPlain; i++) {
    isPlain = Number.isSafeInteger(times[i]!) && times[i]! >= times[i - 1]!;
  }
  columns.add(isPlain ? DIFFERENCES : AS_THEY_ARE);
  if (!isPlain) {
    const raw = Buffer.alloc(count * 8);
    for (let i = 0; i < count; i++) raw.writeDoubleLE(times[i]!, i * 8);
    return Buffer.concat([columns.bytes(), raw]);
  }
  for (let i = 0, last = 0; i < count; i++) {
    columns.add(times[i]! - last);
    last = times[i]!;
  }
  return columns.bytes();
}

function decodeIndex(bytes: Buffer): Entries {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the index ends too early');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const count = next();
  if (count > bytes.length) throw new Error('the index ends too early');
  const times = new Float64Array(count);
  const ends = new Uint32Array(count);
  const streams = new Uint32Array(count);
  for (let i = 0, end = 0; i < count; i++) {
    end += next();
    ends[i] = end;
  }
  for (let i = 0; i < count; i++) streams[i] = next();
  if (next() === AS_THEY_ARE) {
    for (let i = 0; i < count; i++) times[i] = bytes.readDoubleLE(at + i * 8);
  } else {
    for (let i = 0, time = 0; i < count; i++) {
      time += next();
      times[i] = time;
    }
  }
  return { count, times, ends, streams };
}

/** Whole numbers, seven bits a byte, the lowest first. */
class Varints {
  #bytes = Buffer.alloc(0);
  #used = 0;

  /** @param size in bytes, about */
  begin(size: number): void {
    if (this.#bytes.length < size) this.#bytes = Buffer.allocUnsafe(size);
    this.#used = 0;
  }

  add(value: number): void {
    if (this.#used + 8 > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    }
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#used++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#used++] = rest;
  }

  /** All since it began. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }
}
