/**
 * A data folder from a backup: unpacked beside its place, compared with the digests, read once as the bot reads it, and
 * only then put there. Whatever goes wrong, the place is as it was.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AppError } from '../../ground/errors.ts';
import { isDiskFull, syncFolder, systemCode, writeWhole } from '../../ground/files.ts';
import { attemptsPath } from '../attempt-archive.ts';
import { archivePath } from '../audit-files.ts';
import { Journal } from '../journal.ts';
import { readState, requireArchives } from '../state-file.ts';
import { type BackedUpFile, belongsInBackup, MANIFEST, type Manifest, readManifest } from './manifest.ts';
import { NoArchive, type TarFile, tarFiles } from './tar.ts';

/** Of the list of files: a hundred thousand of them. */
const LONGEST_MANIFEST = 64 * 1024 * 1024;

export interface RestoreResult {
  files: number;
  bytes: number;
  madeAt: string;
}

/**
 * @param folder is made; it may be there, and empty
 * @throws AppError conflict: there is something in it · invalid_input: no backup, not a whole one, or damaged · unavailable
 */
export async function restore(
  path: string,
  folder: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<RestoreResult> {
  await requireEmpty(folder);
  const parent = dirname(folder);
  const staged = join(parent, `.restoring-${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(staged, { recursive: true, mode: 0o700 });
    const { files, madeAt } = await unpack(path, staged, signal);
    await requireReadable(staged);
    await syncFolder(staged);
    // Replaces an empty folder, and fails if something has come into it meanwhile.
    await rename(staged, folder);
    await syncFolder(parent);
    return { files: files.length, madeAt, bytes: files.reduce((sum, { size }) => sum + size, 0) };
  } catch (error) {
    await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    throw refusal(path, folder, error);
  }
}

async function requireEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw new AppError('unavailable', `The folder ${folder} cannot be read (${systemCode(error)}).`, {
      hint: 'Name a folder that is empty, or is not there yet.',
      cause: error,
    });
  });
  if (found.length > 0) throw notEmpty(folder, found);
}

const notEmpty = (folder: string, found: readonly string[]): AppError =>
  new AppError(
    'conflict',
    `The folder ${folder} is not empty: it has ${found.slice(0, 3).join(', ')}${found.length > 3 ? ' …' : ''}.`,
    { hint: 'Stop the bot if it runs there, and move the folder away; or name another one with --to.' },
  );

/** As at a start. @throws AppError internal: what was backed up was damaged by then */
async function requireReadable(folder: string): Promise<void> {
  const state = await readState(folder);
  await new Journal(folder).read(state?.upTo ?? 0);
  if (state) await requireArchives(state, { attempts: attemptsPath(folder), audit: archivePath(folder) });
}

async function unpack(path: string, staged: string, signal: AbortSignal | undefined): Promise<Manifest> {
  const source = createGunzip();
  const feeding = pipeline(createReadStream(path), source, { signal });
  // What it fails with comes out of the source too.
  feeding.catch(() => undefined);
  // Waited for to its end, so that nothing is written any more once this has failed.
  const { manifest, written } = await copyAll(source, staged).finally(() => source.destroy());
  const { files } = manifest;
  for (const { path: name, size, sha256 } of files) {
    const found = written.get(name);
    if (found?.size !== size || found.sha256 !== sha256)
      throw new NoArchive(`is damaged: ${name} is not what was backed up`);
  }
  if (files.length !== written.size) throw new NoArchive('is damaged: it has files that are not in its list');
  return manifest;
}

async function copyAll(
  source: AsyncIterable<Buffer>,
  staged: string,
): Promise<{ manifest: Manifest; written: ReadonlyMap<string, BackedUpFile> }> {
  let manifest: Manifest | undefined;
  const written = new Map<string, BackedUpFile>();
  for await (const file of tarFiles(source)) {
    if (manifest) throw new NoArchive('has something behind its list of files');
    if (file.name === MANIFEST) {
      if (file.size > LONGEST_MANIFEST) throw new NoArchive('has a list of files that is too long');
      const parts: Buffer[] = [];
      for await (const piece of file.pieces()) parts.push(piece);
      manifest = readManifest(Buffer.concat(parts).toString('utf8'));
      continue;
    }
    if (!belongsInBackup(file.name) || written.has(file.name))
      throw new NoArchive(
        `has a file in it that belongs in no backup: ${JSON.stringify(file.name.slice(0, 80))}`,
      );
    await requireRoom(staged, file.size);
    written.set(file.name, await copyOut(file, staged));
  }
  if (!manifest) throw new NoArchive('is not complete: its list of files is missing');
  return { manifest, written };
}

async function copyOut({ name, pieces }: TarFile, staged: string): Promise<BackedUpFile> {
  const path = join(staged, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of pieces()) {
      hash.update(piece);
      size += piece.length;
      await writeWhole(file, piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { path: name, size, sha256: hash.digest('hex') };
}

/** Before a file is written: what it says of its size may be anything. */
async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bytes <= bavail * bsize) return;
  throw Object.assign(new Error('The disk is too small'), { code: 'ENOSPC' });
}

function refusal(path: string, folder: string, error: unknown): unknown {
  if (error instanceof AppError) return error;
  const problem = problemOf(error);
  if (problem !== undefined)
    return new AppError('invalid_input', `The backup ${path} ${problem}.`, {
      hint: 'Nothing was restored. Take another backup: one that is whole was named only once it was.',
      cause: error,
    });
  const code = systemCode(error);
  if (code === 'ENOTEMPTY' || code === 'EEXIST') return notEmpty(folder, ['something new']);
  if (code === undefined) return error;
  if (code === 'ENOENT' || code === 'EISDIR' || code === 'EACCES')
    return new AppError('not_found', `The backup ${path} cannot be read (${code}).`, {
      hint: 'Look at its name again.',
      cause: error,
    });
  return new AppError(
    'unavailable',
    isDiskFull(error)
      ? `There is no room beside ${folder} for what is in the backup.`
      : `The folder ${folder} cannot be written (${code}).`,
    { hint: 'Nothing was restored. Make room, or name another folder with --to.', cause: error },
  );
}

function problemOf(error: unknown): string | undefined {
  if (error instanceof NoArchive) return error.message;
  switch (systemCode(error)) {
    case 'Z_BUF_ERROR':
      return 'is not complete: it ends in the middle';
    case 'Z_DATA_ERROR':
      return /header/.test((error as Error).message)
        ? 'is none of Signalbox: it is not compressed as these are'
        : 'is damaged: it is not as it was written';
    default:
      return undefined;
  }
}
