/** A service whose requests are counted, and engines with a library of their own or the same one. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  createLogEngine,
  type LogDownload,
  type LogDownloadRequest,
  type LogEngine,
} from '../../../src/logs/index.ts';
import type { LogPage, LogPageRequest } from '../../../src/ports/log-source.ts';
import { type Behaviour, PERFECT, SimulatedService, type SimulatedStream } from '../simulated-service.ts';

export const NOW = Date.UTC(2026, 10, 20, 12);
export const MINUTE = 60_000;

export class CountedService extends SimulatedService {
  readonly aheadMs = 0;
  /** Requests of pages, and of single events. */
  pages = 0;
  checks = 0;
  beforePage: ((request: LogPageRequest) => Promise<void> | void) | undefined;

  constructor(streams: readonly SimulatedStream[], behaviour: Partial<Behaviour> = {}) {
    super(streams, { ...PERFECT, paced: true, ...behaviour });
  }

  override async readPage(request: LogPageRequest, signal?: AbortSignal): Promise<LogPage> {
    if (request.limit === 1) this.checks += 1;
    else this.pages += 1;
    await this.beforePage?.(request);
    return super.readPage(request, signal);
  }
}

export interface Lab {
  dir: string;
  now: number;
  problems: string[];
  engine(more?: { disk?: number; keepFor?: number; pieceBytes?: number }): LogEngine;
  plainEngine(): LogEngine;
  /** Files of the library, with their sizes. */
  kept(): Promise<{ path: string; bytes: number }[]>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), 'log-library-'));
  const wait = async (ms: number): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    lab.now += ms;
  };
  const lab: Lab = {
    dir: join(dir, 'library'),
    now: NOW,
    problems: [],
    plainEngine: () =>
      createLogEngine({ spoolDir: join(dir, 'spool'), clock: { now: () => lab.now }, timing: { wait } }),
    engine: (more = {}) =>
      createLogEngine({
        spoolDir: join(dir, 'spool'),
        clock: { now: () => lab.now },
        timing: { wait },
        library: {
          ...{ dir: lab.dir, disk: 1e9, keepFor: 30 * 86_400_000, ...more },
          onProblem: (error) => lab.problems.push((error as Error).message),
        },
      }),
    kept: async () => {
      const names = await readdir(lab.dir, { recursive: true }).catch(() => [] as string[]);
      const files = await Promise.all(
        names.map(async (name) => ({ path: join(lab.dir, name), of: await stat(join(lab.dir, name)) })),
      );
      return files.filter(({ of }) => of.isFile()).map(({ path, of }) => ({ path, bytes: of.size }));
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
  return lab;
}

/** One event every `every` ms, the last one an hour before `NOW`. */
export function stream(name: string, count: number, every = 1000): SimulatedStream {
  return {
    name: `job/${name}`,
    events: Array.from({ length: count }, (_, i) => ({
      time: NOW - 60 * MINUTE - (count - 1 - i) * every,
      message: `${name} ${i}`,
    })),
  };
}

/** Of a job that ended an hour ago. */
export function whole(source: SimulatedService, more: Partial<LogDownloadRequest> = {}): LogDownloadRequest {
  return {
    ...{ source, to: NOW, form: 'lines', fileName: 'training-logs-job.log', gzipAbove: 0 },
    keep: { edition: '1', endedAt: NOW - 60 * MINUTE },
    ...more,
  };
}

/** The text of a download, which is disposed of. */
export async function textOf(download: Promise<LogDownload>): Promise<string> {
  const { files, dispose } = await download;
  const parts = await Promise.all(
    files.map(async ({ path, gzipped }) => (gzipped ? gunzipSync(await readFile(path)) : readFile(path))),
  );
  await dispose();
  return Buffer.concat(parts).toString();
}
