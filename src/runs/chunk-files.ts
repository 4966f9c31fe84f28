/** The bytes of a run's log: a file for each chunk, named by the offset of its first byte. */
import { type FileHandle, open, readdir, readFile, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { syncFolder, systemCode, writeWhole } from '../ground/files.ts';
import { keepRecent } from '../ground/recent.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Of gzip: above this, logs get hardly smaller and take three times as long. */
const LEVEL = 3;

const rawName = (offset: number): string => `${String(offset).padStart(16, '0')}.log`;

/** For the writer of a run, and for work on its chunks afterwards. */
export class ChunkFiles {
  readonly #folder: string;
  readonly #chunkBytes: number;
  /** The chunk that was written last, left open. */
  #open: { index: number; file: FileHandle } | undefined;

  constructor(folder: string, chunkBytes: number) {
    this.#folder = folder;
    this.#chunkBytes = chunkBytes;
  }

  /** Each byte has its place, whatever is in front of it: writing there again after a failure is safe. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((offset + at) / this.#chunkBytes);
      const position = offset + at - index * this.#chunkBytes;
      const part = bytes.subarray(at, at + this.#chunkBytes - position);
      await writeWhole(await this.#fileOf(index), part, position);
      at += part.length;
    }
  }

  async #fileOf(index: number): Promise<FileHandle> {
    if (this.#open?.index === index) return this.#open.file;
    await this.close();
    const path = this.#path(index);
    // Not 'w': what is there stays.
    const file = await open(path, 'r+').catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      return open(path, 'wx+', 0o600);
    });
    this.#open = { index, file };
    return file;
  }

  /** Takes back what a failed write left after `size`, so that it does not hold the last room of a disk. */
  async cutAt(size: number, upTo: number): Promise<void> {
    const first = Math.floor(size / this.#chunkBytes);
    const last = Math.floor(upTo / this.#chunkBytes);
    for (let index = first + 1; index <= last; index++) await this.drop(index);
    const position = size - first * this.#chunkBytes;
    if (position === 0) await this.drop(first);
    else
      await truncate(this.#path(first), position).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOENT') throw error;
      });
  }

  /** @returns fewer bytes where the file is shorter or missing */
  async read(offset: number, length: number): Promise<Buffer> {
    const index = Math.floor(offset / this.#chunkBytes);
    return await readPart(this.#path(index), offset - index * this.#chunkBytes, length);
  }

  /** Forces the chunks from that of one offset to that of another to disk. */
  async sync(from: number, to: number): Promise<void> {
    const first = Math.floor(from / this.#chunkBytes);
    for (const index of await this.indexesFrom(first, Math.floor(to / this.#chunkBytes) + 1))
      try {
        const file = await open(this.#path(index), 'r');
        try {
          await file.datasync();
        } finally {
          await file.close();
        }
      } catch (error) {
        // In a gap, or dropped since.
        if (systemCode(error) !== 'ENOENT') throw error;
      }
    await syncFolder(this.#folder);
  }

  async drop(index: number): Promise<void> {
    if (this.#open?.index === index) await this.close();
    await rm(this.#path(index), { force: true });
  }

  /** Those that may be there, before `end`: few are taken as they come, for there may be a gap of any size. */
  async indexesFrom(first: number, end: number): Promise<number[]> {
    if (end - first <= 64) return Array.from({ length: Math.max(0, end - first) }, (_, n) => first + n);
    return (await this.indexes()).filter((index) => index >= first && index < end);
  }

  /** Of all chunk files that are there, compressed or not, in order. */
  async indexes(): Promise<number[]> {
    const names = await readdir(this.#folder);
    const offsets = names.flatMap((name) => /^(\d{16})\.log(?:\.gz)?$/.exec(name)?.[1] ?? []);
    return [...new Set(offsets.map((offset) => Number(offset) / this.#chunkBytes))]
      .filter(Number.isInteger)
      .sort((a, b) => a - b);
  }

  /**
   * Compresses a chunk, unless that is done already or makes it no smaller. At any moment one of its two files is whole.
   * @param length what of it counts
   */
  async pack(index: number, length: number): Promise<void> {
    const path = this.#path(index);
    let raw: Buffer;
    try {
      raw = await readFile(path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return;
      throw error;
    }
    const packed = await compress(raw.subarray(0, length), { level: LEVEL });
    if (packed.length >= Math.min(raw.length, length)) return;
    const temporary = `${path}.gz.tmp`;
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        await writeWhole(file, packed, 0);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, `${path}.gz`);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await rm(path, { force: true });
  }

  async close(): Promise<void> {
    const opened = this.#open;
    this.#open = undefined;
    await opened?.file.close();
  }

  #path(index: number): string {
    return join(this.#folder, rawName(index * this.#chunkBytes));
  }
}

async function readPart(path: string, position: number, length: number): Promise<Buffer> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    // Of its own: a piece of the pool that is kept for long would keep all of it.
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}

/** Chunks for readers, of any run; those that had to be decompressed are kept for a while. */
export class ChunkReader {
  /** Path and creation of the log → the chunk, the least recently used first. */
  readonly #unpacked = new Map<string, Promise<Buffer | undefined>>();
  readonly #kept: number;

  /** @param kept decompressed chunks that are held at most */
  constructor(kept = 8) {
    this.#kept = kept;
  }

  /**
   * @param log of one chunk's bytes at most; `createdAt` tells a log from one of the same name that was removed
   * @returns fewer bytes, or none, where they are missing or damaged
   */
  async read(
    log: { folder: string; chunkBytes: number; createdAt: number; mayBePacked: boolean },
    offset: number,
    length: number,
  ): Promise<Buffer> {
    const start = Math.floor(offset / log.chunkBytes) * log.chunkBytes;
    const path = join(log.folder, rawName(start));
    // Compressing makes the one before it takes the other away, so the second look finds what the first missed.
    const packed = log.mayBePacked ? await this.#unpack(path, log.createdAt) : undefined;
    if (packed) return packed.subarray(offset - start, offset - start + length);
    const raw = await readPart(path, offset - start, length);
    if (raw.length > 0 || !log.mayBePacked) return raw;
    const late = await this.#unpack(path, log.createdAt);
    return late?.subarray(offset - start, offset - start + length) ?? raw;
  }

  async #unpack(path: string, createdAt: number): Promise<Buffer | undefined> {
    const key = `${createdAt} ${path}`;
    const known = this.#unpacked.get(key);
    const chunk = known ?? unpack(`${path}.gz`);
    keepRecent(this.#unpacked, key, chunk, this.#kept);
    const bytes = await chunk.catch((error: unknown) => {
      this.#unpacked.delete(key);
      throw error;
    });
    // Not there yet: nothing to remember.
    if (!bytes && this.#unpacked.get(key) === chunk) this.#unpacked.delete(key);
    return bytes;
  }

  forget(folder: string): void {
    for (const key of [...this.#unpacked.keys()]) if (key.includes(` ${folder}/`)) this.#unpacked.delete(key);
  }
}

async function unpack(path: string): Promise<Buffer | undefined> {
  let packed: Buffer;
  try {
    packed = await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await decompress(packed);
  } catch {
    // Damaged: what it held is missing. gzip's own checksum shows it.
    return undefined;
  }
}
