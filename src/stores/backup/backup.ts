/**
 * Copies a data folder into one file while a bot may write to it: what is in the journal first and the state after it, so
 * that every change is in one of them; then archives, which only grow and have at least what the state says of them; then
 * logs of runs, each run's state before its bytes.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { AppError } from '../../ground/errors.ts';
import { isDiskFull, syncFolder, systemCode } from '../../ground/files.ts';
import { type BackedUpFile, belongsInBackup, MANIFEST, manifestText, TOP_FILES } from './manifest.ts';
import { padding, tarEnd, tarHeader } from './tar.ts';

const PIECE = 1024 * 1024;
/** Smaller ones may be cut or replaced while they are read, so that they are read at once. */
const AT_ONCE = 64 * PIECE;

export interface BackupResult {
  files: number;
  /** Before compression. */
  bytes: number;
  runs: number;
  /** Of the file. */
  size: number;
}

/**
 * @param path where the archive goes once it is whole; until then, and where it is given up, there is nothing of this name
 * @param options.replace whether a file of that name may be replaced
 * @throws AppError not_found: no data folder · conflict: the file is there · unavailable: it cannot be written; the
 *   signal's reason
 */
export async function backUp(
  folder: string,
  path: string,
  {
    replace = false,
    signal,
    now = () => new Date(),
  }: { replace?: boolean; signal?: AbortSignal; now?: () => Date } = {},
): Promise<BackupResult> {
  await requireData(folder);
  if (!replace && (await stat(path).catch(() => undefined)))
    throw new AppError('conflict', `There is a file ${path} already.`, {
      hint: 'Choose another name, or replace it with --force.',
    });
  const partial = `${path}.partial`;
  const madeAt = now();
  const copied: BackedUpFile[] = [];
  try {
    const blocks = Readable.from(archive(folder, madeAt, copied), { objectMode: false });
    await pipeline(blocks, createGzip({ level: 6 }), createWriteStream(partial, { mode: 0o600 }), { signal });
    const file = await open(partial, 'r');
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    if (error instanceof AppError) throw error;
    throw new AppError(
      'unavailable',
      isDiskFull(error)
        ? `There is no room for the backup ${path}.`
        : `The backup ${path} cannot be written (${systemCode(error) ?? String(error)}).`,
      { hint: 'Choose a place that you may write to, with room for it.', cause: error },
    );
  }
  return {
    files: copied.length,
    bytes: copied.reduce((sum, { size }) => sum + size, 0),
    runs: new Set(copied.flatMap(({ path: name }) => /^runs\/([^/]+)\//.exec(name)?.[1] ?? [])).size,
    size: (await stat(path)).size,
  };
}

async function requireData(folder: string): Promise<void> {
  const found: string[] = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw new AppError('unavailable', `The data folder ${folder} cannot be read (${systemCode(error)}).`, {
      hint: 'Run this as the user that runs Signalbox.',
      cause: error,
    });
  });
  if (found.includes('state.json') || found.includes('journal.jsonl')) return;
  throw new AppError(
    'not_found',
    `There is nothing to back up in ${folder}: no Signalbox has stored anything there.`,
    {
      hint: 'Set storage.dataDir or SIGNALBOX_DATA_DIR to the folder of the one that runs.',
    },
  );
}

async function* archive(folder: string, madeAt: Date, copied: BackedUpFile[]): AsyncGenerator<Buffer> {
  const known = new Set<string>();
  for await (const path of filesOf(folder)) {
    if (!belongsInBackup(path)) continue;
    const source = await opened(folder, path);
    if (!source) continue;
    try {
      if (known.has(source.path)) continue;
      known.add(source.path);
      yield* member(source, madeAt, copied);
    } finally {
      await source.file.close();
    }
  }
  const manifest = Buffer.from(manifestText(madeAt, copied));
  yield tarHeader(MANIFEST, manifest.length, madeAt.getTime());
  yield manifest;
  yield padding(manifest.length);
  yield tarEnd();
}

async function* filesOf(folder: string): AsyncGenerator<string> {
  yield* TOP_FILES;
  for (const run of await names(join(folder, 'runs'))) {
    // What it says of the bytes is true of what is there then, and more may have come since.
    yield `runs/${run}/state`;
    for (const name of await names(join(folder, 'runs', run)))
      if (name !== 'state') yield `runs/${run}/${name}`;
  }
  for (const name of await names(join(folder, 'run-times'))) yield `run-times/${name}`;
}

/** None where there is no such folder, or where it is not one. */
const names = async (folder: string): Promise<string[]> => (await readdir(folder).catch(() => [])).sort();

interface Source {
  path: string;
  file: FileHandle;
  size: number;
}

/** @returns undefined where it is not there (any more): removed with its run, or never written */
async function opened(folder: string, path: string): Promise<Source | undefined> {
  // A chunk that has just been compressed has another name.
  for (const name of path.endsWith('.log') ? [path, `${path}.gz`] : [path])
    try {
      const file = await open(join(folder, name), 'r');
      const found = await file.stat();
      if (found.isFile()) return { path: name, file, size: found.size };
      await file.close();
    } catch (error) {
      if (systemCode(error) === 'ENOENT') continue;
      throw new AppError('unavailable', `${join(folder, name)} cannot be read (${systemCode(error)}).`, {
        hint: 'Run this as the user that runs Signalbox.',
        cause: error,
      });
    }
  return undefined;
}

async function* member(
  { path, file, size }: Source,
  madeAt: Date,
  copied: BackedUpFile[],
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const whole = size <= AT_ONCE ? await file.readFile() : undefined;
  const length = whole?.length ?? size;
  yield tarHeader(path, length, madeAt.getTime());
  if (whole) {
    hash.update(whole);
    yield whole;
  } else
    for (let at = 0; at < length; ) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE), 0, Math.min(PIECE, length - at), at);
      if (bytesRead === 0)
        throw new AppError('unavailable', `${path} became shorter while it was copied.`, {
          hint: 'Something other than Signalbox changes it. Try again.',
        });
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      yield piece;
      at += bytesRead;
    }
  yield padding(length);
  copied.push({ path, size: length, sha256: hash.digest('hex') });
}
