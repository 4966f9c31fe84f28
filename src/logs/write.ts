/**
 * The finished file or files. The header stands at the top but is known last (it counts the events), so room is
 * kept for it: the data is written once, behind that room, and the header is put in at the end.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, gzip } from 'node:zlib';
import { writeAllWhole, writeWhole } from '../ground/files.ts';
import type { LogFacts, LogFile } from '../ports/log-engine.ts';
import { LEVEL } from './compression.ts';
import type { MergeSink } from './merge.ts';
import { diskError } from './spool.ts';

const gzipAsync = promisify(gzip);
const deflateRawAsync = promisify(deflateRaw);

/** Text is compressed in pieces of this size, each a gzip member of its own: members can follow one another. */
const MEMBER = 2 * 1024 * 1024;
/** Pieces compressed at the same time, on libuv's threads. */
const MEMBERS_AT_ONCE = 2;

export interface OutputOptions {
  dir: string;
  fileName: string;
  out: string | undefined;
  gzipAbove: number;
  partLimit: number;
  header: ((facts: LogFacts) => string) | undefined;
  /** Facts with every number as wide as it can get. */
  widestFacts: LogFacts;
  /** Bytes of text that are known to come, so far: decides early about compressing. */
  expectedBytes: () => number;
}

interface Part {
  path: string;
  file: FileHandle;
  bytes: number;
}

export class Output implements MergeSink {
  readonly #options: OutputOptions;
  readonly #parts: Part[] = [];
  #gzip = false;
  /** Bytes kept at the top of the first part. */
  #room = 0;
  #textBytes = 0;
  /** Text that waits to be compressed. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  readonly #compressing: Promise<Buffer[]>[] = [];

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#gzip = this.#options.expectedBytes() > this.#options.gzipAbove;
    const header = this.#options.header?.(this.#options.widestFacts) ?? '';
    const length = Buffer.byteLength(header);
    this.#room = length === 0 ? 0 : this.#gzip ? length + 64 : length;
    if (this.#room > this.#options.partLimit / 2) this.#room = 0;
    await this.#nextPart();
  }

  /** Bytes of text so far, uncompressed and without the header. */
  get textBytes(): number {
    return this.#textBytes;
  }

  async write(lines: Buffer): Promise<void> {
    try {
      this.#textBytes += lines.length;
      const { expectedBytes, gzipAbove } = this.#options;
      if (!this.#gzip && Math.max(this.#textBytes, expectedBytes()) > gzipAbove) await this.#turnToGzip();
      if (this.#gzip) await this.#compress(lines);
      else await this.#plain(lines);
    } catch (error) {
      throw diskError(error);
    }
  }

  /** Whether a gzip member of so many bytes can be put into the file as it is. */
  takesMember(bytes: number): boolean {
    return this.#gzip && bytes <= this.#options.partLimit - this.#room;
  }

  /** Puts in members of whole lines, each of which it takes. @param textBytes uncompressed, of all together */
  async putMembers(members: readonly Buffer[], textBytes: number): Promise<void> {
    try {
      await this.#flushMembers();
      this.#textBytes += textBytes;
      await this.#append(members);
    } catch (error) {
      throw diskError(error);
    }
  }

  /** Writes the header and names the files. */
  async finish(facts: LogFacts): Promise<LogFile[]> {
    try {
      await this.#flushMembers();
      const header = this.#options.header?.(facts) ?? '';
      if (header !== '') await this.#putHeader(Buffer.from(header, 'utf8'));
      return await this.#close(facts, header !== '');
    } catch (error) {
      throw diskError(error);
    }
  }

  /** Closes and removes everything, for starting over or giving up. */
  async discard(): Promise<void> {
    await Promise.allSettled(this.#compressing);
    this.#compressing.length = 0;
    for (const part of this.#parts) {
      await part.file.close();
      await rm(part.path, { force: true });
    }
    this.#parts.length = 0;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#textBytes = 0;
  }

  async #nextPart(): Promise<Part> {
    const { dir, out } = this.#options;
    const number = this.#parts.length + 1;
    // The file stands beside its final place, so that naming it at the end is a rename and not a copy.
    const path =
      out === undefined ? join(dir, `part-${number}`) : `${out}${number === 1 ? '' : `.${number}`}.partial`;
    if (out !== undefined) await mkdir(dirname(out), { recursive: true });
    const part: Part = { path, file: await open(path, 'w+'), bytes: number === 1 ? this.#room : 0 };
    this.#parts.push(part);
    return part;
  }

  async #plain(lines: Buffer): Promise<void> {
    let rest = lines;
    while (rest.length > 0) {
      let part = this.#parts[this.#parts.length - 1]!;
      const space = this.#options.partLimit - part.bytes;
      let piece = rest;
      if (rest.length > space) {
        const lineEnd = space > 0 ? rest.lastIndexOf(10, space - 1) + 1 : 0;
        // A line that no part can hold is cut; any other goes to the next part whole.
        const cut =
          lineEnd > 0
            ? lineEnd
            : part.bytes > (part === this.#parts[0] ? this.#room : 0)
              ? 0
              : Math.max(1, space);
        piece = rest.subarray(0, cut);
      }
      if (piece.length > 0) {
        await writeWhole(part.file, piece, part.bytes);
        part.bytes += piece.length;
        rest = rest.subarray(piece.length);
      }
      if (rest.length > 0) part = await this.#nextPart();
    }
  }

  async #compress(lines: Buffer): Promise<void> {
    this.#pending.push(Buffer.from(lines));
    this.#pendingBytes += lines.length;
    if (this.#pendingBytes >= Math.min(MEMBER, this.#options.partLimit)) await this.#member();
  }

  async #member(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const text = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    const work = compressWithin(text, this.#options.partLimit - this.#room);
    work.catch(() => undefined);
    this.#compressing.push(work);
    if (this.#compressing.length >= MEMBERS_AT_ONCE) await this.#writeMember();
  }

  async #writeMember(): Promise<void> {
    await this.#append(await this.#compressing.shift()!);
  }

  async #append(members: readonly Buffer[]): Promise<void> {
    let part = this.#parts[this.#parts.length - 1]!;
    let together: Buffer[] = [];
    let begin = part.bytes;
    for (const member of members) {
      if (part.bytes + member.length > this.#options.partLimit) {
        await writeAllWhole(part.file, together, begin);
        together = [];
        part = await this.#nextPart();
        begin = part.bytes;
      }
      together.push(member);
      part.bytes += member.length;
    }
    await writeAllWhole(part.file, together, begin);
  }

  async #flushMembers(): Promise<void> {
    await this.#member();
    while (this.#compressing.length > 0) await this.#writeMember();
  }

  /** There is more text than expected: what stands there as plain text is compressed after all. */
  async #turnToGzip(): Promise<void> {
    const plain = [...this.#parts];
    const oldRoom = this.#room;
    this.#parts.length = 0;
    this.#gzip = true;
    if (this.#room > 0) this.#room += 64;
    for (const part of plain) {
      const moved = `${part.path}.plain`;
      await rename(part.path, moved);
      part.path = moved;
    }
    await this.#nextPart();
    const buffer = Buffer.allocUnsafe(MEMBER);
    for (const [i, part] of plain.entries()) {
      for (let at = i === 0 ? oldRoom : 0; at < part.bytes; ) {
        const { bytesRead } = await part.file.read(buffer, 0, Math.min(MEMBER, part.bytes - at), at);
        if (bytesRead === 0) break;
        await this.#compress(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      await part.file.close();
      await rm(part.path, { force: true });
    }
  }

  async #putHeader(header: Buffer): Promise<void> {
    const first = this.#parts[0]!;
    const bytes = this.#gzip ? await gzipOfLength(header, this.#room) : padded(header, this.#room);
    if (bytes) {
      await writeWhole(first.file, bytes, 0);
      return;
    }
    // Longer than its widest form (or no room was kept because parts are tiny): the first part is moved down.
    const whole = this.#gzip ? ((await gzipAsync(header, { level: LEVEL })) as Buffer) : header;
    const moved = `${first.path}.moved`;
    await rename(first.path, moved);
    const old = first.file;
    const file = await open(first.path, 'w+');
    await writeWhole(file, whole, 0);
    const buffer = Buffer.allocUnsafe(MEMBER);
    let to = whole.length;
    for (let at = this.#room; at < first.bytes; ) {
      const { bytesRead } = await old.read(buffer, 0, Math.min(MEMBER, first.bytes - at), at);
      if (bytesRead === 0) break;
      await writeWhole(file, buffer.subarray(0, bytesRead), to);
      at += bytesRead;
      to += bytesRead;
    }
    await old.close();
    await rm(moved, { force: true });
    first.file = file;
    first.bytes = to;
  }

  async #close(facts: LogFacts, hasHeader: boolean): Promise<LogFile[]> {
    const { out, fileName } = this.#options;
    const files: LogFile[] = [];
    const total = this.#parts.length;
    for (const [i, part] of this.#parts.entries()) {
      await part.file.close();
      const name = partName(fileName, i + 1, total) + (this.#gzip ? '.gz' : '');
      if (facts.events === 0 && !hasHeader && out === undefined) {
        await rm(part.path, { force: true });
        continue;
      }
      const path = out === undefined ? part.path : partName(out, i + 1, total);
      if (path !== part.path) await rename(part.path, path);
      files.push({ path, name, bytes: part.bytes, gzipped: this.#gzip });
    }
    return files;
  }
}

/** `training.log` → `training.part-2-of-3.log`. */
function partName(name: string, number: number, total: number): string {
  if (total === 1) return name;
  const digits = String(total).length;
  const infix = `.part-${String(number).padStart(digits, '0')}-of-${total}`;
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') + 1 ? name.slice(0, dot) + infix + name.slice(dot) : name + infix;
}

/** Fills the room with spaces at the end of the header's last line of text, where nobody sees them. */
function padded(header: Buffer, room: number): Buffer | undefined {
  if (header.length > room) return undefined;
  let textEnd = header.length;
  while (textEnd > 0 && header[textEnd - 1] === 10) textEnd--;
  const bytes = Buffer.alloc(room, 32);
  header.copy(bytes, 0, 0, textEnd);
  header.copy(bytes, room - (header.length - textEnd), textEnd);
  return bytes;
}

/** A gzip member of exactly so many bytes: an extra field in its head takes up the slack (RFC 1952). */
async function gzipOfLength(text: Buffer, length: number): Promise<Buffer | undefined> {
  const body = (await deflateRawAsync(text, { level: LEVEL })) as Buffer;
  const fixed = 10 + 2 + body.length + 8;
  const slack = length - fixed;
  // A subfield needs four bytes of its own; the field's length is a 16-bit number.
  if (slack < 4 || slack > 0xffff) return undefined;
  const bytes = Buffer.alloc(length);
  bytes.set([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255]);
  bytes.writeUInt16LE(slack, 10);
  bytes.write('SB', 12, 'latin1');
  bytes.writeUInt16LE(slack - 4, 14);
  body.copy(bytes, 12 + slack);
  bytes.writeUInt32LE(crc32(text), length - 8);
  bytes.writeUInt32LE(text.length >>> 0, length - 4);
  return bytes;
}

/** Gzip members none of which is larger than `limit`; the text is halved at lines until they fit. */
async function compressWithin(text: Buffer, limit: number): Promise<Buffer[]> {
  const member = (await gzipAsync(text, { level: LEVEL, strategy: constants.Z_DEFAULT_STRATEGY })) as Buffer;
  if (member.length <= limit || text.length < 2) return [member];
  const middle = text.lastIndexOf(10, text.length >> 1) + 1;
  const cut = middle > 0 && middle < text.length ? middle : text.length >> 1;
  return [
    ...(await compressWithin(text.subarray(0, cut), limit)),
    ...(await compressWithin(text.subarray(cut), limit)),
  ];
}
