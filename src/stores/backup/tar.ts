/**
 * As much of tar as a backup needs: regular files, in POSIX' ustar format with pax headers for long names, so that any
 * `tar` lists and unpacks what is written (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html).
 */

const BLOCK = 512;
/** Bytes of a name in ustar's own field. */
const SHORT_NAME = 100;
/** Of a pax header; those written here have one name. */
const LONGEST_PAX = 64 * 1024;

/** What is wrong with an archive, in words that follow its name. */
export class NoArchive extends Error {}

/** What stands before a file's bytes. */
export function tarHeader(name: string, size: number, at: number): Buffer {
  if (Buffer.byteLength(name) <= SHORT_NAME) return header({ name, size, at, type: '0' });
  const record = paxRecord('path', name);
  return Buffer.concat([
    header({ name: 'PaxHeader', size: record.length, at, type: 'x' }),
    record,
    padding(record.length),
    header({ name: 'see-pax-header', size, at, type: '0' }),
  ]);
}

/** What stands behind them. */
export const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK);

function header(entry: { name: string; size: number; at: number; type: '0' | 'x' }): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.name, 0, 'utf8');
  block.write('0000600\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(octal(entry.size, 12), 124);
  block.write(octal(Math.floor(entry.at / 1000), 12), 136);
  block.write(entry.type, 156);
  block.write('ustar\x0000', 257);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

/** The sum of a header's bytes, those of the sum itself taken for blanks. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += block[at]!;
  return sum;
}

/** `<length> path=<name>\n`, whose length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length += 1;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

export interface TarFile {
  name: string;
  size: number;
  /** To be read to its end before the next file is asked for. */
  pieces(): AsyncGenerator<Buffer>;
}

/** @throws NoArchive: something other than files of this format, or it ends too early */
export async function* tarFiles(source: AsyncIterable<Buffer>): AsyncGenerator<TarFile> {
  const reader = new Reader(source);
  let longName: string | undefined;
  for (;;) {
    const block = await reader.take(BLOCK);
    if (block.every((byte) => byte === 0)) return reader.drain();
    const { name, size, type } = parse(block);
    if (type === 'x') {
      if (size > LONGEST_PAX) throw new NoArchive('has a name of more than 64 kB');
      longName = nameIn(await reader.take(size));
      await reader.take(padding(size).length);
      continue;
    }
    if (type !== '0' && type !== '\0') throw new NoArchive('has something else than files in it');
    yield { name: longName ?? name, size, pieces: () => reader.pieces(size) };
    longName = undefined;
    await reader.take(padding(size).length);
  }
}

function parse(block: Buffer): { name: string; size: number; type: string } {
  const text = (from: number, length: number): string =>
    block.toString('utf8', from, from + length).replace(/\0.*$/s, '');
  const size = Number.parseInt(text(124, 12), 8);
  if (Number.parseInt(text(148, 8), 8) !== checksum(block) || !(size >= 0))
    throw new NoArchive('is damaged: one of its headers is not as it was written');
  return { name: text(0, SHORT_NAME), size, type: block.toString('latin1', 156, 157) };
}

function nameIn(record: Buffer): string {
  const found = /^\d+ path=([^\n]*)\n$/.exec(record.toString('utf8'))?.[1];
  if (found === undefined) throw new NoArchive('has a header of another kind');
  return found;
}

/** Bytes as they are asked for, however they come. */
class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const piece of this.pieces(length)) parts.push(piece);
    return Buffer.concat(parts);
  }

  /** To the end, where whoever uncompresses it compares its checksum. */
  async drain(): Promise<void> {
    while (!(await this.#source.next()).done);
  }

  async *pieces(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#held.length === 0) {
        const { value, done } = await this.#source.next();
        if (done) throw new NoArchive('is not complete: it ends in the middle');
        this.#held = value;
      }
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
