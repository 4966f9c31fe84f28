/**
 * Where pages wait on disk until everything is there: one append-only file of page records for each download.
 *
 * A record is a fixed header, the events' times, the ends of their lines, and the text, so that a page goes to
 * disk and comes back without touching a single event. The header names stream, chain and window: after a crash
 * the records alone tell what has been read (a process that is killed finishes its system calls, so a record
 * with both its magic numbers is whole; after a reboot nothing is trusted and the spool is discarded).
 */
import { createHash, randomBytes } from 'node:crypto';
import { readSync } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';

/** How long what an interrupted download has read may be continued. */
const RESUME_WITHIN_MS = 3_600_000;

/** Bytes that must stay free on the spool's disk, so that nothing else on the machine breaks. */
const DISK_RESERVE = 64 * 1024 * 1024;

const HEADER = 64;
const TRAILER = 8;
const MAGIC = 0x53425031;
const MAGIC_END = 0x31504253;

/** One page on disk. `first` and `last` are of all its events, also those that a filter left out. */
export interface SpooledPage {
  readonly offset: number;
  readonly count: number;
  readonly textBytes: number;
  readonly first: EpochMs;
  readonly last: EpochMs;
  /** Order of arrival: the service's order within a stream that is read forward only. */
  readonly sequence: number;
  /** Resolves when the record is in the file. */
  written: Promise<void> | undefined;
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

interface Manifest {
  version: 1;
  key: string;
  pid: number;
  /** Of the process: in a container the next one has the same pid. Left out by earlier versions. */
  process?: string;
  createdAt: EpochMs;
  touchedAt: EpochMs;
  bootedAt: EpochMs;
  /** `resumable`: given up by its owner with what it has. */
  state: 'active' | 'resumable';
  streams: string[];
  /** Streams whose pages came out of time order: their pages are never continued from. */
  distrusted: string[];
}

export interface RestoredChain {
  stream: string;
  direction: 'forward' | 'backward';
  from: EpochMs;
  to: EpochMs;
  pages: SpooledPage[];
}

/** Tells this process from an earlier one of the same pid. */
const PROCESS = randomBytes(8).toString('hex');

const bootedAt = (now: EpochMs): EpochMs => now - uptime() * 1000;

export function spoolKey(identity: unknown): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 24);
}

/** The folder of all spools of one data folder. */
export class SpoolFolder {
  readonly #dir: string;
  readonly #now: () => EpochMs;

  constructor(dir: string, now: () => EpochMs) {
    this.#dir = dir;
    this.#now = now;
  }

  /** A new spool, or the one that an interrupted download of the same key left within the hour. */
  async open(key: string, mayResume: boolean): Promise<Spool> {
    // It may be what makes the data folder, which nobody else is to read.
    await mkdir(this.#dir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw cannotBeMade(this.#dir, error);
    });
    await this.checkSpace(0);
    if (mayResume) {
      const left = await this.#claim(key);
      if (left) return left;
    }
    const dir = join(this.#dir, this.#name(key));
    await mkdir(dir);
    const spool = new Spool(dir, key, this.#now);
    await spool.create();
    return spool;
  }

  /** Removes what nobody will come back for: spools of dead processes that are old, or hold finished files only. */
  async sweep(): Promise<void> {
    let names: string[];
    try {
      names = await readdir(this.#dir);
    } catch (error) {
      // Without the folder there is nothing to remove; what is wrong with its place, `open` says.
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
    for (const name of names.filter((n) => n.startsWith('download-'))) {
      const dir = join(this.#dir, name);
      const manifest = await readManifest(dir);
      if (manifest && isInUse(manifest)) continue;
      if (manifest && this.#isFresh(manifest)) continue;
      // A folder without a manifest may be one that is being made right now.
      if (!manifest && !(await isOlderThan(dir, this.#now() - 60_000))) continue;
      await rm(dir, { recursive: true, force: true });
    }
  }

  /** @throws AppError unavailable when `bytes` more would not fit and leave the reserve */
  async checkSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#dir);
    const free = Number(bavail) * Number(bsize);
    if (free - bytes >= DISK_RESERVE) return;
    throw new AppError('unavailable', 'The disk is too small for this log.', {
      hint: `About ${megabytes(bytes)} more are needed besides a reserve of ${megabytes(DISK_RESERVE)}, and ${megabytes(free)} are free in the data folder. Narrow the request (--since, --until, --tail, --grep) or free some space.`,
    });
  }

  #isFresh(manifest: Manifest): boolean {
    const age = this.#now() - manifest.touchedAt;
    const sameBoot = Math.abs(manifest.bootedAt - bootedAt(this.#now())) < 60_000;
    return sameBoot && age < RESUME_WITHIN_MS;
  }

  async #claim(key: string): Promise<Spool | undefined> {
    for (const name of await readdir(this.#dir)) {
      if (!name.startsWith(`download-${key}-`)) continue;
      const dir = join(this.#dir, name);
      const manifest = await readManifest(dir);
      if (!manifest || isInUse(manifest) || !this.#isFresh(manifest)) continue;
      const mine = join(this.#dir, this.#name(key));
      try {
        // Whoever renames it first has it.
        await rename(dir, mine);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
        throw error;
      }
      const spool = new Spool(mine, key, this.#now);
      await spool.reopen(manifest);
      return spool;
    }
    return undefined;
  }

  #name(key: string): string {
    return `download-${key}-${randomBytes(4).toString('hex')}`;
  }
}

function cannotBeMade(dir: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskError(error);
  const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file stands in its way' : (code ?? String(error));
  return new AppError('unavailable', `The folder ${dir} cannot be made: ${why}.`, {
    hint: 'Downloads wait in the data folder. Make that a folder you may write to, or name another: storage.dataDir, or SIGNALBOX_DATA_DIR.',
    cause: error,
  });
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
  #closing: Promise<void> | undefined;
  #pending = new Set<Promise<void>>();

  constructor(dir: string, key: string, now: () => EpochMs) {
    this.dir = dir;
    this.#key = key;
    this.#now = now;
    this.#createdAt = now();
  }

  /** When the first page may have been read. */
  get createdAt(): EpochMs {
    return this.#createdAt;
  }

  /** What an interrupted download had read. Empty for a new spool. */
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
    // 'a+' would ignore positions; the file is made first if its owner died before that.
    await (await open(join(this.dir, 'pages'), 'a')).close();
    this.#file = await open(join(this.dir, 'pages'), 'r+');
    await this.#scan();
    await this.#file.truncate(this.#end);
  }

  /** Number of a stream in this spool; stable over a resume. */
  streamNumber(name: string): number {
    const at = this.#streams.indexOf(name);
    if (at >= 0) return at;
    this.#streams.push(name);
    return this.#streams.length - 1;
  }

  async save(): Promise<void> {
    await this.#save('active');
  }

  /** Makes sure, before anything else happens, that no later download continues from this stream's pages. */
  async distrust(stream: string): Promise<void> {
    this.#distrusted.add(stream);
    await this.#save('active');
  }

  /**
   * Appends a page. Returns at once with its place; the content must not change until `written` has resolved.
   */
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
    const written = writeAll(file, parts, total, offset).then(
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
   * On this thread: what was written a moment ago is in the system's memory, and a copy of 256 kB takes 50 µs. Through the
   * thread pool it takes a whole turn of the event loop, some 10 ms while pages come in, and the merge would
   * hardly begin before the last of them.
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

  /** The pages are merged: only finished files are left in the folder. */
  async dropPages(): Promise<void> {
    await this.#closeFile();
    await rm(join(this.dir, 'pages'), { force: true });
  }

  async remove(): Promise<void> {
    await this.#closeFile();
    await rm(this.dir, { recursive: true, force: true });
  }

  #closeFile(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all(this.#pending);
      await this.#file?.close();
      this.#file = undefined;
    })();
    return this.#closing;
  }

  async #save(state: Manifest['state']): Promise<void> {
    const now = this.#now();
    const manifest: Manifest = {
      version: 1,
      key: this.#key,
      pid: process.pid,
      process: PROCESS,
      createdAt: this.#createdAt,
      touchedAt: now,
      bootedAt: bootedAt(now),
      state,
      streams: this.#streams,
      distrusted: [...this.#distrusted],
    };
    const path = join(this.dir, 'manifest.json');
    await writeFile(`${path}.new`, JSON.stringify(manifest));
    await rename(`${path}.new`, path);
  }

  /** Finds the whole records from the beginning of the file; the first broken one ends it. */
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
      // Two runs may use the same chain number; their windows tell them apart, or else their pages do agree.
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

async function writeAll(
  file: FileHandle,
  parts: Uint8Array[],
  total: number,
  position: number,
): Promise<void> {
  const { bytesWritten } = await file.writev(parts, position);
  if (bytesWritten === total) return;
  // A nearly full disk takes a part of it; the rest is tried once more so that the real error comes out.
  const rest = Buffer.concat(parts).subarray(bytesWritten);
  let done = 0;
  while (done < rest.length) {
    const more = await file.write(rest, done, rest.length - done, position + bytesWritten + done);
    if (more.bytesWritten === 0) throw Object.assign(new Error('Nothing was written'), { code: 'ENOSPC' });
    done += more.bytesWritten;
  }
}

/** A full disk or quota as what it is; anything else unchanged. */
export function diskError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new AppError('unavailable', 'The disk became full while the log was being written.', {
      hint: 'Free some space in the data folder, or narrow the request (--since, --until, --tail, --grep).',
      cause: error,
    });
  }
  return error;
}

async function readManifest(dir: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as Manifest;
    return manifest.version === 1 && Array.isArray(manifest.streams) ? manifest : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function isOlderThan(path: string, time: EpochMs): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < time;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isInUse(manifest: Manifest): boolean {
  if (manifest.state !== 'active') return false;
  return manifest.pid === process.pid ? manifest.process === PROCESS : isAlive(manifest.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000).toLocaleString('en-US')} MB`;
}
