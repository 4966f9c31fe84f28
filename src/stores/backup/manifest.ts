/** What a backup says of itself, in its last file: only a whole one has it. */
import { NoArchive } from './tar.ts';

export const MANIFEST = 'signalbox-backup.json';
/** Of this file and of where things lie in the archive; not of the state, which has a version of its own. */
const FORMAT = 1;

export interface BackedUpFile {
  path: string;
  size: number;
  /** Hex. */
  sha256: string;
}

export interface Manifest {
  format: number;
  /** When it was begun, as in ISO 8601. */
  madeAt: string;
  files: BackedUpFile[];
}

export const manifestText = (madeAt: Date, files: readonly BackedUpFile[]): string =>
  `${JSON.stringify({ format: FORMAT, madeAt: madeAt.toISOString(), files } satisfies Omit<Manifest, 'files'> & { files: readonly BackedUpFile[] }, null, 1)}\n`;

/** @throws NoArchive: of a later version, or damaged */
export function readManifest(text: string): Manifest {
  let value: Partial<Manifest> | null;
  try {
    value = JSON.parse(text) as Partial<Manifest> | null;
  } catch {
    throw new NoArchive('is damaged: its list of files cannot be read');
  }
  if (typeof value?.format === 'number' && value.format > FORMAT)
    throw new NoArchive(`was made by a later version of Signalbox (format ${value.format})`);
  const files = value?.files;
  const isWhole =
    value?.format === FORMAT &&
    typeof value.madeAt === 'string' &&
    Array.isArray(files) &&
    files.every(
      (file: Partial<BackedUpFile> | null) =>
        typeof file?.path === 'string' && typeof file.size === 'number' && typeof file.sha256 === 'string',
    );
  if (!isWhole) throw new NoArchive('is damaged: its list of files is not one');
  return value as Manifest;
}

/** Where a file of a data folder may lie; anything else in an archive is refused. */
const TOP = new Set([
  'journal.jsonl',
  'state.json',
  'attempts-archive.jsonl',
  'audit-archive.jsonl',
  'audit-cli.jsonl',
]);
const BELOW =
  /^(?:runs\/[\w~][\w.~-]{0,250}\/(?:state|\d{16}\.log(?:\.gz)?)|run-times\/[\w~][\w.~-]{0,250})$/;

export const belongsInBackup = (path: string): boolean => TOP.has(path) || BELOW.test(path);

/** In this order nothing is missed while the bot writes: docs/operating.md, "Backup". */
export const TOP_FILES: readonly string[] = [...TOP];
