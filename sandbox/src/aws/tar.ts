/** Gzipped tar archives, as models travel in: small ones are written here, any size is looked through. */
import { createGunzip, gzipSync } from 'node:zlib';

export interface TarFile {
  name: string;
  content: Buffer;
}

export interface TarEntry {
  name: string;
  size: number;
  /** The first bytes of the content, up to HEAD_BYTES. */
  head: Buffer;
}

/** Enough to tell what kind of model a file is. */
const HEAD_BYTES = 64 * 1024;
const BLOCK = 512;
/** Archives that hold more are not looked through any further. */
const MAX_ENTRIES = 10_000;

/** The same files give the same bytes, so that digests of seeded models never change. */
export function writeTarGz(files: readonly TarFile[]): Buffer {
  const parts: Buffer[] = [];
  for (const { name, content } of files) {
    parts.push(header(name, content.length), content, Buffer.alloc(-content.length & (BLOCK - 1)));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return gzipSync(Buffer.concat(parts));
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, 'utf8');
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** @returns the regular files; undefined when the bytes are no gzipped tar archive */
export async function readTarGz(chunks: AsyncIterable<Buffer>): Promise<TarEntry[] | undefined> {
  const gunzip = createGunzip();
  const feed = (async () => {
    for await (const chunk of chunks) {
      if (gunzip.destroyed) return;
      if (!gunzip.write(chunk)) {
        await new Promise<void>((resolve) => {
          gunzip.once('drain', resolve).once('close', resolve);
        });
      }
    }
    gunzip.end();
  })();
  const reader = new TarReader();
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      if (!reader.push(chunk)) break;
    }
  } catch {
    // Not gzip, or cut off: the caller tells its user so, in the words of the service it plays.
    return undefined;
  } finally {
    gunzip.destroy();
    await feed.catch((error: unknown) => gunzip.destroy(error as Error));
  }
  return reader.valid ? reader.entries : undefined;
}

class TarReader {
  readonly entries: TarEntry[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #current:
    | { name: string; size: number; left: number; padding: number; head: Buffer[]; kept: number }
    | undefined;
  #broken = false;
  #ended = false;

  get valid(): boolean {
    return !this.#broken && this.#current === undefined && (this.#ended || this.entries.length > 0);
  }

  /** @returns false when nothing more needs to be read */
  push(chunk: Buffer): boolean {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (!this.#broken && !this.#ended && this.#step()) {
      if (this.entries.length >= MAX_ENTRIES) this.#ended = true;
    }
    return !this.#broken && !this.#ended;
  }

  #step(): boolean {
    const current = this.#current;
    if (current) {
      if (current.left > 0) {
        const part = this.#take(Math.min(current.left, this.#pending.length));
        if (part.length === 0) return false;
        current.left -= part.length;
        if (current.kept < HEAD_BYTES) {
          // A copy: the part is a window into a chunk that is much larger.
          const head = Buffer.from(part.subarray(0, HEAD_BYTES - current.kept));
          current.head.push(head);
          current.kept += head.length;
        }
        return true;
      }
      if (this.#pending.length < current.padding) return false;
      this.#take(current.padding);
      if (current.name !== '') {
        this.entries.push({ name: current.name, size: current.size, head: Buffer.concat(current.head) });
      }
      this.#current = undefined;
      return true;
    }
    if (this.#pending.length < BLOCK) return false;
    const block = this.#take(BLOCK);
    if (block.every((byte) => byte === 0)) {
      this.#ended = true;
      return false;
    }
    this.#open(block);
    return true;
  }

  #open(block: Buffer): void {
    const text = (from: number, to: number) => {
      const field = block.subarray(from, to);
      const end = field.indexOf(0);
      return field
        .subarray(0, end < 0 ? undefined : end)
        .toString('utf8')
        .trim();
    };
    const stored = Number.parseInt(text(148, 156), 8);
    const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    const size = Number.parseInt(text(124, 136) || '0', 8);
    if (stored !== sum || !Number.isFinite(size)) {
      this.#broken = true;
      return;
    }
    const prefix = text(257, 262) === 'ustar' ? text(345, 500) : '';
    const kind = String.fromCharCode(block[156] ?? 0);
    const regular = kind === '0' || kind === '\0';
    const name = regular ? `${prefix === '' ? '' : `${prefix}/`}${text(0, 100)}`.replace(/^(\.\/)+/, '') : '';
    this.#current = { name, size, left: size, padding: -size & (BLOCK - 1), head: [], kept: 0 };
  }

  #take(length: number): Buffer {
    const part = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return part;
  }
}
