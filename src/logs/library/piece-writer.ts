/** A download's lines as pieces in one file of its folder, packed while the download goes on. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAllWhole } from '../../ground/files.ts';
import type { DownloadTarget } from '../download.ts';
import type { Entries } from '../entries.ts';
import { diskError } from '../spool.ts';
import { type PackedPiece, Packer, type Piece, storedBytes } from './piece.ts';

/** Pieces packed at the same time, on libuv's threads, while one more is filled. */
const AT_ONCE = 2;
/** The file's name in the download's folder. */
const FILE = 'pieces-text';

export interface PieceWriterOptions {
  dir: string;
  /** Bytes of text after which a piece is full. */
  pieceBytes: number;
  /** Bytes before each message. */
  lead: number;
  /** Numbers that the streams of the merge have in the volume. */
  streams: readonly number[];
  /** Writes what comes before the download's own text: called first after each start. */
  before: (writer: PieceWriter) => Promise<void>;
}

export class PieceWriter implements DownloadTarget {
  readonly wantsEntries = true;
  readonly #options: PieceWriterOptions;
  #file: FileHandle | undefined;
  #end = 0;
  #pieces: Piece[] = [];
  /** Those that are packed, the oldest first; those that are free; and the one that is filled. */
  readonly #packing: { draft: Draft; packed: Promise<PackedPiece> }[] = [];
  readonly #free: Draft[] = [];
  #draft: Draft;

  constructor(options: PieceWriterOptions) {
    this.#options = options;
    this.#draft = new Draft(options.pieceBytes);
  }

  async start(): Promise<void> {
    // It may become a segment of a volume, which nobody else may read.
    this.#file = await open(join(this.#options.dir, FILE), 'w+', 0o600);
    await this.#options.before(this);
  }

  async write(lines: Buffer, entries?: Entries): Promise<void> {
    if (!entries) throw new Error('Lines without their entries cannot be kept');
    const { streams } = this.#options;
    await this.add(lines, { ...entries, streams: entries.streams.map((stream) => streams[stream]!) });
  }

  /** @param entries whose streams are numbers of the volume. Their memory may be used again afterwards */
  async add(lines: Buffer, entries: Entries): Promise<void> {
    try {
      for (let from = 0; from < entries.count; ) {
        from = this.#draft.take(lines, entries, from);
        if (this.#draft.isFull) await this.#pack();
      }
    } catch (error) {
      throw diskError(error);
    }
  }

  /** @returns all pieces, in a file of the folder; it is closed */
  async finish(): Promise<Piece[]> {
    try {
      if (!this.#draft.isEmpty) await this.#pack();
      while (this.#packing.length > 0) await this.#put();
    } catch (error) {
      throw diskError(error);
    }
    await this.#close();
    return this.#pieces;
  }

  async discard(): Promise<void> {
    await this.#close();
    this.#draft = new Draft(this.#options.pieceBytes);
    this.#pieces = [];
    this.#end = 0;
    await rm(join(this.#options.dir, FILE), { force: true });
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#packing.map(({ packed }) => packed));
    for (const draft of [this.#draft, ...this.#free, ...this.#packing.map((one) => one.draft)]) draft.close();
    this.#free.length = 0;
    this.#packing.length = 0;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #pack(): Promise<void> {
    const draft = this.#draft;
    const packed = draft.pack(this.#options.lead);
    packed.catch(() => undefined);
    this.#packing.push({ draft, packed });
    this.#draft = this.#free.pop() ?? new Draft(this.#options.pieceBytes);
    if (this.#packing.length > AT_ONCE) await this.#put();
  }

  async #put(): Promise<void> {
    const [{ draft, packed }] = this.#packing as [{ draft: Draft; packed: Promise<PackedPiece> }];
    const { bytes, about } = await packed;
    await writeAllWhole(this.#file!, bytes, this.#end);
    this.#pieces.push({ ...about, file: FILE, at: this.#end });
    this.#end += storedBytes(about);
    this.#packing.shift();
    draft.clear();
    this.#free.push(draft);
  }
}

/** A piece that is filled, and packed with memory of its own. */
class Draft {
  readonly #full: number;
  #packer: Packer | undefined;
  #text = Buffer.alloc(0);
  #used = 0;
  #count = 0;
  #times = new Float64Array(4096);
  #ends = new Uint32Array(4096);
  #streams = new Uint32Array(4096);

  constructor(full: number) {
    this.#full = full;
  }

  get isFull(): boolean {
    return this.#used >= this.#full;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** It must not be changed meanwhile. @returns memory of its own, which it uses again */
  pack(lead: number): Promise<PackedPiece> {
    const count = this.#count;
    this.#packer ??= new Packer();
    return this.#packer.pack({
      text: this.#text.subarray(0, this.#used),
      entries: {
        count,
        times: this.#times.subarray(0, count),
        ends: this.#ends.subarray(0, count),
        streams: this.#streams.subarray(0, count),
      },
      lead,
    });
  }

  clear(): void {
    this.#used = 0;
    this.#count = 0;
  }

  close(): void {
    this.#packer?.close();
  }

  /** Takes events from one on until it is full. @returns the first that it did not take */
  take(lines: Buffer, { count, times, ends, streams }: Entries, from: number): number {
    const start = from === 0 ? 0 : ends[from - 1]!;
    let to = from;
    while (to < count && this.#used + (to === from ? 0 : ends[to - 1]! - start) < this.#full) to++;
    const bytes = ends[to - 1]! - start;
    this.#reserve(bytes, to - from);
    lines.copy(this.#text, this.#used, start, start + bytes);
    for (let i = from, at = this.#count; i < to; i++, at++) {
      this.#times[at] = times[i]!;
      this.#ends[at] = ends[i]! - start + this.#used;
      this.#streams[at] = streams[i]!;
    }
    this.#used += bytes;
    this.#count += to - from;
    return to;
  }

  #reserve(bytes: number, events: number): void {
    if (this.#used + bytes > this.#text.length) {
      const text = Buffer.allocUnsafe(
        Math.max(this.#used + bytes, Math.min(this.#full, this.#text.length * 4)),
      );
      this.#text.copy(text, 0, 0, this.#used);
      this.#text = text;
    }
    const count = this.#count + events;
    if (count <= this.#times.length) return;
    const size = count * 2;
    const [times, ends, streams] = [new Float64Array(size), new Uint32Array(size), new Uint32Array(size)];
    times.set(this.#times);
    ends.set(this.#ends);
    streams.set(this.#streams);
    [this.#times, this.#ends, this.#streams] = [times, ends, streams];
  }
}
