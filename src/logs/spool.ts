/**
 * Where the pages of one download wait on disk until all of them have been read: one append-only file of page records.
 *
 * A record is a fixed header, the events' times, the ends of their lines, and the text, so that a page goes to
 * disk and comes back without touching a single event. The header names stream, chain and window, so after a crash
 * the records alone tell what has been read. A killed process finishes its system calls, so a record with both
 * magic numbers is whole. After a reboot nothing is trusted and the spool is discarded.
 */
import { readSync } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../ground/errors.ts';
import { isDiskFull, systemCode, writeAllWhole } from '../ground/files.ts';
import type { EpochMs } from '../ground/time.ts';
import { type Manifest, writeManifest } from './spool-manifest.ts';

const HEADER = 64;
const TRAILER = 8;
const MAGIC = 0x53425031;
const MAGIC_END = 0x31504253;

/** One page on disk. `first` and `last` cover all its events, including those that a filter left out. */
export interface SpooledPage {
  readonly offset: number;
  readonly count: number;
  readonly textBytes: number;
  readonly first: EpochMs;
  readonly last: EpochMs;
  /** Order of arrival. In a stream that is read forward only this is the service's order. */
  readonly sequence: number;
  /** Resolves when the record is in the file. */
  written: Promise<void> | undefined;
}

/** A page in memory, for who has asked for it and gives it back. */
export interface HeldPage {
  content: PageContent;
  release: () => void;
}

export interface PageContent {
  count: number;
  text: Buffer;
  ends: Uint32Array;
  times: Float64Array;
}

export interface PageOrigin {
  stream: number;
  chain: number;
  direction: 'forward' | 'backward';
  from: EpochMs;
  to: EpochMs;
  first: EpochMs;
  last: EpochMs;
}

export interface RestoredChain {
  stream: string;
  direction: 'forward' | 'backward';
  from: EpochMs;
  to: EpochMs;
  pages: SpooledPage[];
}

/** One download's folder: `pages`, the manifest, and the finished files until they are disposed of. */
export class Spool {
  readonly dir: string;
  readonly #key: string;
  readonly #now: () => EpochMs;
  #file: FileHandle | undefined;
  #end = 0;
  #sequence = 0;
  #createdAt: EpochMs;
  #streams: string[] = [];
  readonly #distrusted = new Set<string>();
  #restored: RestoredChain[] = [];
  /** Pages that are only in memory, until somebody takes them. */
  readonly #held = new Map<SpooledPage, HeldPage>();
  #closing: Promise<void> | undefined;
  #pending = new Set<Promise<void>>();
  /** The manifest's last writing. */
  #saving = Promise.resolve();

  constructor(dir: string, key: string, now: () => EpochMs) {
    this.dir = dir;
    this.#key = key;
    this.#now = now;
    this.#createdAt = now();
  }

  /** The earliest time at which a page may have been read. */
  get createdAt(): EpochMs {
    return this.#createdAt;
  }

  /** The pages of an interrupted download. Empty for a new spool. */
  get restored(): readonly RestoredChain[] {
    return this.#restored;
  }

  /** Bytes of pages on disk. */
  get bytes(): number {
    return this.#end;
  }

  async create(): Promise<void> {
    await this.#save('active');
    this.#file = await open(join(this.dir, 'pages'), 'w+');
  }

  async reopen(left: Manifest): Promise<void> {
    this.#streams = left.streams;
    this.#createdAt = left.createdAt;
    for (const name of left.distrusted) this.#distrusted.add(name);
    await this.#save('active');
    for (const name of await readdir(this.dir)) {
      if (name !== 'pages' && name !== 'manifest.json') await rm(join(this.dir, name), { force: true });
    }
    // 'a+' would ignore positions. The first `open` creates the file in case its owner died before that.
    await (await open(join(this.dir, 'pages'), 'a')).close();
    this.#file = await open(join(this.dir, 'pages'), 'r+');
    await this.#scan();
    await this.#file.truncate(this.#end);
  }

  /** Number of a stream in this spool. It survives a resume. */
  streamNumber(name: string): number {
    const at = this.#streams.indexOf(name);
    if (at >= 0) return at;
    this.#streams.push(name);
    return this.#streams.length - 1;
  }

  async save(): Promise<void> {
    await this.#save('active');
  }

  /** Marks streams on disk so that no later download continues from their pages. Await it before reading on. */
  async distrust(...streams: readonly string[]): Promise<void> {
    for (const stream of streams) this.#distrusted.add(stream);
    await this.#save('active');
  }

  /**
   * Keeps a page in memory alone, for a merge that keeps pace. Its stream must be distrusted: what a killed process leaves
   * lacks it.
   * @param release called when nobody needs the content any more
   */
  hold(content: PageContent, origin: PageOrigin, release: () => void): SpooledPage {
    const page: SpooledPage = {
      offset: -1,
      count: content.count,
      textBytes: content.count === 0 ? 0 : content.ends[content.count - 1]!,
      first: origin.first,
      last: origin.last,
      sequence: this.#sequence++,
      written: undefined,
    };
    this.#held.set(page, { content, release });
    return page;
  }

  /** The page, if it is held: from now on it is the caller's, once. */
  takeHeld(page: SpooledPage): HeldPage | undefined {
    const held = this.#held.get(page);
    this.#held.delete(page);
    return held;
  }

  /** Forgets what is held. */
  dropHeld(): void {
    for (const { release } of this.#held.values()) release();
    this.#held.clear();
  }

  /** Appends a page and returns its place at once. The content must not change until `written` has resolved. */
  append(content: PageContent, origin: PageOrigin): SpooledPage {
    const file = this.#file;
    if (!file) throw new AppError('internal', 'The spool of this download is closed.');
    const { count } = content;
    const textBytes = count === 0 ? 0 : content.ends[count - 1]!;
    const head = Buffer.alloc(HEADER);
    const indexPad = (count & 1) * 4;
    const body = HEADER + count * 12 + indexPad + textBytes;
    const pad = (8 - (body & 7)) & 7;
    const total = body + pad + TRAILER;
    head.writeUInt32LE(MAGIC, 0);
    head.writeUInt32LE(total, 4);
    head.writeUInt32LE(origin.stream, 8);
    head.writeUInt32LE(origin.chain, 12);
    head.writeUInt32LE(origin.direction === 'forward' ? 0 : 1, 16);
    head.writeUInt32LE(count, 20);
    head.writeUInt32LE(textBytes, 24);
    head.writeDoubleLE(origin.from, 32);
    head.writeDoubleLE(origin.to, 40);
    head.writeDoubleLE(origin.first, 48);
    head.writeDoubleLE(origin.last, 56);
    const tail = Buffer.alloc(pad + TRAILER);
    tail.writeUInt32LE(MAGIC_END, pad);
    tail.writeUInt32LE(total, pad + 4);

    const offset = this.#end;
    this.#end += total;
    const parts: Uint8Array[] = [head];
    if (count > 0) {
      parts.push(new Uint8Array(content.times.buffer, content.times.byteOffset, count * 8));
      parts.push(new Uint8Array(content.ends.buffer, content.ends.byteOffset, count * 4));
      if (indexPad) parts.push(new Uint8Array(indexPad));
      parts.push(content.text.subarray(0, textBytes));
    }
    parts.push(tail);
    const page: SpooledPage = {
      offset,
      count,
      textBytes,
      first: origin.first,
      last: origin.last,
      sequence: this.#sequence++,
      written: undefined,
    };
    const written = writeAllWhole(file, parts, offset).then(
      () => {
        page.written = undefined;
      },
      (error: unknown) => {
        throw diskError(error);
      },
    );
    page.written = written;
    const settled = written.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return page;
  }

  /** Reads the index of a page into `into` (at least `count * 12 + 4` bytes, aligned to 8). */
  async readIndex(page: SpooledPage, into: ArrayBuffer): Promise<{ times: Float64Array; ends: Uint32Array }> {
    await page.written;
    const length = page.count * 12;
    this.#read(new Uint8Array(into, 0, length), page.offset + HEADER);
    return {
      times: new Float64Array(into, 0, page.count),
      ends: new Uint32Array(into, page.count * 8, page.count),
    };
  }

  /** Reads `into.length` bytes of a page's text from `at` on. Its index must have been read before. */
  readText(page: SpooledPage, at: number, into: Uint8Array): void {
    const text = page.offset + HEADER + page.count * 12 + (page.count & 1) * 4;
    this.#read(into, text + at);
  }

  /**
   * Reads on this thread. What was written a moment ago is still in the system's cache, and copying 256 kB takes 50 µs.
   * Through the thread pool it takes a whole turn of the event loop, some 10 ms while pages come in, so the merge would
   * hardly begin before the last page is there.
   */
  #read(into: Uint8Array, position: number): void {
    let done = 0;
    while (done < into.length) {
      const bytesRead = readSync(this.#file!.fd, into, done, into.length - done, position + done);
      if (bytesRead === 0) {
        throw new AppError('internal', `The spool ends ${into.length - done} bytes too early.`, {
          hint: 'Something else has changed the data folder. Ask for the log again.',
        });
      }
      done += bytesRead;
    }
  }

  /** Leaves the pages for a later download of the same request. */
  async leave(): Promise<void> {
    await this.#closeFile();
    await this.#save('resumable');
  }

  /** After the merge: leaves only the finished files in the folder. */
  async dropPages(): Promise<void> {
    await this.#closeFile();
    await rm(join(this.dir, 'pages'), { force: true });
  }

  async remove(): Promise<void> {
    await this.#closeFile();
    // Whoever asked for it may have gone.
    await this.#saving;
    await rm(this.dir, { recursive: true, force: true });
  }

  #closeFile(): Promise<void> {
    this.dropHeld();
    this.#closing ??= (async () => {
      await Promise.all(this.#pending);
      await this.#file?.close();
      this.#file = undefined;
    })();
    return this.#closing;
  }

  /** One after the other: each is first a file of the same name. */
  #save(state: Manifest['state']): Promise<void> {
    const saved = this.#saving.then(() =>
      writeManifest(
        this.dir,
        {
          key: this.#key,
          createdAt: this.#createdAt,
          state,
          streams: this.#streams,
          distrusted: [...this.#distrusted],
        },
        this.#now(),
      ),
    );
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  /** Reads records from the beginning of the file up to the first broken one. */
  async #scan(): Promise<void> {
    const file = this.#file!;
    const { size } = await file.stat();
    const chains = new Map<string, RestoredChain>();
    const head = Buffer.alloc(HEADER);
    const tail = Buffer.alloc(TRAILER);
    let offset = 0;
    while (offset + HEADER + TRAILER <= size) {
      this.#read(head, offset);
      const total = head.readUInt32LE(4);
      if (head.readUInt32LE(0) !== MAGIC || total < HEADER + TRAILER || offset + total > size) break;
      this.#read(tail, offset + total - TRAILER);
      if (tail.readUInt32LE(0) !== MAGIC_END || tail.readUInt32LE(4) !== total) break;
      const stream = this.#streams[head.readUInt32LE(8)];
      if (stream === undefined) break;
      const direction = head.readUInt32LE(16) === 0 ? 'forward' : 'backward';
      // Two downloads may use the same chain number. Their windows differ, or else their pages agree.
      const from = head.readDoubleLE(32);
      const to = head.readDoubleLE(40);
      const id = `${head.readUInt32LE(12)}/${stream}/${direction}/${from}/${to}`;
      let chain = chains.get(id);
      if (!chain) {
        chain = { stream, direction, from, to, pages: [] };
        chains.set(id, chain);
      }
      chain.pages.push({
        offset,
        count: head.readUInt32LE(20),
        textBytes: head.readUInt32LE(24),
        first: head.readDoubleLE(48),
        last: head.readDoubleLE(56),
        sequence: this.#sequence++,
        written: undefined,
      });
      offset += total;
    }
    this.#end = offset;
    this.#restored = [...chains.values()].filter((chain) => !this.#distrusted.has(chain.stream));
  }
}

/** Turns a full disk or quota into an AppError; returns anything else unchanged. */
export function diskError(error: unknown): unknown {
  if (isDiskFull(error) || systemCode(error) === 'EFBIG') {
    return new AppError('unavailable', 'The disk became full while the log was being written.', {
      hint: 'Free some space in the data folder, or narrow the request (--since, --until, --tail, --grep).',
      cause: error,
    });
  }
  return error;
}
