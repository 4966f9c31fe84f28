/** Reading pieces out of their files. */
import { type FileHandle, link, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpochMs } from '../../ground/time.ts';
import { checkCrc, type Piece, type PieceContent, storedBytes, unpackPiece } from './piece.ts';

/** A piece cannot be had as it was written: its file is gone, cut short, or changed. */
export class DamagedPiece extends Error {
  override readonly name = 'DamagedPiece';
  readonly piece: Piece;

  constructor(piece: Piece, dir: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${join(dir, piece.file)} cannot be used from byte ${piece.at} on: ${why}`, { cause });
    this.piece = piece;
  }
}

/** @returns when the first of these pieces begins that its file does not hold all of; Infinity: they are all there */
export async function cutOffFrom(dir: string, pieces: readonly Piece[]): Promise<EpochMs> {
  const sizes = new Map<string, number>();
  for (const { file, at, first, ...piece } of pieces) {
    const size = sizes.get(file) ?? (await stat(join(dir, file)).catch(() => ({ size: 0 }))).size;
    sizes.set(file, size);
    if (at + storedBytes(piece) > size) return first;
  }
  return Number.POSITIVE_INFINITY;
}

/** Bytes that are read at a time. */
const SPAN = 1024 * 1024;

/** The first of some pieces, and as many of the next as follow it and can be read with it. */
function spanOf(pieces: readonly Piece[]): readonly Piece[] {
  const [first] = pieces as [Piece];
  let end = first.at + storedBytes(first);
  let count = 1;
  for (const piece of pieces.slice(1)) {
    if (piece.file !== first.file || piece.at !== end) break;
    end += storedBytes(piece);
    if (end - first.at > SPAN) break;
    count++;
  }
  return pieces.slice(0, count);
}

/** Files of one folder, one of them open at a time. */
export class PieceFiles {
  readonly dir: string;
  #open: { name: string; file: FileHandle } | undefined;
  #span = Buffer.alloc(0);

  constructor(dir: string) {
    this.dir = dir;
  }

  /**
   * The gzip members of the first piece, and of those that follow it in its file, as they go into a file.
   * @param pieces one or more
   * @returns of one piece or more, in memory that is used again by the next call
   * @throws DamagedPiece
   */
  async members(pieces: readonly Piece[]): Promise<Buffer[]> {
    const [first] = pieces as [Piece];
    const span = spanOf(pieces);
    const length = span.reduce((sum, piece) => sum + storedBytes(piece), 0);
    if (this.#span.length < length) this.#span = Buffer.allocUnsafe(length);
    const members: Buffer[] = [];
    try {
      const bytes = await this.#read(first.file, first.at, length, this.#span);
      for (const { at, memberBytes, memberCrc } of span) {
        const member = bytes.subarray(at - first.at, at - first.at + memberBytes);
        checkCrc(member, memberCrc);
        members.push(member);
      }
    } catch (error) {
      if (members.length > 0) return members;
      if (span.length > 1) return this.members([first]);
      throw new DamagedPiece(first, this.dir, error);
    }
    return members;
  }

  /** @throws DamagedPiece */
  async content(piece: Piece): Promise<PieceContent> {
    return this.#guarded(piece, async () => {
      const bytes = await this.#read(piece.file, piece.at, storedBytes(piece));
      return unpackPiece(piece, bytes.subarray(0, piece.memberBytes), bytes.subarray(piece.memberBytes));
    });
  }

  /** Both as they are stored. @throws DamagedPiece */
  async stored(piece: Piece): Promise<Buffer> {
    return this.#guarded(piece, async () => {
      const bytes = await this.#read(piece.file, piece.at, storedBytes(piece));
      checkCrc(bytes.subarray(0, piece.memberBytes), piece.memberCrc);
      checkCrc(bytes.subarray(piece.memberBytes), piece.indexCrc);
      return bytes;
    });
  }

  /**
   * Gives a file a second name, if it is made of these pieces and nothing else: nothing has to be read and written again.
   * @returns false if that cannot be done
   */
  async linkAll(pieces: readonly Piece[], path: string): Promise<boolean> {
    const [first] = pieces;
    if (!first) return false;
    let end = 0;
    for (const piece of pieces) {
      if (piece.file !== first.file || piece.at !== end) return false;
      end += storedBytes(piece);
    }
    const file = join(this.dir, first.file);
    try {
      if ((await stat(file)).size !== end) return false;
      await link(file, path);
      return true;
    } catch {
      // Another file system, or one without links.
      return false;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  async #guarded<T>(piece: Piece, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw new DamagedPiece(piece, this.dir, error);
    }
  }

  async #read(
    name: string,
    at: number,
    length: number,
    into: Buffer = Buffer.allocUnsafe(length),
  ): Promise<Buffer> {
    if (this.#open?.name !== name) {
      await this.close();
      this.#open = { name, file: await open(join(this.dir, name), 'r') };
    }
    const bytes = into.subarray(0, length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#open.file.read(bytes, done, length - done, at + done);
      if (bytesRead === 0) throw new Error('the file ends too early');
      done += bytesRead;
    }
    return bytes;
  }
}
