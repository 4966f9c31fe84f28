/**
 * The folder of all volumes. A volume is a folder with a manifest and the segments that it names, each written once by one
 * append. Segments have random names and the manifest is replaced as a whole, after them: whoever is killed, whoever
 * writes at the same time in another process, the manifest that is there names what was there before it. Whatever can go
 * wrong here costs a log that is read again, never a download.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder, systemCode, writeWhole } from '../../ground/files.ts';
import type { EpochMs } from '../../ground/time.ts';
import { type PackedPiece, type Piece, storedBytes } from './piece.ts';
import type { PieceFiles } from './piece-files.ts';
import { decodeManifest, encodeManifest, isVolumeName, type Volume } from './volume.ts';

/** What nothing names any more may still be read by somebody for so long, ms. */
const ORPHANS_STAY = 3_600_000;
/** A manifest from further in the future was written by a clock that was wrong. */
const CLOCK_TOLERANCE = 60_000;
/** Other processes may have added to it meanwhile, ms. */
const SWEEP_EVERY = 600_000;
const MANIFEST = 'manifest';

export interface ShelfOptions {
  dir: string;
  /** Bytes that all volumes may take. */
  disk: number;
  /** Milliseconds since it was last used for which a volume stays. */
  keepFor: number;
  now: () => EpochMs;
  /** Something is wrong with what is kept; downloads work all the same. */
  onProblem: (error: unknown, context: { volume?: string }) => void;
  /** @throws when so many bytes more would be too many for the disk */
  checkSpace: (bytes: number) => Promise<void>;
}

/** What an append adds: pieces of other files, and one that is in none yet. */
export interface Addition {
  files: PieceFiles;
  pieces: readonly Piece[];
  last: PackedPiece | undefined;
}

/** A volume's folder. */
interface Kept {
  name: string;
  usedAt: number;
  bytes: number;
}

export class Shelf {
  readonly #options: ShelfOptions;
  /** What all volumes took when they were last looked at, and what was added since. */
  #total = Number.POSITIVE_INFINITY;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  /** The folder of a volume's segments. */
  dirOf(name: string): string {
    return join(this.#options.dir, name);
  }

  /**
   * What is kept, and counts as used now.
   * @param how `silently`: what is wrong with it is said when it is loaded again
   * @returns undefined: nothing that can be used
   */
  async load(name: string, how?: 'silently'): Promise<Volume | undefined> {
    const path = join(this.dirOf(name), MANIFEST);
    const now = this.#options.now();
    try {
      const volume = decodeManifest(await readFile(path, 'utf8'));
      if (volume.readAt > now + CLOCK_TOLERANCE) {
        throw new Error(`it was read in the future, at ${new Date(volume.readAt).toISOString()}`);
      }
      await utimes(path, now / 1000, now / 1000).catch(() => undefined);
      return volume;
    } catch (error) {
      if (how !== 'silently' && !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) {
        this.#options.onProblem(error, { volume: name });
      }
      return undefined;
    }
  }

  /**
   * Keeps a volume in place of the one that is there.
   * @param volume whose pieces are in segments already; what is added follows them
   * @throws whatever keeps it from being written; what is there stays
   */
  async save(name: string, volume: Volume, addition: Addition): Promise<void> {
    const { dir, disk, now, checkSpace } = this.#options;
    const folder = this.dirOf(name);
    const added = addition.pieces.reduce((sum, piece) => sum + storedBytes(piece), 0);
    const before = volume.pieces.reduce((sum, piece) => sum + storedBytes(piece), 0);
    if (before + added > disk) {
      throw new Error(`it would take ${before + added} bytes, and logs.library.disk is ${disk}`);
    }
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await checkSpace(added);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const old = await readdir(folder);
    const pieces = [...volume.pieces, ...(await this.#writeSegment(folder, addition))];
    const temporary = join(folder, `${MANIFEST}-${randomBytes(6).toString('hex')}`);
    try {
      await writeFile(temporary, encodeManifest({ ...volume, pieces }), { mode: 0o600 });
      await rename(temporary, join(folder, MANIFEST));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    const named = new Set(pieces.map((piece) => piece.file));
    const seconds = now() / 1000;
    await utimes(join(folder, MANIFEST), seconds, seconds).catch(() => undefined);
    for (const file of old) {
      // Its hour begins now: somebody may be reading by the manifest that was here before.
      if (isSegment(file) && !named.has(file)) {
        await utimes(join(folder, file), seconds, seconds).catch(() => undefined);
      }
    }
    this.#total += added;
    if (this.#total > disk || Math.abs(now() - this.#sweptAt) > SWEEP_EVERY) await this.sweep();
  }

  async drop(name: string): Promise<void> {
    try {
      await removeFolder(this.dirOf(name));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#options.onProblem(error, { volume: name });
    }
  }

  /** Removes what is too old, what is too much, and what nothing names. */
  async sweep(): Promise<void> {
    const { disk } = this.#options;
    this.#sweptAt = this.#options.now();
    await this.#dropUntil(disk, await this.#survey());
  }

  /**
   * The disk is needed for something else: so many bytes are taken off what is kept, the least recently used first. Nothing
   * goes where all of it would not be enough.
   */
  async makeRoom(bytes: number): Promise<void> {
    const volumes = await this.#survey();
    const rest = totalOf(volumes) - bytes;
    if (rest >= 0) await this.#dropUntil(rest, volumes);
  }

  async #dropUntil(most: number, volumes: readonly Kept[]): Promise<void> {
    let total = totalOf(volumes);
    for (const { name, bytes } of [...volumes].sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= most) break;
      await this.drop(name);
      total -= bytes;
    }
    this.#total = total;
  }

  /** @returns what stays when everything that is too old and that nothing names is removed */
  async #survey(): Promise<Kept[]> {
    const { dir, keepFor, now } = this.#options;
    const orphanedBefore = now() - ORPHANS_STAY;
    const volumes: Kept[] = [];
    let names: string[];
    try {
      names = await readdir(dir);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#options.onProblem(error, {});
      return volumes;
    }
    for (const name of names) {
      try {
        if (!isVolumeName(name)) {
          if (name.startsWith('.removed-') && (await changedAt(join(dir, name))) < orphanedBefore) {
            await rm(join(dir, name), { recursive: true, force: true });
          }
          continue;
        }
        const found = await this.#tidy(name, orphanedBefore);
        if (!found) continue;
        if (found.usedAt < now() - keepFor) await this.drop(name);
        else volumes.push({ name, ...found });
      } catch (error) {
        // Another process may be removing it at this moment.
        if (systemCode(error) !== 'ENOENT') this.#options.onProblem(error, { volume: name });
      }
    }
    return volumes;
  }

  /** Removes what a volume's manifest does not name. @returns undefined: there was nothing else in it */
  async #tidy(name: string, orphanedBefore: number): Promise<{ usedAt: number; bytes: number } | undefined> {
    const folder = this.dirOf(name);
    const files = await readdir(folder);
    let named = new Set<string>();
    let usedAt: number | undefined;
    if (files.includes(MANIFEST)) {
      usedAt = await changedAt(join(folder, MANIFEST));
      try {
        const volume = decodeManifest(await readFile(join(folder, MANIFEST), 'utf8'));
        named = new Set(volume.pieces.map((piece) => piece.file));
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        this.#options.onProblem(error, { volume: name });
        await this.drop(name);
        return undefined;
      }
    }
    let bytes = 0;
    let newest = usedAt ?? 0;
    for (const file of files) {
      const path = join(folder, file);
      const { size, mtimeMs } = await stat(path);
      if (file !== MANIFEST && !named.has(file) && mtimeMs < orphanedBefore) {
        await rm(path, { force: true });
        continue;
      }
      newest = Math.max(newest, mtimeMs);
      bytes += size;
    }
    // Without a manifest it may just be in the making.
    if (usedAt === undefined && newest < orphanedBefore && (await changedAt(folder)) < orphanedBefore) {
      await this.drop(name);
      return undefined;
    }
    return { usedAt: usedAt ?? newest, bytes };
  }

  async #writeSegment(folder: string, { files, pieces, last }: Addition): Promise<Piece[]> {
    if (pieces.length === 0 && !last) return [];
    const name = `segment-${randomBytes(8).toString('hex')}`;
    const path = join(folder, name);
    if (!last && (await files.linkAll(pieces, path)))
      return pieces.map((piece) => ({ ...piece, file: name }));
    const file = await open(path, 'wx', 0o600);
    const placed: Piece[] = [];
    let at = 0;
    try {
      for (const piece of pieces) {
        const bytes = await files.stored(piece);
        await writeWhole(file, bytes, at);
        placed.push({ ...piece, file: name, at });
        at += bytes.length;
      }
      if (last) {
        await writeWhole(file, Buffer.concat(last.bytes), at);
        placed.push({ ...last.about, file: name, at });
      }
      await file.close();
      return placed;
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
  }
}

const totalOf = (volumes: readonly Kept[]): number => volumes.reduce((sum, { bytes }) => sum + bytes, 0);

const isSegment = (name: string): boolean => name.startsWith('segment-');

const changedAt = async (path: string): Promise<number> => (await stat(path)).mtimeMs;
