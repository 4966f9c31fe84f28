/** The manifest of a spool: whose it is, what it holds, and whether another download may continue from it. */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../ground/files.ts';
import { isAlive } from '../ground/processes.ts';
import type { EpochMs } from '../ground/time.ts';

/** How long another download may continue from the pages of an interrupted one. */
const RESUME_WITHIN_MS = 3_600_000;

export interface Manifest {
  version: 1;
  key: string;
  pid: number;
  /** Tells processes of the same pid apart: in a container the next one has the same. Earlier versions left it out. */
  process?: string;
  createdAt: EpochMs;
  touchedAt: EpochMs;
  bootedAt: EpochMs;
  /** `resumable`: its owner has stopped and left its pages. */
  state: 'active' | 'resumable';
  streams: string[];
  /** Streams whose pages came out of time order: no download continues from them. */
  distrusted: string[];
}

/** Tells this process from an earlier one of the same pid. */
const PROCESS = randomBytes(8).toString('hex');

const bootedAt = (now: EpochMs): EpochMs => now - uptime() * 1000;

export async function readManifest(dir: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8')) as Manifest;
    return manifest.version === 1 && Array.isArray(manifest.streams) ? manifest : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written whole and renamed, so that a reader never sees half of one. */
export async function writeManifest(
  dir: string,
  of: Pick<Manifest, 'key' | 'createdAt' | 'state' | 'streams' | 'distrusted'>,
  now: EpochMs,
): Promise<void> {
  const manifest: Manifest = {
    version: 1,
    ...of,
    pid: process.pid,
    process: PROCESS,
    touchedAt: now,
    bootedAt: bootedAt(now),
  };
  const path = join(dir, 'manifest.json');
  await writeFile(`${path}.new`, JSON.stringify(manifest));
  await rename(`${path}.new`, path);
}

/** Whether the process that owns the spool is still alive. */
export function isInUse(manifest: Manifest): boolean {
  if (manifest.state !== 'active') return false;
  return manifest.pid === process.pid ? manifest.process === PROCESS : isAlive(manifest.pid);
}

/** Whether its pages may be continued: written within the hour, and since the machine was started. */
export function isFresh(manifest: Manifest, now: EpochMs): boolean {
  const age = now - manifest.touchedAt;
  const sameBoot = Math.abs(manifest.bootedAt - bootedAt(now)) < 60_000;
  return sameBoot && age < RESUME_WITHIN_MS;
}
