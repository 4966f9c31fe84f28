/** Reading pieces out of their files. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { checkCrc, type Piece, type PieceContent, unpackPiece } from './piece.ts';

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

/** Files of one folder, one of them open at a time. */
export class PieceFiles {
  readonly dir: string;
  #open: { name: string; file: FileHandle } | undefined;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** The gzip member, as it goes into a file. @throws DamagedPiece */
  async member(piece: Piece): Promise<Buffer> {
    return this.#guarded(piece, async () => {
      const member = await this.#read(piece.file, piece.at, piece.memberBytes);
      checkCrc(member, piece.memberCrc);
      return member;
    });
  }

  /** @throws DamagedPiece */
  async content(piece: Piece): Promise<PieceContent> {
    return this.#guarded(piece, async () => {
      const bytes = await this.#read(piece.file, piece.at, piece.memberBytes + piece.indexBytes);
      return unpackPiece(piece, bytes.subarray(0, piece.memberBytes), bytes.subarray(piece.memberBytes));
    });
  }

  /** Both as they are stored. @throws DamagedPiece */
  async stored(piece: Piece): Promise<Buffer> {
    return this.#guarded(piece, async () => {
      const bytes = await this.#read(piece.file, piece.at, piece.memberBytes + piece.indexBytes);
      checkCrc(bytes.subarray(0, piece.memberBytes), piece.memberCrc);
      checkCrc(bytes.subarray(piece.memberBytes), piece.indexCrc);
      return bytes;
    });
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

  async #read(name: string, at: number, length: number): Promise<Buffer> {
    if (this.#open?.name !== name) {
      await this.close();
      this.#open = { name, file: await open(join(this.dir, name), 'r') };
    }
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#open.file.read(bytes, done, length - done, at + done);
      if (bytesRead === 0) throw new Error('the file ends too early');
      done += bytesRead;
    }
    return bytes;
  }
}
