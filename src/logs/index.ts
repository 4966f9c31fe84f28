/**
 * The log engine: from a log source and a time range to ordered, complete text on disk.
 * Callers see this file only. How it works: docs/log-engine.md.
 */
import type { LogEngine } from '../ports/log-engine.ts';
import { Engine, type LogEngineOptions } from './engine.ts';
import { Library } from './library/library.ts';
import { PIECE_BYTES } from './library/piece.ts';
import { Shelf } from './library/shelf.ts';

export type {
  LogDownload,
  LogDownloader,
  LogDownloadRequest,
  LogEngine,
  LogForm,
  LogProgress,
} from '../ports/log-engine.ts';
export { plainText } from './plain-text.ts';
export type { LogEngineOptions };

/** What has been read of logs is kept for the next who asks: docs/log-engine.md. */
export interface LogLibraryOptions {
  /** Its own folder. Several processes may share it. */
  dir: string;
  /** Bytes that all kept logs may take; the least recently used go first. */
  disk: number;
  /** Milliseconds for which a log stays after it was last asked for. */
  keepFor: number;
  /** Something kept could not be used, or something read not be kept; the download goes on without. */
  onProblem: (error: unknown, context: { volume?: string }) => void;
  /** Bytes of text in a piece; smaller ones in tests. */
  pieceBytes?: number;
}

/**
 * @param options.library left out: nothing is kept
 * @example const engine = createLogEngine({ spoolDir: join(dataDir, 'spool') });
 * A download that fails for want of the service, or is aborted with an AppError as the signal's reason (shutdown),
 * leaves what it has read for an hour: the same request continues from there. Any other abort removes everything.
 */
export function createLogEngine(
  options: LogEngineOptions & { library?: LogLibraryOptions | undefined },
): LogEngine {
  const engine = new Engine(options);
  const { library } = options;
  if (!library) return engine;
  const { onProblem, pieceBytes = PIECE_BYTES } = library;
  const { folder, timing } = engine;
  const shelf = new Shelf({
    ...library,
    now: () => timing.now(),
    checkSpace: (bytes) => folder.checkSpace(bytes),
  });
  // What is kept must never be what a download has no room for.
  folder.makeRoom = (bytes) => shelf.makeRoom(bytes);
  return new Library({ engine, shelf, pieceBytes, onProblem });
}
